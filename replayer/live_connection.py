"""An open WebSocket that hands its messages over as they come: `websockets`' connection without its queue.

To take each message from ``recv()`` costs a task's wake-up and a future, as much as all that a replay does with it.
"""

from __future__ import annotations

from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State

_DATA = frozenset((Opcode.TEXT, Opcode.BINARY, Opcode.CONT))


class Listener(Protocol):
    """Who takes what comes."""

    def message(self, payload: bytes, *, text: bool) -> None:
        """Take one whole message; a text is UTF-8."""
        ...

    def lost(self) -> None:
        """The connection has ended. Nothing follows."""
        ...


class LiveConnection(ClientConnection):
    """A connection for one `Listener`; what comes before it listens waits for it."""

    def __init__(self, protocol: ClientProtocol, **settings: Any) -> None:
        super().__init__(protocol, **settings)
        self.failure: Exception | None = None  # raised by the listener: a bug, and the end of the connection
        self._listener: Listener | None = None
        self._early: list[tuple[bytes, bool]] = []
        self._pieces: list[bytes] = []
        self._text = False
        self._lost = False

    def listen(self, listener: Listener) -> None:
        """Hand over what has come, and from now on what comes."""
        self._listener = listener
        early, self._early = self._early, []
        for payload, text in early:
            self._hand_over(payload, text)
        if self._lost:
            listener.lost()

    @property
    def takes(self) -> bool:
        """Whether it is open for messages."""
        return self.protocol.state is State.OPEN

    def reply(self, payload: bytes, *, text: bool) -> None:
        """Send one message at once while it `takes` any, without waiting for the other end."""
        if text:
            self.protocol.send_text(payload)
        else:
            self.protocol.send_binary(payload)
        self.send_data()

    async def say(self, payload: bytes, *, text: bool) -> None:
        """Send one message, and wait while the other end does not take it. Raises ConnectionClosed."""
        if not self.takes:
            await self.send(payload, text=text)  # which waits for the end and raises it
            return
        self.reply(payload, text=text)
        if self.transport.get_write_buffer_size():
            await self.drain()

    def process_event(self, event: Event) -> None:
        """Take what `websockets` has read: a response, once, and then frames."""
        if isinstance(event, Frame) and event.opcode in _DATA:
            self._frame(event)
        else:
            super().process_event(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and tell the listener."""
        super().connection_lost(exc)
        self._lost = True
        if self._listener is not None:
            self._listener.lost()

    def _frame(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.CONT:
            self._text = frame.opcode is Opcode.TEXT
        payload = bytes(frame.data)
        if not frame.fin or self._pieces:
            self._pieces.append(payload)
            if not frame.fin:
                return
            payload = b"".join(self._pieces)
            self._pieces.clear()
        if self._text:
            try:
                payload.decode("utf-8")
            except UnicodeDecodeError as error:
                # "that endpoint MUST _Fail the WebSocket Connection_" (RFC 6455 section 8.1)
                self.protocol.fail(1007, f"{error.reason} at position {error.start}")
                self.send_data()
                self.transport.close()
                return
        if self._listener is None:
            self._early.append((payload, self._text))
        else:
            self._hand_over(payload, self._text)

    def _hand_over(self, payload: bytes, text: bool) -> None:
        assert self._listener is not None
        try:
            self._listener.message(payload, text=text)
        except Exception as error:  # noqa: BLE001  # asyncio would log it and go on; who plays must see it
            self.failure = error
            self.transport.abort()
