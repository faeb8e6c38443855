"""What a rule is, what a template must be able to do, and what is known of a scope instance when it is judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ...cassettes import Direction
from ..event import side
from ..finding import Cause
from ..statistics import ScopeStatistics

OTHER = -1
"""Role of an event that a rule does not name, for templates that hear all events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A template with events in its places, and the evidence for it."""

    template: str  # id of the template
    events: tuple[str, ...]  # symbols, in the template's order
    seen: int | None  # activations; None: written by a person
    scopes: int  # scope instances with an activation
    surprise: int | None = None  # bits: how unlikely it was to hold by chance; None: not measured
    pinned: bool = False

    @property
    def order(self) -> tuple[str, tuple[str, ...]]:
        """Sorting key: by template, then by events."""
        return (self.template, self.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One scope instance at the time of judgement."""

    first: str  # symbol of the first event
    last: str
    counts: Mapping[str, int]  # events by symbol
    # For each pair (a, b) that alternates in this scope. Lets a template say whether an event came often enough.
    partners: Mapping[str, frozenset[str]]

    def balance(self, symbol: str, without: str | None = None) -> int:
        """Return how many more events of a symbol came than of those it is paired with: 0 when none is known."""
        own = self.counts.get(symbol, 0)
        others = [self.counts.get(partner, 0) for partner in self.partners.get(symbol, ()) if partner != without]
        surplus = [own - other for other in others]
        return max(surplus, key=abs) if surplus else 0

    def missing_or_misplaced(self, symbol: str, other: str) -> Cause:
        """Return the cause "missing" when an event never came or came too seldom, else "order" with the other one."""
        if not self.counts.get(symbol, 0) or self.balance(symbol, other) < 0:
            return Cause(kind="missing", symbols=frozenset((symbol,)))
        return Cause(kind="order", symbols=frozenset((symbol, other)))


class Template(Protocol):
    """A DECLARE template: how it is mined, how it is monitored, how it is said.

    A monitor is an integer state: 0 at the beginning, stepped by each event that the rule hears. Positions are
    greater than 0. An event costs constant work.
    """

    id: ClassVar[str]
    arity: ClassVar[int]
    hears_all: ClassVar[bool]  # False: only the events that the rule names
    awaits: ClassVar[bool]  # True: a state above 0 means that the second event is still to come

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """Return the rules that no trace broke."""
        ...

    def step(self, state: int, role: int, position: int) -> tuple[int, bool]:
        """Return the next state and whether this event breaks the rule. ``role``: index in ``events``, or `OTHER`."""
        ...

    def broken_at_end(self, state: int) -> bool:
        """Tell whether the end of the trace breaks the rule."""
        ...

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """Return what lies behind a broken rule."""
        ...

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Return the side that broke it. ``trigger``: the symbol at which it broke, None at the end."""
        ...

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """Return what happened and what always held: "`b` never came after `a`", "it did"."""
        ...


def blamed(cause: Cause, otherwise: str) -> Direction:
    """Return the side of the missing or surplus event; for a wrong order, of ``otherwise``."""
    symbols = sorted(cause.symbols) if cause.kind in ("missing", "extra") else [otherwise]
    return side(symbols[0])
