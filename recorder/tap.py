"""The reading of one client connection: HTTP exchanges, then perhaps a WebSocket; no socket, no clock.

The tap stands between client and server. It reads a copy of what passes and makes the records of it; the only
bytes that it changes are in request heads (`Rewriting`). What it cannot read it lets pass, says so in a
`Note`, and reads no further.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from ..cassettes import Closed, Direction, Ending, Kind, Message, Note, Opened, Record, make_message
from .deflate import Deflate
from .exchange import Exchange, ExchangeError
from .frame import MESSAGE_LIMIT, FrameError, FrameReader, Run
from .head import HEAD_END, HEAD_LIMIT, HeadError, RequestHead, Rewriting, may_begin_request
from .selection import Numbers


@dataclass(slots=True)
class Burst:
    """Messages of one kind that one end sent and that were read together: cheaper to carry than one by one."""

    connection: int
    direction: Direction
    kind: Kind
    payloads: list[bytes]
    at_ns: int

    def messages(self) -> Iterator[Message]:
        """The messages, one by one."""
        for payload in self.payloads:
            yield make_message(self.connection, self.direction, self.kind, payload, self.at_ns)


class Tap:
    """Reads one client connection.

    Until `unchanged` turns True, what the client sent is passed on as `data_to_server` gives it, because request
    heads are rewritten and because what follows an upgrade request waits for the answer, and what the server sent as
    `data_to_client` gives it, because response heads are rewritten as well. From then on the bytes of both
    directions pass as they are, and may be sent on before the tap sees them.
    """

    __slots__ = (
        "_apart",
        "_asking",
        "_awaiting",
        "_client",
        "_closed_by",
        "_early",
        "_head",
        "_head_at_ns",
        "_held",
        "_limit",
        "_numbers",
        "_records",
        "_rewriting",
        "_server",
        "_to_client",
        "_to_server",
        "_told",
        "connection",
        "unchanged",
        "upgraded",
    )

    def __init__(
        self,
        rewriting: Rewriting | None = None,
        numbers: Numbers | None = None,
        *,
        limit: int = MESSAGE_LIMIT,
        apart: bool = False,
    ) -> None:
        """``limit`` bounds the bytes of one message that is recorded.

        With ``apart``, frames that came together with a handshake are neither read nor given to be sent: `early` has
        them.
        """
        self.unchanged = False
        self.upgraded: str | None = None  # what a WebSocket was asked for with, once it is open
        self._apart = apart
        self._early: dict[Direction, bytes] = {}
        self.connection: int | None = None  # number of the WebSocket, once it is open
        self._rewriting = rewriting
        self._numbers = numbers or Numbers()
        self._limit = limit
        self._records: list[Record | Burst] = []
        self._to_server: list[bytes] = []
        self._to_client: list[bytes] = []
        self._head: bytearray = bytearray()
        self._head_at_ns = 0
        self._asking: Exchange | None = None  # whose request body is arriving
        self._awaiting: deque[Exchange] = deque()  # answers come in the order of the requests
        self._told: Exchange | None = None  # by `handshake_begun`
        self._held = bytearray()
        self._client: FrameReader | None = None
        self._server: FrameReader | None = None
        self._closed_by: set[Direction] = set()  # who has sent a Close frame

    def receive_data(self, direction: Direction, data: bytes, at_ns: int) -> None:
        """Read what ``direction`` sent. Never raises."""
        reader = self._client if direction is Direction.CLIENT else self._server
        try:
            if reader is not None:
                self._read_frames(reader, direction, data, at_ns)
            elif not self.unchanged:
                if direction is Direction.CLIENT:
                    self._read_requests(data, at_ns)
                else:
                    self._read_responses(data, at_ns)
        except (ExchangeError, HeadError) as exc:
            self._lose(direction, str(exc), at_ns)
        except Exception as exc:  # noqa: BLE001  # a bug in a decoder must cost the recording and not the traffic
            fault = f"something that the recorder cannot read, by its own fault ({type(exc).__name__})"
            self._lose(direction, fault, at_ns)

    def receive_eof(self, direction: Direction, at_ns: int) -> None:
        """Take note that ``direction`` sends no more."""
        # RFC 9112 section 6.3: the body of a response without a length ends with the connection.
        if direction is Direction.SERVER and not self.unchanged and self._awaiting:
            exchange = self._awaiting[0]
            self._to_client.append(exchange.release())
            if exchange.status:
                try:
                    exchange.receive_response(b"", self._to_client)
                except ExchangeError:
                    return  # cut short: `connection_lost` records it as far as it went
                if exchange.answered:
                    self._awaiting.popleft()
                    self._answered(exchange, at_ns)

    def connection_lost(self, at_ns: int, *, by: Direction | None = None, ending: Ending = Ending.EOF) -> None:
        """Close the books: both transports are gone, or the recording ends (``ending`` CUT).

        ``by`` is who ended the transport first; ``ending`` how, where no closing handshake was seen.
        """
        while self._awaiting:
            exchange = self._awaiting.popleft()
            if exchange.upgrade:
                connection = self._numbers.connection(exchange.head.target)
                if connection is None:
                    continue
                self._records.append(
                    Opened(connection=connection, handshake=exchange.handshake(), at_ns=exchange.at_ns)
                )
                refused = ending is not Ending.CUT and exchange.status
                cause = Ending.REFUSED if refused else Ending.FAILED if ending is not Ending.CUT else Ending.CUT
                self._records.append(Closed(connection=connection, ending=cause, by=by, at_ns=at_ns))
            elif exchange.number is not None:
                self._answered(exchange, at_ns)
                if exchange.status:
                    text = f"the response to HTTP exchange {exchange.number} was cut short"
                    self._records.append(Note(text=text, at_ns=at_ns))
        if self.connection is None:
            return
        for direction, reader in ((Direction.CLIENT, self._client), (Direction.SERVER, self._server)):
            if reader is not None and reader.partial and ending is not Ending.CUT:
                text = f"the last message of the {direction} was cut short"
                self._records.append(Note(text=text, at_ns=at_ns, connection=self.connection))
        if len(self._closed_by) == 2:
            ending = Ending.CLEAN
        self._records.append(Closed(connection=self.connection, ending=ending, by=by, at_ns=at_ns))
        self.connection = None

    def received(self) -> list[Record | Burst]:
        """What was made since the last call, messages in bursts."""
        received = self._records
        if received:
            self._records = []
        return received

    def records_received(self) -> list[Record]:
        """What was made since the last call, a record a message."""
        records: list[Record] = []
        for record in self.received():
            if isinstance(record, Burst):
                records.extend(record.messages())
            else:
                records.append(record)
        return records

    def data_to_server(self) -> bytes:
        """What is to be sent to the server since the last call; empty once `unchanged`, after what was held."""
        if not self._to_server:
            return b""
        data = b"".join(self._to_server)
        self._to_server.clear()
        return data

    def data_to_client(self) -> bytes:
        """What is to be sent to the client since the last call; empty once `unchanged`, after what was held."""
        if not self._to_client:
            return b""
        data = b"".join(self._to_client)
        self._to_client.clear()
        return data

    def early(self, direction: Direction) -> bytes:
        """The frames of ``direction`` that were kept apart; a second call gives none."""
        return self._early.pop(direction, b"")

    def handshake_begun(self) -> str | None:
        """The target of a handshake that has been read and that nobody has answered; for each, only once.

        None as well while an answer to an earlier request is awaited.
        """
        if len(self._awaiting) != 1 or not self._awaiting[0].upgrade or self._awaiting[0] is self._told:
            return None
        self._told = self._awaiting[0]
        return self._told.head.target

    @property
    def held(self) -> int:
        """Bytes of the client that wait for the answer to its upgrade request."""
        return len(self._held)

    @property
    def awaited(self) -> bool:
        """Whether a request has been read whose answer is not complete."""
        return bool(self._awaiting)

    def _read_frames(self, reader: FrameReader, direction: Direction, data: bytes, at_ns: int) -> None:
        connection = self.connection
        if connection is None:
            return
        runs: list[Run] = []
        problem: str | None = None
        try:
            reader.receive_data(data, runs)
        except FrameError as exc:
            problem = str(exc)
        for kind, payloads in runs:
            if kind is Kind.TEXT and not all(map(bytes.isascii, payloads)):
                self._append_checked(connection, direction, payloads, at_ns)
                continue
            self._records.append(Burst(connection, direction, kind, payloads, at_ns))
            if kind is Kind.CLOSE:
                self._closed_by.add(direction)
        if problem is not None:
            text = f"the {direction} sent {problem}; its messages from here on are not recorded"
            self._records.append(Note(text=text, at_ns=at_ns, connection=connection, lost=True))

    def _append_checked(self, connection: int, direction: Direction, payloads: list[bytes], at_ns: int) -> None:
        """Append text messages, with a note behind each one that is not UTF-8."""
        begun: list[bytes] = []
        for payload in payloads:
            begun.append(payload)
            if not _is_utf8(payload):
                self._records.append(Burst(connection, direction, Kind.TEXT, begun, at_ns))
                text = f"a text message of the {direction} is not UTF-8"
                self._records.append(Note(text=text, at_ns=at_ns, connection=connection))
                begun = []
        if begun:
            self._records.append(Burst(connection, direction, Kind.TEXT, begun, at_ns))

    def _read_requests(self, data: bytes, at_ns: int) -> None:
        while data:
            if self._asking is not None:
                try:
                    used = self._asking.receive_request(data)
                except Exception:
                    self._to_server.append(data)
                    raise
                self._to_server.append(data[:used])
                data = data[used:]
                if self._asking.asked:
                    self._asking = None
            elif self._awaiting and self._awaiting[-1].upgrade:
                # These are frames if the answer is 101, and the next request if it is a refusal.
                self._held += data
                return
            else:
                data = self._read_head(data, at_ns)

    def _read_head(self, data: bytes, at_ns: int) -> bytes:
        """Collect a request head; return what lies behind it. Raises HeadError and ExchangeError."""
        if not self._head:
            # RFC 9112 section 2.2: empty lines before a request line are ignored.
            begun = data.lstrip(b"\r\n")
            if len(begun) < len(data):
                self._to_server.append(data[: len(data) - len(begun)])
            if not begun:
                return b""
            data = begun
            self._head_at_ns = at_ns
        searched = max(0, len(self._head) - 3)
        self._head += data
        match = HEAD_END.search(self._head, searched)
        if match is None:
            if not may_begin_request(bytes(self._head[:64])):
                raise HeadError(_not_http(self._head))
            if len(self._head) > HEAD_LIMIT:
                raise HeadError(f"a request head of more than {HEAD_LIMIT} bytes")
            return b""
        raw, rest = bytes(self._head[: match.end()]), bytes(self._head[match.end() :])
        # On an error `_lose` sends on what is still in `_head`, as it came.
        rewritten = self._rewriting.apply(raw) if self._rewriting is not None else raw
        head = RequestHead.parse(rewritten)
        number = None if head.upgrades else self._numbers.exchange(head.target)
        response = self._rewriting.response if self._rewriting is not None else None
        rewrite = partial(response.apply, raw) if response is not None else None
        exchange = Exchange(head, rewritten, self._head_at_ns, number, rewrite)
        self._head.clear()
        self._to_server.append(rewritten)
        self._awaiting.append(exchange)
        self._asking = None if exchange.asked else exchange
        return rest

    def _read_responses(self, data: bytes, at_ns: int) -> None:
        while data and self._awaiting:
            exchange = self._awaiting[0]
            data = exchange.receive_response(data, self._to_client)
            if exchange.switched:
                self._awaiting.clear()
                self.upgraded = exchange.head.target
                if self._apart:
                    self._early = {Direction.CLIENT: bytes(self._held), Direction.SERVER: data}
                    self._held.clear()
                    data = b""
                self._to_client.append(data)
                self._establish(exchange, at_ns)
                self.receive_data(Direction.SERVER, data, at_ns)
                return
            if not exchange.answered:
                return
            self._awaiting.popleft()
            try:
                self._answered(exchange, at_ns)
            except Exception:
                self._to_client.append(data)
                raise
            if exchange.upgrade and self._held:
                held = bytes(self._held)
                self._held.clear()
                self.receive_data(Direction.CLIENT, held, at_ns)
        self._to_client.append(data)  # what nobody asked for

    def _establish(self, exchange: Exchange, at_ns: int) -> None:
        handshake = exchange.handshake()
        self.connection = self._numbers.connection(exchange.head.target)
        if self.connection is None:
            self.unchanged = True
            self._to_server.append(bytes(self._held))
            self._held.clear()
            return
        self._records.append(Opened(connection=self.connection, handshake=handshake, at_ns=exchange.at_ns))
        deflate = Deflate.negotiated(handshake.response_headers)

        def reader(direction: Direction) -> FrameReader:
            inflater = deflate.inflater(direction, self._limit) if deflate else None
            return FrameReader(masked=direction is Direction.CLIENT, inflater=inflater, limit=self._limit)

        self._client, self._server = reader(Direction.CLIENT), reader(Direction.SERVER)
        self.unchanged = True
        held = bytes(self._held)
        self._held.clear()
        if held:
            self._to_server.append(held)
            self._read_frames(self._client, Direction.CLIENT, held, at_ns)

    def _answered(self, exchange: Exchange, at_ns: int) -> None:
        if exchange.upgrade:
            connection = self._numbers.connection(exchange.head.target)
            if connection is None:
                return
            self._records.append(Opened(connection=connection, handshake=exchange.handshake(), at_ns=exchange.at_ns))
            self._records.append(Closed(connection=connection, ending=Ending.REFUSED, by=Direction.SERVER, at_ns=at_ns))
            what = f"connection {connection}"
        elif exchange.number is None:
            return
        else:
            self._records.append(exchange.record(at_ns))
            what = f"HTTP exchange {exchange.number}"
        for missing in exchange.missing():
            self._records.append(Note(text=f"{what}: {missing}", at_ns=at_ns))

    def _lose(self, direction: Direction, problem: str, at_ns: int) -> None:
        """Let everything pass unread from here on."""
        self.unchanged = True
        text = f"the {direction} sent {problem}; what follows on its connection is not recorded"
        self._records.append(Note(text=text, at_ns=at_ns, connection=self.connection, lost=True))
        if self._awaiting:
            self._to_client.append(self._awaiting[0].release())
        for waiting in (self._head, self._held):
            self._to_server.append(bytes(waiting))
            waiting.clear()


def _not_http(head: bytes | bytearray) -> str:
    # RFC 8446 section 5.1: a TLS connection begins with a handshake record, type 22, version 3.x.
    if head[:2] == b"\x16\x03":
        return "TLS to the recorder's plain address (dial ws:// or http:// there)"
    return "something that is not HTTP/1"


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
