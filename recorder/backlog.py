"""What has been sent on and is not read yet: the taps read when nobody waits for it.

A tap that reads at once stands in the way of the next message, often the answer. So it reads a moment later, what has
come meanwhile in one go, in the order in which it came.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from ..cassettes import Direction

DELAY = 0.01  # seconds after the first arrival
LIMIT = 256 * 1024  # bytes that wait for it; then they are read at once
CHUNKS = 256  # arrivals that wait, so that those which come next do not wait long for them


class Reader(Protocol):
    """Who reads."""

    def read(self, direction: Direction, data: bytes, at_ns: int) -> None:
        """Read what ``direction`` sent, which arrived at ``at_ns``."""
        ...


class Clock(Protocol):
    """Who tells the time of arrival: the `Tape`."""

    def now_ns(self) -> int:
        """Nanoseconds since the session began."""
        ...


class Backlog:
    """Keeps what arrived until it is read. Needs a running event loop."""

    __slots__ = ("_clock", "_size", "_timer", "_waiting")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[tuple[Reader, Direction, bytes, int]] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None

    def append(self, reader: Reader, direction: Direction, data: bytes) -> None:
        """Keep what ``direction`` sent for ``reader``."""
        self._waiting.append((reader, direction, data, self._clock.now_ns()))
        self._size += len(data)
        if self._size >= LIMIT or len(self._waiting) >= CHUNKS:
            self.read()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DELAY, self._due)

    def read(self) -> None:
        """Let all of it be read now: what is to come after it in the recording needs this."""
        waiting, self._waiting = self._waiting, []
        self._size = 0
        for reader, direction, data, at_ns in waiting:
            reader.read(direction, data, at_ns)

    def _due(self) -> None:
        self._timer = None
        self.read()
