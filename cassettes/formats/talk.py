"""What another tool's file says, before it becomes records: requests, answers and messages on the wall clock.

The readers of the formats make `Exchange` values; `Talk.session` puts those of one origin on a cassette's clock.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from urllib.parse import quote, urlsplit

from ..model import (
    Closed,
    Connection,
    Direction,
    Ending,
    Handshake,
    Header,
    Headers,
    HttpExchange,
    Kind,
    Message,
    Note,
    Session,
    header,
)
from ..record import MAX_BODY, MAX_PAYLOAD

_SCHEMES = {"http": "http", "ws": "http", "https": "https", "wss": "https"}
_LATEST_S = 253_402_300_799.0  # the end of the year 9999, the last that datetime knows
_LONGEST_S = 4e9  # of a session; its nanoseconds fit into 63 bits
_NOT_IN_TARGETS = re.compile(r"[^\x21-\x7e]+")


class OriginError(Exception):
    """Nothing in the file went to the origin that was asked for; the message names some that it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One message as another tool noted it. ``at_s`` in seconds since 1970 (UTC), None where it was not noted."""

    direction: Direction
    kind: Kind
    payload: bytes
    at_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """What passed after a handshake, and how it ended; ``ending`` is None where the file does not tell."""

    messages: tuple[Said, ...]
    ending: Ending | None = None
    by: Direction | None = None
    ended_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer; ``socket`` is set when it was a WebSocket handshake. Bodies are decoded."""

    url: str
    method: str
    request_headers: Headers
    request_body: bytes = b""
    status: int  # 0: never answered
    reason: str
    response_headers: Headers
    response_body: bytes = b""
    at_s: float | None  # seconds since 1970 (UTC)
    took_s: float = 0.0
    socket: Socket | None = None
    notes: tuple[str, ...] = ()  # what the file says about it that is none of the above

    @property
    def origin(self) -> str:
        """``http://HOST:PORT`` or ``https://HOST:PORT``, for WebSockets too; empty for a URL of another kind."""
        return origin_of(self.url)

    @property
    def resource(self) -> str:
        """Path and query, as they stand in a request line: what has no place there is percent-encoded."""
        _, _, rest = self.url.partition("://")
        path = rest[min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest)) :].partition("#")[0]
        path = _NOT_IN_TARGETS.sub(lambda found: quote(found[0]), path)
        return path if path.startswith("/") else f"/{path}"


@dataclass(slots=True)
class Talk:
    """All that a file says, in the order of the file, and a count of what a cassette has no place for."""

    producer: str  # "HAR by WebInspector 537.36"
    exchanges: list[Exchange] = field(default_factory=list[Exchange])
    left_out: Counter[str] = field(default_factory=Counter[str])
    complete: bool = True

    def session(self, origin: str | None = None) -> Session:
        """Return the part of one origin as a session: by default the origin of most messages, or of most requests.

        A cassette has one target, so what went elsewhere is counted as left out. Raises OriginError when nothing
        went to the origin.
        """
        chosen = _busiest(self.exchanges) if origin is None else origin_of(origin)
        mine = [one for one in self.exchanges if one.origin == chosen]
        if not mine:
            there = ", ".join(sorted({one.origin for one in self.exchanges if one.origin})[:5]) or "no origin at all"
            raise OriginError(f"nothing in it went to {origin or 'any origin'}; it has {there}")
        for one in self.exchanges:
            if one.origin != chosen:
                noun = "connection" if one.socket is not None else "HTTP exchange"
                self.left_out[f"{noun} with {one.origin or 'what is no web address'}"] += 1
        clock = _Clock(mine)
        ordered = sorted(mine, key=clock.start_ns)
        sockets = [one for one in ordered if one.socket is not None]
        exchanges = [one for one in ordered if one.socket is None]
        target = _target((sockets or exchanges)[0])
        return Session(
            header=Header(
                target=target,
                created=clock.created,
                wstape=version("wstape"),
                notes={"imported": self.producer},
            ),
            connections=tuple(self._connection(number, one, clock) for number, one in enumerate(sockets, 1)),
            exchanges=tuple(self._exchange(number, one, clock) for number, one in enumerate(exchanges, 1)),
            notes=tuple(_notes(sockets, exchanges, clock)),
            complete=self.complete,
        )

    def _exchange(self, number: int, one: Exchange, clock: _Clock) -> HttpExchange:
        return HttpExchange(
            number=number,
            method=one.method,
            target=one.resource,
            request_headers=_on_the_wire(one.request_headers),
            request_body=self._body(one.request_body),
            status=one.status,
            reason=one.reason,
            response_headers=_on_the_wire(one.response_headers),
            response_body=self._body(one.response_body),
            at_ns=clock.start_ns(one),
            took_ns=_nanoseconds(one.took_s),
        )

    def _connection(self, number: int, one: Exchange, clock: _Clock) -> Connection:
        assert one.socket is not None
        opened_ns = clock.start_ns(one)
        messages: list[Message] = []
        last_ns = opened_ns
        for said in one.socket.messages:
            # Tools note a message when they get to it; within a connection the file's own order is the true one.
            last_ns = max(last_ns, clock.ns(said.at_s, last_ns))
            messages.append(
                Message(
                    connection=number,
                    direction=said.direction,
                    kind=said.kind,
                    payload=said.payload[:MAX_PAYLOAD],
                    at_ns=last_ns,
                    full_size=len(said.payload) if len(said.payload) > MAX_PAYLOAD else None,
                )
            )
        ending = one.socket.ending
        if one.status != 101:
            ending = Ending.REFUSED if one.status else Ending.FAILED
            last_ns += _nanoseconds(one.took_s)
        closed = None
        if ending is not None:
            at_ns = max(last_ns, clock.ns(one.socket.ended_s, last_ns))
            closed = Closed(connection=number, ending=ending, by=one.socket.by, at_ns=at_ns)
        return Connection(
            number=number,
            handshake=Handshake(
                target=one.resource,
                request_headers=_on_the_wire(one.request_headers),
                status=one.status,
                reason=one.reason,
                response_headers=_on_the_wire(one.response_headers),
                response_body=self._body(one.response_body),
            ),
            opened_ns=opened_ns,
            messages=tuple(messages),
            closed=closed,
        )

    def _body(self, body: bytes) -> bytes:
        if len(body) > MAX_BODY:
            self.left_out[f"rest of a body after its first {MAX_BODY} bytes"] += 1
        return body[:MAX_BODY]


