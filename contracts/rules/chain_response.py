"""chain_response(a, b): b is the next event after every a."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of, side
from ..evidence import is_kept
from ..finding import Cause
from ..statistics import ScopeStatistics
from .rule import OTHER, Instance, Rule


class ChainResponse:
    """LTLf: ``G(a -> X b)`` with the strong next.

    States: 0 nothing is awaited, otherwise the position of the a after which b must come next.
    """

    id: ClassVar[str] = "chain_response"
    arity: ClassVar[int] = 2
    takes_alternatives: ClassVar[bool] = False
    counts: ClassVar[bool] = False
    owes: ClassVar[bool] = True
    hears_all: ClassVar[bool] = True
    points: ClassVar[bool] = True
    awaits: ClassVar[bool] = False

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """The pairs of which b directly followed every a, but for the last one of a trace that was cut off."""
        total = sum(statistics.events.values())
        for a, scopes in statistics.traces.items():
            owed = scopes - statistics.unfollowed[a]
            for b, pair in statistics.pairs[a].items():
                broken = owed - pair.chained
                if pair.chained and is_kept(broken, owed):
                    # How unlikely it was that just a b came next; a trace counts two bits at most.
                    bits = min(2.0, -math.log2(statistics.events[b] / total))
                    yield Rule(
                        template=self.id,
                        events=(a, b),
                        seen=statistics.events[a],
                        scopes=scopes,
                        surprise=int(pair.chained * bits),
                        broken=broken,
                    )

    def step(self, rule: Rule, state: int, role: int, position: int) -> tuple[int, bool]:
        """Any event but b after an a breaks it."""
        if role == 0:
            return position, state != 0
        return 0, role == OTHER and state != 0

    def broken_at_end(self, rule: Rule, state: int) -> bool:
        """When a was the last event."""
        return state != 0

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """b is missing, or something came between."""
        return instance.missing_or_misplaced(rule.targets, rule.a)

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who owed b, or who came between."""
        return side(trigger or rule.events[1])

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """That something else came next."""
        a, b = map(label_of, rule.events)
        if cause.kind == "missing":
            return f"`{b}` never came after `{a}`", "it did"
        return f"`{b}` did not come right after `{a}`", "it was the next event"
