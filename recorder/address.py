"""The address that the recorder listens on."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from ..cassettes import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A host and a TCP port. Port 0 asks for any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``HOST:PORT``, ``[IPV6]:PORT`` or a port alone, which means loopback. Raises UsageError."""
        host, _, port = text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        if not port.isascii() or not port.isdigit() or int(port) > 65535 or (":" in host and not bracketed):
            raise UsageError(f"--listen {text!r} is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:0")
        return cls(host=(host[1:-1] if bracketed else host) or "127.0.0.1", port=int(port))

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.partition("%")[0]).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
