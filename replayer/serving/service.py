"""The server role: sockets and clock around `Programme` and `Conversation`.

A plain HTTP request is read with h11; one that asks for a WebSocket is handed on to websockets' sans-I/O protocol.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import h11
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as HandshakeRequest
from websockets.server import ServerProtocol

from ...cassettes import (
    PLACEHOLDER,
    Direction,
    Headers,
    HttpExchange,
    Kind,
    Message,
    Session,
    Target,
    UsageError,
    header,
)
from ...contracts import Finding, Severity
from .conversation import Conversation, Leave, Manner, Say
from .likeness import Echo, Knowledge
from .programme import Choice, Invitation, Miss, Programme
from .request import Request, compare_requests
from .values import Values

_KINDS = {Opcode.TEXT: Kind.TEXT, Opcode.BINARY: Kind.BINARY}
_UNSENT = frozenset(("connection", "content-length", "content-encoding", "transfer-encoding", "keep-alive", "date"))
_HANDSHAKE = frozenset(("upgrade", "connection", "date", "server"))
MAX_BODY = 64 << 20
_PATIENCE = 5.0  # seconds of waiting for a client's message before a word is said


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What serving came to."""

    findings: tuple[Finding, ...]
    connections: int
    messages: int  # said and heard
    exchanges: int
    never_asked: tuple[str, ...]  # in words, what nobody asked for


@dataclass(slots=True)
class _Tally:
    findings: list[Finding] = field(default_factory=list[Finding])
    connections: int = 0
    messages: int = 0
    exchanges: int = 0


class Service:
    """Serves one cassette to any number of clients, each from its start."""

    def __init__(
        self,
        session: Session,
        manner: Callable[[frozenset[object]], Manner],
        *,
        secrets: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = lambda line: None,
        patience: float = _PATIENCE,
    ) -> None:
        """``manner`` is called with what the recorded server had issued, ``tell`` with a line for a person.

        ``secrets`` gives values to placeholder texts.
        """
        self._recorded = session
        contract = manner(frozenset()).contract
        self.programme = Programme(session, contract)
        self.manner = manner(self.programme.issued)
        self.values = Values()
        self.values.learn_all(Echo(recorded=text, live=value, key="") for text, value in (secrets or {}).items())
        self.tally = _Tally()
        self.tell = tell
        self.patience = patience
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None) -> int:
        """Listen; return the port. Raises UsageError for an address that cannot be listened on."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Line(self), host, port, ssl=tls)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError(f"cannot listen on {host} port {port}: {reason}; choose another with --listen") from error
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> Outcome:
        """Stop listening, end what is open, and return what it came to."""
        if self._server is not None:
            self._server.close()
        for line in list(self._lines):
            line.cut()
        if self._server is not None:
            await self._server.wait_closed()
        return Outcome(
            findings=tuple(self.tally.findings),
            connections=self.tally.connections,
            messages=self.tally.messages,
            exchanges=self.tally.exchanges,
            never_asked=tuple(self.programme.never_asked()),
        )

    @property
    def knowledge(self) -> Knowledge:
        """What is known of recorded values outside of any connection."""
        return Knowledge(
            issued=lambda value: (type(value), value) in self.manner.issued,
            expected=self.values.live,
        )

    def found(self, finding: Finding) -> None:
        """Take a finding, and say at once what is wrong."""
        self.tally.findings.append(finding)
        if finding.severity is Severity.BREAKING:
            where = f"connection {finding.connection}: " if finding.connection is not None else ""
            self.tell(f"{where}{finding.message}")

    def missed(self, what: str, id: str, miss: Miss) -> Finding:
        """Make the finding of a request that is not in the recording."""
        if miss.nearest is None:
            text = f"{what} came; nothing of the kind was recorded"
        else:
            differs = "; ".join(map(str, miss.differences[:3]))
            text = f"{what} is not in the recording; the nearest is {miss.nearest}" + (
                f": {differs}" if differs else ""
            )
        redactor = self.manner.redactor
        return Finding(
            id=id,
            severity=Severity.INFO if self.manner.mode == "lenient" else Severity.BREAKING,
            direction=Direction.CLIENT,
            label=None,
            path=None,
            connection=None,
            position=None,
            message=text if redactor is None else redactor.text(text),
        )

    def opened(self, line: _Line) -> None:
        """A transport is there."""
        self._lines.add(line)

    def closed(self, line: _Line) -> None:
        """A transport is gone."""
        self._lines.discard(line)

    def response(self, live: Request, own: str) -> tuple[int, str, Headers, bytes]:
        """Answer a plain request; ``own`` is the origin that the client knows us by."""
        answer = self.programme.exchange(live, self.knowledge)
        if isinstance(answer, Miss):
            finding = self.missed(f"{live.method} {live.path}", "http/unexpected", answer)
            self.found(finding)
            return 501, "Not Recorded", (("Content-Type", "text/plain; charset=utf-8"),), finding.message.encode()
        exchange, recorded = answer
        self.values.learn_all(compare_requests(recorded, live, self.knowledge).echoes)
        self.tally.exchanges += 1
        return exchange.status, exchange.reason, self._headers(exchange, own), self._body(exchange)

    def _body(self, exchange: HttpExchange) -> bytes:
        if self.manner.freshness is not None:
            self.values.refresh(exchange.response_body, self.manner.freshness)
        return self.values.fill(exchange.response_body)

    def _headers(self, exchange: HttpExchange, own: str) -> Headers:
        origin = Target.parse(self._recorded.header.target).origin
        return tuple(
            (name, self.values.fill_text(_at_home(name, value, origin, own)))
            for name, value in exchange.response_headers
            if name.lower() not in _UNSENT
        )


def placeholders(session: Session) -> tuple[str, ...]:
    """Return the names of the redaction placeholders in a session."""
    texts: list[str] = []
    for connection in session.connections:
        shake = connection.handshake
        texts += [shake.target, *(value for _, value in shake.request_headers + shake.response_headers)]
        texts += [message.payload.decode("latin-1") for message in connection.messages]
    for exchange in session.exchanges:
        texts += [exchange.target, *(value for _, value in exchange.request_headers + exchange.response_headers)]
        texts += [body.decode("latin-1") for body in (exchange.request_body, exchange.response_body)]
    return tuple(dict.fromkeys(found[1] for text in texts for found in PLACEHOLDER.finditer(text)))


def _at_home(name: str, value: str, recorded: str, own: str) -> str:
    """Return a response's field with what names the recorded service naming this one."""
    if name.lower() == "location" and value.startswith(recorded):
        return own + value[len(recorded) :]
    if name.lower() == "set-cookie":
        parts = [part for part in value.split(";") if not part.strip().lower().startswith("domain=")]
        return ";".join(parts)
    return value


