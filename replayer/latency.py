"""Response times by label, compared by ratio: ``--latency``.

A response time is what passes between a client's message and the first event of a label in the turn that it begins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from ..cassettes import Direction
from ..contracts import Finding, Severity, label_of
from .timeline import Trace

MIN_SAMPLES = 3
"""Response times on each side before they are compared: one says nothing."""

FLOOR_NS = 20_000_000
"""A median that grew by less is noise of the machine, whatever the ratio."""

Times = Mapping[str, Sequence[int]]
"""Symbol -> response times in nanoseconds."""


def response_times(runs: Iterable[Sequence[Trace]]) -> dict[str, list[int]]:
    """Gather the response times of one or more runs."""
    times: dict[str, list[int]] = defaultdict(list)
    for run in runs:
        for trace in run:
            for turn in trace.turns:
                if turn.began is None:
                    continue
                first: dict[str, int] = {}
                for moment in turn.moments:
                    for event in moment.events:
                        first.setdefault(event.symbol, moment.message.at_ns - turn.began.message.at_ns)
                for symbol, taken in first.items():
                    times[symbol].append(taken)
    return times


def slower(baseline: Times, candidate: Times, factor: float) -> Iterator[Finding]:
    """Yield a warning for each event whose median response time grew by ``factor`` or more."""
    for symbol, now in sorted(candidate.items()):
        before = baseline.get(symbol, ())
        if min(len(before), len(now)) < MIN_SAMPLES:
            continue
        old, new = median(before), median(now)
        if new - old >= FLOOR_NS and new >= factor * old:
            ratio = f"{new / old:.1f} times " if old else ""
            yield Finding(
                id="latency/slower",
                severity=Severity.WARNING,
                direction=Direction.SERVER,
                label=label_of(symbol),
                path=None,
                connection=None,
                position=None,
                count=len(now),
                message=f"`{label_of(symbol)}` takes {new / 1e6:.0f} ms (median of {len(now)}), {ratio}as long as the "
                f"{old / 1e6:.0f} ms of the baseline (median of {len(before)})",
                baseline=round(old / 1e6, 1),
                candidate=round(new / 1e6, 1),
            )
