"""One WebSocket of a client: frames by websockets' sans-I/O protocol, the turns of its conversation, faults."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as HandshakeRequest
from websockets.server import ServerProtocol

from ...cassettes import Direction, Fault, FaultKind, Headers, Kind, Message, header
from ...contracts import Finding
from .conversation import Conversation, Leave, Say
from .desk import Desk
from .programme import Choice
from .request import UNSENT, Request

_KINDS = {Opcode.TEXT: Kind.TEXT, Opcode.BINARY: Kind.BINARY}
_HANDSHAKE = frozenset(("upgrade", "connection", "date", "server"))


class _Waiting:
    """A message, or the end, that is to be heard or said, and what befalls it."""

    def __init__(self, thing: tuple[Kind, bytes] | Say | Leave, faults: tuple[Fault, ...]) -> None:
        self.thing = thing
        self.seconds = sum(fault.seconds for fault in faults if fault.kind is FaultKind.DELAY)
        self.times = 1 + sum(fault.kind is FaultKind.DUPLICATE for fault in faults)
        self.ending = next((fault for fault in faults if fault.ends), None)
        self.until_ns = 0


class WebSocketLine:
    """Serves one WebSocket on a transport that a plain request has come by."""

    def __init__(self, desk: Desk, transport: asyncio.Transport, patience: float) -> None:
        """``patience`` are seconds of waiting for the client before a word is said of it."""
        self._desk = desk
        self._transport = transport
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._protocol = ServerProtocol(max_size=None)
        self._conversation: Conversation | None = None
        self._faults = desk.faults.connection("")
        self._kind = Kind.TEXT  # of the message whose frames are coming
        self._pieces: list[bytes] = []
        # What waits for its turn: a delay holds up what its sender sends after it.
        self._inbox: deque[_Waiting] = deque()
        self._outbox: deque[_Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._releasing = False
        self._paused = False
        self._dead = False  # nothing passes any more, by a fault
        self.over = False  # nothing more is heard or said

    # --- handshake

    def shake_hands(self, live: Request, raw: bytes) -> None:
        """Answer a handshake; ``raw`` is the request as it came, and what came behind it."""
        refused = self._desk.faults.handshake(live.target)
        offered = [name.strip() for name in (header(live.headers, "sec-websocket-protocol") or "").split(",")]
        choice = self._desk.handshake(live, offered) if refused is None else None
        recorded = choice.invitation.connection.handshake if isinstance(choice, Choice) else None
        extensions = (header(recorded.response_headers, "sec-websocket-extensions") or "") if recorded else ""
        subprotocol = recorded.subprotocol if recorded else None
        self._protocol = ServerProtocol(
            extensions=[ServerPerMessageDeflateFactory()] if "permessage-deflate" in extensions else None,
            select_subprotocol=lambda protocol, offers: next((offer for offer in offers if offer == subprotocol), None),
            max_size=None,
        )
        self._protocol.receive_data(raw)
        request = next(iter(self._protocol.events_received()), None)
        if not isinstance(request, HandshakeRequest):
            self._flush()  # websockets has an answer of its own for what is no handshake
        elif refused is not None:
            self._refuse(refused.status, "", (), b"a fault that was asked for\n")
        elif isinstance(choice, Finding):
            self._refuse(404, "Not Recorded", (), choice.message.encode())
        elif choice is not None and choice.invitation.part is None:
            shake = choice.invitation.connection.handshake
            self._refuse(shake.status, shake.reason, shake.response_headers, shake.response_body)
        elif choice is not None:
            self._accept(request, live, choice)

    def _accept(self, request: HandshakeRequest, live: Request, choice: Choice) -> None:
        response = self._protocol.accept(request)
        accepted = response.status_code == 101
        if accepted:
            for name, value in choice.invitation.connection.handshake.response_headers:
                if name.lower() not in _HANDSHAKE and not name.lower().startswith("sec-websocket-"):
                    response.headers[name] = self._desk.values.fill_text(value)
        self._protocol.send_response(response)
        self._flush()
        part = choice.invitation.part
        if accepted and part is not None:
            self._faults = self._desk.faults.connection(live.target)
            number = self._desk.tally.connections
            self._conversation = Conversation(part, self._desk.manner, self._desk.values, number, others=choice.others)
            self._conversation.open(self._now_ns())
            self.wake()

    def _refuse(self, status: int, reason: str, headers: Headers, body: bytes) -> None:
        response = self._protocol.reject(status, "")
        response.reason_phrase = reason or response.reason_phrase
        del response.headers["Content-Type"]
        for name, value in headers:
            if name.lower() not in UNSENT:
                response.headers[name] = value
        del response.headers["Content-Length"]
        response.headers["Content-Length"] = str(len(body))
        response.body = body
        self._protocol.send_response(response)
        self.over = True
        self._flush()

    # --- hearing

    def receive(self, data: bytes) -> None:
        """Bytes came."""
        if self._dead:
            return
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event)
        if not self._dead:
            self._flush()

    def _frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self._ended(self._protocol.close_rcvd.code if self._protocol.close_rcvd is not None else 1005)
        elif frame.opcode in _KINDS or frame.opcode is Opcode.CONT:
            self._pieces.append(bytes(frame.data))
            self._kind = _KINDS.get(frame.opcode, self._kind)
            if frame.fin:
                payload = b"".join(self._pieces)
                self._pieces.clear()
                self._inbox.append(_Waiting((self._kind, payload), self._faults.message(Direction.CLIENT)))
                self._hear()

    def _hear(self) -> None:
        """Take what has come, as far as no delay holds it up."""
        while self._inbox and self._conversation is not None and not self.over:
            waiting = self._inbox[0]
            if self._holds(waiting):
                return
            self._inbox.popleft()
            if self._ends(waiting):
                return
            assert isinstance(waiting.thing, tuple)
            for _ in range(waiting.times):
                self._message(self._conversation, *waiting.thing)

    def _message(self, conversation: Conversation, kind: Kind, payload: bytes) -> None:
        if self.over:
            return
        now_ns = self._now_ns()
        self._desk.tally.messages += 1
        before, known = conversation.part, len(conversation.findings)
        message = Message(
            connection=conversation.number, direction=Direction.CLIENT, kind=kind, payload=payload, at_ns=now_ns
        )
        conversation.receive(message, now_ns)
        if conversation.part is not before:
            self._desk.recast(before, conversation.part)
        self._tell(conversation, known)
        if conversation.refused:
            self.over = True
            self._protocol.send_close(1008, _reason(conversation.findings[-1].message))
        else:
            self.wake()

    def _tell(self, conversation: Conversation, known: int) -> None:
        for finding in conversation.findings[known:]:
            self._desk.found(finding)

    # --- saying

    def pause(self) -> None:
        """The client does not take what is sent."""
        self._paused = True

    def resume(self) -> None:
        """The client takes it again."""
        self._paused = False
        self.wake()

    def wake(self) -> None:
        """Look at what is due, once everything that has arrived is heard."""
        if not self._releasing:
            self._releasing = True
            # Two rounds of the loop: what the client had sent by now is read in the one between.
            self._loop.call_soon(self._loop.call_soon, self._release)

    def _release(self) -> None:
        self._releasing = False
        conversation = self._conversation
        if conversation is None or self.over or self._paused:
            return
        for action in conversation.due(self._now_ns()):
            struck = self._faults.message(Direction.SERVER) if isinstance(action, Say) else ()
            self._outbox.append(_Waiting(action, struck))
        while self._outbox and not self.over and not self._holds(self._outbox[0]):
            waiting = self._outbox.popleft()
            if not self._ends(waiting):
                self._act(waiting)
        if not self._dead:
            self._flush()
            self._set_timer(conversation)

    def _act(self, waiting: _Waiting) -> None:
        match waiting.thing:
            case Say(kind=kind, payload=payload):
                for _ in range(waiting.times):
                    self._desk.tally.messages += 1
                    (self._protocol.send_text if kind is Kind.TEXT else self._protocol.send_binary)(payload)
            case Leave(exit=end):
                self.over = True
                if end.code == 1006:
                    self._flush()
                    (self._transport.abort if end.reset else self._transport.close)()
                elif end.code == 1005:
                    self._protocol.send_close()
                else:
                    self._protocol.send_close(end.code, end.reason)
            case _:
                raise AssertionError(waiting.thing)

    # --- faults

    def _holds(self, waiting: _Waiting) -> bool:
        """Tell whether a delay holds up what waits first."""
        if waiting.seconds and not waiting.until_ns:
            waiting.until_ns = self._now_ns() + int(waiting.seconds * 1e9)
            self._loop.call_later(waiting.seconds, self._held)
        return self._now_ns() < waiting.until_ns

    def _held(self) -> None:
        self._hear()
        self.wake()

    def _ends(self, waiting: _Waiting) -> bool:
        """End the connection when a fault wants it. What the client does not do then is no finding."""
        fault = waiting.ending
        if fault is None:
            return False
        self.over = True
        self._stop_timers()
        if fault.kind is FaultKind.CLOSE:
            self._protocol.send_close(fault.code, fault.reason)
            self._flush()
            return True
        self._flush()
        self._dead = True
        if fault.kind is FaultKind.DROP:
            self._transport.abort()
        elif fault.kind is FaultKind.TRUNCATE:
            if isinstance(waiting.thing, Say):
                self._protocol.send_text(waiting.thing.payload)
                frame = b"".join(self._protocol.data_to_send())
                self._transport.write(frame[: max(1, len(frame) // 2)])
            self._transport.close()
        return True

    # --- silence

    def _set_timer(self, conversation: Conversation) -> None:
        self._stop_timers()
        due = None if self.over or self._outbox else conversation.next_due_ns()
        if due is not None:
            self._timer = self._loop.call_later(max(0.0, (due - self._now_ns()) / 1e9), self.wake)
        elif conversation.awaited is not None and not self.over:
            self._silence = self._loop.call_later(self._patience, self._still_waiting, conversation)

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._silence):
            if timer is not None:
                timer.cancel()
        self._timer = self._silence = None

    def _still_waiting(self, conversation: Conversation) -> None:
        self._desk.tell(f"connection {conversation.number}: waiting for the client's `{conversation.awaited}`")

    # --- the end

    def lost(self) -> None:
        """The transport is gone."""
        self._ended(None)

    def cut(self) -> None:
        """The service ends: what the client had not sent yet is told all the same."""
        if not self.over and self._conversation is not None:
            self._protocol.send_close(1001)
            self._flush()
        self._ended(1001)

    def _ended(self, code: int | None) -> None:
        if self._conversation is not None and not self.over:
            known = len(self._conversation.findings)
            self._conversation.close(code)
            self._tell(self._conversation, known)
        self.over = True
        self._stop_timers()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()

    @staticmethod
    def _now_ns() -> int:
        return time.monotonic_ns()


def _reason(text: str) -> str:
    """Cut a text to what fits into a Close frame: 123 bytes (RFC 6455 section 5.5)."""
    return text.encode("utf-8")[:120].decode("utf-8", "ignore")
