"""exactly(a, n): a comes n times. exactly([a, b], n): n events come that are a or b."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of, side
from ..evidence import is_kept
from ..finding import Cause
from ..outcomes import endings, is_exclusive
from ..statistics import MANY, ScopeStatistics
from .rule import Instance, Rule, none_of, often

_NONE: Counter[int] = Counter()


class Exactly:
    """LTLf: ``existence(a, n) & absence(a, n + 1)``; alternatives stand for a as ``a | b``.

    States: how often a came, at most n + 1.
    """

    id: ClassVar[str] = "exactly"
    arity: ClassVar[int] = 1
    takes_alternatives: ClassVar[bool] = True
    counts: ClassVar[bool] = True
    owes: ClassVar[bool] = True
    hears_all: ClassVar[bool] = False
    points: ClassVar[bool] = False
    awaits: ClassVar[bool] = False

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """The symbols that came equally often in every complete trace, and the few of which always one came."""
        complete = statistics.complete
        for a, repeats in statistics.repeats.items():
            times, equal = max(repeats.items(), key=lambda entry: (entry[1], -entry[0]))
            more = sum(count for n, count in statistics.cut_repeats.get(a, _NONE).items() if n > times)
            broken = complete - equal + more
            if times < MANY and is_kept(broken, complete) and len(statistics.traces) > 1:
                yield Rule(template=self.id, events=(a,), times=times, seen=complete, scopes=complete, broken=broken)
        symbols, broken = endings(statistics)
        if len(symbols) > 1 and not broken and is_exclusive(statistics, (), symbols):
            yield Rule(template=self.id, events=symbols, times=1, seen=complete, scopes=complete)

    def step(self, rule: Rule, state: int, role: int, position: int) -> tuple[int, bool]:
        """Count; one too many breaks it."""
        times = rule.times or 1
        return min(state + 1, times + 1), state >= times

    def broken_at_end(self, rule: Rule, state: int) -> bool:
        """When it came too seldom."""
        return state < (rule.times or 1)

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """It is missing or came too often."""
        if instance.came(rule.events) < (rule.times or 1):
            return Cause(kind="missing", symbols=frozenset(rule.events))
        return Cause(kind="extra", symbols=frozenset(s for s in rule.events if instance.counts.get(s, 0)))

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who sends it."""
        return side(rule.a)

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """How often it came."""
        came, times = instance.came(rule.events), rule.times or 1
        held = f"it came {often(times)}" if len(rule.events) == 1 else f"one of them came {often(times)}"
        if not came:
            return f"{none_of(rule.events)} came", held
        present = tuple(symbol for symbol in rule.events if instance.counts.get(symbol, 0))
        return f"{' and '.join(f'`{label_of(symbol)}`' for symbol in present)} came {often(came)}", held
