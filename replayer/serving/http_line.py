"""One client's transport: plain HTTP, read with h11, until it asks for a WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import h11

from ...cassettes import Headers, header
from .desk import Desk
from .request import Request
from .websocket_line import WebSocketLine

MAX_BODY = 64 << 20


class HttpLine(asyncio.Protocol):
    """One client's transport: plain HTTP until it asks for a WebSocket."""

    def __init__(self, desk: Desk, patience: float, gone: Callable[[HttpLine], None]) -> None:
        """``patience`` are seconds; ``gone`` is called when the transport is lost."""
        self._desk = desk
        self._patience = patience
        self._gone = gone
        self._http = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._raw = bytearray()  # of the request that is being read, as websockets wants to see it
        self._body = bytearray()
        self._socket: WebSocketLine | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._socket is not None:
            self._socket.lost()
        self._gone(self)

    def pause_writing(self) -> None:
        if self._socket is not None:
            self._socket.pause()

    def resume_writing(self) -> None:
        if self._socket is not None:
            self._socket.resume()

    @property
    def talking(self) -> bool:
        """Whether a WebSocket is open here, and its client has not ended it."""
        return self._socket is not None and not self._socket.over

    def cut(self) -> None:
        """The service ends."""
        if self._socket is not None:
            self._socket.cut()
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._socket is not None:
            self._socket.receive(data)
            return
        self._raw += data
        try:
            self._http.receive_data(data)
            self._read_requests()
        except h11.RemoteProtocolError as error:
            self._desk.tell(f"not HTTP: {error}")
            with contextlib.suppress(h11.LocalProtocolError):
                self._respond(error.error_status_hint, "Bad Request", (), str(error).encode())
            self._transport.close()

    def _read_requests(self) -> None:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                self._request = event
                if any(name == b"upgrade" and value.lower() == b"websocket" for name, value in event.headers):
                    self._socket = WebSocketLine(self._desk, self._transport, self._patience)
                    self._socket.shake_hands(_plain(event, b""), bytes(self._raw))
                    return
                if self._http.they_are_waiting_for_100_continue:
                    response = h11.InformationalResponse(status_code=100, headers=[])
                    self._transport.write(self._http.send(response) or b"")
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > MAX_BODY:
                    raise h11.RemoteProtocolError("the body is larger than 64 MiB", error_status_hint=413)
            elif isinstance(event, h11.EndOfMessage):
                assert self._request is not None
                live = _plain(self._request, bytes(self._body))
                own = header(live.headers, "host") or "127.0.0.1"
                scheme = "http" if self._transport.get_extra_info("ssl_object") is None else "https"
                answer = self._desk.response(live, f"{scheme}://{own}")
                self._respond(answer.status, answer.reason, answer.headers, answer.body)
                if self._http.our_state is h11.MUST_CLOSE:
                    self._transport.close()
                    return
                self._body.clear()
                self._raw = bytearray(self._http.trailing_data[0])
                self._http.start_next_cycle()
            else:
                if isinstance(event, h11.ConnectionClosed):
                    self._transport.close()
                return

    def _respond(self, status: int, reason: str, headers: Headers, body: bytes) -> None:
        fields = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]
        empty = status in (204, 304) or 100 <= status < 200
        length = [] if empty else [(b"Content-Length", str(len(body)).encode())]
        response = h11.Response(status_code=status, reason=reason.encode("latin-1"), headers=[*fields, *length])
        out = self._http.send(response) or b""
        if body and not empty and not (self._request is not None and self._request.method == b"HEAD"):
            out += self._http.send(h11.Data(data=body)) or b""
        self._transport.write(out + (self._http.send(h11.EndOfMessage()) or b""))


def _plain(request: h11.Request, body: bytes) -> Request:
    return Request(
        method=request.method.decode("ascii"),
        target=request.target.decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw_items()),
        body=body,
    )
