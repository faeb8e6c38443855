"""init(a): every trace begins with a."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of
from ..finding import Cause
from ..statistics import ScopeStatistics
from .rule import Instance, Rule, blamed


class Init:
    """LTLf: ``a`` (of a trace that is not empty).

    States: 0 nothing yet, 1 begun.
    """

    id: ClassVar[str] = "init"
    arity: ClassVar[int] = 1
    hears_all: ClassVar[bool] = True
    awaits: ClassVar[bool] = False

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """The one symbol that began all traces, if there is one."""
        if len(statistics.firsts) == 1 and len(statistics.symbols) > 1:
            (symbol, seen) = next(iter(statistics.firsts.items()))
            yield Rule(template=self.id, events=(symbol,), seen=seen, scopes=seen)

    def step(self, state: int, role: int, position: int) -> tuple[int, bool]:
        """Only the first event matters."""
        return 1, state == 0 and role != 0

    def broken_at_end(self, state: int) -> bool:
        """Never: it is decided by then."""
        return False

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """The event is missing, or came later."""
        return instance.missing_or_misplaced(rule.events[0], instance.first)

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who did not send it, or who was too early."""
        return blamed(cause, instance.first)

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """What began it instead."""
        first, expected = label_of(instance.first), label_of(rule.events[0])
        if cause.kind == "missing":
            return f"`{expected}` never came: `{first}` was the first event", "it was the first"
        return f"`{expected}` was not the first event: `{first}` came before it", "it was the first"
