"""not_succession(a, b): no b comes after an a."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of, side
from ..evidence import is_kept
from ..finding import Cause
from ..statistics import ScopeStatistics
from .rule import Instance, Rule


class NotSuccession:
    """LTLf: ``G(a -> ~F b)``.

    States: 0 no a yet, 1 a came.
    """

    id: ClassVar[str] = "not_succession"
    arity: ClassVar[int] = 2
    takes_alternatives: ClassVar[bool] = False
    counts: ClassVar[bool] = False
    owes: ClassVar[bool] = False
    hears_all: ClassVar[bool] = False
    points: ClassVar[bool] = False
    awaits: ClassVar[bool] = False

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """The pairs of which, where both came, every b came before every a."""
        for a, pairs in statistics.pairs.items():
            for b, pair in pairs.items():
                if pair.met > pair.followed and is_kept(pair.followed, pair.met):
                    yield Rule(
                        template=self.id,
                        events=(a, b),
                        seen=pair.met,
                        scopes=pair.met,
                        surprise=pair.apart_bits // 1000,
                        broken=pair.followed,
                    )

    def step(self, rule: Rule, state: int, role: int, position: int) -> tuple[int, bool]:
        """A b after an a breaks it."""
        if role == 0:
            return 1, False
        return state, state != 0

    def broken_at_end(self, rule: Rule, state: int) -> bool:
        """Never: it is decided by then."""
        return False

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """They came in the wrong order."""
        return Cause(kind="order", symbols=frozenset(rule.events))

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who sent b."""
        return side(rule.events[1])

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """That b came after a."""
        a, b = map(label_of, rule.events)
        return f"`{b}` came after `{a}`", "it never did"
