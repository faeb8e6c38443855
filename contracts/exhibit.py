"""What a finding was met on: the recording and the build side by side, around the place that matters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of both sides. None says that nothing stands there; a ``marked`` line is what the finding is about."""

    recorded: str | None = None
    now: str | None = None
    marked: bool = False


SKIPPED = Row(recorded="…", now="…")
"""Lines that were left out, on either side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """Some lines of the two payloads, or of the two sequences of events, and what led to them.

    Texts are of one line, free of control characters, and cut to a readable length.
    """

    recorded: str | None  # where the recorded lines stand: "connection 1, message 18"; None without a recording
    now: str  # where the lines of the build stand
    rows: tuple[Row, ...]
    led: tuple[str, ...] = ()  # the client's message that came before, and where its values came from, a line each
