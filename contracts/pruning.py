"""Leaving out the rules that other rules imply, so that a person can read what is left.

A rule is only dropped for rules that are at least as firm: a firm rule never gives way to a tentative one.

- alternate_succession(a, b) implies response(a, b) and precedence(a, b).
- init(a) implies precedence(a, x), end(a) implies response(x, a).
- response, precedence and alternate_succession are reduced transitively. For the first two that loses nothing
  (both are transitive, and without cycles on traces in which their events come); for the third it leaves the order
  and the presence of all events held, and gives up only that the outer two take turns.
- Where two events meet in a finer scope, a coarser scope says nothing of its own about the two: what is true of
  both there follows from the finer scope or comes from work that happened not to overlap when it was recorded.
- Between events of a whole connection, a response or precedence that chance explains is left out: in a few traces of
  many events some event is always the first and some the last.
- A scope that joins the same events as a finer one repeats it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .evidence import VACUOUS_BITS, is_firm, rule_is_firm
from .rules import TEMPLATES, Rule
from .scopes import Scope
from .statistics import ScopeStatistics


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
        if entry.scope is None:
            kept = [rule for rule in kept if not _is_vacuous(rule)]
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
    met = finer.statistics.pair(a, b).met > 0
    return met and finer.covers(a) and finer.covers(b)


def _gates(rule: Rule) -> bool:
    kinds = ("missing", "order")
    return any(rule_is_firm(rule.seen, rule.scopes, rule.surprise, kind) for kind in kinds)


def _is_vacuous(rule: Rule) -> bool:
    return rule.surprise is not None and rule.surprise < VACUOUS_BITS and not _gates(rule)


def _counts(rule: Rule) -> bool:
    # Without the surprise: repeated events raise it for the ends of a chain and not for its links.
    return is_firm(rule.seen, rule.scopes)


class _Relation:
    """Pairs of events that a kind of rule relates, and whether a rule with enough evidence does."""

    def __init__(self, rules: Iterable[Rule], templates: set[str]) -> None:
        self.after: dict[str, dict[str, bool]] = {}
        for rule in rules:
            if rule.template in templates:
                a, b = rule.events
                related = self.after.setdefault(a, {})
                related[b] = related.get(b, False) or _counts(rule)

    def implies(self, rule: Rule) -> bool:
        """Tell whether the pair itself is related, as firmly as the rule claims."""
        a, b = rule.events
        return b in self.after.get(a, {}) and self.after[a][b] >= _gates(rule)

    def implies_through_another(self, rule: Rule) -> bool:
        """Tell whether two related pairs imply the rule, as firmly as it claims."""
        a, c = rule.events
        firm = _gates(rule)
        return any(
            b not in (a, c) and c in self.after.get(b, {}) and (first and self.after[b][c]) >= firm
            for b, first in self.after.get(a, {}).items()
        )


def _prune(rules: Sequence[Rule]) -> list[Rule]:
    turns = _Relation(rules, {"alternate_succession"})
    responses = _Relation(rules, {"response", "alternate_succession"})
    precedences = _Relation(rules, {"precedence", "alternate_succession"})
    firsts = {rule.events[0]: _counts(rule) for rule in rules if rule.template == "init"}
    lasts = {rule.events[0]: _counts(rule) for rule in rules if rule.template == "end"}

    def is_implied(rule: Rule) -> bool:
        match rule.template, rule.events:
            case "alternate_succession", _:
                return turns.implies_through_another(rule)
            case "response", (_, b):
                by_end = b in lasts and lasts[b] >= _gates(rule)
                return by_end or turns.implies(rule) or responses.implies_through_another(rule)
            case "precedence", (a, _):
                by_init = a in firsts and firsts[a] >= _gates(rule)
                return by_init or turns.implies(rule) or precedences.implies_through_another(rule)
            case _:
                return False

    return [rule for rule in rules if not is_implied(rule)]
