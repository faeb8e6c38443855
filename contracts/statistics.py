"""What the mining of sequence rules remembers: little for each open trace, and per scope how often each rule held.

All of it is sums of integers over traces, so that neither the order of traces nor their distribution over cassettes
matters, and what one trace broke is counted, not forgotten. Its size is bounded by the number of different events.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from functools import lru_cache
from typing import Self

from .state import count, optional, sequence, text

MAX_SYMBOLS = 200
"""Different events in a scope. What comes beyond is left out of the rules."""

MANY = 9
"""Repetitions in a trace are told apart up to here; this stands for all that are more."""

MAX_OUTCOMES = 64
"""Different sets of events that may follow an event; one with more has no outcomes to choose between."""


class Trace:
    """One open scope instance: its events' first and last places and what stood between repetitions."""

    __slots__ = ("between", "counts", "first", "first_at", "last", "last_at", "length", "next")

    def __init__(self) -> None:
        self.length = 0
        self.first = ""
        self.last = ""
        self.first_at: dict[str, int] = {}
        self.last_at: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        # For a symbol that came repeatedly: the symbols that came between each two of its events.
        self.between: dict[str, set[str]] = {}
        # The one symbol that came next after each event of a symbol; empty when different ones did.
        self.next: dict[str, str] = {}

    def add(self, symbol: str) -> None:
        """Take the next event. Work grows with the number of different symbols, not with the trace's length."""
        self.length += 1
        if self.length == 1:
            self.first = symbol
        elif self.next.setdefault(self.last, symbol) != symbol:
            self.next[self.last] = ""
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

    def copy(self) -> Trace:
        """Return a trace to go on with that leaves this one as it is."""
        made = Trace()
        made.length, made.first, made.last = self.length, self.first, self.last
        made.first_at, made.last_at, made.counts = dict(self.first_at), dict(self.last_at), dict(self.counts)
        made.between = dict(self.between)  # its sets are replaced, never changed
        made.next = dict(self.next)
        return made

    def alternates(self, a: str, b: str) -> bool:
        """Tell whether a and b took turns, without judging which was first or last."""
        return (a not in self.between or b in self.between[a]) and (b not in self.between or a in self.between[b])


@dataclass(slots=True)
class Pair:
    """What two different events, a and b in this order, did in the traces in which both came."""

    met: int = 0
    met_complete: int = 0
    met_settled: int = 0  # traces of both that would be broken if a were alone in them: see `ScopeStatistics.settled`
    clashed: int = 0  # a and b did not take turns, a first and b last
    answered: int = 0  # complete traces in which b came after the last a
    answer_bits: int = 0  # thousandths of bits: how unlikely that was
    preceded: int = 0  # a came before the first b
    precede_bits: int = 0
    followed: int = 0  # some b came after some a
    apart_bits: int = 0  # how unlikely it was that no b came after any a, where none did
    chained: int = 0  # each a that something followed was directly followed by b

    def add(self, other: Pair, times: int = 1) -> None:
        """Add what other traces showed, so many times."""
        self.met += times * other.met
        self.met_complete += times * other.met_complete
        self.met_settled += times * other.met_settled
        self.clashed += times * other.clashed
        self.answered += times * other.answered
        self.answer_bits += times * other.answer_bits
        self.preceded += times * other.preceded
        self.precede_bits += times * other.precede_bits
        self.followed += times * other.followed
        self.apart_bits += times * other.apart_bits
        self.chained += times * other.chained


_PAIR_FIELDS = tuple(field.name for field in fields(Pair))
_NOTHING = Pair()
_COUNTERS = (
    *("firsts", "lasts", "events", "traces", "complete_events", "complete_traces"),
    *("settled", "unfollowed"),
)


