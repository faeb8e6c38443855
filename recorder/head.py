"""The head of an HTTP request: read from its bytes, and rewritten line by line.

Nothing but the named fields changes: order, spelling, case, line ends and everything not understood stay as
they were sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..cassettes import Headers, header
from .response import ResponseRewriting

HEAD_LIMIT = 256 * 1024  # bytes; common servers refuse heads of more than 8 to 64 KiB

HEAD_END = re.compile(rb"\r?\n\r?\n")

_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^ ]+) (HTTP/[0-9]\.[0-9])")
_METHOD_START = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?: |\Z)")
_ORIGIN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)


class HeadError(ValueError):
    """Bytes that are not the head of an HTTP/1 request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """A request line and its header fields."""

    method: str
    target: str  # path and query
    version: str  # "HTTP/1.1"
    headers: Headers

    @classmethod
    def parse(cls, raw: bytes) -> RequestHead:
        """Read a whole head, blank line included. Raises HeadError."""
        first, *lines = _lines(raw)
        match = _REQUEST_LINE.fullmatch(first)
        if match is None:
            raise HeadError("the request line is not HTTP/1")
        fields: list[tuple[str, str]] = []
        for line in lines:
            if not line:
                break
            if line[0] in " \t" and fields:
                # RFC 9112 section 5.2: a folded line is read as if its fold were spaces.
                name, value = fields[-1]
                fields[-1] = (name, f"{value} {line.strip()}".strip())
                continue
            name, colon, value = line.partition(":")
            if not colon:
                raise HeadError("a header line has no colon")
            fields.append((name, value.strip(" \t")))
        method, target, version = match.groups()
        return cls(method=method, target=target, version=version, headers=tuple(fields))

    @property
    def upgrades(self) -> bool:
        """Whether this asks for a WebSocket (RFC 6455 section 4.1)."""
        return (
            self.method == "GET"
            and "websocket" in tokens(self.headers, "upgrade")
            and "upgrade" in tokens(self.headers, "connection")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting:
    """What the recorder changes in a request head on its way to the upstream, and in the response's on its way back."""

    authority: str  # the upstream's
    origin: str  # the upstream's
    resource: str = ""  # what a WebSocket client that dials "/" gets, "" for "/" itself
    own: frozenset[str] = frozenset()  # authorities that name the recorder, lower case
    preserve_host: bool = False
    extensions: bool = True  # False: WebSocket extensions are not asked for
    response: ResponseRewriting | None = None  # None: responses pass as they are

    def apply(self, raw: bytes) -> bytes:
        """Return the head as the upstream is to see it. Raises HeadError when ``raw`` is not a head."""
        head = RequestHead.parse(raw)
        lines = raw.split(b"\n")
        if self.resource and head.upgrades:
            lines[0] = self._request_line(lines[0], head)
        if not self.extensions:
            lines = [line for line in lines if line.partition(b":")[0].lower() != b"sec-websocket-extensions"]
        if not self.preserve_host:
            # A client may know the recorder by a name of its own; its Host is that name.
            own = self.own | {(header(head.headers, "host") or "").lower()}
            lines[1:] = [self._field(line, own) for line in lines[1:]]
        return b"\n".join(lines)

    def _request_line(self, line: bytes, head: RequestHead) -> bytes:
        path, mark, query = head.target.partition("?")
        if path != "/":
            return line
        own_query = f"{self.resource.partition('?')[0]}?{query}" if mark else self.resource
        return line.replace(head.target.encode("iso-8859-1"), own_query.encode("utf-8"), 1)

    def _field(self, line: bytes, own: frozenset[str]) -> bytes:
        name, colon, value = line.partition(b":")
        match name.lower() if colon else b"":
            case b"host":
                new = self.authority
            case b"origin" | b"referer":
                match = _ORIGIN.fullmatch(value.strip().decode("iso-8859-1"))
                if match is None or match[2].lower() not in own:
                    return line
                new = self.origin + match[3]
            case _:
                return line
        space = value[: len(value) - len(value.lstrip(b" \t"))]
        end = b"\r" if line.endswith(b"\r") else b""
        return name + colon + space + new.encode("iso-8859-1") + end


def may_begin_request(data: bytes) -> bool:
    """Whether a request head can begin with these bytes: a method, perhaps cut short."""
    return _METHOD_START.match(data[:64]) is not None


def tokens(headers: Headers, name: str) -> set[str]:
    """The members of a comma-separated field in all its lines, lower case (RFC 9110 section 5.6.1)."""
    wanted = name.lower()
    return {token.strip().lower() for key, value in headers if key.lower() == wanted for token in value.split(",")}


def _lines(raw: bytes) -> list[str]:
    return [line.removesuffix("\r") for line in raw.decode("iso-8859-1").split("\n")]
