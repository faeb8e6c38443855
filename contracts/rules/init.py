"""init(a): every trace begins with a."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ...cassettes import Direction
from ..event import label_of
from ..evidence import is_kept
from ..finding import Cause
from ..statistics import ScopeStatistics
from .rule import Instance, Rule, blamed


class Init:
    """LTLf: ``a`` (of a trace that is not empty).

    States: 0 nothing yet, 1 begun.
    """

    id: ClassVar[str] = "init"
    arity: ClassVar[int] = 1
    takes_alternatives: ClassVar[bool] = False
    counts: ClassVar[bool] = False
    owes: ClassVar[bool] = False
    hears_all: ClassVar[bool] = True
    points: ClassVar[bool] = False
    awaits: ClassVar[bool] = False

    def mine(self, statistics: ScopeStatistics) -> Iterable[Rule]:
        """The one symbol that began all traces, if there is one."""
        for symbol, seen in statistics.firsts.items():
            broken = statistics.count - seen
            if is_kept(broken, statistics.count) and len(statistics.traces) > 1:
                yield Rule(
                    template=self.id, events=(symbol,), seen=statistics.count, scopes=statistics.count, broken=broken
                )

    def step(self, rule: Rule, state: int, role: int, position: int) -> tuple[int, bool]:
        """Only the first event matters."""
        return 1, state == 0 and role != 0

    def broken_at_end(self, rule: Rule, state: int) -> bool:
        """Never: it is decided by then."""
        return False

    def cause(self, rule: Rule, instance: Instance) -> Cause:
        """The event is missing, or came later."""
        return instance.missing_or_misplaced(rule.events, instance.first)

    def offender(self, rule: Rule, cause: Cause, trigger: str | None, instance: Instance) -> Direction:
        """Who did not send it, or who was too early."""
        return blamed(cause, instance.first)

    def words(self, rule: Rule, cause: Cause, instance: Instance) -> tuple[str, str]:
        """What began it instead."""
        first, expected = label_of(instance.first), label_of(rule.events[0])
        if cause.kind == "missing":
            return f"`{expected}` never came: `{first}` was the first event", "it was the first"
        return f"`{expected}` was not the first event: `{first}` came before it", "it was the first"