class ScopeStatistics:
    """All traces of one scope. `merge` is associative and commutative; a new one is its identity."""

    def __init__(self) -> None:
        self.count = 0
        self.complete = 0
        self.firsts: Counter[str] = Counter()
        self.lasts: Counter[str] = Counter()  # of complete traces
        self.events: Counter[str] = Counter()
        self.traces: Counter[str] = Counter()  # traces in which a symbol came
        self.complete_events: Counter[str] = Counter()
        self.complete_traces: Counter[str] = Counter()
        # Traces that would break "a and b take turns" if no b had come. A trace that is not complete may stop
        # between its only a and a b that would have come; two a without a b between them are two, whatever comes.
        self.settled: Counter[str] = Counter()
        self.unfollowed: Counter[str] = Counter()  # traces cut off after the symbol's only event
        self.repeats: dict[str, Counter[int]] = {}  # symbol -> events in a complete trace, `MANY` or more as `MANY`
        self.cut_repeats: dict[str, Counter[int]] = {}  # the same of traces that are not complete
        self.pairs: dict[str, dict[str, Pair]] = {}
        # symbol -> the sets of symbols that came after its last event in complete traces; None: too many
        self.outcomes: dict[str, Counter[tuple[str, ...]] | None] = {}

    @property
    def symbols(self) -> set[str]:
        """All symbols that came."""
        return set(self.traces)

    def pair(self, a: str, b: str) -> Pair:
        """Return what two symbols did in the traces in which both came; not to be changed."""
        return self.pairs.get(a, {}).get(b, _NOTHING)

    def fold(self, trace: Trace, *, complete: bool, times: int = 1) -> None:
        """Take a trace into account, or several that are equal.

        One that is not complete says nothing about what would have come.
        """
        if not trace.length or not times:
            return
        self.count += times
        self.firsts[trace.first] += times
        if complete:
            self.complete += times
            self.lasts[trace.last] += times
        for a, came in trace.counts.items():
            self.events[a] += came * times
            self.traces[a] += times
            settled = complete or came > 1
            self.settled[a] += settled * times
            self.unfollowed[a] += (not complete and a not in trace.next) * times
            repeats = self.repeats if complete else self.cut_repeats
            repeats.setdefault(a, Counter())[min(came, MANY)] += times
            if complete:
                self.complete_events[a] += came * times
                self.complete_traces[a] += times
                after = tuple(sorted(b for b, at in trace.last_at.items() if at > trace.last_at[a]))
                self.add_outcomes(a, {after: times})
            pairs = self.pairs.setdefault(a, {})
            for b in trace.counts:
                if a != b:
                    pair = pairs.get(b)
                    if pair is None:
                        pair = pairs[b] = Pair()
                    _show(pair, trace, a, b, complete, settled, times)

    def add_outcomes(self, symbol: str, sets: Mapping[tuple[str, ...], int] | None) -> None:
        """Add how often which symbols came after a symbol's last event; None: in too many ways."""
        known = self.outcomes.setdefault(symbol, Counter())
        if known is None:
            return
        if sets is not None:
            known.update(sets)
        if sets is None or len(known) > MAX_OUTCOMES:
            self.outcomes[symbol] = None

    def merge(self, other: Self) -> None:
        """Add the traces of another one, which stays as it is."""
        self.count += other.count
        self.complete += other.complete
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        for mine, theirs in ((self.repeats, other.repeats), (self.cut_repeats, other.cut_repeats)):
            for symbol, times in theirs.items():
                mine.setdefault(symbol, Counter()).update(times)
        for a, pairs in other.pairs.items():
            known = self.pairs.setdefault(a, {})
            for b, pair in pairs.items():
                known.setdefault(b, Pair()).add(pair)
        for symbol, sets in other.outcomes.items():
            self.add_outcomes(symbol, sets)

    def state(self) -> dict[str, object]:
        """Return all of it as plain data; equal content gives equal data."""
        symbols = sorted(self.traces)
        number = {symbol: index for index, symbol in enumerate(symbols)}
        return {
            "symbols": symbols,
            "count": self.count,
            "complete": self.complete,
            **{name: [getattr(self, name)[symbol] for symbol in symbols] for name in _COUNTERS},
            **{
                name: [[counts.get(symbol, Counter())[n] for n in range(1, MANY + 1)] for symbol in symbols]
                for name, counts in (("repeats", self.repeats), ("cut_repeats", self.cut_repeats))
            },
            "pairs": [
                [number[a], number[b], *astuple(pair)]
                for a in symbols
                for b, pair in sorted(self.pairs.get(a, {}).items())
            ],
            "outcomes": [_outcomes_state(self.outcomes.get(symbol, Counter()), number) for symbol in symbols],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, object]) -> Self:
        """Return the statistics that `state` gave. Raises ValueError for other data."""
        made = cls()
        symbols = sequence(state.get("symbols"), text)
        made.count, made.complete = count(state.get("count")), count(state.get("complete"))
        for name in _COUNTERS:
            values = zip(symbols, sequence(state.get(name), count), strict=True)
            setattr(made, name, Counter({symbol: value for symbol, value in values if value}))
        for name in ("repeats", "cut_repeats"):
            rows = zip(symbols, sequence(state.get(name), counts), strict=True)
            repeats = {symbol: Counter({n: times for n, times in enumerate(row, 1) if times}) for symbol, row in rows}
            setattr(made, name, {symbol: times for symbol, times in repeats.items() if times})
        made.pairs = {symbol: {} for symbol in symbols}
        for a, b, *values in sequence(state.get("pairs"), counts):
            if len(values) != len(_PAIR_FIELDS) or max(a, b) >= len(symbols):
                raise ValueError("a pair that makes no sense")
            made.pairs[symbols[a]][symbols[b]] = Pair(*values)
        sets = sequence(state.get("outcomes"), lambda value: optional(value, lambda rows: sequence(rows, counts)))
        for symbol, rows in zip(symbols, sets, strict=True):
            made.outcomes[symbol] = None if rows is None else Counter()
            for times, *after in rows or ():
                if max(after, default=0) >= len(symbols):
                    raise ValueError("an outcome that makes no sense")
                made.add_outcomes(symbol, {tuple(symbols[index] for index in after): times})
        return made


