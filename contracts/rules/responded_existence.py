"""responded_existence(a, b): where a comes, b comes as well, before or after it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of, side
from ..evidence import is_kept
from ..finding import Cause
from ..statistics import ScopeStatistics
from .rule import Instance, Rule


class RespondedExistence:
    """LTLf: ``F a -> F b``.

    States: 0 neither came, the position of the first a while no b came, -1 b came.
    """

    id: ClassVar[str] = "responded_existence"
    arity: ClassVar[int] = 2
    takes_alternatives: ClassVar[bool] = False
    counts: ClassVar[bool] = False
    owes: ClassVar[bool] = True
    hears_all: ClassVar[bool] = False
    points: ClassVar[bool] = True
    awaits: ClassVar[bool] = False

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """The pairs of which b came in every complete trace with an a, and not in all the others."""
        for a, scopes in statistics.complete_traces.items():
            for b, pair in statistics.pairs[a].items():
                share = statistics.complete_traces[b] / statistics.complete
                broken = scopes - pair.met_complete
                if share < 1 and pair.met_complete and is_kept(broken, scopes):
                    yield Rule(
                        template=self.id,
                        events=(a, b),
                        seen=scopes,
                        scopes=scopes,
                        # How unlikely it was that b is there as well, from how often it is there at all.
                        surprise=int(-math.log2(share) * pair.met_complete),
                        broken=broken,
                    )

    def step(self, rule: Rule, state: int, role: int, position: int) -> tuple[int, bool]:
        """a asks, unless b came; b settles it for ever."""
        if role == 0:
            return state or position, False
        return -1, False

    def broken_at_end(self, rule: Rule, state: int) -> bool:
        """When an a came and no b."""
        return state > 0

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """b is missing."""
        return Cause(kind="missing", symbols=frozenset(rule.targets))

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who owed b."""
        return side(rule.events[1])

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """That b never came."""
        a, b = map(label_of, rule.events)
        return f"`{b}` never came, but `{a}` did", "both did"
