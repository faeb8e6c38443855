"""succession(a, b): response(a, b) and precedence(a, b)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of, side
from ..evidence import is_kept
from ..finding import Cause
from ..statistics import ScopeStatistics
from .rule import Instance, Rule


class Succession:
    """LTLf: ``G(a -> F b) & (~b W a)``.

    States: 0 no a yet, the position of the first a that awaits its b, -1 none does.
    """

    id: ClassVar[str] = "succession"
    arity: ClassVar[int] = 2
    takes_alternatives: ClassVar[bool] = False
    counts: ClassVar[bool] = False
    owes: ClassVar[bool] = True
    hears_all: ClassVar[bool] = False
    points: ClassVar[bool] = True
    awaits: ClassVar[bool] = True

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """The pairs of which both a response and a precedence hold."""
        for a, scopes in statistics.complete_traces.items():
            for b, pair in statistics.pairs[a].items():
                broken = scopes - pair.answered + statistics.traces[b] - pair.preceded
                if pair.answered and pair.preceded and is_kept(broken, min(scopes, statistics.traces[b])):
                    yield Rule(
                        template=self.id,
                        events=(a, b),
                        seen=min(statistics.complete_events[a], statistics.events[b]),
                        scopes=min(scopes, statistics.traces[b]),
                        surprise=min(pair.answer_bits, pair.precede_bits) // 1000,
                        broken=broken,
                    )

    def step(self, rule: Rule, state: int, role: int, position: int) -> tuple[int, bool]:
        """a opens and allows b for ever; b closes; a b before the first a breaks it."""
        if role == 0:
            return (state if state > 0 else position), False
        return (-1 if state else 0), state == 0

    def broken_at_end(self, rule: Rule, state: int) -> bool:
        """When an a still awaits its b."""
        return state > 0

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """One is missing, or both came in the wrong order."""
        a, b = rule.events
        if not instance.counts.get(a, 0):
            return Cause(kind="missing", symbols=frozenset((a,)))
        return instance.missing_or_misplaced((b,), a)

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who owed b, or sent it too early."""
        return side(rule.events[1])

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """Which of both is missing or misplaced."""
        a, b = map(label_of, rule.events)
        if cause.kind == "order":
            return f"`{b}` did not come after `{a}` and only after it", "it did"
        if rule.a in cause.symbols:
            return f"`{b}` came without a `{a}` before it", "there was one"
        return f"`{b}` never came after `{a}`", "it did"