class _Line(asyncio.Protocol):
    """One client's transport: plain HTTP until it asks for a WebSocket."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._http = h11.Connection(h11.SERVER)
        self._request: h11.Request | None = None
        self._raw = bytearray()  # of the request that is being read, as websockets wants to see it
        self._body = bytearray()
        self._socket: _Socket | None = None
        self._paused = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._service.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._socket is not None:
            self._socket.lost()
        self._service.closed(self)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._socket is not None:
            self._socket.wake()

    @property
    def writable(self) -> bool:
        """Whether the client takes what is sent."""
        return not self._paused

    def cut(self) -> None:
        """The service ends."""
        if self._socket is not None:
            self._socket.cut()
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._socket is not None:
            self._socket.receive(data)
            return
        self._raw += data
        try:
            self._http.receive_data(data)
            self._read_requests()
        except h11.RemoteProtocolError as error:
            self._service.tell(f"not HTTP: {error}")
            with contextlib.suppress(h11.LocalProtocolError):
                self._respond(error.error_status_hint, "Bad Request", (), str(error).encode())
            self.transport.close()

    def _read_requests(self) -> None:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                self._request = event
                if any(name == b"upgrade" and value.lower() == b"websocket" for name, value in event.headers):
                    self._socket = _Socket(self._service, self, _plain(event, b""), bytes(self._raw))
                    return
                if self._http.they_are_waiting_for_100_continue:
                    response = h11.InformationalResponse(status_code=100, headers=[])
                    self.transport.write(self._http.send(response) or b"")
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > MAX_BODY:
                    raise h11.RemoteProtocolError("the body is larger than 64 MiB", error_status_hint=413)
            elif isinstance(event, h11.EndOfMessage):
                assert self._request is not None
                live = _plain(self._request, bytes(self._body))
                own = header(live.headers, "host") or "127.0.0.1"
                scheme = "http" if self.transport.get_extra_info("ssl_object") is None else "https"
                self._respond(*self._service.response(live, f"{scheme}://{own}"))
                if self._http.our_state is h11.MUST_CLOSE:
                    self.transport.close()
                    return
                self._body.clear()
                self._raw = bytearray(self._http.trailing_data[0])
                self._http.start_next_cycle()
            else:
                if isinstance(event, h11.ConnectionClosed):
                    self.transport.close()
                return

    def _respond(self, status: int, reason: str, headers: Headers, body: bytes) -> None:
        fields = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]
        empty = status in (204, 304) or 100 <= status < 200
        length = [] if empty else [(b"Content-Length", str(len(body)).encode())]
        response = h11.Response(status_code=status, reason=reason.encode("latin-1"), headers=[*fields, *length])
        out = self._http.send(response) or b""
        if body and not empty and not (self._request is not None and self._request.method == b"HEAD"):
            out += self._http.send(h11.Data(data=body)) or b""
        self.transport.write(out + (self._http.send(h11.EndOfMessage()) or b""))


def _plain(request: h11.Request, body: bytes) -> Request:
    return Request(
        method=request.method.decode("ascii"),
        target=request.target.decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw_items()),
        body=body,
    )


class _Socket:
    """A WebSocket on a transport: frames, and the turns of its conversation."""

    def __init__(self, service: Service, line: _Line, live: Request, raw: bytes) -> None:
        self._service = service
        self._line = line
        self._conversation: Conversation | None = None
        self._invitation: Invitation | None = None
        self._kind = Kind.TEXT  # of the message whose frames are coming
        self._pieces: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._releasing = False
        self._over = False
        self._loop = asyncio.get_running_loop()
        offered = [name.strip() for name in (header(live.headers, "sec-websocket-protocol") or "").split(",")]
        choice = service.programme.handshake(live, offered, service.knowledge)
        if isinstance(choice, Choice):
            self._invitation = choice.invitation
        recorded = self._invitation.connection.handshake if self._invitation is not None else None
        deflate = "permessage-deflate" in (
            (header(recorded.response_headers, "sec-websocket-extensions") or "") if recorded is not None else ""
        )
        subprotocol = recorded.subprotocol if recorded is not None else None
        self._protocol = ServerProtocol(
            extensions=[ServerPerMessageDeflateFactory()] if deflate else None,
            select_subprotocol=lambda protocol, offers: next((offer for offer in offers if offer == subprotocol), None),
            max_size=None,
        )
        self._protocol.receive_data(raw)
        request = next((event for event in self._protocol.events_received()), None)
        if not isinstance(request, HandshakeRequest):
            # websockets has an answer of its own for what is no handshake.
            self._flush()
            return
        self._shake_hands(choice, request)

    # --- handshake

    def _shake_hands(self, choice: Choice | Miss, request: HandshakeRequest) -> None:
        service = self._service
        service.tally.connections += 1
        number = service.tally.connections
        if isinstance(choice, Miss):
            id = "handshake/subprotocol" if choice.differences else "handshake/status"
            finding = service.missed(f"a handshake for {request.path.partition('?')[0]}", id, choice)
            service.found(replace(finding, connection=number))
            self._refuse(404, "Not Recorded", (), finding.message.encode())
            return
        recorded = choice.invitation.connection.handshake
        if choice.invitation.part is None:
            self._refuse(recorded.status, recorded.reason, recorded.response_headers, recorded.response_body)
            return
        response = self._protocol.accept(request)
        if response.status_code == 101:
            for name, value in recorded.response_headers:
                if name.lower() not in _HANDSHAKE and not name.lower().startswith("sec-websocket-"):
                    response.headers[name] = service.values.fill_text(value)
        self._protocol.send_response(response)
        self._flush()
        if response.status_code != 101:
            return
        self._conversation = Conversation(
            choice.invitation.part, service.manner, service.values, number, others=choice.others
        )
        self._conversation.open(self._now_ns())
        self.wake()

    def _refuse(self, status: int, reason: str, headers: Headers, body: bytes) -> None:
        response = self._protocol.reject(status, "")
        response.reason_phrase = reason or response.reason_phrase
        del response.headers["Content-Type"]
        for name, value in headers:
            if name.lower() not in _UNSENT:
                response.headers[name] = value
        del response.headers["Content-Length"]
        response.headers["Content-Length"] = str(len(body))
        response.body = body
        self._protocol.send_response(response)
        self._over = True
        self._flush()

    # --- frames

    def receive(self, data: bytes) -> None:
        """Bytes came."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event)
        self._flush()

    def _frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self._closed()
        elif frame.opcode in _KINDS or frame.opcode is Opcode.CONT:
            self._pieces.append(bytes(frame.data))
            self._kind = _KINDS.get(frame.opcode, self._kind)
            if frame.fin:
                payload = b"".join(self._pieces)
                self._pieces.clear()
                self._message(self._kind, payload)

    def _message(self, kind: Kind, payload: bytes) -> None:
        if self._conversation is None or self._over:
            return
        now_ns = self._now_ns()
        self._service.tally.messages += 1
        message = Message(
            connection=self._conversation.number,
            direction=Direction.CLIENT,
            kind=kind,
            payload=payload,
            at_ns=now_ns,
        )
        before = self._conversation.part
        known = len(self._conversation.findings)
        self._conversation.receive(message, now_ns)
        if self._conversation.part is not before:
            self._service.programme.recast(before, self._conversation.part)
        for finding in self._conversation.findings[known:]:
            self._service.found(finding)
        if self._conversation.refused:
            self._over = True
            self._protocol.send_close(1008, _reason(self._conversation.findings[-1].message))
        else:
            self.wake()

    # --- saying

    def wake(self) -> None:
        """Look at what is due, once everything that has arrived is heard."""
        if not self._releasing:
            self._releasing = True
            # Two rounds of the loop: what the client had sent by now is read in the one between.
            self._loop.call_soon(self._loop.call_soon, self._release)

    def _release(self) -> None:
        self._releasing = False
        conversation = self._conversation
        if conversation is None or self._over or not self._line.writable:
            return
        for action in conversation.due(self._now_ns()):
            if isinstance(action, Say):
                self._service.tally.messages += 1
                self._send(action)
            else:
                self._leave(action)
        self._flush()
        self._set_timer(conversation)

    def _send(self, action: Say) -> None:
        if action.kind is Kind.TEXT:
            self._protocol.send_text(action.payload)
        else:
            self._protocol.send_binary(action.payload)

    def _leave(self, action: Leave) -> None:
        self._over = True
        end = action.exit
        if end.reset:
            self._flush()
            self._line.transport.abort()
        elif end.code == 1006:
            self._flush()
            self._line.transport.close()
        elif end.code == 1005:
            self._protocol.send_close()
        else:
            self._protocol.send_close(end.code, end.reason)

    def _set_timer(self, conversation: Conversation) -> None:
        for timer in (self._timer, self._silence):
            if timer is not None:
                timer.cancel()
        self._timer = self._silence = None
        due = conversation.next_due_ns()
        if due is not None:
            self._timer = self._loop.call_later(max(0.0, (due - self._now_ns()) / 1e9), self.wake)
        elif conversation.awaited is not None:
            self._silence = self._loop.call_later(self._service.patience, self._still_waiting)

    def _still_waiting(self) -> None:
        if self._conversation is not None and not self._over:
            self._service.tell(
                f"connection {self._conversation.number}: waiting for the client's `{self._conversation.awaited}`"
            )

    # --- the end

    def _closed(self) -> None:
        """A Close frame came."""
        self._ended(self._protocol.close_rcvd.code if self._protocol.close_rcvd is not None else 1005)

    def lost(self) -> None:
        """The transport is gone."""
        with contextlib.suppress(Exception):
            self._protocol.receive_eof()
        self._ended(None)

    def cut(self) -> None:
        """The service ends: what the client had not sent yet is told all the same."""
        if not self._over and self._conversation is not None:
            self._protocol.send_close(1001)
            self._flush()
        self._ended(1001)

    def _ended(self, code: int | None) -> None:
        if self._conversation is not None and not self._over:
            known = len(self._conversation.findings)
            self._conversation.close(code)
            for finding in self._conversation.findings[known:]:
                self._service.found(finding)
        self._over = True
        for timer in (self._timer, self._silence):
            if timer is not None:
                timer.cancel()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._line.transport.write(data)
            else:
                self._line.transport.close()

    @staticmethod
    def _now_ns() -> int:
        return time.monotonic_ns()


def _reason(text: str) -> str:
    """Cut a text to what fits into a Close frame: 123 bytes (RFC 6455 section 5.5)."""
    return text.encode("utf-8")[:120].decode("utf-8", "ignore")