def counts(value: object) -> list[int]:
    """Return an array of counts. Raises ValueError."""
    return sequence(value, count)


def _outcomes_state(sets: Counter[tuple[str, ...]] | None, number: Mapping[str, int]) -> list[list[int]] | None:
    if sets is None:
        return None
    return [[times, *(number[symbol] for symbol in after)] for after, times in sorted(sets.items())]


def _show(pair: Pair, trace: Trace, a: str, b: str, complete: bool, settled: bool, times: int) -> None:
    """Add what one trace in which both came, or several equal ones, show of them."""
    first_a, last_a = trace.first_at[a], trace.last_at[a]
    first_b, last_b = trace.first_at[b], trace.last_at[b]
    pair.met += times
    if complete:
        pair.met_complete += times
    if settled:
        pair.met_settled += times
    if first_a > first_b or (complete and last_b < last_a) or not trace.alternates(a, b):
        pair.clashed += times
    came_a, came_b = trace.counts[a], trace.counts[b]
    if complete and last_b > last_a:
        pair.answered += times
        pair.answer_bits += _bits(came_b, came_a) * times
    if first_a < first_b:
        pair.preceded += times
        pair.precede_bits += _bits(came_a, came_b) * times
    if first_a < last_b:
        pair.followed += times
    else:
        # One of n + 1 orders where one of both came once, of more otherwise; a trace counts two bits at most.
        pair.apart_bits += _bits(1, min(3, came_a + came_b - 1)) * times
    if trace.next.get(a) == b and not (complete and trace.last == a):
        pair.chained += times


@lru_cache(maxsize=4096)
def _bits(winners: int, losers: int) -> int:
    """Thousandths of bits of surprise that a winner stands at the outer end, were all of both shuffled at random.

    A trace is one fact, however often the loser came in it: it counts two bits at most.
    """
    return min(2000, round(1000 * math.log2((winners + losers) / winners)))
