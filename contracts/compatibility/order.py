"""What the sequence rules of a scope say together: each rule, and those that it implies.

A contract leaves out what other rules imply, so a rule that is no longer written down may still hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..rules import TEMPLATES, Rule

Place = frozenset[str]
"""The events of which any one will do in one place of a rule."""

_RESPONSES = frozenset(("response", "succession", "chain_response", "alternate_succession"))
_PRECEDENCES = frozenset(("precedence", "succession", "alternate_succession"))


class Order:
    """The rules of a scope, closed under implication. ``renamed`` gives events their new names."""

    def __init__(self, rules: Iterable[Rule], renamed: Mapping[str, str] | None = None) -> None:
        self.rules = tuple((rule, places(rule, renamed or {})) for rule in rules)
        self._written = {(rule.template, events, rule.times) for rule, events in self.rules}
        self._after: dict[Place, set[Place]] = {}
        self._before: dict[Place, set[Place]] = {}
        self._turns: dict[Place, set[Place]] = {}
        for rule, events in self.rules:
            if rule.template in _RESPONSES:
                self._after.setdefault(events[0], set()).add(events[1])
            if rule.template in _PRECEDENCES:
                self._before.setdefault(events[0], set()).update(frozenset((one,)) for one in events[1])
            if rule.template == "alternate_succession":
                self._turns.setdefault(events[0], set()).add(events[1])
        self._first = [events[0] for rule, events in self.rules if rule.template == "init"]
        self._last = [events[0] for rule, events in self.rules if rule.template == "end"]
        self._certain = self._always_there()

    def implies(self, rule: Rule, events: tuple[Place, ...]) -> bool:
        """Tell whether a rule, its events in `places`, is written down or follows from those that are."""
        if (rule.template, events, rule.times) in self._written:
            return True
        times = 1 if rule.times is None else rule.times
        a, b = events[0], events[-1]
        match rule.template:
            case "response":
                return self.answered(a, b)
            case "precedence":
                return self.preceded(a, b)
            case "succession":
                return self.answered(a, b) and self.preceded(a, b)
            case "alternate_succession":
                # Not a consequence, but what the pruning of rules takes for one: a and b, b and c, so a and c.
                return b in _reached(self._turns, a)
            case "responded_existence":
                return self.answered(a, b) or self.preceded(b, a) or any(one <= b for one in self._certain)
            case "init" | "end":
                return any(one <= a for one in (self._first if rule.template == "init" else self._last))
            case "existence":
                return self._least(a) >= times
            case "absence":
                return self._most(a, times) < times
            case "exactly":
                return self._least(a) >= times and self._most(a, times + 1) <= times
            case _:
                return False

    def answered(self, a: Place, b: Place) -> bool:
        """Tell whether after every a one of b must come."""
        return any(one <= b for one in (*_reached(self._after, a), *self._last)) and not a & b

    def preceded(self, a: Place, b: Place) -> bool:
        """Tell whether every one of b must come after one of a."""
        reached = _reached(self._before, a)
        return any(one <= a for one in self._first) or all(frozenset((one,)) in reached for one in b)

    def _least(self, a: Place) -> int:
        """Return how often one of a comes at least."""
        counts = [
            1 if rule.times is None else rule.times
            for rule, events in self.rules
            if rule.template in ("existence", "exactly") and events[0] <= a
        ]
        return max(counts, default=1 if any(one <= a for one in self._certain) else 0)

    def _most(self, a: Place, unbounded: int) -> int:
        """Return how often one of a comes at most."""
        counts = [
            (1 if rule.times is None else rule.times) - (rule.template == "absence")
            for rule, events in self.rules
            if rule.template in ("absence", "exactly") and a <= events[0]
        ]
        return min(counts, default=unbounded)

    def _always_there(self) -> set[Place]:
        """Return the places of which an event is in every trace."""
        certain = {*self._first, *self._last}
        for rule, events in self.rules:
            if rule.template in ("existence", "exactly") and rule.times != 0:
                certain.add(events[0])
        while True:
            more = {place for one in certain for place in _reached(self._after, one)}
            more |= {one for one in self._before if any(place <= _union(self._before[one]) for place in certain)}
            if more <= certain:
                return certain
            certain |= more


def places(rule: Rule, renamed: Mapping[str, str]) -> tuple[Place, ...]:
    """Return a rule's events by place, under their new names."""
    arity = TEMPLATES[rule.template].arity
    names = [renamed.get(event, event) for event in rule.events]
    return (*(frozenset((name,)) for name in names[: arity - 1]), frozenset(names[arity - 1 :]))


def _union(found: Iterable[Place]) -> Place:
    return frozenset(one for place in found for one in place)


def _reached(graph: Mapping[Place, set[Place]], start: Place) -> set[Place]:
    reached: set[Place] = set()
    ahead = [start]
    while ahead:
        for other in graph.get(ahead.pop(), ()):
            if other not in reached:
                reached.add(other)
                ahead.append(other)
    return reached
