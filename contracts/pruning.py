"""Leaving out the rules that other rules imply, so that a person can read what is left.

A rule is only dropped for rules that are at least as firm: a firm rule never gives way to a tentative one.

- alternate_succession(a, b) implies response(a, b) and precedence(a, b).
- init(a) implies precedence(a, x), end(a) implies response(x, a). A succession stands for its response and precedence.
- An event that init, end or exactly claims is always there, and so are those that other rules bring with it.
- Of events that alternate, one count is enough.
- not_succession(a, b) follows where b comes once, before a, or a once, after b.
- response, precedence and alternate_succession are reduced transitively. For the first two that loses nothing
  (both are transitive, and without cycles on traces in which their events come); for the third it leaves the order
  and the presence of all events held, and gives up only that the outer two take turns.
- Where two events meet in a finer scope, a coarser scope says nothing of its own about the two: what is true of
  both there follows from the finer scope or comes from work that happened not to overlap when it was recorded.
- Where clients take part in a scope, only what the server owes is a rule: see `obligations`.
- Between events of a whole connection, a response or precedence that chance explains is left out: in a few traces of
  many events some event is always the first and some the last.
- Of finer work a coarser scope says when it begins and ends, not what comes amid it.
- On a connection whose work has identifiers, an event that has none, and neither takes turns with another nor begins,
  may come at any time: a heartbeat. Its order is chance, and so is what came last.
- A scope that joins the same events as a finer one repeats it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass

from ..cassettes import Direction
from .event import side
from .evidence import FIRM_ABSENCE_BITS, VACUOUS_BITS, rule_is_firm
from .obligations import owed
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
        mined_here = (rule for template in TEMPLATES.values() for rule in template.mine(entry.statistics))
        rules = list(owed(mined_here, entry.statistics, whole=entry.scope is None))
        kept = [
            rule
            for rule in _prune(rules, len(entry.statistics.traces))
            if not any(_restates(rule, other) or _looks_inside(rule, other) for other in finer)
        ]
        if entry.scope is None:
            loose = _loose(entry, finer, rules)
            kept = [rule for rule in kept if not _is_vacuous(rule) and not _is_by_chance(rule, loose)]
        mined.append(tuple(sorted(kept, key=_reading_order)))
    return mined


def _loose(entry: Mined, finer: Sequence[Mined], rules: Iterable[Rule]) -> set[str]:
    """Return the server's events that belong to no work and answer nothing, such as heartbeats.

    Where a service names its work, they are those without a name that neither take turns with an event nor begin.
    """
    if not finer:
        return set()
    tied = {
        symbol
        for rule in rules
        if rule.template in ("init", "exactly", "alternate_succession")
        for symbol in rule.events
    }
    return {
        symbol
        for symbol in entry.statistics.traces
        if side(symbol) is Direction.SERVER
        and symbol not in tied
        and not any(symbol in other.statistics.traces for other in finer)
    }


def _is_by_chance(rule: Rule, loose: set[str]) -> bool:
    """Tell whether a rule of a connection says where an event stands that may stand anywhere."""
    if rule.template == "init":
        return bool(loose) and side(rule.a) is Direction.CLIENT
    return bool(loose) if rule.template == "end" else not loose.isdisjoint(rule.events)


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
    if len(rule.events) == 1:
        return False
    met = any(finer.statistics.pair(rule.a, symbol).met for symbol in rule.targets)
    return met and all(map(finer.covers, rule.events))


def _looks_inside(rule: Rule, finer: Mined) -> bool:
    """Tell whether a rule is about an event amid finer work, together with one that has no part in that work."""
    covered = [symbol for symbol in rule.events if finer.covers(symbol)]
    if not covered or len(covered) == len(rule.events):
        return False
    statistics, spans = finer.statistics, () if finer.scope is None else finer.scope.spans
    return not all(statistics.firsts[symbol] or statistics.lasts[symbol] or symbol in spans for symbol in covered)


def _gates(rule: Rule) -> bool:
    kinds = ("missing", "order")
    return any(rule_is_firm(rule.seen, rule.scopes, rule.surprise, kind, broken=rule.broken) for kind in kinds)


def _is_vacuous(rule: Rule) -> bool:
    if rule.surprise is None:
        return False
    if len(rule.targets) > 1:  # any few events exclude each other in some traces
        return rule.surprise < FIRM_ABSENCE_BITS
    return rule.surprise < VACUOUS_BITS and not _gates(rule)


def _counts(rule: Rule) -> bool:
    # Without the surprise: repeated events raise it for the ends of a chain and not for its links.
    return rule_is_firm(rule.seen, rule.scopes, None, "missing", broken=rule.broken)


class _Relation:
    """Which events a kind of rule relates to which others, and whether a rule with enough evidence does.

    What a client does not do is held against nobody. So where a server's event leads to another one only through a
    client, it must be missed on its own: as an answer to a client, or else (``unasked``) by a rule of both.
    """

    def __init__(self, rules: Iterable[Rule], *templates: str, unasked: Container[str] = ()) -> None:
        self._unasked = unasked
        self.after: dict[str, dict[tuple[str, ...], bool]] = {}
        for rule in rules:
            if rule.template in templates:
                related = self.after.setdefault(rule.a, {})
                related[rule.targets] = related.get(rule.targets, False) or _counts(rule)

    def holds(self, a: str, targets: tuple[str, ...], firm: bool) -> bool:
        """Tell whether the events are related, with enough evidence if it must be ``firm``."""
        related = self.after.get(a, {})
        return targets in related and related[targets] >= firm

    def implies(self, rule: Rule) -> bool:
        """Tell whether the events themselves are related, as firmly as the rule claims."""
        return self.holds(rule.a, rule.targets, _gates(rule))

    def implies_among_others(self, rule: Rule) -> bool:
        """Tell whether the event is related to those of the rule, or to any one of these and others."""
        related = self.after.get(rule.a, {}).items()
        return any(set(rule.targets) <= set(targets) and sure >= _gates(rule) for targets, sure in related)

    def implies_through_another(self, rule: Rule) -> bool:
        """Tell whether two related pairs imply the rule, as firmly as it claims."""
        firm = _gates(rule)
        return any(
            len(between) == 1
            and between[0] not in rule.events
            and not (rule.a in self._unasked and side(between[0]) is Direction.CLIENT)
            and first >= firm
            and self.holds(between[0], rule.targets, firm)
            for between, first in self.after.get(rule.a, {}).items()
        )


class _Presence:
    """Which events are in every instance because others are; grows as rules that say so are taken."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._brings: dict[str, dict[str, bool]] = {}
        self._present: dict[str, bool] = {}
        for rule in rules:
            if len(rule.targets) == 1:
                a, b = rule.events
                if rule.template not in ("precedence", "not_succession"):
                    self._bring(a, b, _counts(rule))
                if rule.template in ("precedence", "succession", "alternate_succession"):
                    self._bring(b, a, _counts(rule))

    def _bring(self, a: str, b: str, firm: bool) -> None:
        brought = self._brings.setdefault(a, {})
        brought[b] = brought.get(b, False) or firm

    def take(self, symbol: str, firm: bool) -> None:
        """Take it that an event is always there, and with it all that it brings."""
        if self._present.get(symbol, False) >= firm and symbol in self._present:
            return
        self._present[symbol] = firm
        for other, sure in self._brings.get(symbol, {}).items():
            self.take(other, firm and sure)

    def has(self, symbol: str, firm: bool) -> bool:
        """Tell whether an event is always there, with enough evidence if it must be ``firm``."""
        return symbol in self._present and self._present[symbol] >= firm


