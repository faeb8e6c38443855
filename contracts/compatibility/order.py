"""What the sequence rules of a scope say together: each rule, and those that it implies.

A contract leaves out what other rules imply, so a rule that is no longer written down may still hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from ..rules import Rule

_RESPONSES = frozenset(("response", "succession", "chain_response", "chain_succession", "alternate_succession"))
_PRECEDENCES = frozenset(("precedence", "succession", "chain_precedence", "chain_succession", "alternate_succession"))
_Events = tuple[object, ...]


class Order:
    """The rules of a scope, closed under implication."""

    def __init__(self, rules: Iterable[Rule], renamed: Mapping[str, str] | None = None) -> None:
        names = renamed or {}
        self.rules = tuple((rule, places(rule, names)) for rule in rules)
        self._written = {(rule.template, events) for rule, events in self.rules}
        self._after = _graph(self.rules, _RESPONSES)
        self._before = _graph(self.rules, _PRECEDENCES)
        self._turns = _graph(self.rules, frozenset(("alternate_succession",)))
        self._first = {events[0] for rule, events in self.rules if rule.template == "init"}
        self._last = {events[0] for rule, events in self.rules if rule.template == "end"}

    def implies(self, template: str, events: _Events) -> bool:
        """Tell whether a rule is written down or follows from those that are."""
        if (template, events) in self._written:
            return True
        match template, events:
            case (("response" | "responded_existence"), (a, b)):
                reached = _reached(self._after, a)
                # One of several answers is less than a certain one.
                wanted = {frozenset(one) for one in (_options(b),)}
                return any(_options(met) <= one for one in wanted for met in (*reached, *self._last))
            case "precedence", (a, b):
                return b in _reached(self._before, a) or a in self._first
            case "succession", (a, b):
                return self.implies("response", (a, b)) and self.implies("precedence", (a, b))
            case "alternate_succession", (a, b):
                return b in _reached(self._turns, a)
            case "existence", (a, *_):
                return a in self._first or a in self._last or ("exactly", events) in self._written
            case (("init" | "end"), (a,)):
                return any(_options(met) <= _options(a) for met in (self._first if template == "init" else self._last))
            case _:
                return False


def places(rule: Rule, renamed: Mapping[str, str]) -> _Events:
    """Return a rule's events under their new names, alternatives as a frozenset."""
    found: list[object] = []
    for event in cast("tuple[object, ...]", rule.events):
        options = [renamed.get(one, one) for one in sorted(_options(event))]
        found.append(options[0] if len(options) == 1 else frozenset(options))
    return tuple(found)


def symbols(events: _Events) -> frozenset[str]:
    """Return all events that a rule names."""
    return frozenset(symbol for event in events for symbol in _options(event))


def _options(event: object) -> frozenset[str]:
    if isinstance(event, str):
        return frozenset((event,))
    return frozenset(cast("Iterable[str]", event))


def _graph(rules: Iterable[tuple[Rule, _Events]], templates: frozenset[str]) -> dict[object, set[object]]:
    graph: dict[object, set[object]] = {}
    for rule, events in rules:
        if rule.template in templates:
            graph.setdefault(events[0], set()).add(events[1])
    return graph


def _reached(graph: Mapping[object, set[object]], start: object) -> set[object]:
    reached: set[object] = set()
    ahead = [start]
    while ahead:
        for other in graph.get(ahead.pop(), ()):
            if other not in reached:
                reached.add(other)
                ahead.append(other)
    return reached
