"""response(a, b): after every a, b comes some time. response(a, [b, c]): b or c does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of, side
from ..evidence import is_kept
from ..finding import Cause
from ..outcomes import alternatives
from ..statistics import ScopeStatistics
from .rule import Instance, Rule, either, none_of


class Response:
    """LTLf: ``G(a -> F b)``; with alternatives ``G(a -> F(b | c))``.

    States: 0 nothing is awaited, otherwise the position of the first a that still awaits its b.
    """

    id: ClassVar[str] = "response"
    arity: ClassVar[int] = 2
    takes_alternatives: ClassVar[bool] = True
    counts: ClassVar[bool] = False
    owes: ClassVar[bool] = True
    hears_all: ClassVar[bool] = False
    points: ClassVar[bool] = True
    awaits: ClassVar[bool] = True

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """For each a, the symbols of which one came after the last a in every complete trace with an a.

        Where there is no such symbol, the alternatives of which one did.
        """
        for a, scopes in statistics.complete_traces.items():
            either_of, bits = alternatives(statistics, a)
            if either_of:
                yield self._rule(statistics, (a, *either_of), bits, 0)
            for b, pair in statistics.pairs[a].items():
                broken = scopes - pair.answered
                if pair.answered and is_kept(broken, scopes) and not (broken and b in either_of):
                    yield self._rule(statistics, (a, b), pair.answer_bits, broken)

    def _rule(self, statistics: ScopeStatistics, events: tuple[str, ...], bits: int, broken: int) -> Rule:
        return Rule(
            template=self.id,
            events=events,
            seen=statistics.complete_events[events[0]],
            scopes=statistics.complete_traces[events[0]],
            surprise=bits // 1000,
            broken=broken,
        )

    def step(self, rule: Rule, state: int, role: int, position: int) -> tuple[int, bool]:
        """a opens, b closes."""
        if role == 0:
            return state or position, False
        return 0, False

    def broken_at_end(self, rule: Rule, state: int) -> bool:
        """When an a still awaits its b."""
        return state != 0

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """b is missing, or came before the last a."""
        return instance.missing_or_misplaced(rule.targets, rule.a)

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who owed b."""
        return side(rule.targets[0])

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """That b never came after a."""
        a = label_of(rule.a)
        held = "it did" if len(rule.targets) == 1 else "one of them did"
        if cause.kind == "order":
            return f"{either(rule.targets)} came before the last `{a}` and never after it", "it came after"
        return f"{none_of(rule.targets)} came after `{a}`", held
