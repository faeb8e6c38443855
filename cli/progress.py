"""Long work on a terminal: a line that counts, gone when the work is done. Elsewhere nothing is said."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

_BETWEEN = 0.25  # seconds from one look of the line to the next
_STEPS = 1024  # from one look at the clock to the next


class Progress:
    """Counts steps on a terminal. ``words`` has a place for the number."""

    def __init__(self, words: str, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._words = words
        self._out = out
        self._clock = clock
        self._shown = False
        self._due = clock() + _BETWEEN
        self._steps = 0
        self._silent = not out.isatty()

    def step(self) -> None:
        """Count one step."""
        self._steps += 1
        if self._steps % _STEPS or self._silent:
            return
        now = self._clock()
        if now >= self._due:
            self._due = now + _BETWEEN
            self._shown = True
            self._put(f"\r{self._words.format(self._steps)}\x1b[K")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._put("\r\x1b[K")

    def _put(self, text: str) -> None:
        # A terminal that has gone away must not end the work.
        with contextlib.suppress(OSError):
            self._out.write(text)
            self._out.flush()
