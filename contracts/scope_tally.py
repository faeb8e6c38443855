"""What the values of one identifier did in recordings: the sums by which it is judged to be a scope, and its traces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable

from ..cassettes import Direction
from .event import side
from .json_text import Pointer, join_pointer, split_pointer
from .state import count, counter, mapping, ordered, sequence, text
from .statistics import ScopeStatistics, Trace

LEAST_SPANNED = 2
"""Pieces of work taken up again on another connection before a scope spans connections."""

LEAST_ALONE = 3
"""Different values, of which each connection had one, before they make a scope."""

Place = tuple[str, Pointer]
"""Symbol and keys: where an identifier stands."""


class Work:
    """What came under one value, connection by connection."""

    __slots__ = ("parts", "single", "whole")

    def __init__(self) -> None:
        self.parts: list[tuple[Trace | str, bool]] = []  # a trace, or the symbol of the only event; whether complete
        self.whole: Trace | None = None  # all parts; None while there is one
        self.single: Place | None = None  # of the only event of the only part so far

    def resume(self) -> None:
        """Another connection takes it up."""
        if self.whole is None:
            (first, _), *_ = self.parts
            self.whole = first.copy() if isinstance(first, Trace) else trace_of(first)


def trace_of(symbol: str) -> Trace:
    """Return the trace of one event."""
    trace = Trace()
    trace.add(symbol)
    return trace


class Tally:
    """What a name's values did, over all connections."""

    def __init__(self) -> None:
        self.instances = 0
        self.joined = 0  # instances with two events or more
        self.mixed = 0  # joined instances with events of two symbols or more
        self.asked = 0  # joined instances that a client began
        self.events = 0  # in joined instances
        self.most = 0  # joined instances on one connection
        self.wide = 0  # joined instances with most events of their connection
        self.values: set[int] = set()  # the lowest checksums of values: enough to tell whether they differ
        self.places: dict[Place, list[int]] = {}  # values, joined values
        self.statistics = ScopeStatistics()  # of traces of two events or more
        self.singles: dict[tuple[str, bool], int] = {}  # traces of one event: symbol, whether complete
        # Work that another connection took up again after the first had ended, which is in none of the above traces.
        self.parts = ScopeStatistics()  # its traces, connection by connection
        self.spanned = ScopeStatistics()  # as a whole
        self.resumed: Counter[str] = Counter()  # the first events of its later parts

    def merge(self, other: Tally) -> None:
        self.instances += other.instances
        self.joined += other.joined
        self.mixed += other.mixed
        self.asked += other.asked
        self.events += other.events
        self.most = max(self.most, other.most)
        self.wide += other.wide
        self.know(other.values)
        for place, (values, joined) in other.places.items():
            sums = self.places.setdefault(place, [0, 0])
            sums[0] += values
            sums[1] += joined
        self.statistics.merge(other.statistics)
        for single, times in other.singles.items():
            self.singles[single] = self.singles.get(single, 0) + times
        self.parts.merge(other.parts)
        self.spanned.merge(other.spanned)
        self.resumed.update(other.resumed)

    def know(self, values: Iterable[int]) -> None:
        """Take the checksums of some values into account."""
        self.values = set(sorted(self.values.union(values))[:LEAST_ALONE])

    @property
    def is_scope(self) -> bool:
        """Whether the values join events, and not just all those of a connection.

        Several do on one connection, or work goes on over connections; or each connection has one of its own, which the
        client asked for and which only some of the events carry.
        """
        several = self.most >= 2 or len(self.spans) > 0
        alone = (
            self.asked == self.joined >= LEAST_ALONE
            and len(self.values) == LEAST_ALONE
            and self.wide * 2 <= self.joined
            and any(side(symbol) is Direction.SERVER for symbol in self.joined_symbols())
        )
        return (several or alone) and self.joined * 2 >= self.instances and self.mixed * 2 >= self.joined

    def fold(self, work: Work) -> None:
        """Take work into account that is over."""
        if work.whole is not None:
            traces = [part if isinstance(part, Trace) else trace_of(part) for part, _ in work.parts]
            for trace, (_, complete) in zip(traces, work.parts, strict=True):
                self.parts.fold(trace, complete=complete)
            self.resumed.update(trace.first for trace in traces[1:])
            self.spanned.fold(work.whole, complete=work.parts[-1][1])
            return
        for part, complete in work.parts:
            if isinstance(part, Trace):
                self.statistics.fold(part, complete=complete)
            else:
                self.singles[part, complete] = self.singles.get((part, complete), 0) + 1

    @property
    def spans(self) -> tuple[str, ...]:
        """The events with which connections take up what others began; none where they just begin anew."""
        begun = self.statistics.firsts + self.spanned.firsts
        for (symbol, _), times in self.singles.items():
            begun[symbol] += times
        anew = sum(begun[symbol] for symbol in self.resumed)
        if self.spanned.count < LEAST_SPANNED or 10 * anew > self.resumed.total():
            return ()
        return tuple(sorted(self.resumed))

    def traces(self, symbols: Container[str]) -> ScopeStatistics:
        """Return what the traces showed, in the scope that this is; ``symbols`` are the events in it."""
        whole = ScopeStatistics()
        whole.merge(self.statistics)
        whole.merge(self.spanned if self.spans else self.parts)
        for (symbol, complete), times in sorted(self.singles.items()):
            # An event whose identifier never joined it with another is no event of the scope.
            if symbol in symbols:
                whole.fold(trace_of(symbol), complete=complete, times=times)
        return whole

    def joined_symbols(self) -> set[str]:
        return {symbol for (symbol, _), (_, joined) in self.places.items() if joined}

    def state(self) -> list[object]:
        return [
            [
                self.instances,
                self.joined,
                self.mixed,
                self.events,
                self.most,
                self.asked,
                self.wide,
                *sorted(self.values),
            ],
            [[symbol, join_pointer(keys), *sums] for (symbol, keys), sums in sorted(self.places.items())],
            [[symbol, int(complete), times] for (symbol, complete), times in sorted(self.singles.items())],
            self.statistics.state(),
            *([self.parts.state(), self.spanned.state(), ordered(self.resumed)] if self.resumed else ()),
        ]

    @classmethod
    def from_state(cls, state: object) -> Tally:
        counts, places, singles, statistics, *spanning = sequence(state, lambda part: part)
        tally = cls()
        tally.instances, tally.joined, tally.mixed, tally.events, tally.most, *later = sequence(counts, count)
        if later:  # older states do not have it
            tally.asked, tally.wide, *values = later
            tally.values = set(values)
        for place in sequence(places, lambda part: sequence(part, lambda item: item)):
            symbol, pointer, *sums = place
            values, joined = map(count, sums)
            tally.places[text(symbol), split_pointer(text(pointer))] = [values, joined]
        for single in sequence(singles, lambda part: sequence(part, lambda item: item)):
            symbol, complete, times = single
            tally.singles[text(symbol), bool(count(complete))] = count(times)
        tally.statistics = ScopeStatistics.from_state(mapping(statistics, lambda value: value))
        if spanning:
            parts, spanned, resumed = spanning
            tally.parts = ScopeStatistics.from_state(mapping(parts, lambda value: value))
            tally.spanned = ScopeStatistics.from_state(mapping(spanned, lambda value: value))
            tally.resumed = counter(resumed)
        return tally
