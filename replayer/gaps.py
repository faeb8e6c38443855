"""What a recording itself lacks: a truncated cassette never looks like success."""

from __future__ import annotations

from ..cassettes import Session


def gap(session: Session) -> str | None:
    """Say in words what a recording misses, None when it holds all that passed."""
    if not session.complete:
        return "its recording was cut off"
    lost = next((note for note in session.notes if note.lost), None)
    return None if lost is None else f"its recorder lost something ({lost.text})"
