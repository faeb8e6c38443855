"""One client connection and its way to the upstream: bytes are sent on first, the tap reads them later (`Backlog`).

asyncio transports and protocols, not streams: no task and no await for data. Backpressure, half-close and
reset are passed from one transport to the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from ..cassettes import Direction, Ending, Faults, Note
from .backlog import Backlog
from .injection import Injection
from .parting import answer, end_writing, reset
from .tap import Burst, Tap
from .tape import Tape

CONNECT_TIMEOUT = 20.0  # seconds for TCP and TLS; browsers give up after 20 to 30
REFUSAL_TIMEOUT = 5.0  # seconds that a client has to read a 502
HELD_LIMIT = 64 * 1024  # bytes taken from a client before they can be sent on; asyncio's own write limit


class Upstream(Protocol):
    """What a relay asks of its recorder."""

    tape: Tape
    backlog: Backlog
    faults: Faults

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

    __slots__ = (
        "_backlog",
        "_full",
        "_held",
        "_relay",
        "_tap",
        "direction",
        "injection",
        "peer",
        "sent_eof",
        "transport",
    )

    peer: _End

    def __init__(self, relay: Relay, tap: Tap, backlog: Backlog, direction: Direction) -> None:
        self._relay = relay
        self._backlog = backlog
        self._tap = tap
        self.direction = direction
        self.transport: asyncio.Transport | None = None
        self.sent_eof = False  # this side sends no more
        self.injection: Injection | None = None
        self._full = False  # what is sent to this side piles up
        self._held = False  # what this side has sent is held back

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._relay.connected(self)

    def data_received(self, data: bytes) -> None:
        if self.injection is not None:
            self.injection.receive_data(self.direction, data)
        elif self._tap.unchanged and (peer := self.peer.transport) is not None:
            try:  # noqa: SIM105  # on the way of every message: what is not needed is left out
                peer.write(data)
            except RuntimeError:
                pass  # uvloop's word for a transport that has been aborted; asyncio drops the data in silence
            self._backlog.append(self._relay, self.direction, data)
        else:
            self._relay.handshake_data(self, data)

    def eof_received(self) -> bool:
        self._relay.eof(self)
        # True keeps our direction open; TLS cannot be half closed.
        return self.transport is not None and self.transport.can_write_eof()

    def pause_writing(self) -> None:
        self._full = True
        self.peer.take(False)

    def resume_writing(self) -> None:
        self._full = False
        if not self.peer._held:
            self.peer.take(True)

    def hold(self) -> None:
        self._held = True
        self.take(False)

    def release(self) -> None:
        self._held = False
        if not self.peer._full:
            self.take(True)

    def take(self, wanted: bool) -> None:
        """Read from this side, or do not."""
        if self.transport is None or self.transport.is_closing():
            return
        if wanted:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def send(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def finish(self) -> None:
        if self.transport is not None:
            end_writing(self.transport)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def reset(self) -> None:
        if self.transport is not None:
            reset(self.transport)

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
        "_ended_by_fault",
        "_ending",
        "_first",
        "_injection",
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
        self._injection: Injection | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._by: Direction | None = None  # whose transport ended first
        self._ending = Ending.EOF
        self._ended = False
        self._ended_by_fault = False

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
        if self._upstream.faults and self._refused():
            return
        self._to_client()
        to_server = self._tap.data_to_server() if unread else data if end is self._client else b""
        if to_server:
            self._to_server(to_server)
        if self._client.transport is not None:
            waiting = self._tap.held + sum(map(len, self._first))
            if waiting > HELD_LIMIT:
                self._client.take(False)
            elif end is self._server and to_server:
                self._client.take(True)
        if self._upstream.faults and self._tap.upgraded is not None and self._injection is None:
            self._inject(self._tap.upgraded)
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
        self._client.take(True)
        self._pass_eof()

    def eof(self, end: _End) -> None:
        """One side sends no more: tell the other side."""
        end.sent_eof = True
        if self._by is None and not self._ended_by_fault:
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
        if self._by is None and not self._ended_by_fault:
            self._by = end.direction
        if error is not None and self._ending is Ending.EOF and not (end.sent_eof or self._ended_by_fault):
            self._ending = Ending.RESET
        other = end.peer.transport
        if other is not None:
            if self._injection is not None and self._injection.client_only and end is self._server:
                return
            if error is not None:
                reset(other)
            else:
                other.close()
            return
        if self._connecting is not None and not self._connecting.done():
            self._connecting.cancel()
        self._finish()

    def _to_client(self) -> None:
        data = self._tap.data_to_client()
        if data:
            self._client.send(data)

    def _to_server(self, data: bytes) -> None:
        if self._server.transport is not None:
            self._server.send(data)
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
        self._client.send(answer(502, f"wstape: {line}"))
        self._end_refused(client)

    def _end_refused(self, client: asyncio.Transport) -> None:
        """Let the client read the answer, and go."""
        end_writing(client)
        if self._client.sent_eof:
            client.close()
            return
        # Closing with unread data in the socket would send RST, which can overtake the answer.
        self._client.take(True)
        self._patience = asyncio.get_running_loop().call_later(REFUSAL_TIMEOUT, client.close)

    def _refused(self) -> bool:
        """Answer a handshake in the server's place when a fault says so."""
        target, client = self._tap.handshake_begun(), self._client.transport
        fault = self._upstream.faults.handshake(target) if target is not None else None
        if fault is None or client is None:
            return False
        self._refusing = True
        refusal = answer(fault.status, "wstape: refused by an injected fault")
        self._tap.receive_data(Direction.SERVER, refusal, self._tape.now_ns())
        self._collect()
        self.struck(f"fault: the handshake is refused with {fault.status}", Ending.REFUSED)
        self._client.send(refusal)
        self._end_refused(client)
        return True

    def _inject(self, target: str) -> None:
        """Let faults into the WebSocket that has just been opened."""
        faults = self._upstream.faults.connection(target)
        self._injection = Injection(self, self._client, self._server, faults)
        for end in (self._client, self._server):
            end.injection = self._injection
            if early := self._tap.early(end.direction):
                self._injection.receive_data(end.direction, early)

    def passed(self, direction: Direction, data: bytes) -> None:
        """Let the tap read what an injection has sent on."""
        self._backlog.append(self, direction, data)

    def struck(self, text: str, ending: Ending | None) -> None:
        """Put a fault on the tape; ``ending`` says how it has ended the connection."""
        self._backlog.read()
        self._tape.append(Note(text=text, at_ns=self._tape.now_ns(), connection=self._tap.connection))
        if ending is not None:
            self._ended_by_fault = True
            self._by, self._ending = None, ending

    def caught_up(self) -> None:
        """Pass on an end that has waited for what was held back."""
        self._pass_eof()

    def _pass_eof(self) -> None:
        client, server = self._client, self._server
        if client.transport is None or server.transport is None:
            return
        if self._injection is not None and self._injection.busy:
            return
        if client.sent_eof and server.sent_eof:
            client.transport.close()
            server.transport.close()
        elif client.sent_eof and not self._tap.held:
            end_writing(server.transport)
        elif server.sent_eof:
            end_writing(client.transport)

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
        if self._injection is not None:
            self._injection.stop()
        self._backlog.read()
        self._tap.connection_lost(self._tape.now_ns(), by=self._by, ending=self._ending)
        self._collect()
        self._upstream.relay_ended(self)
