"""The service that is recorded, or the build that is replayed against: an origin named by a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from .certificate import Certificate
from .errors import FileError, UsageError

if TYPE_CHECKING:
    import ssl

DEFAULT_PORTS = {"ws": 80, "http": 80, "wss": 443, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An upstream origin. ``ws`` and ``http`` name the same one, as ``wss`` and ``https`` do."""

    url: str  # as the user gave it
    tls: bool
    host: str  # for the socket: no brackets, IDNA-encoded
    port: int
    resource: str  # path and query, "" when TARGET has neither

    @classmethod
    def parse(cls, url: str) -> Target:
        """Read a URL. Raises UsageError with the reason for one that cannot be used."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as exc:
            raise UsageError(f"TARGET {url!r} is not a URL: {exc}") from exc
        scheme = parts.scheme.lower()
        if scheme not in DEFAULT_PORTS:
            raise UsageError(f"TARGET {url!r} must begin with ws://, wss://, http:// or https://")
        if "@" in parts.netloc:
            shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
            raise UsageError(f"TARGET {shown} must not carry credentials; the client sends its own")
        if not parts.hostname or port == 0:
            raise UsageError(f"TARGET {url!r} names no host and port to connect to")
        if re.search(r"[\x00-\x20\x7f]", url):
            raise UsageError(f"TARGET {url!r} holds a space or a control character")
        return cls(
            url=url,
            tls=scheme in ("wss", "https"),
            host=_ascii_host(parts, url),
            port=port or DEFAULT_PORTS[scheme],
            resource=_resource(parts),
        )

    @property
    def authority(self) -> str:
        """The value of ``Host``: the port is left out when it is the scheme's own (RFC 9110 section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """What a browser on the upstream's own pages sends as ``Origin`` (RFC 6454 section 6.2)."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    def tls_context(
        self, *, ca: Path | None = None, insecure: bool = False, client: Certificate | None = None
    ) -> ssl.SSLContext | None:
        """How to speak TLS with this origin; None for a plain one.

        ``ca`` is a PEM file, trusted beside the system's store; ``insecure`` trusts any certificate; ``client`` is
        shown to an origin that asks for one. Raises FileError and UsageError for bad files.
        """
        if not self.tls:
            return None
        import ssl

        context = ssl.create_default_context()
        # We speak HTTP/1.1, so nothing else must be agreed on.
        context.set_alpn_protocols(["http/1.1"])
        if ca is not None:
            try:
                context.load_verify_locations(cafile=ca)
            except ssl.SSLError as exc:
                raise UsageError(f"--ca {ca} holds no PEM certificate; name a PEM file") from exc
            except OSError as exc:
                raise FileError.from_os_error(ca, exc) from exc
        if client is not None:
            client.load(context, "--client-cert")
        if insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _ascii_host(parts: SplitResult, url: str) -> str:
    host = parts.hostname or ""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise UsageError(f"TARGET {url!r} has a host name that cannot be looked up: {exc}") from exc


def _resource(parts: SplitResult) -> str:
    path = "" if parts.path == "/" else parts.path
    if parts.query:
        return f"{path or '/'}?{parts.query}"
    return path
