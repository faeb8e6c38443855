"""What a recording is made of: immutable records on one clock.

A cassette is a sequence of records: one `Header`, then `HttpExchange`, `Opened`, `Message`, `Closed` and `Note` in
the order in which they happened, and one `End` when the recording was finished. `Session` is the same
gathered by connection, for a recording that fits in memory.

All times are nanoseconds since the session began, from a monotonic clock. Connections are numbered from 1
in the order in which they were opened. Payloads are always ``bytes``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

Headers = tuple[tuple[str, str], ...]
"""Header fields in the order and spelling of the wire; values decoded as ISO-8859-1 (RFC 9110 section 5.5)."""


class Direction(StrEnum):
    """Who sent it."""

    CLIENT = "client"
    SERVER = "server"


class Kind(StrEnum):
    """What a message is (RFC 6455 sections 5.5 and 5.6); fragments are joined into TEXT or BINARY."""

    TEXT = "text"
    BINARY = "binary"
    PING = "ping"
    PONG = "pong"
    CLOSE = "close"


class Ending(StrEnum):
    """How a connection's transport ended."""

    CLEAN = "clean"  # both ends sent a Close frame (RFC 6455 section 7.1.4)
    EOF = "eof"  # the transport was shut without the closing handshake
    RESET = "reset"  # the transport was reset (TCP RST)
    REFUSED = "refused"  # the handshake was answered, but not with 101
    FAILED = "failed"  # the upstream could not be reached or never answered the handshake
    CUT = "cut"  # still open when the recording ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a reviewer asks of a recording. Always the first record."""

    target: str  # the URL that was recorded, credentials redacted
    created: str  # UTC, ISO 8601 to the second, "2026-01-31T12:00:00Z"
    wstape: str  # version of the recorder
    redaction: tuple[str, ...] = ()  # names of the rule sets in force; empty means redaction was off
    notes: Mapping[str, str] = field(default_factory=dict[str, str])  # --note KEY=VALUE


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpExchange:
    """One plain HTTP request as the server got it and its response as the server sent it.

    Bodies are decoded of transfer and content encodings.
    """

    number: int  # from 1, in the order of the requests
    method: str
    target: str  # request target as sent, path and query
    request_headers: Headers
    request_body: bytes
    status: int  # 0: the upstream never answered
    reason: str
    response_headers: Headers
    response_body: bytes
    at_ns: int  # first byte of the request
    took_ns: int  # to the last byte of the response


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """A WebSocket opening handshake: the request as the server got it and the response as the server sent it."""

    target: str  # request target as sent, path and query
    request_headers: Headers
    status: int  # 101 when the connection opened; 0: never answered
    reason: str
    response_headers: Headers
    response_body: bytes = b""  # of a refusal

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server selected (RFC 6455 section 1.9)."""
        return header(self.response_headers, "sec-websocket-protocol")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A connection's handshake has been answered."""

    connection: int
    handshake: Handshake
    at_ns: int  # first byte of the request


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One whole WebSocket message or control frame."""

    connection: int
    direction: Direction
    kind: Kind
    payload: bytes  # unmasked, inflated, fragments joined
    at_ns: int  # when its last byte passed
    full_size: int | None = None  # bytes of the whole payload, when only its head was stored

    @property
    def text(self) -> str:
        """The payload of a TEXT message; bytes that are not UTF-8 read as U+FFFD. Raises ValueError on other kinds."""
        if self.kind is not Kind.TEXT:
            raise ValueError(f"a {self.kind} message has no text")
        return self.payload.decode("utf-8", "replace")

    @property
    def close_code(self) -> int:
        """The code of a CLOSE message, 1005 when its body is empty (RFC 6455 section 7.1.5)."""
        if self.kind is not Kind.CLOSE:
            raise ValueError(f"a {self.kind} message has no close code")
        return int.from_bytes(self.payload[:2], "big") if len(self.payload) >= 2 else 1005

    @property
    def close_reason(self) -> str:
        """The reason of a CLOSE message, empty when there is none."""
        return self.payload[2:].decode("utf-8", "replace") if self.kind is Kind.CLOSE else ""


@dataclass(slots=True)
class _Draft:
    """A `Message` that is being made: the same slots, not frozen."""

    connection: int
    direction: Direction
    kind: Kind
    payload: bytes
    at_ns: int
    full_size: int | None = None


def make_message(connection: int, direction: Direction, kind: Kind, payload: bytes, at_ns: int) -> Message:
    """Make a message in a sixth of the time that `Message` itself takes, for those who make them by the million.

    A frozen dataclass fills each slot through ``object.__setattr__``; here an equal one that is not frozen is
    filled and then becomes a `Message`, which Python allows because both have the same slots.
    """
    draft = _Draft(connection, direction, kind, payload, at_ns)
    draft.__class__ = Message  # pyright: ignore[reportAttributeAccessIssue]  # see above
    return cast("Message", draft)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A connection's transport is gone. The Close frames themselves are messages of kind CLOSE."""

    connection: int
    ending: Ending
    by: Direction | None  # who ended the transport first, where it is known
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that the recorder must tell: a tap that lost its place, a message stored in part."""

    text: str
    at_ns: int
    connection: int | None = None
    lost: bool = False  # True: the recording misses something because of it


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The recording was finished in good order. Always the last record; its counts let a reader check."""

    connections: int
    messages: int
    exchanges: int
    at_ns: int
    repaired: bool = False  # made by ``wstape repair``: what came before may miss its tail


