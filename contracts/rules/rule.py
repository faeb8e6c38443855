"""What a rule is, what a template must be able to do, and what is known of a scope instance when it is judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from ...cassettes import Direction
from ..event import label_of, side
from ..finding import Cause
from ..statistics import ScopeStatistics

OTHER = -1
"""Role of an event that a rule does not name, for templates that hear all events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A template with events in its places, and the evidence for it.

    The last place of a template that `takes_alternatives` may hold several events: any one of them will do.
    """

    template: str  # id of the template
    events: tuple[str, ...]  # symbols, in the template's order, the alternatives of its last place at the end
    times: int | None = None  # of a template that `counts`
    seen: int | None  # activations; None: written by a person
    scopes: int  # scope instances with an activation
    surprise: int | None = None  # bits: how unlikely it was to hold by chance; None: not measured
    broken: int = 0  # scope instances that broke it in the recordings that it was learned from
    pinned: bool = False

    @property
    def order(self) -> tuple[str, tuple[str, ...]]:
        """Sorting key: by template, then by events."""
        return (self.template, self.events)

    @property
    def a(self) -> str:
        """The event in the first place."""
        return self.events[0]

    @property
    def targets(self) -> tuple[str, ...]:
        """The events of which any one will do in the second place."""
        return self.events[1:]


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

    def came(self, symbols: Iterable[str]) -> int:
        """Return how many events of some symbols came."""
        return sum(self.counts.get(symbol, 0) for symbol in symbols)

    def missing_or_misplaced(self, symbols: tuple[str, ...], other: str) -> Cause:
        """Return the cause "missing" when none of some events came, or too few, else "order" with the other one."""
        present = [symbol for symbol in symbols if self.counts.get(symbol, 0)]
        if not present or self.balance(present[0], other) < 0:
            return Cause(kind="missing", symbols=frozenset(symbols))
        return Cause(kind="order", symbols=frozenset((present[0], other)))


class Template(Protocol):
    """A DECLARE template: how it is mined, how it is monitored, how it is said.

    A monitor is an integer state: 0 at the beginning, stepped by each event that the rule hears. Positions are
    greater than 0. An event costs constant work.
    """

    id: ClassVar[str]
    arity: ClassVar[int]  # places
    takes_alternatives: ClassVar[bool]  # True: its last place may hold several events
    counts: ClassVar[bool]  # True: it has a number of times
    owes: ClassVar[bool]  # True: its end demands an event
    hears_all: ClassVar[bool]  # False: only the events that the rule names
    points: ClassVar[bool]  # True: a state above 0 is the position at which it is broken, should the trace end there
    awaits: ClassVar[bool]  # True: in such a state the second event is still to come

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """Return the rules that no trace broke, or hardly any (`is_kept`)."""
        ...

    def step(self, rule: Rule, state: int, role: int, position: int) -> tuple[int, bool]:
        """Return the next state and whether this event breaks the rule. ``role``: index of the place, or `OTHER`."""
        ...

    def broken_at_end(self, rule: Rule, state: int) -> bool:
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


def role(template: Template, events: tuple[str, ...], symbol: str) -> int:
    """Return the place of a symbol among the events of a rule: of alternatives, the last; `OTHER` when it has none."""
    return min(events.index(symbol), template.arity - 1) if symbol in events else OTHER


def either(symbols: Sequence[str]) -> str:
    """Return the labels of events of which any one will do: "`a`", "`a` or `b`"."""
    *others, last = (f"`{label_of(symbol)}`" for symbol in symbols)
    return f"{', '.join(others)} or {last}" if others else last


def none_of(symbols: Sequence[str]) -> str:
    """Return the beginning of a sentence: "`a` never", "neither `a` nor `b`"."""
    *others, last = (f"`{label_of(symbol)}`" for symbol in symbols)
    return f"neither {', '.join(others)} nor {last}" if others else f"{last} never"


def often(times: int) -> str:
    """Return a number of times in words: "never", "once", "3 times"."""
    return {0: "never", 1: "once", 2: "twice"}.get(times, f"{times} times")


def blamed(cause: Cause, otherwise: str) -> Direction:
    """Return the side of the missing or surplus event; for a wrong order, of ``otherwise``."""
    symbols = sorted(cause.symbols) if cause.kind in ("missing", "extra") else [otherwise]
    return side(symbols[0])
