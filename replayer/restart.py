"""Whether a server went away in the middle of a replay: then nothing can be said of the build. No I/O.

A connection that ends early is a finding about the build. That the server itself went away, because somebody deployed
it again or a supervisor killed it, is not, and shows in other ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..cassettes import Direction, UnreachableError
from ..contracts import Contract

TOGETHER_NS = 250_000_000
"""Connections that are dropped so close to each other were dropped by one event."""

_GOING = {1001: "going away", 1012: "service restart"}
"""Close codes that say it: RFC 6455 section 7.4.1, and the IANA registry of close codes."""


class RestartedError(UnreachableError):
    """The server went away in the middle."""

    def __init__(self, url: str, how: str) -> None:
        super().__init__(
            f"{url}: the server restarted or went away in the middle ({how}); replay again once it stays up"
        )


def drops_known(contract: Contract, code: int | None) -> int:
    """Return how often a contract's recordings have the server drop a connection with this close code.

    An orderly end (1000) is no drop, and what ended without a Close frame may be a crash.
    """
    return 0 if code in (None, 1000, 1006) else contract.closings.get(Direction.SERVER, {}).get(str(code), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """A connection that the server ended before it was over in the recording."""

    connection: int
    code: int | None  # None, 1006: without a Close frame
    at_ns: int
    open: int  # connections that were open at that time, with this one


def went_away(drops: Sequence[Drop], *, accepting: bool) -> str | None:
    """Say in words how the server went away, None when it did not.

    ``accepting`` tells whether it accepts connections now.
    """
    for drop in drops:
        if drop.code in _GOING:
            return f"it closed connection {drop.connection} with {drop.code}, {_GOING[drop.code]}"
    wordless = [drop for drop in drops if drop.code in (None, 1006)]
    if wordless and not accepting:
        return f"it dropped connection {wordless[0].connection} and accepts none now"
    for first in wordless:
        same = [drop for drop in wordless if 0 <= drop.at_ns - first.at_ns <= TOGETHER_NS]
        if first.open > 1 and len(same) >= first.open:
            return f"it dropped all {len(same)} open connections at once"
    return None