Record = Header | HttpExchange | Opened | Message | Closed | Note | End


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One WebSocket connection, gathered."""

    number: int
    handshake: Handshake
    opened_ns: int
    messages: tuple[Message, ...] = ()
    closed: Closed | None = None  # None: the recording ends first


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One recording run, gathered. ``complete`` is False when the cassette lacks its end or a part."""

    header: Header
    connections: tuple[Connection, ...] = ()
    exchanges: tuple[HttpExchange, ...] = ()
    notes: tuple[Note, ...] = ()
    complete: bool = True

    @classmethod
    def gather(cls, records: Iterable[Record], *, complete: bool | None = None) -> Session:
        """Gather records into a session.

        ``complete`` defaults to whether an `End` was among them. Raises ValueError when the first record is
        not a `Header` or a record speaks of a connection that was never opened.
        """
        iterator = iter(records)
        first = next(iterator, None)
        if not isinstance(first, Header):
            raise ValueError("the first record is not a header")
        opened: dict[int, Opened] = {}
        messages: dict[int, list[Message]] = {}
        closed: dict[int, Closed] = {}
        exchanges: list[HttpExchange] = []
        notes: list[Note] = []
        ended = False
        for record in iterator:
            match record:
                case Message():
                    if record.connection not in opened:
                        raise ValueError(f"a message of connection {record.connection}, which was never opened")
                    messages[record.connection].append(record)
                case Opened():
                    opened[record.connection] = record
                    messages[record.connection] = []
                case Closed():
                    if record.connection not in opened:
                        raise ValueError(f"the end of connection {record.connection}, which was never opened")
                    closed[record.connection] = record
                case HttpExchange():
                    exchanges.append(record)
                case Note():
                    notes.append(record)
                case End():
                    ended = True
                case Header():
                    raise ValueError("a second header")
        connections = tuple(
            Connection(
                number=number,
                handshake=record.handshake,
                opened_ns=record.at_ns,
                messages=tuple(messages[number]),
                closed=closed.get(number),
            )
            for number, record in opened.items()
        )
        return cls(
            header=first,
            connections=connections,
            exchanges=tuple(exchanges),
            notes=tuple(notes),
            complete=ended if complete is None else complete,
        )

    def records(self) -> list[Record]:
        """The session as records in the order in which they happened, with a header and, if complete, an end."""
        timed: list[tuple[int, Record]] = []
        for connection in self.connections:
            timed.append(
                (
                    connection.opened_ns,
                    Opened(
                        connection=connection.number,
                        handshake=connection.handshake,
                        at_ns=connection.opened_ns,
                    ),
                )
            )
            timed.extend((message.at_ns, message) for message in connection.messages)
            if connection.closed is not None:
                timed.append((connection.closed.at_ns, connection.closed))
        timed.extend((exchange.at_ns + exchange.took_ns, exchange) for exchange in self.exchanges)
        timed.extend((note.at_ns, note) for note in self.notes)
        timed.sort(key=lambda pair: pair[0])  # stable: a connection's own order survives equal times
        records: list[Record] = [self.header, *(record for _, record in timed)]
        if self.complete:
            records.append(
                End(
                    connections=len(self.connections),
                    messages=sum(len(connection.messages) for connection in self.connections),
                    exchanges=len(self.exchanges),
                    at_ns=timed[-1][0] if timed else 0,
                )
            )
        return records


def header(headers: Headers, name: str) -> str | None:
    """Return the first value of a header field, compared without case, or None."""
    wanted = name.lower()
    for key, value in headers:
        if key.lower() == wanted:
            return value
    return None