class _Clock:
    """Nanoseconds since the second in which the earliest time lies, which is what a header tells.

    So no time of day is lost. Times are kept to the microsecond, as a float holds them.
    """

    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        times: list[float] = []
        for one in exchanges:
            moments = (said.at_s for said in one.socket.messages) if one.socket is not None else ()
            times.extend(at_s for at_s in (one.at_s, *moments) if at_s is not None and 0 <= at_s <= _LATEST_S)
        self._zero_s = math.floor(min(times, default=0.0))

    @property
    def created(self) -> str:
        """When the session began, UTC, to the second."""
        return datetime.fromtimestamp(self._zero_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def ns(self, at_s: float | None, unknown_ns: int) -> int:
        if at_s is None or not 0 <= at_s <= _LATEST_S:
            return unknown_ns
        return _nanoseconds(at_s - self._zero_s)

    def start_ns(self, one: Exchange) -> int:
        return self.ns(one.at_s, 0)


def _nanoseconds(seconds: float) -> int:
    # Not a number and negative durations stand in real files for "not known".
    return round(min(seconds, _LONGEST_S) * 1e6) * 1000 if seconds > 0 else 0


def _notes(sockets: list[Exchange], exchanges: list[Exchange], clock: _Clock) -> Iterable[Note]:
    for number, one in enumerate(sockets, 1):
        for text in one.notes:
            yield Note(text=text, at_ns=clock.start_ns(one), connection=number)
    for number, one in enumerate(exchanges, 1):
        for text in one.notes:
            yield Note(text=f"HTTP exchange {number}: {text}", at_ns=clock.start_ns(one))


def _busiest(exchanges: list[Exchange]) -> str:
    weights: Counter[str] = Counter()
    for one in exchanges:
        if one.origin:
            weights[one.origin] += 1 + (1000 * (1 + len(one.socket.messages)) if one.socket is not None else 0)
    return weights.most_common(1)[0][0] if weights else ""


def origin_of(url: str) -> str:
    """Return ``http://HOST:PORT`` for http and ws, ``https://HOST:PORT`` for https and wss, empty for all else."""
    try:
        parts = urlsplit(url)
        scheme = _SCHEMES.get(parts.scheme.lower())
        port = parts.port or (443 if scheme == "https" else 80)
    except ValueError:
        return ""
    if scheme is None or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{scheme}://{host}:{port}"


def _target(one: Exchange) -> str:
    """The URL without credentials, query and fragment: a query may be a secret, and it stands in the handshake."""
    parts = urlsplit(one.url)
    scheme = parts.scheme.lower()
    if one.socket is not None:
        scheme = scheme.replace("http", "ws")  # mitmproxy calls it http
    return parts._replace(scheme=scheme, netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _on_the_wire(headers: Headers) -> Headers:
    """Fields whose UTF-8 a tool has decoded, as ISO-8859-1 again, as in `Headers`."""
    return tuple((_latin(name), _latin(value)) for name, value in headers)


def _latin(text: str) -> str:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8").decode("latin-1")
    return text


def with_host(headers: Headers, url: str) -> Headers:
    """Return the fields of a request as HTTP/1.1 writes them: no HTTP/2 pseudo-fields, a ``Host`` in front."""
    fields = tuple(pair for pair in headers if not pair[0].startswith(":"))
    if header(fields, "host") is not None:
        return fields
    authority = header(headers, ":authority") or urlsplit(url).netloc.rpartition("@")[2]
    return (("Host", authority), *fields)
