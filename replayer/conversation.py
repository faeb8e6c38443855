"""One open connection's play: what is sent, what comes, how it ends. The sockets around `Turn` and `Ledger`."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

from websockets.exceptions import ConnectionClosed

from ..cassettes import Direction, Ending, Kind, Message, make_message
from ..contracts import Event, Finding, Severity
from .breaking import breaking
from .live_connection import LiveConnection
from .restart import Drop, drops_known
from .script import Finish, Send
from .stage import Line, Stage
from .waiting import StoppedError, get_values, pass_gate, until, waited

_NEVER_SENT = frozenset((1005, 1006, 1015))  # RFC 6455 section 7.4.1


class Conversation:
    """Plays one connection that has just opened."""

    def __init__(self, stage: Stage, line: Line, socket: LiveConnection) -> None:
        self._stage = stage
        self._log = stage.log
        self._line = line
        self._script = line.script
        self._socket = socket
        self._prepared = {prepared.reaction.cause: prepared for prepared in self._script.reactions}
        self._reacted: Counter[str] = Counter()  # by the symbol of the cause

    async def play(self) -> None:
        """Send, wait, and end as it was recorded."""
        line, script = self._line, self._script
        stopped = False
        try:
            line.opened_ns = self._log.now_ns()
            line.turn.restart(line.opened_ns)
            self._socket.listen(self)
            for send in script.sends:
                await self._send(send)
            await self._finish(script.finish)
        except StoppedError as stop:
            stopped = True
            left = len(script.sends) - line.turn.number
            more = f"; {left} more recorded client messages were not sent" if left > 0 else ""
            finding = stop.finding
            self._log.tell(finding and replace(finding, message=finding.message + more))
            self._log.stopped[script.number] = line.turn.number
        finally:
            line.closing = line.closing or not line.closed
            await self._socket.close()
            if self._socket.failure is not None:
                raise self._socket.failure
            self._record_close(stopped)

    def _record_close(self, stopped: bool) -> None:
        number, log = self._script.number, self._log
        protocol = self._socket.protocol
        frames: list[tuple[Direction, bytes]] = []
        if protocol.close_sent is not None and not stopped:
            frames.append((Direction.CLIENT, protocol.close_sent.serialize()))
        if protocol.close_rcvd is not None:
            frames.append((Direction.SERVER, protocol.close_rcvd.serialize()))
        if protocol.close_rcvd_then_sent:
            frames.reverse()
        for direction, payload in frames:
            log.record(
                Message(connection=number, direction=direction, kind=Kind.CLOSE, payload=payload, at_ns=log.now_ns())
            )
        if stopped and not self._line.closed_by_server:
            log.close(number, Ending.CUT, None)  # given up by us: what the server owed still may have come
        elif len(frames) == 2:
            log.close(number, Ending.CLEAN, frames[0][0], stopped=stopped)
        else:
            log.close(number, Ending.EOF, Direction.SERVER, stopped=stopped)

    def message(self, payload: bytes, *, text: bool) -> None:
        """Take what the server sends."""
        line, stage = self._line, self._stage
        now_ns = self._log.now_ns()
        kind = Kind.TEXT if text else Kind.BINARY
        events = self._log.record(make_message(self._script.number, Direction.SERVER, kind, payload, now_ns))
        for event in events:
            line.turn.receive(event, now_ns)
            line.last = event.symbol
            stage.ledger.receive_event(event, line.turn.number)
        line.received += 1
        line.signal.set()
        stage.wake()
        if self._prepared:
            for event in events:
                self._react(event)

    def lost(self) -> None:
        """Take the end of the connection."""
        line = self._line
        line.closed_ns = self._log.now_ns()
        line.closed = True
        line.closed_by_server = not line.closing
        line.signal.set()

    def _react(self, event: Event) -> None:
        """Answer an event that is answered whenever it comes."""
        prepared = self._prepared.get(event.symbol)
        if prepared is None or self._line.closing or not self._socket.takes:
            return
        send = prepared.sends[min(self._reacted[event.symbol], len(prepared.sends) - 1)]
        self._reacted[event.symbol] += 1
        number, ledger = self._script.number, self._stage.ledger
        payload = ledger.fill_reaction(
            send.message, send.holes, send.tokens, self._stage.reader.envelope(number), prepared.reaction.values(event)
        )
        now_ns = self._log.now_ns()
        self._log.record(make_message(number, Direction.CLIENT, send.message.kind, payload, now_ns))
        self._socket.reply(payload, text=send.message.kind is Kind.TEXT)

    async def _send(self, send: Send) -> None:
        stage, line = self._stage, self._line
        what = f"`{send.label}`"
        await pass_gate(stage, line, send.gate, f"before the client's {what}", self._early)
        values = (*(hole.value for hole in send.holes), *send.tokens)
        await get_values(stage, line, values, send.gate, what)
        await self._pause(send.pause_ns, send.unexplained_ns)
        envelope = stage.reader.envelope(self._script.number)
        payload = stage.ledger.fill_message(send.message, send.holes, send.tokens, envelope, send.latest)
        now_ns = self._log.now_ns()
        self._log.record(make_message(self._script.number, Direction.CLIENT, send.message.kind, payload, now_ns))
        line.turn.begin(now_ns)
        line.last = None
        try:
            await self._socket.say(payload, text=send.message.kind is Kind.TEXT)
        except ConnectionClosed:
            raise StoppedError(self._early(f"before the client's {what} could be sent")) from None

    async def _finish(self, finish: Finish) -> None:
        stage, line = self._stage, self._line
        await pass_gate(stage, line, finish.gate, "before the end", self._early)
        if finish.by is Direction.SERVER:
            if not await until(stage, line, lambda: line.closed, line.turn.deadline_ns(finish.gate)):
                finding = breaking(
                    "replay/timeout",
                    f"the server did not close the connection within {waited(line, finish.gate)}; "
                    f"in the recording it did, with {finish.code}",
                    self._script.number,
                    baseline=finish.code,
                )
                if drops_known(stage.contract, finish.code) and stage.contract.closings.get(Direction.CLIENT):
                    # Connections that it does not drop end by their clients: all was sent, and the play goes on.
                    finding = replace(finding, severity=Severity.WARNING)
                    self._log.tell(finding)
                    stage.spared.add(self._script.number)
                    return
                raise StoppedError(finding)
            return
        if line.closed:
            if self._socket.close_code not in (1000, 1001):
                raise StoppedError(self._early("where the client ended it in the recording"))
            return
        await self._pause(finish.pause_ns)
        line.closing = True
        await self._socket.close(1000 if finish.code in _NEVER_SENT else finish.code, finish.reason)

    async def _pause(self, pause_ns: int, unexplained_ns: int = 0) -> None:
        speed = self._stage.options.speed
        rest_ns = pause_ns / speed if speed else unexplained_ns
        if rest_ns:
            await asyncio.sleep(rest_ns / 1e9)

    def _early(self, where: str, awaited: str | None = None) -> Finding:
        code = self._socket.close_code
        reason = f" {self._socket.close_reason!r}" if self._socket.close_reason else ""
        line = self._line
        self._log.drops.append(
            Drop(connection=self._script.number, code=code, at_ns=line.closed_ns, open=self._stage.neighbours(line))
        )
        how = f"closed the connection with {code}{reason}" if code not in (None, 1006) else "dropped the connection"
        text = f"the server {how} {where}"
        known = drops_known(self._stage.contract, code)
        if not known:
            return breaking("close/abnormal", text, self._script.number, candidate=code, missing=awaited)
        self._stage.dropped.add(self._script.number)
        often = "once" if known == 1 else f"{known} times"
        text += f", as it was recorded to do {often}; the rest of the connection could not be played"
        finding = breaking("close/abnormal", text, self._script.number, candidate=code)
        return replace(finding, severity=Severity.WARNING)