def _prune(rules: Sequence[Rule], symbols: int) -> list[Rule]:
    of = {template: [rule for rule in rules if rule.template == template] for template in TEMPLATES}
    answers = {
        symbol
        for rule in (*of["response"], *of["alternate_succession"])
        if side(rule.a) is Direction.CLIENT
        for symbol in rule.targets
    }
    unasked = {symbol for rule in rules for symbol in rule.events if side(symbol) is Direction.SERVER} - answers
    turns = _Relation(rules, "alternate_succession", unasked=unasked)
    responses = _Relation(rules, "response", "alternate_succession", unasked=unasked)
    precedences = _Relation(rules, "precedence", "alternate_succession", unasked=unasked)
    successions = _Relation([rule for rule in of["succession"] if _is_equal_to_its_parts(rule, rules)], "succession")
    apart = _Relation(rules, "not_succession")
    firsts = {rule.a: _counts(rule) for rule in of["init"]}
    lasts = {rule.events: _counts(rule) for rule in of["end"]}
    once = {rule.a: _counts(rule) for rule in (*of["absence"], *of["exactly"]) if _is_once(rule)}
    presence = _Presence(rules)
    for rule in of["init"]:
        presence.take(rule.a, _counts(rule))
    for rule in of["end"]:
        if len(rule.events) == 1:
            presence.take(rule.a, _counts(rule))
    counted: set[str] = set()  # events whose number a kept rule gives

    def is_counted(rule: Rule) -> bool:
        pairs = (pair for pair in of["alternate_succession"] if rule.a in pair.events and _counts(pair) >= _gates(rule))
        return any(counted.intersection(pair.events) for pair in pairs)

    def is_implied(rule: Rule) -> bool:
        firm = _gates(rule)
        match rule.template, rule.events:
            case "alternate_succession", _:
                return turns.implies_through_another(rule)
            case "succession", _:
                kept = successions.implies(rule) and not turns.implies(rule)
                return not kept or responses.implies_through_another(rule) or precedences.implies_through_another(rule)
            case "response", _:
                by_end = any(set(ends) <= set(rule.targets) and sure >= firm for ends, sure in lasts.items())
                by_another = turns.implies(rule) or successions.implies(rule)
                return by_end or by_another or responses.implies_through_another(rule)
            case "precedence", (a, _):
                by_init = a in firsts and firsts[a] >= firm
                by_another = turns.implies_among_others(rule) or successions.implies(rule)
                return by_init or by_another or precedences.implies_through_another(rule)
            case "responded_existence", (a, b):
                either_way = responses.holds(a, (b,), firm) or precedences.holds(b, (a,), firm)
                return either_way or presence.has(b, firm)
            case "not_succession", (a, b):
                first = b in firsts or precedences.holds(b, (a,), firm)
                last = (a,) in lasts or responses.holds(b, (a,), firm)
                single = (first and b in once and once[b] >= firm) or (last and a in once and once[a] >= firm)
                return single or apart.implies_through_another(rule)
            case "chain_response", _:
                return symbols == 2 and turns.implies(rule)
            case "existence", (a,):
                if presence.has(a, firm):
                    return True
                presence.take(a, _counts(rule))
                return False
            case "absence" | "exactly", _:
                if is_counted(rule) or (rule.template == "absence" and counted.intersection(rule.events)):
                    return True
                counted.update(rule.events)
                for symbol in rule.events if rule.template == "exactly" and len(rule.events) == 1 else ():
                    presence.take(symbol, _counts(rule))
                return False
            case _:
                return False

    # What is always there, and how often, is judged one after the other: what is kept first implies the others.
    begun = {rule.a for rule in of["init"]} | {symbol for rule in of["end"] for symbol in rule.events}
    order = ("init", "end", "exactly", "absence", "existence")

    def turn(rule: Rule) -> tuple[int, bool]:
        place = order.index(rule.template) if rule.template in order else len(order)
        return place, not begun.intersection(rule.events)

    return [rule for rule in sorted(rules, key=turn) if not is_implied(rule)]


def _is_once(rule: Rule) -> bool:
    return rule.times == (2 if rule.template == "absence" else 1) and len(rule.events) == 1


def _is_equal_to_its_parts(rule: Rule, rules: Iterable[Rule]) -> bool:
    """Tell whether a succession gates wherever its response and its precedence do."""
    parts = [part for part in rules if part.template in ("response", "precedence") and part.events == rule.events]
    return all(_gates(part) <= _gates(rule) and not _is_vacuous(part) for part in parts)
