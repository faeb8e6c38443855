"""end(a): every trace ends with a. end([a, b]): with a or b."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of
from ..finding import Cause
from ..outcomes import endings
from ..statistics import ScopeStatistics
from .rule import Instance, Rule, blamed, either, none_of


class End:
    """LTLf: ``F(a & ~X true)``: a at the last position (of a trace that is not empty); alternatives as ``a | b``.

    States: 0 the last event was a (or there was none), otherwise the position of the last event.
    """

    id: ClassVar[str] = "end"
    arity: ClassVar[int] = 1
    takes_alternatives: ClassVar[bool] = True
    counts: ClassVar[bool] = False
    owes: ClassVar[bool] = False
    hears_all: ClassVar[bool] = True
    points: ClassVar[bool] = True
    awaits: ClassVar[bool] = False

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """The symbol that ended all complete traces, or the few that did."""
        symbols, broken = endings(statistics)
        if symbols and len(statistics.traces) > len(symbols):
            yield Rule(
                template=self.id,
                events=symbols,
                seen=statistics.complete,
                scopes=statistics.complete,
                broken=broken,
            )

    def step(self, rule: Rule, state: int, role: int, position: int) -> tuple[int, bool]:
        """Nothing is decided before the end."""
        return (0 if role == 0 else position), False

    def broken_at_end(self, rule: Rule, state: int) -> bool:
        """When another event was the last."""
        return state != 0

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """The event is missing, or something came after it."""
        return instance.missing_or_misplaced(rule.events, instance.last)

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who did not send it, or who sent something after it."""
        return blamed(cause, instance.last)

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """What ended it instead."""
        last = label_of(instance.last)
        held = "it was the last" if len(rule.events) == 1 else "one of them was the last"
        if cause.kind == "missing":
            return f"{none_of(rule.events)} came: `{last}` was the last event", held
        present = tuple(symbol for symbol in rule.events if instance.counts.get(symbol, 0))
        return f"{either(present)} was not the last event: `{last}` came after it", held
