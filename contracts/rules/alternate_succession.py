"""alternate_succession(a, b): a and b take turns, a first and b last. With [b, c]: a and one of b and c."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of, side
from ..evidence import is_kept
from ..finding import Cause
from ..outcomes import alternatives, is_exclusive
from ..statistics import ScopeStatistics
from .rule import Instance, Rule, blamed, either, none_of


class AlternateSuccession:
    """LTLf: ``G(a -> X(~a U b)) & (~b W a) & G(b -> WX(~b W a))``: without all else, the trace reads (a b)*.
    Alternatives stand for b as ``b | c``.

    ``X`` is the strong next, ``WX`` the weak one. States: 0 an a is due, else the position of the a whose b is due.
    """

    id: ClassVar[str] = "alternate_succession"
    arity: ClassVar[int] = 2
    takes_alternatives: ClassVar[bool] = True
    counts: ClassVar[bool] = False
    owes: ClassVar[bool] = True
    hears_all: ClassVar[bool] = False
    points: ClassVar[bool] = True
    awaits: ClassVar[bool] = True

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """The pairs that took turns in every trace with either; and an event that came once with its one outcome."""
        for a, scopes in statistics.complete_traces.items():
            for b, pair in statistics.pairs[a].items():
                # Every a that owed a b has one, and every b has an a.
                alone = statistics.settled[a] - pair.met_settled + statistics.traces[b] - pair.met
                broken = pair.clashed + alone
                if pair.met > pair.clashed and is_kept(broken, scopes):
                    yield self._rule(statistics, (a, b), broken)
            either_of, _ = alternatives(statistics, a)
            if either_of and is_exclusive(statistics, (a,), either_of):
                yield self._rule(statistics, (a, *either_of), 0)

    def _rule(self, statistics: ScopeStatistics, events: tuple[str, ...], broken: int) -> Rule:
        return Rule(
            template=self.id,
            events=events,
            seen=statistics.complete_events[events[0]],
            scopes=statistics.complete_traces[events[0]],
            broken=broken,
        )

    def step(self, rule: Rule, state: int, role: int, position: int) -> tuple[int, bool]:
        """a out of turn and b out of turn break it; what follows is judged from there."""
        if role == 0:
            return position, state != 0
        return 0, state == 0

    def broken_at_end(self, rule: Rule, state: int) -> bool:
        """When the last a still awaits its b."""
        return state != 0

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """By counts: too few of one, too many of the other, or as many of both in a wrong order.

        Where the counts differ, the pairs that either event forms with others decide which of both is to blame; of a
        pair that always came just once, the event that came twice.
        """
        a, targets = rule.a, rule.targets
        b = next((symbol for symbol in targets if instance.counts.get(symbol, 0)), targets[0])
        came = instance.came(targets)
        surplus = instance.counts.get(a, 0) - came
        if surplus > 0:
            once = rule.seen == rule.scopes and came == 1
            if once or instance.balance(a, b) > 0:
                return Cause(kind="extra", symbols=frozenset((a,)))
            return Cause(kind="missing", symbols=frozenset(targets))
        if surplus < 0:
            if not instance.counts.get(a, 0) or (instance.balance(a, b) < 0 and instance.balance(b, a) <= 0):
                return Cause(kind="missing", symbols=frozenset((a,)))
            return Cause(kind="extra", symbols=frozenset(s for s in targets if instance.counts.get(s, 0)))
        return Cause(kind="order", symbols=frozenset((a, b)))

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who sent the event out of turn; a missing one's sender."""
        if cause.kind == "missing" and rule.a in cause.symbols:
            return side(rule.targets[0])  # b came unasked
        return blamed(cause, trigger or rule.targets[0])

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """Which of both is missing, surplus or early."""
        a, b = label_of(rule.a), either(rule.targets)
        one = "it did" if len(rule.targets) == 1 else "one of them did"
        if cause.kind == "order":
            return f"`{a}` and {b} did not take turns", "each was followed by the other before the next"
        if cause.kind == "missing" and rule.a in cause.symbols:
            return f"{b} came without a `{a}` before it", "there was one"
        if cause.kind == "missing":
            return f"{none_of(rule.targets)} came after `{a}`", one
        if rule.a in cause.symbols:
            return f"`{a}` came again before {b}", "it waited"
        if len(rule.targets) > 1 and len(cause.symbols) > 1:
            both = " and ".join(f"`{label_of(symbol)}`" for symbol in sorted(cause.symbols))
            return f"{both} came for one `{a}`", "one of them did"
        return f"{either(sorted(cause.symbols))} came again without a new `{a}`", "it came once for each"
