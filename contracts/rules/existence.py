"""existence(a): a comes. existence(a, n): at least n times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of, side
from ..evidence import is_kept
from ..finding import Cause
from ..statistics import ScopeStatistics
from .rule import Instance, Rule, often


class Existence:
    """LTLf: ``F a``; n times ``F(a & X(existence(a, n - 1)))``.

    States: how often a came, at most n.
    """

    id: ClassVar[str] = "existence"
    arity: ClassVar[int] = 1
    takes_alternatives: ClassVar[bool] = False
    counts: ClassVar[bool] = True
    owes: ClassVar[bool] = True
    hears_all: ClassVar[bool] = False
    points: ClassVar[bool] = False
    awaits: ClassVar[bool] = False

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """The symbols that came in every complete trace."""
        for a, scopes in statistics.complete_traces.items():
            broken = statistics.complete - scopes
            if is_kept(broken, statistics.complete) and len(statistics.traces) > 1:
                seen = statistics.complete
                yield Rule(template=self.id, events=(a,), times=1, seen=seen, scopes=seen, broken=broken)

    def step(self, rule: Rule, state: int, role: int, position: int) -> tuple[int, bool]:
        """Count."""
        return min(state + 1, rule.times or 1), False

    def broken_at_end(self, rule: Rule, state: int) -> bool:
        """When it came too seldom."""
        return state < (rule.times or 1)

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """It is missing."""
        return Cause(kind="missing", symbols=frozenset(rule.events))

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who sends it."""
        return side(rule.a)

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """How often it came."""
        came, times = instance.came(rule.events), rule.times or 1
        if times == 1:
            return f"`{label_of(rule.a)}` never came", "it did"
        return f"`{label_of(rule.a)}` came {often(came)}, at least {times} times are due", "it came as often"
