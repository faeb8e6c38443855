"""Leaving out the rules that other rules imply, so that a person can read what is left.

A rule is only dropped for rules that are at least as firm: a firm rule never gives way to a tentative one.

- alternate_succession(a, b) implies response(a, b) and precedence(a, b).
- init(a) implies precedence(a, x), end(a) implies response(x, a).
- response, precedence and alternate_succession are reduced transitively. For the first two that loses nothing
  (both are transitive, and without cycles on traces in which their events come); for the third it leaves the order
  and the presence of all events held, and gives up only that the outer two take turns.
- Where two events meet in a finer scope, a coarser scope says nothing of its own about the two: what is true of
  both there follows from the finer scope or comes from work that happened not to overlap when it was recorded.
- A scope that joins the same events as a finer one repeats it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .evidence import rule_is_firm
from .rules import TEMPLATES, Rule
from .scopes import Scope
from .statistics import ScopeStatistics

_Level = tuple[bool, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """A scope with what its traces showed; ``scope`` is None for the connection."""

    scope: Scope | None
    statistics: ScopeStatistics
    covers: Callable[[str], bool]  # whether all events of a symbol are in this scope


def mine(scopes: Sequence[Mined]) -> list[tuple[Rule, ...]]:
    """Return the rules of each scope, given finest first, without those that others imply."""
    mined: list[tuple[Rule, ...]] = []
    for number, entry in enumerate(scopes):
        finer = scopes[:number]
        if any(_same_events(entry, other) for other in finer):
            mined.append(())
            continue
        rules = [rule for template in TEMPLATES.values() for rule in template.mine(entry.statistics)]
        kept = [rule for rule in _prune(rules) if not any(_restates(rule, other) for other in finer)]
        mined.append(tuple(sorted(kept, key=_reading_order)))
    return mined


def _reading_order(rule: Rule) -> tuple[int, tuple[str, ...]]:
    return (list(TEMPLATES).index(rule.template), rule.events)


def _same_events(entry: Mined, finer: Mined) -> bool:
    if entry.scope is None or finer.scope is None:
        return False
    return (
        entry.scope.instances == finer.scope.instances
        and entry.scope.events == finer.scope.events
        and entry.scope.paths.keys() == finer.scope.paths.keys()
    )


def _restates(rule: Rule, finer: Mined) -> bool:
    if len(rule.events) != 2:
        return False
    a, b = rule.events
    met = b in finer.statistics.together.get(a, ())
    return met and finer.covers(a) and finer.covers(b)


def _level(rule: Rule) -> _Level:
    return (
        rule_is_firm(rule.seen, rule.scopes, rule.surprise, "missing"),
        rule_is_firm(rule.seen, rule.scopes, rule.surprise, "order"),
    )


def _at_least(level: _Level, other: _Level) -> bool:
    return level[0] >= other[0] and level[1] >= other[1]


def _weaker(one: _Level, two: _Level) -> _Level:
    return (one[0] and two[0], one[1] and two[1])


class _Relation:
    """Pairs of events that a kind of rule relates, each with the best level that any rule gives it."""

    def __init__(self, rules: Iterable[Rule], templates: set[str]) -> None:
        self.after: dict[str, dict[str, _Level]] = {}
        for rule in rules:
            if rule.template in templates:
                a, b = rule.events
                level, known = _level(rule), self.after.get(a, {}).get(b, (False, False))
                self.after.setdefault(a, {})[b] = (level[0] or known[0], level[1] or known[1])

    def implies_through_another(self, rule: Rule) -> bool:
        a, c = rule.events
        level = _level(rule)
        return any(
            b != c and c in self.after.get(b, {}) and _at_least(_weaker(first, self.after[b][c]), level)
            for b, first in self.after.get(a, {}).items()
            if b != a
        )


def _prune(rules: Sequence[Rule]) -> list[Rule]:
    turns = _Relation(rules, {"alternate_succession"})
    responses = _Relation(rules, {"response", "alternate_succession"})
    precedences = _Relation(rules, {"precedence", "alternate_succession"})
    firsts = {rule.events[0]: _level(rule) for rule in rules if rule.template == "init"}
    lasts = {rule.events[0]: _level(rule) for rule in rules if rule.template == "end"}
    kept: list[Rule] = []
    for rule in rules:
        level = _level(rule)
        if len(rule.events) == 2:
            a, b = rule.events
            if rule.template == "alternate_succession":
                if turns.implies_through_another(rule):
                    continue
            elif b in turns.after.get(a, {}) and _at_least(turns.after[a][b], level):
                continue
            elif rule.template == "response":
                if (b in lasts and _at_least(lasts[b], level)) or responses.implies_through_another(rule):
                    continue
            elif rule.template == "precedence" and (
                (a in firsts and _at_least(firsts[a], level)) or precedences.implies_through_another(rule)
            ):
                continue
        kept.append(rule)
    return kept
