"""Events of which one comes: the outcomes that end a piece of work, a result or an error.

Looked for are few events of which exactly one stands behind the last event of a symbol, in every complete trace. That
they exclude each other there is what tells outcomes from events that merely come often.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from .evidence import is_kept
from .statistics import ScopeStatistics

MAX_ALTERNATIVES = 4
_MAX_STEPS = 2_000
"""Choices that a search looks at."""


def alternatives(statistics: ScopeStatistics, a: str) -> tuple[tuple[str, ...], int]:
    """Return the events of which exactly one came after the last ``a`` of every complete trace, and the surprise.

    The surprise, in thousandths of bits, is less what the choice among all events takes from it. Without alternatives,
    or where one event always came, there are none and 0.
    """
    sets = statistics.outcomes.get(a)
    if not sets or () in sets:
        return (), 0
    if set[str].intersection(*map(set, sets)):
        return (), 0
    found = max(
        _covers([frozenset(after) for after in sorted(sets)]),
        # What ends traces says most; then the fewest, and one of those that are equal, always the same.
        key=lambda cover: (sum(statistics.lasts[symbol] for symbol in cover), -len(cover), cover),
        default=(),
    )
    if not found:
        return (), 0
    bits = sum(statistics.pair(a, symbol).answer_bits for symbol in found)
    choices = math.comb(len({symbol for after in sets for symbol in after}), len(found))
    return found, max(0, bits - round(1000 * math.log2(choices)))


def _covers(sets: Sequence[frozenset[str]]) -> Iterator[tuple[str, ...]]:
    """Yield the symbols, two to `MAX_ALTERNATIVES`, of which exactly one is in each set: exact covers."""
    steps = 0
    stack: list[tuple[str, ...]] = [()]
    seen: set[tuple[str, ...]] = set()
    while stack and steps < _MAX_STEPS:
        steps += 1
        chosen = stack.pop()
        open_ = [after for after in sets if not after & set(chosen)]
        if not open_:
            yield chosen
            continue
        if len(chosen) == MAX_ALTERNATIVES:
            continue
        taken = {symbol for after in sets if after & set(chosen) for symbol in after}
        for symbol in sorted(min(open_, key=lambda after: (len(after), sorted(after))) - taken):
            grown = tuple(sorted((*chosen, symbol)))
            if grown not in seen:
                seen.add(grown)
                stack.append(grown)


def endings(statistics: ScopeStatistics) -> tuple[tuple[str, ...], int]:
    """Return the event with which every complete trace ended, or the few that did, and how many ended otherwise.

    Each of several must have done so more than once, or one more would be no surprise.
    """
    lasts, complete = statistics.lasts, statistics.complete
    for symbol, count in lasts.items():
        if is_kept(complete - count, complete):
            return (symbol,), complete - count
    several = sorted(symbol for symbol, count in lasts.items() if count > 1)
    broken = complete - sum(lasts[symbol] for symbol in several)
    if 2 <= len(several) <= MAX_ALTERNATIVES and is_kept(broken, complete):
        return tuple(several), broken
    return (), 0


def is_exclusive(statistics: ScopeStatistics, before: Sequence[str], symbols: Sequence[str]) -> bool:
    """Tell whether no trace had two events of some symbols, and each came once, after all of ``before`` came once."""
    return (
        all(_is_single(statistics, symbol) for symbol in (*before, *symbols))
        and not any(statistics.pair(one, two).met for one in symbols for two in symbols if one != two)
        and all(
            statistics.pair(first, symbol).preceded == statistics.traces[symbol]
            for first in before
            for symbol in symbols
        )
    )


def _is_single(statistics: ScopeStatistics, symbol: str) -> bool:
    return all(set(repeats.get(symbol, ())) <= {1} for repeats in (statistics.repeats, statistics.cut_repeats))
