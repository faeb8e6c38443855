"""precedence(a, b): no b before the first a."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of, side
from ..evidence import is_kept
from ..finding import Cause
from ..statistics import ScopeStatistics
from .rule import Instance, Rule


class Precedence:
    """LTLf: ``~b W a`` (weak until: a need not come).

    States: 0 no a yet, 1 a came.
    """

    id: ClassVar[str] = "precedence"
    arity: ClassVar[int] = 2
    takes_alternatives: ClassVar[bool] = False
    counts: ClassVar[bool] = False
    owes: ClassVar[bool] = False
    hears_all: ClassVar[bool] = False
    points: ClassVar[bool] = False
    awaits: ClassVar[bool] = False

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """For each b, the symbols of which one came before the first b in every trace with a b."""
        for a, pairs in statistics.pairs.items():
            for b, pair in pairs.items():
                broken = statistics.traces[b] - pair.preceded
                if pair.preceded and is_kept(broken, statistics.traces[b]):
                    yield Rule(
                        template=self.id,
                        events=(a, b),
                        seen=statistics.events[b],
                        scopes=statistics.traces[b],
                        surprise=pair.precede_bits // 1000,
                        broken=broken,
                    )

    def step(self, rule: Rule, state: int, role: int, position: int) -> tuple[int, bool]:
        """a allows b for ever; a b before it breaks the rule."""
        if role == 0:
            return 1, False
        return state, state == 0

    def broken_at_end(self, rule: Rule, state: int) -> bool:
        """Never: it is decided by then."""
        return False

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """a is missing, or came after b."""
        return instance.missing_or_misplaced((rule.a,), rule.targets[0])

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who sent b too early."""
        return side(rule.events[1])

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """That b came without or before a."""
        a, b = map(label_of, rule.events)
        if cause.kind == "order":
            return f"`{b}` came before `{a}`", "it came after"
        return f"`{b}` came without a `{a}` before it", "there was one"
