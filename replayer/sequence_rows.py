"""Two sequences of events side by side, around the first place where they part over what a finding is about."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ..cassettes import Direction, printable
from ..contracts import SKIPPED, Event, Row
from .alignment import align

AROUND = 2
"""Rows that are shown before and after a marked one."""

MAX_ROWS = 12


@dataclass(frozen=True, slots=True)
class _Step:
    """Events of one label in a row."""

    first: Event
    last: Event
    count: int

    @property
    def symbol(self) -> str:
        return self.first.symbol

    def __str__(self) -> str:
        times = f" x{self.count}" if self.count > 1 else ""
        return f"{at_place(self.first)}{times}"


_Pair = tuple[_Step | None, _Step | None]


def at_place(event: Event) -> str:
    """An event's direction, number and label: ``<- 5 agent_started``."""
    arrow = "->" if event.direction is Direction.CLIENT else "<-"
    return f"{arrow} {event.position} {printable(event.label)}"


@dataclass(frozen=True, slots=True)
class SequenceView:
    """Lines of two sequences, and the event of the new one after which they part."""

    rows: tuple[Row, ...]
    parted: Event | None


def sequence_view(
    old: Sequence[Event], new: Sequence[Event], blamed: str, position: int | None, beside: Collection[str] = ()
) -> SequenceView | None:
    """Show two sequences around the first difference in the ``blamed`` symbol or the event at a place.

    ``position`` is a place in the new one. Where neither differs, the first difference in the symbols ``beside`` is
    shown, and where those do not either, the lines around the place; None when it is not there.
    """
    apart = {event.symbol for event in old} & {event.symbol for event in new}
    before, after = (_steps(events, blamed if blamed in apart else "") for events in (old, new))
    pairs = list(_paired(before, after))
    there = {step.symbol for step in after if position is not None and _covers(step, position)}
    differing = {number for number, (one, other) in enumerate(pairs) if _symbol(one) != _symbol(other)}
    named = {number for number in differing if {blamed, *there} & {_symbol(step) for step in pairs[number]}}
    named = named or {number for number in differing if {*beside} & {_symbol(step) for step in pairs[number]}}
    if not named and position is not None:
        named = {number for number, (_, step) in enumerate(pairs) if step is not None and _covers(step, position)}
    marked: list[int] = []
    for number in sorted(named):
        if marked and number > marked[-1] + AROUND + 1:
            break  # the same again, later: the first time is told
        marked.append(number)
    if not marked:
        return None
    parted = next((step.last for _, step in reversed(pairs[: marked[0]]) if step is not None), None)
    return SequenceView(tuple(_window(pairs, marked)), parted)


def lone_view(events: Sequence[Event], position: int | None) -> SequenceView | None:
    """Show one sequence around the event at a place; None when it is not there."""
    view = sequence_view(events, events, "", position)
    if view is None:
        return None
    rows = (row if row is SKIPPED else Row(now=row.now, marked=row.marked) for row in view.rows)
    return SequenceView(tuple(rows), view.parted)


def _steps(events: Sequence[Event], blamed: str) -> list[_Step]:
    """Join events of one label that come in a row; how often the blamed ones come may be the difference."""
    steps: list[_Step] = []
    for event in events:
        if steps and steps[-1].symbol == event.symbol and event.symbol != blamed:
            steps[-1] = _Step(steps[-1].first, event, steps[-1].count + 1)
        else:
            steps.append(_Step(event, event, 1))
    return steps


def _paired(before: Sequence[_Step], after: Sequence[_Step]) -> Iterator[_Pair]:
    """Yield the steps of both sides beside each other; what came stands beside what it came instead of."""
    gone: list[_Step] = []
    come: list[_Step] = []
    for edit, i, j in align([step.symbol for step in before], [step.symbol for step in after]):
        match edit:
            case "delete":
                gone.append(before[i])
            case "insert":
                come.append(after[j])
            case "equal":
                # Of two that are alike the second is the one too many.
                if come and not gone and come[0].symbol == before[i].symbol:
                    come.append(after[j])
                    yield before[i], come.pop(0)
                elif gone and not come and gone[0].symbol == after[j].symbol:
                    gone.append(before[i])
                    yield gone.pop(0), after[j]
                else:
                    yield from zip_longest(gone, come)
                    gone, come = [], []
                    yield before[i], after[j]
    yield from zip_longest(gone, come)


def _symbol(step: _Step | None) -> str | None:
    return None if step is None else step.symbol


def _covers(step: _Step, position: int) -> bool:
    return step.first.position <= position <= step.last.position


def _window(pairs: Sequence[_Pair], marked: Sequence[int]) -> Iterator[Row]:
    first = max(marked[0] - AROUND, 0)
    last = min(marked[-1] + AROUND, first + MAX_ROWS, len(pairs) - 1)
    if first > 0:
        yield SKIPPED
    for number in range(first, last + 1):
        old, new = pairs[number]
        yield Row(
            recorded=None if old is None else str(old),
            now=None if new is None else str(new),
            marked=number in marked,
        )
    if last < len(pairs) - 1:
        yield SKIPPED
