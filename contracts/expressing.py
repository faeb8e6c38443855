"""From the statistics of a scope to its expression: inductive mining on relations that survive projection.

Traces are cut, as by the inductive miner, into parts that exclude each other, follow each other, or take turns; what is
none of these is interleaved. The cuts rest on what pairs of events did in all traces (came together, one after the
other), which does not change when all other events are left out: so each part may be judged by itself, and the
expression accepts every complete trace that it was made of. It says less than the rules: no exception is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from .expression import Expression
from .pruning import Mined
from .statistics import ScopeStatistics

_T = TypeVar("_T")

MAX_EVENTS = 40
"""Different events, pieces of finer work counted as one, beyond which an expression is no longer readable."""


@dataclass(frozen=True, slots=True)
class _Item:
    """An event, or finer work that stands for all its events."""

    symbols: frozenset[str]
    expression: Expression


def express(scopes: Sequence[Mined]) -> list[Expression | None]:
    """Return the expression of each scope, given finest first; None where there would be too much in it."""
    found: list[Expression | None] = []
    for number, entry in enumerate(scopes):
        finer = [
            (other, expression)
            for other, expression in zip(scopes[:number], found, strict=True)
            if expression is not None and other.scope is not None
        ]
        found.append(_Miner(entry.statistics).expression(_items(entry, finer)))
    return found


def _items(entry: Mined, finer: Sequence[tuple[Mined, Expression]]) -> list[_Item]:
    statistics = entry.statistics
    left = set(statistics.traces)
    items: list[_Item] = []
    for other, expression in sorted(finer, key=lambda pair: -len(pair[0].statistics.traces)):
        symbols = frozenset(other.statistics.traces)
        # Work is one item only where nothing of it is outside, and something else is here.
        if (
            len(symbols) > 1
            and symbols < statistics.traces.keys()
            and symbols <= left
            and all(map(other.covers, symbols))
        ):
            left -= symbols
            name = other.scope.name if other.scope is not None else ""
            items.append(_Item(symbols, Expression(kind="work", name=name, parts=(expression,), many=True)))
    items += [
        _Item(frozenset((symbol,)), Expression(kind="event", name=symbol, many=_repeats(statistics, symbol)))
        for symbol in left
    ]
    return sorted(items, key=lambda item: min(item.symbols))


def _repeats(statistics: ScopeStatistics, symbol: str) -> bool:
    return any(n > 1 for times in (statistics.repeats, statistics.cut_repeats) for n in times.get(symbol, ()))


class _Miner:
    def __init__(self, statistics: ScopeStatistics) -> None:
        self._statistics = statistics

    def expression(self, items: list[_Item]) -> Expression | None:
        if not items or len(items) > MAX_EVENTS:
            return None
        return self._cut(items)

    def _cut(self, items: list[_Item]) -> Expression:
        """Return an expression for what comes of some items in traces that have any of them."""
        if len(items) == 1:
            return items[0].expression
        apart = _components(items, self._met)
        if len(apart) > 1:
            return Expression(kind="choice", parts=tuple(map(self._cut, apart)))
        rows = self._rows(items)
        if len(rows) > 1:
            return Expression(kind="sequence", parts=tuple(self._parts(rows, items)))
        groups = self._turns(items)
        if len(groups) == 1:
            return self._group(groups[0])
        parts = (self._optional(self._group(group), group, items) for group in groups)
        return Expression(kind="interleaved", parts=tuple(parts))

    def _part(self, row: list[_Item], items: Sequence[_Item]) -> Expression:
        return self._optional(self._cut(row), row, items)

    def _optional(self, part: Expression, row: Sequence[_Item], items: Sequence[_Item]) -> Expression:
        """Return a part that may be missing where others are there."""
        own = [symbol for item in row for symbol in item.symbols]
        others = [symbol for item in items if item not in row for symbol in item.symbols]
        if any(all(self._brings(other, symbol) for other in others) for symbol in own):
            return part
        if all(self._leads(other, frozenset(own)) for other in others):
            return part
        return replace(part, optional=True)

    def _brings(self, a: str, b: str) -> bool:
        return self._statistics.pair(a, b).met_complete == self._statistics.complete_traces[a]

    def _leads(self, a: str, symbols: frozenset[str]) -> bool:
        """Tell whether always one of some events came after the last ``a``."""
        sets = self._statistics.outcomes.get(a)
        return sets is not None and all(symbols.intersection(after) for after in sets)

    def _met(self, one: _Item, two: _Item) -> bool:
        return any(self._statistics.pair(a, b).met for a in one.symbols for b in two.symbols)

    def _followed(self, one: _Item, two: _Item) -> bool:
        return any(self._statistics.pair(a, b).followed for a in one.symbols for b in two.symbols)

    def _rows(self, items: list[_Item]) -> list[list[_Item]]:
        """Return the items in parts of which each comes wholly after the one before."""
        places = range(len(items))
        reach = [[self._followed(one, two) for two in items] for one in items]
        for k in places:
            for i in places:
                if reach[i][k]:
                    reach[i] = [there or reach[k][j] for j, there in enumerate(reach[i])]
        rows = [[place] for place in places]

        def joined(one: list[int], two: list[int]) -> bool:
            before = all(reach[i][j] and not reach[j][i] for i in one for j in two)
            after = all(reach[j][i] and not reach[i][j] for i in one for j in two)
            return not before and not after

        while True:
            merged = [sorted(place for row in rows_ for place in row) for rows_ in _components(rows, joined)]
            if len(merged) == len(rows):
                break
            rows = merged
        rows.sort(key=lambda row: sum(reach[place][row[0]] for place in places if place not in row))
        return [[items[place] for place in row] for row in rows]

    def _parts(self, rows: Sequence[list[_Item]], items: Sequence[_Item]) -> Iterator[Expression]:
        """Yield the parts of a sequence; ``(a b)?`` for events that only come together, rather than ``a? b?``."""
        left = list(rows)
        while left:
            block = [left.pop(0)]
            while left and self._come_together(block[-1], left[0]):
                block.append(left.pop(0))
            row = [item for row in block for item in row]
            if len(block) > 1 and len(row) < len(items) and (part := self._part(row, items)).optional:
                yield part
            else:
                yield from (self._part(each, items) for each in block)

    def _come_together(self, one: Sequence[_Item], two: Sequence[_Item]) -> bool:
        if len(one) > 1 or len(two) > 1 or {one[0].expression.kind, two[0].expression.kind} != {"event"}:
            return False
        a, b = one[0].expression.name, two[0].expression.name
        return self._brings(a, b) and self._brings(b, a)

    def _turns(self, items: Sequence[_Item]) -> list[list[_Item]]:
        """Return the items in groups of which each takes turns, in order."""
        groups: list[list[_Item]] = []
        for item in items:
            for group in groups:
                before = [self._alternate(other, item) for other in group]
                after = [self._alternate(item, other) for other in group]
                place = sum(before)
                if all(before[:place]) and all(after[place:]):
                    group.insert(place, item)
                    break
            else:
                groups.append([item])
        return groups

    def _alternate(self, one: _Item, two: _Item) -> bool:
        if one.expression.kind != "event" or two.expression.kind != "event":
            return False
        a, b = one.expression.name, two.expression.name
        pair, statistics = self._statistics.pair(a, b), self._statistics
        return (
            pair.met > 0
            and not pair.clashed
            and pair.met_settled == statistics.settled[a]
            and pair.met == statistics.traces[b]
        )

    def _group(self, group: list[_Item]) -> Expression:
        if len(group) == 1:
            return group[0].expression
        many = any(item.expression.many for item in group)
        parts = tuple(replace(item.expression, many=False) for item in group)
        return Expression(kind="sequence", parts=parts, many=many)


def _components(nodes: Sequence[_T], joined: Callable[[_T, _T], bool]) -> list[list[_T]]:
    """Return the connected components of a graph, each and all in the order of the nodes."""
    left = list(nodes)
    components: list[list[_T]] = []
    while left:
        component = [left.pop(0)]
        for node in component:
            near = [other for other in left if joined(node, other)]
            left = [other for other in left if other not in near]
            component += near
        components.append(_in_order(component, nodes))
    return components


def _in_order(some: Iterable[_T], nodes: Sequence[_T]) -> list[_T]:
    chosen = list(some)
    return [node for node in nodes if node in chosen]
