"""Client messages that answer a server's event one to one, whenever it comes: heartbeats, approvals.

Such a message is no step of what its client has in mind. It goes out when its event comes, as often as it comes, and no
other message waits for it. It is told from the recording: on every connection the n-th message answers the n-th event,
and either both only keep the connection alive, or the event recurs within one turn of the other messages and a value
of it that differs from time to time comes back in the message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeGuard

from ..cassettes import Direction, Session
from ..cassettes.splicing import Value
from ..contracts import Contract, Event, label_of, side
from .demands import FORWARD
from .keep_alive import label_keeps_alive
from .leaves import Path, at, leaves
from .timeline import Trace, traces

_LEAST = 2
"""Times that an event is answered before it is taken for a pair that does not keep the connection alive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """A client's symbol that answers a server's symbol."""

    cause: str
    effect: str
    echoes: tuple[tuple[Path, Path], ...]  # places of the message, and those of the event whose values they repeat

    def values(self, cause: Event) -> dict[Path, Value]:
        """Return what to put into the message, by its places, when it answers this event."""
        values: dict[Path, Value] = {}
        for path, place in self.echoes:
            with suppress(LookupError):
                value = at(cause.payload, place)
                if _telling(value):
                    values[path] = value
        return values


@dataclass(slots=True)
class _Pairing:
    """What the recording shows of an event and the message that may answer it."""

    holds: bool = True
    answered: int = 0
    recurs: bool = False  # several of the events in one turn of the other messages
    echoes: dict[Path, set[Path]] | None = None
    values: dict[Path, set[object]] = field(default_factory=dict[Path, set[object]])

    def pair(self, cause: Event, effect: Event) -> None:
        self.answered += 1
        said = [(path, value) for path, value in leaves(cause.payload) if _telling(value)]
        echoes: dict[Path, set[Path]] = {}
        for path, value in leaves(effect.payload):
            same = {place for place, other in said if type(other) is type(value) and other == value}
            if same:
                echoes[path] = same
                self.values.setdefault(path, set()).add(value)
        if self.echoes is None:
            self.echoes = echoes
        else:
            both = {path: places & echoes.get(path, set()) for path, places in self.echoes.items()}
            self.echoes = {path: places for path, places in both.items() if places}

    def repeated(self) -> tuple[tuple[Path, Path], ...]:
        """The places whose values are those of the event, and not the same every time; all of a single message."""
        echoes = (self.echoes or {}).items()
        least = min(_LEAST, self.answered)
        return tuple((path, min(places, key=repr)) for path, places in echoes if len(self.values[path]) >= least)


def find_reactions(timelines: Sequence[Trace], contract: Contract) -> tuple[Reaction, ...]:
    """Find the messages that answer an event one to one, one event for each message."""
    pairs = sorted(_candidates(contract))
    if not pairs:
        return ()
    found = {pair: _Pairing() for pair in pairs}
    for timeline in timelines:
        _observe(timeline, found)
    reactions: dict[str, Reaction] = {}
    causes: set[str] = set()
    # What repeats the event's own values answers it rather than another.
    for pair, pairing in sorted(found.items(), key=lambda item: (not item[1].repeated(), item[0])):
        cause, effect = pair
        echoes = pairing.repeated()
        sure = _both_keep_alive(pair) or (pairing.recurs and pairing.answered >= _LEAST and bool(echoes))
        if sure and pairing.holds and pairing.answered and effect not in reactions and cause not in causes:
            reactions[effect] = Reaction(cause=cause, effect=effect, echoes=echoes)
            causes.add(cause)
    return tuple(reactions.values())


def reactive_traces(session: Session, contract: Contract) -> tuple[tuple[Trace, ...], tuple[Reaction, ...]]:
    """Return every connection of a recording, and the messages in it that begin no turn since they only react."""
    timelines = traces(session, contract.envelope)
    reactions = find_reactions(timelines, contract)
    if reactions:
        timelines = traces(session, contract.envelope, {reaction.effect for reaction in reactions})
    return timelines, reactions


def _candidates(contract: Contract) -> Iterator[tuple[str, str]]:
    for claim in contract.scopes:
        for rule in claim.rules:
            if rule.template in FORWARD and len(rule.targets) == 1:
                yield from _directed(rule.a, rule.targets[0])
    alive = [symbol for symbol in contract.events if label_keeps_alive(label_of(symbol))]
    for cause in alive:
        for effect in alive:
            yield from _directed(cause, effect)


def _directed(cause: str, effect: str) -> Iterator[tuple[str, str]]:
    if side(cause) is Direction.SERVER and side(effect) is Direction.CLIENT:
        yield cause, effect


def _both_keep_alive(pair: tuple[str, str]) -> bool:
    return all(label_keeps_alive(label_of(symbol)) for symbol in pair)


def _observe(timeline: Trace, found: Mapping[tuple[str, str], _Pairing]) -> None:
    """Hold every pair against one connection."""
    waiting: dict[tuple[str, str], list[Event]] = {pair: [] for pair in found}
    inside: Counter[tuple[str, str]] = Counter()  # events of the pair since the last other message of the client
    for moment in timeline.moments:
        client = moment.message.direction is Direction.CLIENT
        for event in moment.events:
            symbol = event.symbol
            for pair, pairing in found.items():
                if symbol == pair[0]:
                    waiting[pair].append(event)
                    inside[pair] += 1
                    pairing.recurs = pairing.recurs or inside[pair] > 1
                elif symbol == pair[1]:
                    # A message of several events is not made from one.
                    if not waiting[pair] or len(moment.events) > 1:
                        pairing.holds = False
                    else:
                        pairing.pair(waiting[pair].pop(0), event)
                elif client:
                    inside[pair] = 0


def _telling(value: object) -> TypeGuard[Value]:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
