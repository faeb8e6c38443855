"""Aligning two sequences of labels with few insertions and deletions.

Eugene W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1 (1986), the greedy form of section
2, which finds the fewest. Its time and memory grow with the square of the number of differences; so it is bounded: past
`MAX_DIFFERENCES` the best path so far is kept and the search begins anew where it ends, and past `MAX_IN_ALL` with a
smaller bound. The edits are the fewest up to there, and beyond it few, for work that grows with the length only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Edit = tuple[Literal["equal", "delete", "insert"], int, int]
"""What happens, at which index of the old sequence, at which index of the new one."""

MAX_DIFFERENCES = 500
"""Differences up to which the edits are the fewest."""

MAX_IN_ALL = 5_000
"""Differences past which each search is bounded by `COARSE`."""

COARSE = 50


def align(old: Sequence[str], new: Sequence[str], max_differences: int = MAX_DIFFERENCES) -> list[Edit]:
    """Return the edits that turn ``old`` into ``new``, in order; each index of either appears once."""
    edits: list[Edit] = []
    end_old, end_new = len(old), len(new)
    while end_old and end_new and old[end_old - 1] == new[end_new - 1]:
        end_old -= 1
        end_new -= 1
    x = y = differences = 0
    while x < end_old or y < end_new:
        bound = max_differences if differences < MAX_IN_ALL else min(COARSE, max_differences)
        found = _search(old, new, x, y, end_old, end_new, bound)
        edits += found
        for kind, _, _ in found:
            x += kind != "insert"
            y += kind != "delete"
            differences += kind != "equal"
    edits.extend(("equal", end_old + index, end_new + index) for index in range(len(old) - end_old))
    return edits


def _search(
    old: Sequence[str], new: Sequence[str], begin_old: int, begin_new: int, end_old: int, end_new: int, bound: int
) -> list[Edit]:
    """Return the edits of the best path that at most ``bound`` differences give: to the end, or as far as it leads."""
    rows, columns = end_old - begin_old, end_new - begin_new
    if not rows or not columns:
        return [
            *(("delete", begin_old + index, begin_new) for index in range(rows)),
            *(("insert", begin_old, begin_new + index) for index in range(columns)),
        ]
    bound = max(bound, 1)
    # The furthest x on each diagonal, diagonal d at index d + bound + 1; -1 where none was reached.
    furthest = [-1] * (2 * bound + 3)
    furthest[bound + 2] = 0
    history: list[list[int]] = []
    for difference in range(bound + 1):
        low, high = bound + 1 - difference, bound + 1 + difference
        history.append(furthest[low - 1 : high + 2])
        for index in range(low, high + 1, 2):
            below, above = furthest[index + 1], furthest[index - 1]
            down = index == low or (index != high and above < below)
            x = below if down else above + 1
            diagonal = index - bound - 1
            y = x - diagonal
            if (below if down else above) < 0 or x > rows or y > columns:
                furthest[index] = -1  # nothing leads here, or out of the table
                continue
            i, j = begin_old + x, begin_new + y
            while i < end_old and j < end_new and old[i] == new[j]:
                i += 1
                j += 1
            furthest[index] = x = i - begin_old
            if x == rows and j == end_new:
                return _backtrack(history, difference, diagonal, x, begin_old, begin_new)
    low = 1
    best = max(
        (index for index in range(low, len(furthest) - 1) if furthest[index] >= 0 and (index - low) % 2 == 0),
        key=lambda index: 2 * furthest[index] - (index - bound - 1),
    )
    return _backtrack(history, bound, best - bound - 1, furthest[best], begin_old, begin_new)


def _backtrack(
    history: Sequence[Sequence[int]], difference: int, diagonal: int, x: int, begin_old: int, begin_new: int
) -> list[Edit]:
    edits: list[Edit] = []
    y = x - diagonal
    while True:
        furthest = history[difference]  # diagonal d at index d + difference + 1
        index = diagonal + difference + 1
        below, above = furthest[index + 1], furthest[index - 1]
        down = diagonal == -difference or (diagonal != difference and above < below)
        before = diagonal + 1 if down else diagonal - 1
        x_before = below if down else above
        y_before = x_before - before
        while x > x_before and y > y_before and x > 0 and y > 0:
            x -= 1
            y -= 1
            edits.append(("equal", begin_old + x, begin_new + y))
        if difference == 0:
            break
        if down:
            y -= 1
            edits.append(("insert", begin_old + x, begin_new + y))
        else:
            x -= 1
            edits.append(("delete", begin_old + x, begin_new + y))
        diagonal = before
        difference -= 1
    edits.reverse()
    return edits
