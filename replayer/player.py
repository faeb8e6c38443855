"""Playing a script against a server: the sockets and the clock around `Turn`, `Ledger` and `Script`."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from ..cassettes import (
    Closed,
    Direction,
    Ending,
    Handshake,
    Header,
    Headers,
    HttpExchange,
    Kind,
    Message,
    Opened,
    Record,
    Redactor,
    Session,
    Target,
    header,
)
from ..contracts import Checker, Contract, EventReader, Finding, label_of
from .bindings import Scalar
from .breaking import breaking
from .dialling import HandshakeFailedError, dial, handshake_headers, shaken_hands
from .ledger import Ledger
from .script import ConnectionScript, ExchangeScript, Finish, Gate, Script, Send
from .turn import Turn
from .wire import body_encoding, request_headers, send_request

_NEVER_SENT = frozenset((1005, 1006, 1015))  # RFC 6455 section 7.4.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to play. Times in nanoseconds."""

    target: Target
    tls: ssl.SSLContext | None = None
    headers: Headers = ()  # put into every handshake and request, in place of recorded ones of the same name
    secrets: Mapping[str, str] = field(default_factory=dict[str, str])  # placeholder text -> value
    timeout_ns: int | None = None
    speed: float | None = None  # 1.0 keeps the recorded pauses; None: as fast as the server answers
    redact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of one play."""

    session: Session  # redacted like a recording, connections numbered as in the cassette
    findings: tuple[Finding, ...]  # what the play itself found: timeouts, early ends, values that never came
    stopped: Mapping[int, int]  # connection -> the turn in which its play was given up
    checker: Checker  # has seen every record


class _Stopped(Exception):
    """This connection's play cannot go on; the finding says why, None when another finding does."""

    def __init__(self, finding: Finding | None) -> None:
        self.finding = finding


