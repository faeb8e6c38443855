"""The head of an HTTP response on its way to the client: what points at the upstream is made to point at the recorder.

Two fields only, and of them only what would lead a browser away: the origin in ``Location`` (RFC 9110 section 10.2.2)
and the ``Domain`` of a cookie (RFC 6265 section 5.2.3), which a browser refuses from another host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_OF_INTEREST = re.compile(rb"\nlocation[ \t]*:|\bdomain[ \t]*=", re.IGNORECASE)
_HOST = re.compile(rb"\nhost:[ \t]*([^ \t\r\n]+)", re.IGNORECASE)
_LOCATION = re.compile(rb"([ \t]*)(?:([A-Za-z][A-Za-z0-9+.-]*):)?//([^/?#\s]*)(.*)", re.DOTALL)
_AUTHORITY = re.compile(r"(?:\[([^\]]*)\]|([^:\[\]]+))(?::([0-9]{0,5}))?")
_DOMAIN = re.compile(rb";[ \t]*domain[ \t]*=([^;\r\n]*)", re.IGNORECASE)
_SECURE = {b"http": False, b"ws": False, b"https": True, b"wss": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRewriting:
    """What the recorder changes in a response head, so that a browser stays with the recorder."""

    host: str  # the upstream's, as in its URL
    port: int
    tls: bool  # whether the upstream speaks TLS
    own: str  # the recorder's authority, for a client that did not name it
    own_tls: bool = False  # whether the recorder speaks TLS to its clients

    def apply(self, request: bytes, response: bytes) -> bytes:
        """Return the head ``response`` as the client is to see it; ``request`` is the head that the client sent."""
        if _OF_INTEREST.search(response) is None:
            return response
        # A client may know the recorder by a name of its own; its Host is that name.
        host = _HOST.search(request)
        own = host[1] if host is not None else self.own.encode("iso-8859-1")
        first, *fields = response.split(b"\n")
        return b"\n".join([first, *(self._field(field, own) for field in fields)])

    def _field(self, line: bytes, own: bytes) -> bytes:
        name, colon, value = line.partition(b":")
        match name.strip().lower() if colon else b"":
            case b"location":
                return name + colon + self._location(value, own)
            case b"set-cookie":
                return name + colon + _DOMAIN.sub(self._domain, value)
            case _:
                return line

    def _location(self, value: bytes, own: bytes) -> bytes:
        match = _LOCATION.fullmatch(value)
        if match is None:
            return value
        space, scheme, authority, rest = match.groups()
        # Without a scheme (RFC 3986 section 4.2) it is that of the page, which the upstream takes for its own.
        secure = self.tls if scheme is None else _SECURE.get(scheme.lower())
        named = _AUTHORITY.fullmatch(authority.decode("iso-8859-1").lower())
        if named is None or secure is not self.tls:
            return value
        host, port = named[1] or named[2], int(named[3] or (443 if self.tls else 80))
        if (host, port) != (self.host.lower(), self.port):
            return value
        if scheme is None:
            return b"%b//%b%b" % (space, own, rest)
        plain = b"ws" if scheme.lower().startswith(b"ws") else b"http"
        return b"%b%b%b://%b%b" % (space, plain, b"s" if self.own_tls else b"", own, rest)

    def _domain(self, match: re.Match[bytes]) -> bytes:
        domain = match[1].decode("iso-8859-1").strip().lower().removeprefix(".")
        host = self.host.lower()
        # Without the attribute the cookie belongs to the host that sent it (RFC 6265 section 5.3): the recorder.
        return b"" if domain and (host == domain or host.endswith("." + domain)) else match[0]


def may_begin_response(data: bytes) -> bool:
    """Whether a response head can begin with these bytes."""
    return data[:7].upper() == b"HTTP/1."[: len(data)]
