"""What the tape writes to: a cassette, or something before it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from ..cassettes import Direction, Kind, Message, Note, Record


class RecordWriter(Protocol):
    """What `CassetteWriter` offers to a recording. Times are nanoseconds since the session began."""

    @property
    def path(self) -> Path: ...
    @property
    def connections(self) -> int: ...
    @property
    def messages(self) -> int: ...
    @property
    def exchanges(self) -> int: ...
    @property
    def lost(self) -> int: ...

    def append(self, record: Record, now_ns: int) -> None:
        """Add a record. Raises FileError once when the file cannot be written."""
        ...

    def append_messages(
        self, connection: int, direction: Direction, kind: Kind, payloads: Sequence[bytes], at_ns: int, now_ns: int
    ) -> None:
        """Do as `append` does with a message for each of ``payloads``."""
        ...

    def deadline_ns(self) -> int | None:
        """When `flush` must be called at the latest."""
        ...

    def flush(self) -> None:
        """Write what waits. Raises FileError once when the file cannot be written."""
        ...

    def finish(self, at_ns: int) -> None:
        """Write the end and close the file. Raises FileError when that cannot be done."""
        ...


class _Before:
    """A writer that hands on to another one."""

    def __init__(self, writer: RecordWriter) -> None:
        self._writer = writer
        self.deadline_ns = writer.deadline_ns
        self.flush = writer.flush
        self.finish = writer.finish

    def append(self, record: Record, now_ns: int) -> None:
        self._writer.append(record, now_ns)

    def append_messages(
        self, connection: int, direction: Direction, kind: Kind, payloads: Sequence[bytes], at_ns: int, now_ns: int
    ) -> None:
        """Hand messages on one by one."""
        for payload in payloads:
            message = Message(connection=connection, direction=direction, kind=kind, payload=payload, at_ns=at_ns)
            self.append(message, now_ns)

    @property
    def path(self) -> Path:
        return self._writer.path

    @property
    def connections(self) -> int:
        return self._writer.connections

    @property
    def messages(self) -> int:
        return self._writer.messages

    @property
    def exchanges(self) -> int:
        return self._writer.exchanges

    @property
    def lost(self) -> int:
        return self._writer.lost


class ClippingWriter(_Before):
    """Keeps only the head of large messages. They come here redacted: no secret can be cut in two and missed."""

    def __init__(self, writer: RecordWriter, limit: int) -> None:
        """``limit`` is the bytes of one message that are stored."""
        super().__init__(writer)
        self._limit = limit

    def append(self, record: Record, now_ns: int) -> None:
        """Hand a record on; a large message is followed by a note of its size and hash."""
        if not isinstance(record, Message) or len(record.payload) <= self._limit:
            self._writer.append(record, now_ns)
            return
        size, digest = len(record.payload), hashlib.sha256(record.payload).hexdigest()
        end = self._limit
        while record.kind is Kind.TEXT and end and record.payload[end] & 0xC0 == 0x80:
            end -= 1  # not within a character
        self._writer.append(replace(record, payload=record.payload[:end], full_size=size), now_ns)
        text = (
            f"only the first {end} of {size} bytes of the {record.direction}'s message are recorded, SHA-256 {digest}"
        )
        self._writer.append(Note(text=text, at_ns=record.at_ns, connection=record.connection), now_ns)


class WatchedWriter(_Before):
    """Shows every record, as it is written, to somebody else as well."""

    def __init__(self, writer: RecordWriter, watch: Callable[[Record], None]) -> None:
        super().__init__(writer)
        self._watch = watch

    def append(self, record: Record, now_ns: int) -> None:
        """Show a record and hand it on."""
        self._watch(record)
        self._writer.append(record, now_ns)
