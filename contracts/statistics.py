"""What the mining of sequence rules remembers: little for each open trace, and per scope what no trace has broken.

All of it is counts, intersections and sums of integers, so that neither the order of traces nor their distribution
over cassettes matters.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Self

from .state import count, counter, mapping, ordered, texts

MAX_SYMBOLS = 200
"""Different events in a scope. What comes beyond is left out of the rules."""


class Trace:
    """One open scope instance: its events' first and last places and what stood between repetitions."""

    __slots__ = ("between", "counts", "first", "first_at", "last", "last_at", "length")

    def __init__(self) -> None:
        self.length = 0
        self.first = ""
        self.last = ""
        self.first_at: dict[str, int] = {}
        self.last_at: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        # For a symbol that came repeatedly: the symbols that came between each two of its events.
        self.between: dict[str, set[str]] = {}

    def add(self, symbol: str) -> None:
        """Take the next event. Work grows with the number of different symbols, not with the trace's length."""
        self.length += 1
        if self.length == 1:
            self.first = symbol
        self.last = symbol
        before = self.last_at.get(symbol)
        if before is None:
            if len(self.counts) >= MAX_SYMBOLS:
                return
            self.first_at[symbol] = self.length
            self.counts[symbol] = 1
        else:
            self.counts[symbol] += 1
            gap = self.between.get(symbol)
            if gap is None:
                self.between[symbol] = {other for other, at in self.last_at.items() if at > before}
            elif gap:
                self.between[symbol] = {other for other in gap if self.last_at[other] > before}
        self.last_at[symbol] = self.length

    def alternates(self, a: str, b: str) -> bool:
        """Tell whether a and b took turns, without judging which was first or last."""
        return (a not in self.between or b in self.between[a]) and (b not in self.between or a in self.between[b])


class ScopeStatistics:
    """All traces of one scope."""

    def __init__(self) -> None:
        self.symbols: set[str] = set()
        self.firsts: Counter[str] = Counter()
        self.lasts: Counter[str] = Counter()  # of complete traces
        self.events: Counter[str] = Counter()
        self.traces: Counter[str] = Counter()  # traces in which a symbol came
        self.complete_events: Counter[str] = Counter()
        self.complete_traces: Counter[str] = Counter()
        self.count = 0
        # a -> b -> thousandths of bits: b came after the last a, in every complete trace with an a.
        self.answers: dict[str, dict[str, int]] = {}
        # b -> a -> thousandths of bits: a came before the first b, in every trace with a b.
        self.causes: dict[str, dict[str, int]] = {}
        self.opens: dict[str, set[str]] = {}  # a -> symbols that took turns with it, a first
        self.clashes: dict[str, set[str]] = {}  # a -> symbols with which it once did not take turns, a first
        self.closes: dict[str, set[str]] = {}  # b -> symbols that took turns with it, b last
        self.together: dict[str, set[str]] = {}  # symbols that came in one trace

    def fold(self, trace: Trace, *, complete: bool, times: int = 1) -> None:
        """Take a trace into account, or several that are equal.

        One that is not complete says nothing about what would have come.
        """
        if not trace.length or not times:
            return
        self.count += times
        self.firsts[trace.first] += times
        if complete:
            self.lasts[trace.last] += times
        present = list(trace.counts)
        self.symbols.update(present)
        for a in present:
            self.events[a] += trace.counts[a] * times
            self.traces[a] += times
            self.together.setdefault(a, set()).update(present)
            before = {b: times * _bits(trace, b, a) for b in present if trace.first_at[b] < trace.first_at[a]}
            _keep_common(self.causes, a, before)
            if complete:
                self.complete_events[a] += trace.counts[a] * times
                self.complete_traces[a] += times
                after = {b: times * _bits(trace, b, a) for b in present if trace.last_at[b] > trace.last_at[a]}
                _keep_common(self.answers, a, after)
            others = [b for b in present if b != a]
            _keep_turns(self.closes, a, {b for b in others if _took_turns(trace, b, a, complete)})
            seconds = {b for b in others if _took_turns(trace, a, b, complete)}
            self.clashes.setdefault(a, set()).update(b for b in others if b not in seconds)
            # A trace that is not complete may stop between its only a and a b that would have come; two a without
            # a b between them are two, whatever comes.
            if complete or trace.counts[a] > 1:
                _keep_turns(self.opens, a, seconds)

    def merge(self, other: ScopeStatistics) -> None:
        """Take into account all traces that another one has seen."""
        self.symbols |= other.symbols
        self.count += other.count
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        for kept, more in ((self.answers, other.answers), (self.causes, other.causes)):
            for symbol, now in more.items():
                _keep_common(kept, symbol, dict(now))
        for kept, more in ((self.opens, other.opens), (self.closes, other.closes)):
            for symbol, now in more.items():
                _keep_turns(kept, symbol, set(now))
        for kept, more in ((self.clashes, other.clashes), (self.together, other.together)):
            for symbol, now in more.items():
                kept.setdefault(symbol, set()).update(now)

    def state(self) -> dict[str, object]:
        """Return all of it as plain data; equal content gives equal data."""
        state: dict[str, object] = {"count": self.count, "symbols": sorted(self.symbols)}
        for name in _COUNTERS:
            state[name] = ordered(getattr(self, name))
        for name in _SUMS:
            state[name] = {symbol: ordered(sums) for symbol, sums in sorted(getattr(self, name).items())}
        for name in _SETS:
            state[name] = {symbol: sorted(names) for symbol, names in sorted(getattr(self, name).items())}
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, object]) -> Self:
        """Return the statistics that `state` gave. Raises ValueError for other data."""
        statistics = cls()
        statistics.count = count(state.get("count"))
        statistics.symbols = texts(state.get("symbols"))
        for name in _COUNTERS:
            setattr(statistics, name, counter(state.get(name)))
        for name in _SUMS:
            setattr(statistics, name, mapping(state.get(name), lambda sums: mapping(sums, count)))
        for name in _SETS:
            setattr(statistics, name, mapping(state.get(name), texts))
        return statistics


_COUNTERS = ("firsts", "lasts", "events", "traces", "complete_events", "complete_traces")
_SUMS = ("answers", "causes")
_SETS = ("opens", "clashes", "closes", "together")


def _keep_turns(kept: dict[str, set[str]], symbol: str, now: set[str]) -> None:
    kept[symbol] = kept[symbol] & now if symbol in kept else now


def _took_turns(trace: Trace, a: str, b: str, complete: bool) -> bool:
    if not trace.alternates(a, b) or trace.first_at[a] > trace.first_at[b]:
        return False
    return not complete or trace.last_at[b] > trace.last_at[a]


def _keep_common(kept: dict[str, dict[str, int]], symbol: str, now: dict[str, int]) -> None:
    known = kept.get(symbol)
    if known is None:
        kept[symbol] = now
    else:
        kept[symbol] = {other: bits + now[other] for other, bits in known.items() if other in now}


def _bits(trace: Trace, winner: str, loser: str) -> int:
    """Thousandths of bits of surprise that a ``winner`` stands at the outer end, were both shuffled at random.

    A trace is one fact, however often the ``loser`` came in it: it counts two bits at most.
    """
    many, few = trace.counts[winner], trace.counts[loser]
    return min(2000, round(1000 * math.log2((many + few) / many)))
