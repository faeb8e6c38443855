"""end(a): every trace ends with a."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of
from ..finding import Cause
from ..statistics import ScopeStatistics
from .rule import Instance, Rule, blamed


class End:
    """LTLf: ``F(a & ~X true)``: a at the last position (of a trace that is not empty).

    States: 0 the last event was a (or there was none), otherwise the position of the last event.
    """

    id: ClassVar[str] = "end"
    arity: ClassVar[int] = 1
    hears_all: ClassVar[bool] = True
    awaits: ClassVar[bool] = False

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """The one symbol that ended all complete traces, if there is one."""
        if len(statistics.lasts) == 1 and len(statistics.symbols) > 1:
            (symbol, seen) = next(iter(statistics.lasts.items()))
            yield Rule(template=self.id, events=(symbol,), seen=seen, scopes=seen)

    def step(self, state: int, role: int, position: int) -> tuple[int, bool]:
        """Nothing is decided before the end."""
        return (0 if role == 0 else position), False

    def broken_at_end(self, state: int) -> bool:
        """When another event was the last."""
        return state != 0

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """The event is missing, or something came after it."""
        return instance.missing_or_misplaced(rule.events[0], instance.last)

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who did not send it, or who sent something after it."""
        return blamed(cause, instance.last)

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """What ended it instead."""
        last, expected = label_of(instance.last), label_of(rule.events[0])
        if cause.kind == "missing":
            return f"`{expected}` never came: `{last}` was the last event", "it was the last"
        return f"`{expected}` was not the last event: `{last}` came after it", "it was the last"
