"""response(a, b): after every a, b comes some time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of, side
from ..finding import Cause
from ..statistics import ScopeStatistics
from .rule import Instance, Rule


class Response:
    """LTLf: ``G(a -> F b)``.

    States: 0 nothing is awaited, otherwise the position of the first a that still awaits its b.
    """

    id: ClassVar[str] = "response"
    arity: ClassVar[int] = 2
    hears_all: ClassVar[bool] = False
    awaits: ClassVar[bool] = True

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """For each a, the symbols of which one came after the last a in every complete trace with an a."""
        for a, pairs in statistics.pairs.items():
            for b, pair in pairs.items():
                if pair.answered and pair.answered == statistics.complete_traces[a]:
                    yield Rule(
                        template=self.id,
                        events=(a, b),
                        seen=statistics.complete_events[a],
                        scopes=statistics.complete_traces[a],
                        surprise=pair.answer_bits // 1000,
                    )

    def step(self, state: int, role: int, position: int) -> tuple[int, bool]:
        """a opens, b closes."""
        if role == 0:
            return state or position, False
        return 0, False

    def broken_at_end(self, state: int) -> bool:
        """When an a still awaits its b."""
        return state != 0

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """b is missing, or came before the last a."""
        a, b = rule.events
        return instance.missing_or_misplaced(b, a)

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who owed b."""
        return side(rule.events[1])

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """That b never came after a."""
        a, b = map(label_of, rule.events)
        if cause.kind == "order":
            return f"`{b}` came before the last `{a}` and never after it", "it came after"
        return f"`{b}` never came after `{a}`", "it did"
