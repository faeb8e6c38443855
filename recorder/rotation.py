"""A recording in several cassettes, each of which can be read alone.

A new one is begun between two records, when the current one has its size or its time. Connections that are open then
are cut in the old cassette and opened again in the new one, with a note that their beginning is elsewhere. Numbers and
times go on: all parts are on the clock of the first, and ``created`` in every header is when that began.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..cassettes import CassetteWriter, Closed, Direction, Ending, FileError, Header, Kind, Note, Opened, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """When a new cassette is begun: at whichever comes first."""

    size: int | None = None  # bytes of the file; it grows beyond them by what waits to be written
    seconds: float | None = None  # since the cassette was begun; nothing is begun while nothing happens


class RotatingWriter:
    """Writes records to one cassette after the other; they come redacted."""

    def __init__(
        self,
        path: Path,
        header: Header,
        rotation: Rotation,
        problem: Callable[[str], None],
        create: Callable[[Path, Header], CassetteWriter],
        *,
        force: bool = False,
    ) -> None:
        """``create`` makes the cassettes; ``problem`` is told when it cannot: the recording stays with the last one.

        Raises FileError when the first one cannot be made.
        """
        self.paths = [path]
        self._first = path
        self._header = header
        self._rotation = rotation
        self._problem = problem
        self._force = force
        self._create = create
        self._writer = create(path, header)
        self._begun_ns = 0
        self._number = 1
        self._stays = False
        self._open: dict[int, Opened] = {}
        self._connections = self._messages = self._exchanges = self._lost = 0  # of the parts before this one

    @property
    def path(self) -> Path:
        """The first cassette."""
        return self._first

    @property
    def connections(self) -> int:
        """How many connections there were, however many parts each is in."""
        return self._connections + self._writer.connections

    @property
    def messages(self) -> int:
        """Messages in all parts."""
        return self._messages + self._writer.messages

    @property
    def exchanges(self) -> int:
        """HTTP exchanges in all parts."""
        return self._exchanges + self._writer.exchanges

    @property
    def lost(self) -> int:
        """Records that could not be written."""
        return self._lost + self._writer.lost

    def append(self, record: Record, now_ns: int) -> None:
        """Add a record. Raises FileError once when a file cannot be written."""
        # A note speaks of the record before it, and no cassette is begun for an end alone.
        if not isinstance(record, Note | Closed) and self._due(now_ns):
            self._rotate(now_ns)
        if isinstance(record, Opened):
            self._open[record.connection] = record
        elif isinstance(record, Closed):
            self._open.pop(record.connection, None)
        self._writer.append(record, now_ns)

    def append_messages(
        self, connection: int, direction: Direction, kind: Kind, payloads: Sequence[bytes], at_ns: int, now_ns: int
    ) -> None:
        """Add messages. Raises FileError once when a file cannot be written."""
        if self._due(now_ns):
            self._rotate(now_ns)
        self._writer.append_messages(connection, direction, kind, payloads, at_ns, now_ns)

    def deadline_ns(self) -> int | None:
        """When `flush` must be called at the latest."""
        return self._writer.deadline_ns()

    def flush(self) -> None:
        """Write what waits. Raises FileError."""
        self._writer.flush()

    def finish(self, at_ns: int) -> None:
        """Finish the last cassette. Raises FileError."""
        self._writer.finish(at_ns)

    def _due(self, now_ns: int) -> bool:
        size, seconds = self._rotation.size, self._rotation.seconds
        if self._stays or self._writer.failed:
            return False
        if size is not None and self._writer.size >= size:
            return True
        return seconds is not None and now_ns - self._begun_ns >= seconds * 1e9

    def _rotate(self, now_ns: int) -> None:
        old, path = self._writer, self._next_path()
        notes = {**self._header.notes, "part": str(self._number), "continues": old.path.name}
        try:
            new = self._create(path, replace(self._header, notes=notes))
        except FileError as error:
            self._stays = True
            self._problem(f"no new cassette can be begun, the recording goes on in {old.path}: {error}")
            return
        self._writer = new
        self._begun_ns = now_ns
        self.paths.append(path)
        self._connections += old.connections - len(self._open)
        self._messages += old.messages
        self._exchanges += old.exchanges
        try:
            old.append(Note(text=f"the recording goes on in {path.name}", at_ns=now_ns), now_ns)
            for number in self._open:
                old.append(Closed(connection=number, ending=Ending.CUT, by=None, at_ns=now_ns), now_ns)
            old.finish(now_ns)
        except FileError as error:
            self._problem(f"a cassette could not be finished: {error}")
        self._lost += old.lost
        for number, opened in self._open.items():
            new.append(opened, now_ns)
            text = f"connection {number} was open already: its beginning is in {old.path.name}"
            new.append(Note(text=text, at_ns=now_ns, connection=number, lost=True), now_ns)

    def _next_path(self) -> Path:
        while True:
            self._number += 1
            path = self._first.with_name(f"{self._first.stem}.{self._number}{self._first.suffix}")
            if self._force or not path.exists():
                return path
