"""What a comparison asks of a connection, gathered in one reading and kept in place of its events."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import KeysView, Mapping
from dataclasses import dataclass

from ..cassettes import Direction
from ..contracts import CONNECTION, Contract
from .timeline import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One scope instance of a recording: which events of the server it holds and how often, in whatever order."""

    name: str
    value: str
    first: str  # symbol of its first event
    position: int  # of that event
    counts: Mapping[str, int]  # of the server's events, by symbol
    last_turn: int

    @property
    def symbols(self) -> KeysView[str]:
        """The server's events in it."""
        return self.counts.keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What came on one connection. Scopes stand in the order in which they begin."""

    came: Mapping[str, int]  # how often, by symbol
    first: Mapping[str, tuple[int, int]]  # the turn and position at which each of the server's events came first
    script: tuple[str, ...]  # the symbols of the client's events
    scopes: tuple[Scope, ...]  # of identifiers
    turns: Mapping[tuple[str, frozenset[str]], int]  # what begins a turn and the server's events in it: how many such


@dataclass(slots=True)
class _Draft:
    """A scope that goes on."""

    first: str
    position: int
    last_turn: int
    counts: Counter[str]


def digest(trace: Trace, contract: Contract) -> Digest:
    """Return the digest of a connection by a contract's scopes, which is made once."""
    known = trace.digests.get(contract)
    if known is None:
        known = trace.digests[contract] = _read(trace, contract)
    return known


def _read(trace: Trace, contract: Contract) -> Digest:
    came: Counter[str] = Counter()
    first: dict[str, tuple[int, int]] = {}
    script: list[str] = []
    drafts: dict[tuple[str, str], _Draft] = {}
    turns: Counter[tuple[str, frozenset[str]]] = Counter()
    begun: str | None = None  # what the present turn began with
    held: set[str] = set()
    number = -1
    for moment in trace.moments:
        if moment.turn != number:
            if begun is not None:
                turns[begun, frozenset(held)] += 1
            begun, held, number = None, set[str](), moment.turn
        for event in moment.events:
            symbol = sys.intern(event.symbol)
            came[symbol] += 1
            begun = symbol if begun is None else begun
            server = event.direction is Direction.SERVER
            if server:
                first.setdefault(symbol, (moment.turn, event.position))
                held.add(symbol)
            else:
                script.append(symbol)
            for key in contract.scope_keys(event):
                if key.name == CONNECTION:
                    continue
                draft = drafts.get((key.name, key.value))
                if draft is None:
                    draft = drafts[key.name, key.value] = _Draft(symbol, event.position, moment.turn, Counter())
                draft.last_turn = moment.turn
                if server:
                    draft.counts[symbol] += 1
    if begun is not None:
        turns[begun, frozenset(held)] += 1
    alike: dict[tuple[tuple[str, int], ...], dict[str, int]] = {}  # scopes of one kind share their counts
    return Digest(
        came=came,
        first=first,
        script=tuple(script),
        scopes=tuple(
            Scope(
                name=name,
                value=value,
                first=draft.first,
                position=draft.position,
                counts=alike.setdefault(tuple(draft.counts.items()), dict(draft.counts)),
                last_turn=draft.last_turn,
            )
            for (name, value), draft in drafts.items()
        ),
        turns=turns,
    )
