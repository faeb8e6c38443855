"""What of the traffic is recorded; all of it passes."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A choice of connections and exchanges. The default is everything."""

    only: tuple[str, ...] = ()  # globs, one of which the path must match; ``*`` matches slashes too; none: any path
    http: bool = True  # exchanges that are not WebSocket handshakes
    connections: int | None = None  # at most so many, the first ones

    def covers(self, target: str) -> bool:
        """Whether the path of a request target is one of those wanted."""
        path = target.partition("?")[0]
        return not self.only or any(fnmatchcase(path, glob) for glob in self.only)


EVERYTHING = Selection()


@dataclass(slots=True)
class Numbers:
    """The numbers that the connections and exchanges of one session get, from 1. What is not recorded gets none."""

    selection: Selection = EVERYTHING
    connections: int = 0  # the last one given
    exchanges: int = 0

    def connection(self, target: str) -> int | None:
        """The number of a WebSocket whose handshake has been answered."""
        limit = self.selection.connections
        if not self.selection.covers(target) or (limit is not None and self.connections >= limit):
            return None
        self.connections += 1
        return self.connections

    def exchange(self, target: str) -> int | None:
        """The number of a plain HTTP exchange."""
        if not self.selection.http or not self.selection.covers(target):
            return None
        self.exchanges += 1
        return self.exchanges
