"""absence(a): a never comes. absence(a, n): fewer than n times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of, side
from ..evidence import is_kept
from ..finding import Cause
from ..statistics import ScopeStatistics
from .rule import Instance, Rule, often

_NONE: Counter[int] = Counter()


class Absence:
    """LTLf: ``~F a``; n times the negation of ``existence(a, n)``.

    States: how often a came, at most n.
    """

    id: ClassVar[str] = "absence"
    arity: ClassVar[int] = 1
    takes_alternatives: ClassVar[bool] = False
    counts: ClassVar[bool] = True
    owes: ClassVar[bool] = False
    hears_all: ClassVar[bool] = False
    points: ClassVar[bool] = False
    awaits: ClassVar[bool] = False

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """The symbols that never came twice in a trace."""
        for a, scopes in statistics.traces.items():
            once = statistics.repeats.get(a, _NONE)[1] + statistics.cut_repeats.get(a, _NONE)[1]
            broken = scopes - once
            if is_kept(broken, scopes):
                yield Rule(template=self.id, events=(a,), times=2, seen=scopes, scopes=scopes, broken=broken)

    def step(self, rule: Rule, state: int, role: int, position: int) -> tuple[int, bool]:
        """Count; the n-th one breaks it."""
        times = rule.times or 1
        return min(state + 1, times), state + 1 >= times

    def broken_at_end(self, rule: Rule, state: int) -> bool:
        """Never: it is decided by then."""
        return False

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """It came too often."""
        return Cause(kind="extra", symbols=frozenset(rule.events))

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who sends it."""
        return side(rule.a)

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """How often it came."""
        came = instance.came(rule.events)
        return f"`{label_of(rule.a)}` came {often(came)}", f"it came {often((rule.times or 1) - 1)} at most"
