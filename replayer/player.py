"""Playing a script against a server: its requests and connections, overlapping as they did when recorded."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.request import getproxies

from ..cassettes import (
    Direction,
    Ending,
    Handshake,
    Headers,
    HttpExchange,
    Opened,
    Session,
    Target,
    UnreachableError,
    header,
)
from ..contracts import Checker, Contract, Finding
from .breaking import breaking
from .conversation import Conversation
from .dialling import HandshakeFailedError, dial, handshake_headers, shaken_hands
from .live_connection import LiveConnection
from .log import Log
from .options import Options
from .restart import RestartedError, went_away
from .script import ConnectionScript, ExchangeScript, Gate, Script
from .stage import Line, Stage
from .turn import Turn
from .waiting import StoppedError, get_values
from .wire import accepts, body_encoding, request_headers, send_request


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Played:
    """What came of one play. It has no long form: asyncio writes the result of its main task out when it ends."""

    session: Session  # redacted like a recording, connections numbered as in the cassette
    findings: tuple[Finding, ...]  # what the play itself found: timeouts, early ends, values that never came
    stopped: Mapping[int, int]  # connection -> the turn in which its play was given up
    checker: Checker  # has seen every record


class Player:
    """Plays one script once."""

    def __init__(self, script: Script, recorded: Session, contract: Contract, options: Options, version: str) -> None:
        self._script = script
        self._recorded = recorded
        self._options = options
        self._log = Log(recorded.header, contract, options, version)
        self._stage = Stage(script, options, self._log, contract)
        # Searching the environment takes as long as a handshake, so it is done once.
        self._proxied = bool(getproxies())
        self._over: dict[tuple[str, int], asyncio.Event] = defaultdict(asyncio.Event)

    async def play(self) -> Played:
        """Play all connections and requests, overlapping as they did. Raises UnreachableError."""
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
        await self._require_presence()
        return Played(
            session=self._log.session(),
            findings=tuple(self._log.findings),
            stopped=dict(self._log.stopped),
            checker=self._log.checker,
        )

    async def _require_presence(self) -> None:
        """Raise RestartedError when the server went away in the middle."""
        drops, target = self._log.drops, self._options.target
        if drops and (how := went_away(drops, accepting=await accepts(target))):
            raise RestartedError(target.url, how)

    async def _prerequisites(self, connections: Sequence[int], exchanges: Sequence[int]) -> None:
        for number in connections:
            await self._over["connection", number].wait()
        for number in exchanges:
            await self._over["exchange", number].wait()

    # --- plain HTTP

    async def _exchange(self, script: ExchangeScript) -> None:
        exchange = script.exchange
        ledger, log = self._stage.ledger, self._log
        try:
            await self._prerequisites(script.after_connections, script.after_exchanges)
            if exchange.status == 0:  # the recorded upstream never answered; there is nothing to compare
                return
            missing = ledger.missing(script.tokens)
            if missing:
                self._stage.refused.add(exchange.number)
                log.tell(self._stage.unbound(missing, f"request {exchange.method} {exchange.target}", None))
                return
            target = ledger.fill_text(exchange.target, script.tokens, "url")
            body = exchange.request_body
            with contextlib.suppress(UnicodeDecodeError):  # a binary body has no values put into it
                encoding = body_encoding(exchange.request_headers)
                body = ledger.fill_text(body.decode("utf-8"), script.tokens, encoding).encode("utf-8")
            filled = self._filled(exchange.request_headers, script.tokens)
            sent = request_headers(filled, self._options.target, body, self._options.headers)
            at_ns = log.now_ns()
            response = await send_request(self._options.target, self._options.tls, exchange.method, target, sent, body)
            if response.status != exchange.status:
                self._stage.refused.add(exchange.number)
            ledger.receive_response(exchange.number, response.headers, response.body)
            log.record(
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
                    took_ns=log.now_ns() - at_ns,
                )
            )
            self._stage.wake()
        finally:
            self._over["exchange", exchange.number].set()

    def _filled(self, headers: Headers, tokens: Sequence[str]) -> Headers:
        return tuple((name, self._stage.ledger.fill_text(value, tokens)) for name, value in headers)

    # --- one connection

    async def _connection(self, script: ConnectionScript) -> None:
        number = script.number
        try:
            await self._prerequisites(script.after_connections, script.after_exchanges)
            if script.connection.handshake.status == 0:
                return
            line = Line(script, Turn(self._options.timeout_ns))
            self._stage.lines[number] = line
            line.turn.restart(self._log.now_ns())
            try:
                await get_values(self._stage, line, script.tokens, Gate(turn=0), "its handshake")
            except StoppedError as stop:
                self._log.tell(stop.finding)
                self._log.stopped[number] = 0
                return
            socket = await self._open(script)
            if socket is not None:
                await Conversation(self._stage, line, socket).play()
        finally:
            self._over["connection", number].set()

    async def _open(self, script: ConnectionScript) -> LiveConnection | None:
        """Shake hands; None when the server refused, which is recorded and judged like everything else."""
        recorded = script.connection.handshake
        options, log = self._options, self._log
        resource = self._stage.ledger.fill_text(self._resource(recorded.target), script.tokens, "url")
        filled = self._filled(recorded.request_headers, script.tokens)
        origin = header(filled, "origin")
        at_ns = log.now_ns()
        try:
            answer = await dial(
                options.target,
                options.tls,
                resource,
                handshake_headers(filled, options.headers),
                # A page of the recorded service becomes a page of the one under test; other origins stay.
                origin=None if origin is None else self._origin(origin),
                patience=30.0 if options.timeout_ns is None else options.timeout_ns / 1e9,
                proxied=self._proxied,
            )
        except HandshakeFailedError as error:
            log.tell(
                breaking(
                    "handshake/status",
                    f"the handshake failed: {error}",
                    script.number,
                    baseline=recorded.status,
                    candidate=str(error),
                )
            )
            log.stopped[script.number] = 0
            return None
        except UnreachableError as error:
            if any(line.opened_ns is not None for line in self._stage.lines.values()):
                how = f"connection {script.number} could not be opened"
                raise RestartedError(options.target.url, how) from error
            raise
        handshake = answer if isinstance(answer, Handshake) else shaken_hands(answer)
        opened = Opened(connection=script.number, at_ns=at_ns, handshake=replace(handshake, target=resource))
        log.record(opened)
        if isinstance(answer, Handshake):
            log.close(script.number, Ending.REFUSED, Direction.SERVER)
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
