"""alternate_succession(a, b): a and b take turns, a first and b last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of, side
from ..finding import Cause
from ..statistics import ScopeStatistics
from .rule import Instance, Rule, blamed


class AlternateSuccession:
    """LTLf: ``G(a -> X(~a U b)) & (~b W a) & G(b -> WX(~b W a))``: without all else, the trace reads (a b)*.

    ``X`` is the strong next, ``WX`` the weak one. States: 0 an a is due, else the position of the a whose b is due.
    """

    id: ClassVar[str] = "alternate_succession"
    arity: ClassVar[int] = 2
    hears_all: ClassVar[bool] = False
    awaits: ClassVar[bool] = True

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """The pairs that took turns in every trace with either."""
        for a, pairs in statistics.pairs.items():
            for b, pair in pairs.items() if statistics.complete_events[a] else ():
                # Every a that owed a b has one, and every b has an a.
                paired = pair.met_settled == statistics.settled[a] and pair.met == statistics.traces[b]
                if paired and not pair.clashed:
                    yield Rule(
                        template=self.id,
                        events=(a, b),
                        seen=statistics.complete_events[a],
                        scopes=statistics.complete_traces[a],
                    )

    def step(self, state: int, role: int, position: int) -> tuple[int, bool]:
        """a out of turn and b out of turn break it; what follows is judged from there."""
        if role == 0:
            return position, state != 0
        return 0, state == 0

    def broken_at_end(self, state: int) -> bool:
        """When the last a still awaits its b."""
        return state != 0

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """By counts: too few of one, too many of the other, or as many of both in a wrong order.

        Where the counts differ, the pairs that either event forms with others decide which of both is to blame; of a
        pair that always came just once, the event that came twice.
        """
        a, b = rule.events
        surplus = instance.counts.get(a, 0) - instance.counts.get(b, 0)
        if surplus > 0:
            once = rule.seen == rule.scopes and instance.counts.get(b, 0) == 1
            if once or instance.balance(a, b) > 0:
                return Cause(kind="extra", symbols=frozenset((a,)))
            return Cause(kind="missing", symbols=frozenset((b,)))
        if surplus < 0:
            if not instance.counts.get(a, 0) or (instance.balance(a, b) < 0 and instance.balance(b, a) <= 0):
                return Cause(kind="missing", symbols=frozenset((a,)))
            return Cause(kind="extra", symbols=frozenset((b,)))
        return Cause(kind="order", symbols=frozenset((a, b)))

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who sent the event out of turn; a missing one's sender."""
        if cause.kind == "missing" and rule.events[0] in cause.symbols:
            return side(rule.events[1])  # b came unasked
        return blamed(cause, trigger or rule.events[1])

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """Which of both is missing, surplus or early."""
        a, b = map(label_of, rule.events)
        if cause.kind == "order":
            return f"`{a}` and `{b}` did not take turns", "each was followed by the other before the next"
        if cause.kind == "missing" and rule.events[0] in cause.symbols:
            return f"`{b}` came without a `{a}` before it", "there was one"
        if cause.kind == "missing":
            return f"`{b}` never came after `{a}`", "it did"
        if rule.events[0] in cause.symbols:
            return f"`{a}` came again before `{b}`", "it waited"
        return f"`{b}` came again without a new `{a}`", "it came once for each"
