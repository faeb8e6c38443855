"""Who closed a connection first, and how: what is learned of it and what a check compares."""

from __future__ import annotations

from ..cassettes import Closed, Direction, Ending, Kind, Message

ABNORMAL = "abnormal"
"""In place of a close code: the transport ended without a closing handshake."""


def is_abandoned(closed: Closed) -> bool:
    """Tell whether what was still to come on a connection cannot be known.

    The recording ended first, or the client went away without a word: the server cannot be blamed for what is missing.
    """
    if closed.ending is Ending.CUT:
        return True
    return closed.ending in (Ending.EOF, Ending.RESET) and closed.by is Direction.CLIENT


class ClosingReader:
    """Reads the first Close frame of each connection; the second only answers it (RFC 6455 section 5.5.1)."""

    def __init__(self) -> None:
        self._closing: set[int] = set()

    def message(self, message: Message) -> tuple[Direction, str] | None:
        """Return who began to close and the code, at the first Close frame."""
        if message.kind is not Kind.CLOSE or message.connection in self._closing:
            return None
        self._closing.add(message.connection)
        return message.direction, str(message.close_code)

    def closed(self, closed: Closed) -> tuple[Direction, str] | None:
        """Return who broke off without a closing handshake, where that is known."""
        begun = closed.connection in self._closing
        self._closing.discard(closed.connection)
        if begun or closed.ending not in (Ending.EOF, Ending.RESET) or closed.by is None:
            return None
        return closed.by, ABNORMAL
