"""Records on their way to the cassette: redacted, counted, written in time; a failing disk is told, not raised."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..cassettes import FileError, Note, Record, counted
from .tap import Burst
from .writer import RecordWriter

Report = Callable[[str], None]
"""Takes one line for the user, already free of secrets."""


class RecordRedactor(Protocol):
    """What the tape asks of redaction."""

    def record(self, record: Record, /) -> Record: ...

    def harmless(self, data: bytes, /) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a recording came to."""

    path: Path
    connections: int
    messages: int
    exchanges: int
    more: tuple[Path, ...] = ()  # the cassettes after the first, when they were rotated
    unsafe: tuple[str, ...] = ()  # where known secrets still stand in the cassettes
    suspects: Mapping[str, int] = field(default_factory=dict[str, int])  # keys before strings that no rule knows
    problems: tuple[str, ...] = ()  # why it is incomplete, one line each; empty when it is whole

    @property
    def complete(self) -> bool:
        """Whether the cassette holds all that passed."""
        return not self.problems

    def __str__(self) -> str:
        parts = [counted(self.connections, "connection"), counted(self.messages, "message")]
        if self.exchanges:
            parts.append(counted(self.exchanges, "HTTP exchange"))
        files = f"{self.path} … {self.more[-1]} ({len(self.more) + 1} cassettes)" if self.more else str(self.path)
        return f"recorded {', '.join(parts)} to {files}"


class Tape:
    """Appends records to a cassette for as long as the session lasts; needs a running event loop for its timer.

    Nothing here raises into the traffic. What goes wrong is reported at once and kept for the summary.
    """

    def __init__(self, writer: RecordWriter, redactor: RecordRedactor | None, report: Report) -> None:
        """``redactor`` None records everything as it was sent."""
        self._writer = writer
        self._redactor = redactor
        self._report = report
        self._began_ns = time.monotonic_ns()
        self._timer: asyncio.TimerHandle | None = None
        self._problems: list[str] = []
        self._unredacted = 0
        self._unwritten = 0
        self._stopped = False

    def now_ns(self) -> int:
        """Nanoseconds since the session began."""
        return time.monotonic_ns() - self._began_ns

    def append(self, record: Record) -> None:
        """Redact a record and hand it to the writer."""
        if isinstance(record, Note) and record.lost:
            self._problem(
                record.text if record.connection is None else f"connection {record.connection}: {record.text}"
            )
        if self._redactor is not None:
            try:
                record = self._redactor.record(record)
            except Exception as exc:  # noqa: BLE001  # a bug there must cost neither the traffic nor a secret
                if not self._unredacted:
                    self._problem(f"records that could not be redacted are left out ({type(exc).__name__})")
                self._unredacted += 1
                return
        try:
            self._writer.append(record, self.now_ns())
        except Exception as error:  # noqa: BLE001  # whatever it is, it must not cost the traffic
            self._not_written(error, 1)
        if self._timer is None:
            self._arm()

    def append_burst(self, burst: Burst) -> None:
        """Redact messages and hand them to the writer."""
        # One look at all of them together is far cheaper than one at each.
        if not self._harmless(burst):
            for message in burst.messages():
                self.append(message)
            return
        try:
            # The time at which they were read is as good as now: it saves a look at the clock.
            self._writer.append_messages(
                burst.connection, burst.direction, burst.kind, burst.payloads, burst.at_ns, burst.at_ns
            )
        except Exception as error:  # noqa: BLE001  # whatever it is, it must not cost the traffic
            self._not_written(error, len(burst.payloads))
        if self._timer is None:
            self._arm()

    def check(self) -> None:
        """Write what waits, and tell of what the writer's thread could not write."""
        try:
            self._writer.flush()
        except FileError as error:
            self._not_written(error, 0)

    def _harmless(self, burst: Burst) -> bool:
        if self._redactor is None:
            return True
        try:
            return self._redactor.harmless(b"\n".join(burst.payloads))
        except Exception:  # noqa: BLE001  # what fails here fails again for each record, and is told there
            return False

    def finish(self) -> Summary:
        """Write the end record, close the file, tell what it came to."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        try:
            self._writer.finish(self.now_ns())
        except FileError as error:
            self._problem(f"the recording could not be finished: {error}")
        if self._writer.lost:
            self._problems.append(f"{counted(self._writer.lost, 'record')} lost because the file could not be written")
        if self._unredacted:
            self._problems.append(f"{counted(self._unredacted, 'record')} left out because redaction failed")
        if self._unwritten:
            self._problems.append(f"{counted(self._unwritten, 'record')} left out because writing failed")
        return Summary(
            path=self._writer.path,
            connections=self._writer.connections,
            messages=self._writer.messages,
            exchanges=self._writer.exchanges,
            problems=tuple(self._problems),
        )

    def _arm(self) -> None:
        deadline_ns = None if self._stopped else self._writer.deadline_ns()
        if deadline_ns is not None:
            delay_ns = max(0, deadline_ns - self.now_ns())
            self._timer = asyncio.get_running_loop().call_later(delay_ns / 1e9, self._due)

    def _due(self) -> None:
        self._timer = None
        deadline_ns = self._writer.deadline_ns()
        if deadline_ns is not None and deadline_ns <= self.now_ns():
            self.check()
        self._arm()

    def _not_written(self, error: Exception, count: int) -> None:
        if isinstance(error, FileError):  # after which the writer counts what is lost
            self._problem(f"the recording cannot go on, the traffic does: {error}")
            return
        if not self._unwritten:
            self._problem(f"records that could not be written are left out ({type(error).__name__})")
        self._unwritten += count

    def _problem(self, text: str) -> None:
        self._problems.append(text)
        self._report(text)
