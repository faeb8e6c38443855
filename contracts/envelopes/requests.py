"""Requests that still wait for their answer, so that the answer gets the request's label."""

from __future__ import annotations

from collections.abc import Hashable
from typing import cast

from ...cassettes import Direction

# Requests that are never answered must not fill the memory of a long recording.
MAX_OPEN_REQUESTS = 100_000
MAX_ANSWERED = 1_000
"""Answered requests that are remembered, so that a second answer is known for what it is."""
UNASKED = "?"
"""Label of the request behind an answer whose request was never seen."""


class OpenRequests:
    """The open requests of one connection, by who asked and the request's id; the oldest is forgotten first."""

    def __init__(self) -> None:
        self._open: dict[tuple[Direction, Hashable], str] = {}
        self._answered: dict[tuple[Direction, Hashable], str] = {}

    def ask(self, asker: Direction, id: object, label: str) -> None:
        """Keep a request; an id that cannot be one is not kept."""
        key = _key(id)
        if key is None:
            return
        if len(self._open) >= MAX_OPEN_REQUESTS:
            del self._open[next(iter(self._open))]
        self._open[asker, key] = label

    def label(self, asker: Direction, id: object) -> str:
        """Return the label of an open request, which stays open, or `UNASKED`."""
        key = _key(id)
        return UNASKED if key is None else self._open.get((asker, key), UNASKED)

    def answer(self, answerer: Direction, id: object) -> str:
        """Return the label of the other side's request, which is closed, or `UNASKED`."""
        key = _key(id)
        if key is None:
            return UNASKED
        asked = (other(answerer), key)
        label = self._open.pop(asked, None) or self._answered.pop(asked, None)
        if label is None:
            return UNASKED
        if len(self._answered) >= MAX_ANSWERED:
            del self._answered[next(iter(self._answered))]
        self._answered[asked] = label
        return label

    def close(self, asker: Direction, id: object) -> str:
        """Return the label of a side's own request, which it gives up, or `UNASKED`."""
        return self.answer(other(asker), id)


def other(direction: Direction) -> Direction:
    """Return the other side."""
    return Direction.SERVER if direction is Direction.CLIENT else Direction.CLIENT


def _key(value: object) -> Hashable | None:
    # By repr(): 1, 1.0, True and "1" are different ids. repr() of a huge integer raises.
    if isinstance(value, tuple):
        return repr(cast("tuple[object, ...]", value))
    if isinstance(value, bool) or not isinstance(value, (int, str, float)):
        return None
    return repr(value) if not isinstance(value, int) or value.bit_length() < 256 else None
