"""Whether a new contract still serves the clients of an old one."""
