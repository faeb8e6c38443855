"""One HTTP/1.1 request and its response, read from copies of their bytes.

h11 finds where each message ends and undoes the transfer encoding; nothing that it makes is ever sent.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import h11

from ..cassettes import Direction, Handshake, Headers, HttpExchange, header
from .head import HEAD_LIMIT, RequestHead

BODY_LIMIT = 1024 * 1024  # bytes of a body that are kept; all of it is passed on


class ExchangeError(ValueError):
    """Bytes that are not HTTP/1.1; the text says why."""


@dataclass(slots=True)
class Body:
    """The head of a body as it passes, of at most ``BODY_LIMIT`` bytes."""

    size: int = 0  # of the whole body, without transfer encoding
    _pieces: list[bytes] = field(default_factory=list[bytes])

    def append(self, data: bytes) -> None:
        """Keep what still fits."""
        if self.size < BODY_LIMIT:
            self._pieces.append(data[: BODY_LIMIT - self.size])
        self.size += len(data)

    def decoded(self, headers: Headers) -> tuple[bytes, bool]:
        """Return the body without its content encoding, and whether all of it is there.

        Encodings other than gzip and deflate are left as they are: the headers name them.
        """
        raw = b"".join(self._pieces)
        whole = self.size <= BODY_LIMIT
        match (header(headers, "content-encoding") or "").strip().lower():
            case "gzip" | "x-gzip":
                engine = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            case "deflate":
                # RFC 9110 section 8.4.1.2 asks for the zlib wrapper; some servers send bare deflate.
                wrapped = len(raw) >= 2 and raw[0] & 0x0F == 8 and int.from_bytes(raw[:2], "big") % 31 == 0
                engine = zlib.decompressobj(wbits=zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
            case _:
                return raw, whole
        try:
            decoded = engine.decompress(raw, BODY_LIMIT)
        except zlib.error:
            return raw, whole
        return decoded, whole and not engine.unconsumed_tail


class Exchange:
    """Reads one request and the answer to it.

    ``upgrade`` requests end with their head. ``answered`` turns True with the last byte of the final response,
    ``switched`` with the head of a 101.
    """

    def __init__(self, head: RequestHead, raw: bytes, at_ns: int, number: int | None = None) -> None:
        """``raw`` is the head as the server sees it; ``number`` is None for an upgrade.

        Raises ExchangeError when h11 would not read on from this head.
        """
        self.head = head
        self.number = number
        self.at_ns = at_ns
        self.asked = False
        self.answered = False
        self.switched = False
        self._status = 0
        self._reason = ""
        self._headers: Headers = ()
        self._request_body = Body()
        self._response_body = Body()
        self._request = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
        self._response = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
        try:
            # How a response ends depends on the method and on whether an upgrade was proposed, on nothing else.
            fields = [("Host", "-")]
            if self.upgrade:
                fields += [("Connection", "upgrade"), ("Upgrade", "websocket")]
            self._response.send(h11.Request(method=head.method, target="/", headers=fields))
            self._response.send(h11.EndOfMessage())
        except h11.LocalProtocolError as exc:
            raise ExchangeError(f"a request that is not HTTP/1.1: {exc}") from exc
        self.receive_request(raw)

    @property
    def upgrade(self) -> bool:
        """Whether a WebSocket was asked for."""
        return self.number is None

    def receive_request(self, data: bytes) -> int:
        """Read request bytes; return how many of them belong to this request. Raises ExchangeError."""
        try:
            self._request.receive_data(data)
            while not self.asked:
                event = self._request.next_event()
                if event is h11.NEED_DATA:
                    return len(data)
                if isinstance(event, h11.Data):
                    self._request_body.append(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    self.asked = True
        except h11.RemoteProtocolError as exc:
            raise ExchangeError(f"a request that is not HTTP/1.1: {exc}") from exc
        return len(data) - len(self._request.trailing_data[0])

    def receive_response(self, data: bytes) -> bytes:
        """Read response bytes, ``b""`` for the end of the stream; return what lies behind this response.

        Raises ExchangeError.
        """
        try:
            self._response.receive_data(data)
            while not self.answered:
                event = self._response.next_event()
                if event is h11.NEED_DATA:
                    return b""
                if isinstance(event, h11.InformationalResponse):
                    if event.status_code == 101:
                        self._answer(event)
                        self.switched = True
                        break
                elif isinstance(event, h11.Response):
                    self._answer(event)
                elif isinstance(event, h11.Data):
                    self._response_body.append(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    self.answered = True
                elif isinstance(event, h11.ConnectionClosed):
                    return b""
        except h11.RemoteProtocolError as exc:
            raise ExchangeError(f"a response that is not HTTP/1.1: {exc}") from exc
        return self._response.trailing_data[0]

    def _answer(self, event: h11.InformationalResponse | h11.Response) -> None:
        self._status = event.status_code
        self._reason = event.reason.decode("iso-8859-1")
        self._headers = tuple(
            (name.decode("iso-8859-1"), value.decode("iso-8859-1")) for name, value in event.headers.raw_items()
        )

    @property
    def status(self) -> int:
        """The status of the response, 0 until its head has come."""
        return self._status

    def handshake(self) -> Handshake:
        """The exchange as a WebSocket handshake, as far as it went."""
        return Handshake(
            target=self.head.target,
            request_headers=self.head.headers,
            status=self._status,
            reason=self._reason,
            response_headers=self._headers,
            response_body=self._response_body.decoded(self._headers)[0],
        )

    def record(self, now_ns: int) -> HttpExchange:
        """The exchange as a plain one, as far as it went."""
        return HttpExchange(
            number=self.number or 0,
            method=self.head.method,
            target=self.head.target,
            request_headers=self.head.headers,
            request_body=self._request_body.decoded(self.head.headers)[0],
            status=self._status,
            reason=self._reason,
            response_headers=self._headers,
            response_body=self._response_body.decoded(self._headers)[0],
            at_ns=self.at_ns,
            took_ns=now_ns - self.at_ns,
        )

    def shortened(self) -> list[Direction]:
        """Whose body is recorded in part only."""
        bodies = {
            Direction.CLIENT: self._request_body.decoded(self.head.headers),
            Direction.SERVER: self._response_body.decoded(self._headers),
        }
        return [direction for direction, (_, whole) in bodies.items() if not whole]
