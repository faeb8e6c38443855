"""A recording turned into what a client must do, and what each step waits for.

The script says little about time: a step waits for what *caused* it in the recording, the end of the server's turn
before it and the values that the server issues. Where nothing of the kind explains it, as when a client cancels what
it has just asked for, its recorded pause is kept, up to `LONGEST_PAUSE_NS`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..cassettes import Connection, Direction, Ending, HttpExchange, Kind, Message, Session
from ..contracts import CONNECTION, Contract, Event, side
from .bindings import Binding, Bindings, Hole, find_bindings, message_place
from .demands import ALWAYS, FORWARD
from .keep_alive import keeps_alive
from .latest import Latest
from .overrides import Overrides
from .reactions import Reaction, reactive_traces
from .timeline import Moment, ServerTurn, Trace

LONGEST_PAUSE_NS = 1_000_000_000
"""A recorded pause that nothing explains is kept up to here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What the server must have sent in a turn before the client goes on.

    ``awaited`` is the last event of the recorded turn that every turn of its kind has; without it the client waits
    until a timeout. That is a reason to stop only when the event is ``essential``: one that answers something by an
    identifier, or any on a service that has no identifiers. Another may have been a push that came by chance; it
    costs the time of the timeout, and is missed by the comparison if it was always there; one of the turn's
    ``answers`` that never came is a reason to stop all the same. Where the contract knows ``others`` that may come in
    place of the awaited event, as a failure does in place of a result, one of them will do. ``counts`` is what else
    the turn held: it is waited for as well, but only while the server keeps sending, since counts vary from run to run.
    """

    turn: int
    awaited: str | None = None  # symbol
    others: frozenset[str] = frozenset()  # symbols
    essential: bool = True
    answers: tuple[str, ...] = ()  # symbols that answer by an identifier and that every turn of its kind has
    counts: dict[str, int] = field(default_factory=dict[str, int])  # symbol -> times it came in the recorded turn
    longest_gap_ns: int = 0  # between two messages of the recorded turn
    took_ns: int = 0  # the recorded turn

    @property
    def ends(self) -> tuple[str, ...]:
        """What ends the turn: the awaited event first."""
        return () if self.awaited is None else (self.awaited, *sorted(self.others))


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Send one message."""

    message: Message
    index: int  # among the data messages of the recorded connection
    label: str
    gate: Gate
    holes: tuple[Hole, ...] = ()
    tokens: tuple[str, ...] = ()
    latest: tuple[Latest, ...] = ()
    pause_ns: int = 0  # since the message before it in the recording
    unexplained_ns: int = 0  # of the pause, what is kept at any speed: nothing else says why the client waited


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Close the connection, or wait for the server to do it."""

    gate: Gate
    by: Direction
    code: int = 1000  # 1005: without a code
    reason: str = ""
    pause_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What is sent whenever a server's event comes: the first message for the first one, the last for all further."""

    reaction: Reaction
    sends: tuple[Send, ...]  # at least one; their gates stand open


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionScript:
    """One connection: when it opens, with which handshake, and its steps."""

    number: int
    connection: Connection
    tokens: tuple[str, ...]
    after_connections: tuple[int, ...]  # were over when it opened
    after_exchanges: tuple[int, ...]
    sends: tuple[Send, ...]
    finish: Finish
    received: int  # server data messages in the recording
    reactions: tuple[Prepared, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeScript:
    """One plain HTTP request."""

    exchange: HttpExchange
    tokens: tuple[str, ...]
    after_connections: tuple[int, ...]
    after_exchanges: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a client does to repeat a session."""

    connections: tuple[ConnectionScript, ...]
    exchanges: tuple[ExchangeScript, ...]
    bindings: tuple[Binding, ...]
    secrets: tuple[str, ...]  # names of placeholders whose values must come from outside
    found: Bindings  # all that is known of the bindings


def compile_script(
    session: Session,
    contract: Contract,
    allowed: Collection[str] = (),
    overrides: Overrides | None = None,
    *,
    own: bool = False,
) -> Script:
    """Turn a recorded session into a script, reading its events with the contract's envelope and scopes.

    Nothing waits for events with an ``allowed`` label. With ``own``, the identifiers that the client made up are bound
    too, so that others can be put in their place.
    """
    timelines, reactions = reactive_traces(session, contract)
    found = find_bindings(session, timelines, overrides, own=own)
    ends = _ends(session.connections)
    prepared = _Reactions(timelines, reactions, found)
    reading = _Reading(
        contract=contract,
        always=_always(timelines),
        allowed=frozenset(allowed),
        ends=ends,
        choices=tuple(_choices(contract)),
        follows=tuple(
            (rule.a, rule.targets)
            for claim in contract.scopes
            for rule in claim.rules
            if claim.name == CONNECTION and rule.template in FORWARD - {"responded_existence"}
        ),
        finals={
            claim.name: frozenset(rule.events)
            for claim in contract.scopes
            for rule in claim.rules
            if rule.template == "end" and claim.name != CONNECTION
        },
    )
    return Script(
        connections=tuple(
            replace(_connection(timeline, session, found, reading), reactions=prepared.of(timeline.connection.number))
            for timeline in timelines
        ),
        exchanges=tuple(
            ExchangeScript(
                exchange=exchange,
                tokens=found.tokens.get(f"exchange {exchange.number}", ()),
                after_connections=_over(ends, exchange.at_ns),
                after_exchanges=_answered(session.exchanges, exchange.at_ns),
            )
            for exchange in session.exchanges
        ),
        bindings=found.bindings,
        secrets=found.secrets,
        found=found,
    )


def _ends(connections: Sequence[Connection]) -> dict[int, int]:
    """Return when each connection that ended did so: at its first Close frame, after which nobody counts on it.

    The end of the transport may be recorded a moment later than what the client did next elsewhere.
    """
    ends: dict[int, int] = {}
    for connection in connections:
        first = next((message.at_ns for message in connection.messages if message.kind is Kind.CLOSE), None)
        if first is not None:
            ends[connection.number] = first
        elif connection.closed is not None:
            ends[connection.number] = connection.closed.at_ns
    return ends


def _over(ends: Mapping[int, int], at_ns: int) -> tuple[int, ...]:
    return tuple(number for number, end_ns in ends.items() if end_ns < at_ns)


def _answered(exchanges: Sequence[HttpExchange], at_ns: int) -> tuple[int, ...]:
    return tuple(exchange.number for exchange in exchanges if exchange.at_ns + exchange.took_ns < at_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """How the recorded turns are read. Turns of one kind share what is the same in all of them."""

    contract: Contract
    always: Mapping[str, frozenset[str]]  # by what begins a turn, the symbols that came in every turn that begins so
    allowed: frozenset[str]
    choices: tuple[tuple[str | None, tuple[str, ...]], ...]  # as `_choices` yields them
    follows: tuple[tuple[str, tuple[str, ...]], ...]  # what always comes after which event of a connection
    finals: Mapping[str, frozenset[str]]  # by scope, the events of which one is always its last
    ends: Mapping[int, int]  # of connections by their numbers, when they ended
    _counts: dict[tuple[tuple[str, int], ...], dict[str, int]] = field(default_factory=dict[Any, dict[str, int]])
    _others: dict[frozenset[str], frozenset[str]] = field(default_factory=dict[frozenset[str], frozenset[str]])
    _answers: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict[tuple[str, ...], tuple[str, ...]])

    def others(self, awaited: str, turn: ServerTurn) -> frozenset[str]:
        """Return what a contract knows to come in place of a turn's last event."""
        held = _symbols(turn)
        found = {
            symbol
            for after, either in self.choices
            if awaited in either and (after is None or after in held)
            for symbol in either
            if side(symbol) is Direction.SERVER
        }
        others = frozenset(found - {awaited})
        return self._others.setdefault(others, others)

    def outcomes(self, turn: ServerTurn) -> frozenset[str]:
        """Return those events of a turn that end something: the contract knows that one of them, or another, must come.

        An event that ends a part only, as that of a tool's call does not end the run that it belongs to, is none. On a
        connection, whatever always comes after another event is one.
        """
        held = _symbols(turn)
        found = {
            symbol
            for after, either in (*self.choices, *self.follows)
            if after is not None and after in held
            for symbol in either
        }
        for either in self.finals.values():
            found |= either
        return frozenset(
            event.symbol
            for event in turn.events
            if event.symbol in found
            and all(
                event.symbol in self.finals[key.name]
                for key in self.contract.scope_keys(event)
                if key.name in self.finals
            )
        )

    def counts(self, symbols: Iterable[str]) -> dict[str, int]:
        """Count symbols."""
        counts = dict(Counter(symbols))
        return self._counts.setdefault(tuple(counts.items()), counts)

    def answers(self, symbols: Iterable[str]) -> tuple[str, ...]:
        """Return each symbol once."""
        once = tuple(dict.fromkeys(symbols))
        return self._answers.setdefault(once, once)

    def ends_nothing(self, event: Event) -> bool:
        """Tell whether an event says nothing of the end of a turn, whenever it comes."""
        return keeps_alive(event) or event.label in self.allowed


def _symbols(turn: ServerTurn) -> set[str]:
    """Return the symbols of a turn, and of the message that began it."""
    return {event.symbol for event in (*(turn.began.events if turn.began else ()), *turn.events)}


def _choices(contract: Contract) -> Iterator[tuple[str | None, tuple[str, ...]]]:
    """Yield the events of which a contract demands any one, and after which one, None when in every scope."""
    for claim in contract.scopes:
        for rule in claim.rules:
            if rule.template in FORWARD and len(rule.targets) > 1:
                yield rule.a, rule.targets
            elif rule.template in ALWAYS and len(rule.events) > 1 and claim.name != CONNECTION:
                yield None, rule.events


class _Reactions:
    """The messages of a recording that react to an event of the server."""

    def __init__(self, timelines: Sequence[Trace], reactions: Sequence[Reaction], found: Bindings) -> None:
        self._reactions = reactions
        self._sends: dict[tuple[int, str], list[Send]] = {}
        self._first: dict[str, Send] = {}
        for timeline in timelines if reactions else ():
            for moment in timeline.moments:
                if moment.message.direction is Direction.CLIENT and timeline.reacts(moment.events):
                    (event,) = moment.events
                    send = Send(
                        message=moment.message,
                        index=moment.index,
                        label=sys.intern(event.label),
                        gate=Gate(turn=moment.turn),
                        holes=found.holes.get((event.connection, moment.index), ()),
                        tokens=found.tokens.get(message_place(event.connection, moment.index), ()),
                    )
                    self._sends.setdefault((event.connection, event.symbol), []).append(send)
                    self._first.setdefault(event.symbol, send)

    def of(self, connection: int) -> tuple[Prepared, ...]:
        """Return what one connection sends; where its recording has none, what another one does."""
        return tuple(
            Prepared(
                reaction=one,
                sends=tuple(self._sends.get((connection, one.effect), [self._first[one.effect]])),
            )
            for one in self._reactions
        )


def _always(timelines: Sequence[Trace]) -> dict[str, frozenset[str]]:
    """Return, by what begins a turn, the symbols that came in every turn that begins so.

    A turn in which nothing came says nothing: the client sent its next message without waiting.
    """
    always: dict[str, frozenset[str]] = {}
    for timeline in timelines:
        for turn in timeline.turns:
            came = frozenset(event.symbol for event in turn.events)
            if came:
                always[turn.beginning] = always.get(turn.beginning, came) & came
    return always


def _connection(timeline: Trace, session: Session, found: Bindings, reading: _Reading) -> ConnectionScript:
    connection = timeline.connection
    number = connection.number
    sends: list[Send] = []
    gate = Gate(turn=0)
    received = 0
    previous_ns = connection.opened_ns
    for turn in timeline.turns:
        if turn.began is not None:
            send = _send(turn.began, gate, previous_ns, found, reading)
            sends.append(send)
            previous_ns = send.message.at_ns
        gate = _gate(len(sends), turn, previous_ns, reading)
        received += len(turn.moments)
        previous_ns = turn.moments[-1].message.at_ns if turn.moments else previous_ns
    return ConnectionScript(
        number=number,
        connection=connection,
        tokens=found.tokens.get(f"handshake {number}", ()),
        after_connections=_over(reading.ends, connection.opened_ns),
        after_exchanges=_answered(session.exchanges, connection.opened_ns),
        sends=tuple(sends),
        finish=_finish(connection, gate, previous_ns),
        received=received,
    )


def _send(moment: Moment, gate: Gate, previous_ns: int, found: Bindings, reading: _Reading) -> Send:
    message = moment.message
    holes = found.holes.get((message.connection, moment.index), ())
    tokens = found.tokens.get(message_place(message.connection, moment.index), ())
    pause_ns = max(0, message.at_ns - previous_ns)
    explained = gate.awaited or holes or tokens or all(map(reading.ends_nothing, moment.events))
    return Send(
        message=message,
        index=moment.index,
        label=sys.intern(", ".join(event.label for event in moment.events) or str(message.kind)),
        gate=gate,
        holes=holes,
        tokens=tokens,
        latest=found.latest.get((message.connection, moment.index), ()),
        pause_ns=pause_ns,
        unexplained_ns=0 if explained else min(pause_ns, LONGEST_PAUSE_NS),
    )


def _finish(connection: Connection, gate: Gate, last_ns: int) -> Finish:
    first = next((message for message in connection.messages if message.kind is Kind.CLOSE), None)
    if first is not None:
        pause_ns = max(0, first.at_ns - last_ns)
        return Finish(
            gate=gate, by=first.direction, code=first.close_code, reason=first.close_reason, pause_ns=pause_ns
        )
    closed = connection.closed
    if closed is not None and closed.by is Direction.SERVER and closed.ending in (Ending.EOF, Ending.RESET):
        return Finish(gate=gate, by=Direction.SERVER, code=1006)
    return Finish(gate=gate, by=Direction.CLIENT)


def _gate(number: int, turn: ServerTurn, begun_ns: int, reading: _Reading) -> Gate:
    moments = [moment for moment in turn.moments if not all(map(reading.ends_nothing, moment.events))]
    events = [event for moment in moments for event in moment.events]
    if not events:
        return Gate(turn=number)
    # What came in some turns of this kind only may come late, or not at all; what carries an identifier answers
    # something.
    sure = [event.symbol for event in events if event.symbol in reading.always[turn.beginning]]
    answers = [event.symbol for event in events if len(reading.contract.scope_keys(event)) > 1]
    # What ends a run may have been another event each time, and no turn that was cut short by the client has one.
    outcomes = reading.outcomes(turn)
    ending = [event.symbol for event in events if event.symbol in outcomes or event.symbol in sure]
    awaited = (ending or answers or [events[-1].symbol])[-1]
    times = [moment.message.at_ns for moment in moments]
    return Gate(
        turn=number,
        awaited=sys.intern(awaited),
        others=reading.others(awaited, turn),
        answers=reading.answers(symbol for symbol in answers if symbol in sure),
        essential=awaited in answers or len(reading.contract.scopes) == 1,  # the connection's own scope is always there
        counts=reading.counts(event.symbol for event in events if event.symbol in {awaited, *sure}),
        longest_gap_ns=max(
            (later - earlier for earlier, later in zip([begun_ns, *times], times, strict=False)), default=0
        ),
        took_ns=max(0, times[-1] - begun_ns),
    )
