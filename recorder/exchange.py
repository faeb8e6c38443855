"""One HTTP/1.1 request and its response, read from copies of their bytes.

h11 finds where each message ends and undoes the transfer encoding; nothing that it makes is ever sent.
"""

from __future__ import annotations

from collections.abc import Callable

import h11

from ..cassettes import Direction, Handshake, Headers, HttpExchange
from .body import Body
from .head import HEAD_END, HEAD_LIMIT, RequestHead
from .response import may_begin_response

RewriteHead = Callable[[bytes], bytes]
"""Takes a response head as the server sent it, returns it as the client is to see it."""


class ExchangeError(ValueError):
    """Bytes that are not HTTP/1.1; the text says why."""


class Exchange:
    """Reads one request and the answer to it.

    ``upgrade`` requests end with their head. ``answered`` turns True with the last byte of the final response,
    ``switched`` with the head of a 101. What is recorded is the request that the server got and the response that it
    sent.
    """

    def __init__(
        self, head: RequestHead, raw: bytes, at_ns: int, number: int | None = None, rewrite: RewriteHead | None = None
    ) -> None:
        """``raw`` is the head as the server sees it; ``number`` is None for an upgrade and for what is not recorded.

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
        self._rewrite = rewrite
        self._response_head = bytearray()  # as far as it has come, while it waits to be rewritten
        self._request_body = Body(Direction.CLIENT)
        self._response_body = Body(Direction.SERVER)
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
        return self.head.upgrades

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

    def receive_response(self, data: bytes, to_client: list[bytes]) -> bytes:
        """Read response bytes, ``b""`` for the end of the stream; return what lies behind this response.

        What is to be sent on is appended to ``to_client``. Raises ExchangeError, and then all of ``data`` is there.
        """
        at_end = not data
        while True:
            heading = self._rewrite is not None and self._response.their_state is h11.SEND_RESPONSE
            if not heading:
                try:
                    rest = self._read_response(data)
                except Exception:
                    to_client.append(data)
                    raise
                to_client.append(data[: len(data) - len(rest)])
                return rest
            rest = self._read_response_head(data, to_client, at_end=at_end)
            if self.answered or self.switched or not rest:
                return rest
            data = rest

    def release(self) -> bytes:
        """Give up on a response head that is not whole; return what has come of it."""
        head = bytes(self._response_head)
        self._response_head.clear()
        return head

    def _read_response_head(self, data: bytes, to_client: list[bytes], *, at_end: bool) -> bytes:
        """Collect a head, rewrite it; return what lies behind it. Raises ExchangeError."""
        searched = max(0, len(self._response_head) - 3)
        self._response_head += data
        match = HEAD_END.search(self._response_head, searched)
        if match is None:
            if (
                at_end
                or len(self._response_head) > HEAD_LIMIT
                or not may_begin_response(bytes(self._response_head[:7]))
            ):
                to_client.append(self.release())
                raise ExchangeError("a response that is not HTTP/1.1")
            return b""
        raw, rest = bytes(self._response_head[: match.end()]), bytes(self._response_head[match.end() :])
        self._response_head.clear()
        try:
            behind = self._read_response(raw)
            rewritten = self._rewrite(raw) if self._rewrite is not None else raw
        except Exception:
            to_client.append(raw + rest)
            raise
        to_client.append(rewritten)
        return behind + rest

    def _read_response(self, data: bytes) -> bytes:
        """Let h11 read a copy; return what lies behind this response. Raises ExchangeError."""
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
            response_body=self._response_body.readable(self._headers)[0],
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
            response_body=self._response_body.readable(self._headers)[0],
            at_ns=self.at_ns,
            took_ns=now_ns - self.at_ns,
        )

    def missing(self) -> list[str]:
        """In words, what of the bodies is not recorded."""
        bodies = (self._request_body.decoded(self.head.headers), self._response_body.readable(self._headers))
        return [missing for _, missing in bodies if missing]