class Player:
    """Plays one script once."""

    def __init__(self, script: Script, recorded: Session, contract: Contract, options: Options, version: str) -> None:
        self._script = script
        self._recorded = recorded
        self._options = options
        self._ledger = Ledger(script.bindings, options.secrets)
        self._reader = EventReader(contract.envelope)
        self._checker = Checker(contract)
        known = {text.removeprefix("{{secret:").removesuffix("}}"): value for text, value in options.secrets.items()}
        self._redactor = Redactor(known=known) if options.redact else None
        self._records: list[Record] = []
        self._findings: list[Finding] = []
        self._stopped: dict[int, int] = {}
        self._refused: set[int] = set()  # requests that were not sent, or answered with another status
        self._over: dict[tuple[str, int], asyncio.Event] = defaultdict(asyncio.Event)
        self._lines: dict[int, _Line] = {}
        self._begun_ns = 0
        self._record(
            Header(
                target=options.target.url,
                created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                wstape=version,
                redaction=self._redactor.rules if self._redactor else (),
                notes={"replayed": recorded.header.target},
            )
        )

    async def play(self) -> Played:
        """Play all connections and requests, overlapping as they did. Raises UnreachableError."""
        self._begun_ns = time.monotonic_ns()
        tasks = [
            *(asyncio.create_task(self._exchange(exchange)) for exchange in self._script.exchanges),
            *(asyncio.create_task(self._connection(connection)) for connection in self._script.connections),
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return Played(
            session=Session.gather(self._records, complete=not self._stopped),
            findings=tuple(self._findings),
            stopped=dict(self._stopped),
            checker=self._checker,
        )

    # --- time and records

    def now_ns(self) -> int:
        return time.monotonic_ns() - self._begun_ns

    def _record(self, record: Record) -> None:
        if self._redactor is not None:
            record = self._redactor.record(record)
        self._records.append(record)
        self._checker.record(record)

    def _wake(self) -> None:
        """A value came that any connection may be waiting for."""
        for line in self._lines.values():
            if line.wants_values:
                line.signal.set()

    async def _prerequisites(self, connections: Sequence[int], exchanges: Sequence[int]) -> None:
        for number in connections:
            await self._over["connection", number].wait()
        for number in exchanges:
            await self._over["exchange", number].wait()

    # --- plain HTTP

    async def _exchange(self, script: ExchangeScript) -> None:
        exchange = script.exchange
        try:
            await self._prerequisites(script.after_connections, script.after_exchanges)
            if exchange.status == 0:  # the recorded upstream never answered; there is nothing to compare
                return
            missing = self._ledger.missing(script.tokens)
            if missing:
                self._refused.add(exchange.number)
                self._tell(self._unbound(missing, f"request {exchange.method} {exchange.target}", None))
                return
            fill = self._ledger.fill_text
            target = fill(exchange.target, script.tokens, "url")
            body = exchange.request_body
            with contextlib.suppress(UnicodeDecodeError):  # a binary body has no values put into it
                encoding = body_encoding(exchange.request_headers)
                body = fill(body.decode("utf-8"), script.tokens, encoding).encode("utf-8")
            filled = self._filled(exchange.request_headers, script.tokens)
            sent = request_headers(filled, self._options.target, body, self._options.headers)
            at_ns = self.now_ns()
            response = await send_request(self._options.target, self._options.tls, exchange.method, target, sent, body)
            if response.status != exchange.status:
                self._refused.add(exchange.number)
            self._ledger.receive_response(exchange.number, response.headers, response.body)
            self._record(
                HttpExchange(
                    number=exchange.number,
                    method=exchange.method,
                    target=target,
                    request_headers=sent,
                    request_body=body,
                    status=response.status,
                    reason=response.reason,
                    response_headers=response.headers,
                    response_body=response.body,
                    at_ns=at_ns,
                    took_ns=self.now_ns() - at_ns,
                )
            )
            self._wake()
        finally:
            self._over["exchange", exchange.number].set()

    def _filled(self, headers: Headers, tokens: Sequence[str]) -> Headers:
        return tuple((name, self._ledger.fill_text(value, tokens)) for name, value in headers)

    # --- one connection

    async def _connection(self, script: ConnectionScript) -> None:
        number = script.number
        try:
            await self._prerequisites(script.after_connections, script.after_exchanges)
            if script.connection.handshake.status == 0:
                return
            line = _Line(script, Turn(self._options.timeout_ns))
            self._lines[number] = line
            line.turn.restart(self.now_ns())
            try:
                await self._values(line, script.tokens, Gate(turn=0), "its handshake")
            except _Stopped as stop:
                self._tell(stop.finding)
                self._stopped[number] = 0
                return
            socket = await self._open(script)
            if socket is not None:
                line.socket = socket
                await self._converse(line, socket)
        finally:
            self._over["connection", number].set()

    async def _open(self, script: ConnectionScript) -> ClientConnection | None:
        """Shake hands; None when the server refused, which is recorded and judged like everything else."""
        recorded = script.connection.handshake
        options = self._options
        resource = self._ledger.fill_text(self._resource(recorded.target), script.tokens, "url")
        filled = self._filled(recorded.request_headers, script.tokens)
        origin = header(filled, "origin")
        at_ns = self.now_ns()
        try:
            answer = await dial(
                options.target,
                options.tls,
                resource,
                handshake_headers(filled, options.headers),
                # A page of the recorded service becomes a page of the one under test; other origins stay.
                origin=None if origin is None else self._origin(origin),
                patience=30.0 if options.timeout_ns is None else options.timeout_ns / 1e9,
            )
        except HandshakeFailedError as error:
            self._findings.append(
                breaking(
                    "handshake/status",
                    f"the handshake failed: {error}",
                    script.number,
                    baseline=recorded.status,
                    candidate=str(error),
                )
            )
            self._stopped[script.number] = 0
            return None
        handshake = answer if isinstance(answer, Handshake) else shaken_hands(answer)
        self._record(Opened(connection=script.number, at_ns=at_ns, handshake=replace(handshake, target=resource)))
        if isinstance(answer, Handshake):
            self._close(script.number, Ending.REFUSED, Direction.SERVER)
            return None
        return answer

    def _resource(self, recorded: str) -> str:
        """The recorded request target, or the one that the user named in place of the recorded service's own."""
        own = self._options.target.resource
        if not own:
            return recorded
        service = Target.parse(self._recorded.header.target).resource
        path, mark, query = recorded.partition("?")
        if path != (service.partition("?")[0] or path):
            return recorded
        return own if "?" in own else own + mark + query

    def _origin(self, recorded: str) -> str:
        service = Target.parse(self._recorded.header.target).origin
        return self._options.target.origin if recorded == service else recorded

    async def _converse(self, line: _Line, socket: ClientConnection) -> None:
        script = line.script
        number = script.number
        reading = asyncio.create_task(self._read(line, socket))
        stopped = False
        try:
            line.turn.restart(self.now_ns())
            for send in script.sends:
                await self._send(line, socket, send)
            await self._finish(line, socket, script.finish)
        except _Stopped as stop:
            stopped = True
            left = len(script.sends) - line.turn.number
            more = f"; {left} more recorded client messages were not sent" if left > 0 else ""
            finding = stop.finding
            self._tell(finding and replace(finding, message=finding.message + more))
            self._stopped[number] = line.turn.number
        finally:
            await socket.close()
            await reading
            self._record_close(line, socket, stopped)

    def _record_close(self, line: _Line, socket: ClientConnection, stopped: bool) -> None:
        number = line.script.number
        protocol = socket.protocol
        frames: list[tuple[Direction, bytes]] = []
        if protocol.close_sent is not None and not stopped:
            frames.append((Direction.CLIENT, protocol.close_sent.serialize()))
        if protocol.close_rcvd is not None:
            frames.append((Direction.SERVER, protocol.close_rcvd.serialize()))
        if protocol.close_rcvd_then_sent:
            frames.reverse()
        for direction, payload in frames:
            self._record(
                Message(connection=number, direction=direction, kind=Kind.CLOSE, payload=payload, at_ns=self.now_ns())
            )
        if stopped and not line.closed_by_server:
            self._close(number, Ending.CUT, None)  # given up by us: what the server owed still may have come
        elif len(frames) == 2:
            self._close(number, Ending.CLEAN, frames[0][0], stopped=stopped)
        else:
            self._close(number, Ending.EOF, Direction.SERVER, stopped=stopped)

    def _close(self, number: int, ending: Ending, by: Direction | None, *, stopped: bool = False) -> None:
        closed = Closed(connection=number, ending=ending, by=by, at_ns=self.now_ns())
        self._records.append(closed)
        # Where the play was given up, that is the finding: what then never came is not owed as well.
        self._checker.record(replace(closed, ending=Ending.CUT) if stopped else closed)

    async def _read(self, line: _Line, socket: ClientConnection) -> None:
        """Take what the server sends until the connection ends."""
        try:
            while True:
                data = await socket.recv()
                now_ns = self.now_ns()
                text = isinstance(data, str)
                message = Message(
                    connection=line.script.number,
                    direction=Direction.SERVER,
                    kind=Kind.TEXT if text else Kind.BINARY,
                    payload=data.encode("utf-8") if isinstance(data, str) else data,
                    at_ns=now_ns,
                )
                self._record(message)
                for event in self._reader.read(message):
                    line.turn.receive(event, now_ns)
                    line.last = event.symbol
                    self._ledger.receive_event(event, line.turn.number)
                line.received += 1
                line.signal.set()
                self._wake()
        except ConnectionClosed:
            line.closed = True
            line.closed_by_server = not line.closing
            line.signal.set()

    async def _send(self, line: _Line, socket: ClientConnection, send: Send) -> None:
        what = f"`{send.label}`"
        await self._gate(line, send.gate, f"before the client's {what}")
        values = (*(hole.value for hole in send.holes), *send.tokens)
        await self._values(line, values, send.gate, what)
        await self._pause(send.pause_ns)
        payload = self._ledger.fill_json(send.message.payload, send.holes)
        if send.tokens:
            payload = self._ledger.fill_text(payload.decode("utf-8"), send.tokens).encode("utf-8")
        now_ns = self.now_ns()
        message = Message(
            connection=line.script.number,
            direction=Direction.CLIENT,
            kind=send.message.kind,
            payload=payload,
            at_ns=now_ns,
        )
        self._reader.read(message)  # which pairs requests with their responses
        self._record(message)
        line.turn.begin(now_ns)
        line.last = None
        text = send.message.kind is Kind.TEXT
        try:
            await socket.send(payload.decode("utf-8") if text else payload)
        except ConnectionClosed:
            raise _Stopped(self._early(line, f"before the client's {what} could be sent")) from None

    async def _finish(self, line: _Line, socket: ClientConnection, finish: Finish) -> None:
        await self._gate(line, finish.gate, "before the end")
        if finish.by is Direction.SERVER:
            if not await self._until(line, lambda: line.closed, line.turn.deadline_ns(finish.gate)):
                raise _Stopped(
                    breaking(
                        "replay/timeout",
                        f"the server did not close the connection within {self._waited(line, finish.gate)}; "
                        f"in the recording it did, with {finish.code}",
                        line.script.number,
                        baseline=finish.code,
                    )
                )
            return
        if line.closed:
            code = socket.close_code
            if code not in (1000, 1001):
                raise _Stopped(self._early(line, "where the client ended it in the recording"))
            return
        await self._pause(finish.pause_ns)
        line.closing = True
        await socket.close(1000 if finish.code in _NEVER_SENT else finish.code, finish.reason)

    async def _gate(self, line: _Line, gate: Gate, where: str) -> None:
        """Wait for the end of the server's turn."""
        turn = line.turn
        number = line.script.number
        await self._until(line, lambda: turn.reached(gate) or line.closed, turn.deadline_ns(gate))
        if not turn.reached(gate):
            # When the connection is gone nothing more can come, essential or not.
            awaited = gate.awaited if line.closed else turn.lacking(gate)
            if awaited is None:
                return
            label = label_of(awaited)
            if line.closed:
                raise _Stopped(self._early(line, f"while `{label}` was awaited {where}", awaited))
            came = f"the last event before that was `{label_of(line.last)}`" if line.last else "nothing came"
            raise _Stopped(
                breaking(
                    "replay/timeout",
                    f"`{label}` did not come within {self._waited(line, gate)} {where}; {came}",
                    number,
                    candidate=line.last and label_of(line.last),
                    baseline=label,
                    missing=awaited,
                )
            )
        while not line.closed and not turn.settled(gate, len(self._checker.pending(number)), self.now_ns()):
            seen = line.received
            await self._until(line, lambda seen=seen: line.received != seen or line.closed, turn.settle_ns(gate))

    async def _values(self, line: _Line, values: Sequence[Scalar], gate: Gate, what: str) -> None:
        """Wait for the values that a step needs."""
        if not self._ledger.missing(values):
            return
        line.wants_values = True
        try:
            came = await self._until(
                line, lambda: not self._ledger.missing(values) or line.closed, line.turn.deadline_ns(gate)
            )
        finally:
            line.wants_values = False
        missing = self._ledger.missing(values)
        if not came or missing:
            raise _Stopped(self._unbound(missing, what, line.script.number))

    async def _until(self, line: _Line, ready: Callable[[], bool], deadline_ns: int) -> bool:
        """Wait until something is so, looking again at every message. False when the time is over."""
        while not ready():
            remaining = deadline_ns - self.now_ns()
            if remaining <= 0:
                return False
            line.signal.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(remaining / 1e9):
                    await line.signal.wait()
        return True

    async def _pause(self, pause_ns: int) -> None:
        if self._options.speed:
            await asyncio.sleep(pause_ns / 1e9 / self._options.speed)

    def _waited(self, line: _Line, gate: Gate) -> str:
        return f"{(line.turn.deadline_ns(gate) - line.turn.begun_ns) / 1e9:.3g} s"

    def _early(self, line: _Line, where: str, awaited: str | None = None) -> Finding:
        assert line.socket is not None
        code = line.socket.close_code
        reason = f" {line.socket.close_reason!r}" if line.socket.close_reason else ""
        how = f"closed the connection with {code}{reason}" if code not in (None, 1006) else "dropped the connection"
        return breaking(
            "close/abnormal",
            f"the server {how} {where}",
            line.script.number,
            candidate=code,
            missing=awaited,
        )

    def _tell(self, finding: Finding | None) -> None:
        if finding is not None:
            self._findings.append(finding)

    def _unbound(self, missing: Sequence[Scalar], what: str, connection: int | None) -> Finding | None:
        """Say which values never came; None when the requests that bring them were refused, which is told by itself."""
        if all(self._ledger.exchange(value) in self._refused for value in missing):
            return None
        sources = ", ".join(self._ledger.source(value) for value in missing)
        return breaking(
            "replay/unbound",
            f"{what} needs a value that the server did not issue; in the recording it came from {sources}",
            connection,
            baseline=[str(value) for value in missing],
        )


class _Line:
    """The state of one connection's play."""

    def __init__(self, script: ConnectionScript, turn: Turn) -> None:
        self.script = script
        self.turn = turn
        self.signal = asyncio.Event()
        self.socket: ClientConnection | None = None
        self.wants_values = False
        self.closing = False  # by us
        self.closed = False
        self.closed_by_server = False
        self.received = 0
        self.last: str | None = None  # symbol of the last event in this turn
