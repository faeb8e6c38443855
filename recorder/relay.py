"""One client connection and its way to the upstream: bytes are sent on first, the tap reads them later (`Backlog`).

asyncio transports and protocols, not streams: no task and no await for data. Backpressure, half-close and
reset are passed from one transport to the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import Callable
from typing import Protocol, cast

from ..cassettes import Direction, Ending
from .backlog import Backlog
from .tap import Burst, Tap
from .tape import Tape

try:
    import fcntl
    import termios
except ImportError:  # Windows
    fcntl = termios = None

CONNECT_TIMEOUT = 20.0  # seconds for TCP and TLS; browsers give up after 20 to 30
REFUSAL_TIMEOUT = 5.0  # seconds that a client has to read a 502
HELD_LIMIT = 64 * 1024  # bytes taken from a client before they can be sent on; asyncio's own write limit

RESET_PATIENCE = 1.0  # seconds that what was sent before a reset has to arrive
RESET_STEP = 0.01

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: close() sends RST


class Upstream(Protocol):
    """What a relay asks of its recorder."""

    tape: Tape
    backlog: Backlog

    async def connect(self, factory: Callable[[], asyncio.Protocol]) -> None:
        """Open a connection to the target. Raises OSError."""
        ...

    def unreachable(self, error: OSError) -> str:
        """Take note that `connect` raised; return one line for the client."""
        ...

    def relay_begun(self, relay: Relay) -> None:
        """A client is there: it has connected, and shaken hands where TLS is spoken."""
        ...

    def relay_ended(self, relay: Relay) -> None:
        """Both transports of a relay are gone and its records are on the tape."""
        ...


class _End(asyncio.Protocol):
    """One side of a relay, called by the event loop."""

    __slots__ = ("_backlog", "_relay", "_tap", "direction", "peer", "reset", "sent_eof", "transport")

    peer: _End

    def __init__(self, relay: Relay, tap: Tap, backlog: Backlog, direction: Direction) -> None:
        self._relay = relay
        self._backlog = backlog
        self._tap = tap
        self.direction = direction
        self.transport: asyncio.Transport | None = None
        self.sent_eof = False  # this side sends no more

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._relay.connected(self)

    def data_received(self, data: bytes) -> None:
        if self._tap.unchanged and (peer := self.peer.transport) is not None:
            peer.write(data)
            self._backlog.append(self._relay, self.direction, data)
        else:
            self._relay.handshake_data(self, data)

    def eof_received(self) -> bool:
        self._relay.eof(self)
        # True keeps our direction open; TLS cannot be half closed.
        return self.transport is not None and self.transport.can_write_eof()

    def pause_writing(self) -> None:
        if self.peer.transport is not None:
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.peer.transport is not None:
            self.peer.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._relay.lost(self, exc)


class Relay:
    """One client connection and, once the client has asked for something, its upstream."""

    __slots__ = (
        "_backlog",
        "_by",
        "_client",
        "_connecting",
        "_ended",
        "_ending",
        "_first",
        "_patience",
        "_refusing",
        "_server",
        "_tap",
        "_tape",
        "_upstream",
    )

    def __init__(self, upstream: Upstream, tap: Tap) -> None:
        self._upstream = upstream
        self._tape = upstream.tape
        self._tap = tap
        self._backlog = upstream.backlog
        self._client = _End(self, tap, self._backlog, Direction.CLIENT)
        self._server = _End(self, tap, self._backlog, Direction.SERVER)
        self._client.peer, self._server.peer = self._server, self._client
        self._first: list[bytes] = []  # for the server, until there is a connection to it
        self._connecting: asyncio.Task[None] | None = None
        self._refusing = False
        self._patience: asyncio.TimerHandle | None = None
        self._by: Direction | None = None  # whose transport ended first
        self._ending = Ending.EOF
        self._ended = False

    @property
    def client(self) -> asyncio.Protocol:
        """The protocol for the accepted connection."""
        return self._client

    def cut(self) -> None:
        """The recording ends: close the books and drop both transports."""
        self._ending = Ending.CUT
        self._by = None
        self._finish()
        for end in (self._client, self._server):
            if end.transport is not None:
                end.transport.abort()
        if self._connecting is not None:
            self._connecting.cancel()

    def read(self, direction: Direction, data: bytes, at_ns: int) -> None:
        """Let the tap read what arrived, and put its records on the tape."""
        self._tap.receive_data(direction, data, at_ns)
        self._collect()

    def handshake_data(self, end: _End, data: bytes) -> None:
        """Handle data that the tap has a say in, or that arrives when the other side is not there."""
        if self._refusing or self._ended:
            return
        unread = not self._tap.unchanged
        self._backlog.read()
        self.read(end.direction, data, self._tape.now_ns())
        self._to_client()
        to_server = self._tap.data_to_server() if unread else data if end is self._client else b""
        if to_server:
            self._to_server(to_server)
        if self._client.transport is not None:
            waiting = self._tap.held + sum(map(len, self._first))
            if waiting > HELD_LIMIT:
                self._client.transport.pause_reading()
            elif end is self._server and to_server:
                self._client.transport.resume_reading()
        self._pass_eof()

    def connected(self, end: _End) -> None:
        """A transport is there."""
        transport = end.transport
        if end is self._client:
            self._upstream.relay_begun(self)
        if end is self._client or transport is None:
            return
        client = self._client.transport
        if client is None or self._ended:
            transport.abort()
            return
        for data in self._first:
            transport.write(data)
        self._first.clear()
        client.resume_reading()
        self._pass_eof()

    def eof(self, end: _End) -> None:
        """One side sends no more: tell the other side."""
        end.sent_eof = True
        if self._by is None:
            self._by = end.direction
        self._backlog.read()
        self._tap.receive_eof(end.direction, self._tape.now_ns())
        self._collect()
        self._to_client()
        if self._refusing or (end is self._client and self._server.transport is None and self._connecting is None):
            if end.transport is not None:
                end.transport.close()
            return
        self._pass_eof()

    def lost(self, end: _End, error: Exception | None) -> None:
        """A transport is gone: so must the other one go, in the same way."""
        if self._by is None:
            self._by = end.direction
        if error is not None and self._ending is Ending.EOF and not end.sent_eof:
            self._ending = Ending.RESET
        other = end.peer.transport
        if other is not None:
            if error is not None:
                _reset(other)
            else:
                other.close()
            return
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
        self._finish()

    def _to_client(self) -> None:
        data = self._tap.data_to_client()
        if data and self._client.transport is not None:
            self._client.transport.write(data)

    def _to_server(self, data: bytes) -> None:
        if self._server.transport is not None:
            self._server.transport.write(data)
            return
        self._first.append(data)
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await self._upstream.connect(lambda: self._server)
        except OSError as error:  # TimeoutError and ssl.SSLError are OSErrors
            self._refuse(self._upstream.unreachable(error))

    def _refuse(self, line: str) -> None:
        """Answer for an upstream that is not there."""
        self._ending = Ending.FAILED
        self._refusing = True
        self._tap.connection_lost(self._tape.now_ns(), ending=Ending.FAILED)
        self._collect()
        client = self._client.transport
        if client is None:
            return
        body = f"wstape: {line}\n".encode()
        client.write(
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\n"
            b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
        )
        _end_writing(client)
        if self._client.sent_eof:
            client.close()
            return
        # Closing with unread data in the socket would send RST, which can overtake the answer.
        client.resume_reading()
        self._patience = asyncio.get_running_loop().call_later(REFUSAL_TIMEOUT, client.close)

    def _pass_eof(self) -> None:
        client, server = self._client, self._server
        if client.transport is None or server.transport is None:
            return
        if client.sent_eof and server.sent_eof:
            client.transport.close()
            server.transport.close()
        elif client.sent_eof and not self._tap.held:
            _end_writing(server.transport)
        elif server.sent_eof:
            _end_writing(client.transport)

    def _collect(self) -> None:
        for record in self._tap.received():
            if isinstance(record, Burst):
                self._tape.append_burst(record)
            else:
                self._tape.append(record)

    def _finish(self) -> None:
        if self._ended:
            return
        self._ended = True
        if self._patience is not None:
            self._patience.cancel()
        self._backlog.read()
        self._tap.connection_lost(self._tape.now_ns(), by=self._by, ending=self._ending)
        self._collect()
        self._upstream.relay_ended(self)


def _end_writing(transport: asyncio.Transport) -> None:
    if transport.can_write_eof():
        transport.write_eof()
    else:
        transport.close()


def _reset(transport: asyncio.Transport, patience: float = RESET_PATIENCE) -> None:
    """Reset a connection once what was written before has left this machine's buffers.

    A reset throws away what is still in them. Without us between, what the sender had got rid of would arrive.
    """
    if transport.is_closing():
        return
    sock = cast("socket.socket | None", transport.get_extra_info("socket"))
    if patience > 0 and (transport.get_write_buffer_size() or _unsent(sock)):
        transport.pause_reading()
        loop = asyncio.get_running_loop()
        loop.call_later(RESET_STEP, _reset, transport, patience - RESET_STEP)
        return
    if sock is not None:
        with contextlib.suppress(OSError):  # not TCP, or gone already
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def _unsent(sock: socket.socket | None) -> int:
    """Bytes that the kernel still has to send or to hear of; 0 where it does not tell."""
    if sock is None or fcntl is None or termios is None:
        return 0
    try:
        # On a socket this is SIOCOUTQ, see tcp(7).
        return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except OSError:
        return 0
