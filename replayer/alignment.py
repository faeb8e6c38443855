"""Aligning two sequences of labels with the fewest insertions and deletions.

Eugene W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1 (1986), the greedy form of section
2. The time grows with the length times the number of differences; past `MAX_DIFFERENCES` the middle of the two
sequences is given up as wholly replaced, so that two recordings with nothing in common cost no more than two with
much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Edit = tuple[Literal["equal", "delete", "insert"], int, int]
"""What happens, at which index of the old sequence, at which index of the new one."""

MAX_DIFFERENCES = 500


def align(old: Sequence[str], new: Sequence[str], max_differences: int = MAX_DIFFERENCES) -> list[Edit]:
    """Return the edits that turn ``old`` into ``new``, in order; each index of either appears once."""
    start = 0
    while start < len(old) and start < len(new) and old[start] == new[start]:
        start += 1
    end_old, end_new = len(old), len(new)
    while end_old > start and end_new > start and old[end_old - 1] == new[end_new - 1]:
        end_old -= 1
        end_new -= 1
    edits: list[Edit] = []
    edits.extend(("equal", index, index) for index in range(start))
    edits += _greedy(old[start:end_old], new[start:end_new], start, max_differences)
    edits.extend(("equal", end_old + index, end_new + index) for index in range(len(old) - end_old))
    return edits


def _greedy(old: Sequence[str], new: Sequence[str], offset: int, max_differences: int) -> list[Edit]:
    rows, columns = len(old), len(new)
    furthest = {1: 0}  # diagonal -> furthest x reached
    history: list[dict[int, int]] = []
    for difference in range(min(rows + columns, max_differences) + 1):
        history.append(dict(furthest))
        for diagonal in range(-difference, difference + 1, 2):
            down = diagonal == -difference or (
                diagonal != difference and furthest.get(diagonal - 1, -1) < furthest.get(diagonal + 1, -1)
            )
            x = furthest.get(diagonal + 1, 0) if down else furthest.get(diagonal - 1, 0) + 1
            y = x - diagonal
            while x < rows and y < columns and old[x] == new[y]:
                x += 1
                y += 1
            furthest[diagonal] = x
            if x >= rows and y >= columns:
                return _backtrack(history, rows, columns, offset)
    deleted: list[Edit] = [("delete", offset + index, offset) for index in range(rows)]
    return deleted + [("insert", offset + rows, offset + index) for index in range(columns)]


def _backtrack(history: list[dict[int, int]], x: int, y: int, offset: int) -> list[Edit]:
    edits: list[Edit] = []
    for difference in range(len(history) - 1, -1, -1):
        furthest = history[difference]
        diagonal = x - y
        down = diagonal == -difference or (
            diagonal != difference and furthest.get(diagonal - 1, -1) < furthest.get(diagonal + 1, -1)
        )
        before = diagonal + 1 if down else diagonal - 1
        x_before = furthest.get(before, 0)
        y_before = x_before - before
        while x > x_before and y > y_before and x > 0 and y > 0:
            x -= 1
            y -= 1
            edits.append(("equal", offset + x, offset + y))
        if difference == 0:
            break
        if down:
            y -= 1
            edits.append(("insert", offset + x, offset + y))
        else:
            x -= 1
            edits.append(("delete", offset + x, offset + y))
    edits.reverse()
    return edits
