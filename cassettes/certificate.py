"""A certificate with its private key, in PEM files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import FileError, UsageError

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate chain, its own first, and the key that belongs to it."""

    file: Path
    key: Path | None = None  # None: the key is in `file`

    @classmethod
    def parse(cls, text: str) -> Certificate:
        """Read ``FILE`` or ``FILE:KEY``, as curl does. A file whose name holds a colon is taken whole."""
        file, colon, key = text.rpartition(":")
        if not colon or not file or Path(text).exists():
            return cls(file=Path(text))
        return cls(file=Path(file), key=Path(key))

    def load(self, context: ssl.SSLContext, flag: str) -> None:
        """Have ``context`` present it. Raises FileError and UsageError, which name ``flag``."""
        import ssl

        for path in (self.file, self.key or self.file):
            try:
                path.open("rb").close()
            except OSError as exc:
                raise FileError.from_os_error(path, exc) from exc
        try:
            # OpenSSL would ask for a passphrase on the terminal.
            context.load_cert_chain(self.file, self.key, password=lambda: " ")
        except ssl.SSLError as exc:
            given = f"{self.file} and {self.key}" if self.key else str(self.file)
            raise UsageError(
                f"{flag}: {given} hold no certificate with its key ({_problem(exc)}); "
                "give PEM files that belong together, the key without a passphrase"
            ) from exc


def _problem(error: ssl.SSLError) -> str:
    return (error.reason or error.args[-1]).lower().replace("_", " ")
