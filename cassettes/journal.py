"""Writing a ``.cassette`` while the session goes on, by a process that may die at any moment."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import BinaryIO

from .block import LARGE, RECORDS
from .blockfile import BlockFile, Blocks
from .blockqueue import BlockQueue
from .errors import FileError
from .model import Direction, End, Header, HttpExchange, Kind, Message, Opened, Record
from .record import LARGE_PAYLOAD, encode_large, encode_messages, encode_record, message_pieces

FLUSH_INTERVAL_NS = 200_000_000
BLOCK_SIZE = 256 << 10
"""Raw bytes at which a block is written even though its oldest record is young."""
COPIED = 4 << 10
"""Bytes up to which a payload is cheaper copied next to others than carried alone to its block."""


class CassetteWriter:
    """Appends records to a cassette.

    A block is written when it is full or when its oldest record is ``flush_interval_ns`` old, so that after
    ``kill -9`` everything older is readable. There is no clock inside: the caller passes nanoseconds since the
    session began and calls `flush` when `deadline_ns` has come.

    When the file cannot be written (disk full, file limit), the call raises FileError once, the file is cut back
    to its last whole block, ``failed`` becomes True and later records are only counted in ``lost``.
    """

    def __init__(
        self,
        path: Path,
        file: BinaryIO,
        header: Header,
        flush_interval_ns: int,
        failed: Callable[[], None] | None = None,
    ) -> None:
        self.path = path
        self.failed = False
        self.connections = 0
        self.messages = 0
        self.exchanges = 0
        self._lost = 0
        self._closed = False
        self._interval_ns = flush_interval_ns
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._pending_count = 0  # records in it
        self._oldest_ns = 0
        first = encode_record(header)
        # The salt comes from the header, not from chance: the same records make the same bytes.
        blocks = BlockFile(path, file, zlib.crc32(first))
        blocks.write(RECORDS, first, 1)
        self._blocks: Blocks = blocks if failed is None else BlockQueue(blocks, failed)

    @classmethod
    def create(
        cls,
        path: Path,
        header: Header,
        *,
        force: bool = False,
        flush_interval_ns: int = FLUSH_INTERVAL_NS,
        failed: Callable[[], None] | None = None,
    ) -> CassetteWriter:
        """Make the file and write its header at once.

        With ``failed``, a thread compresses and writes what comes after that (`BlockQueue`). When it fails it calls
        ``failed``, in the thread; the next call here raises the FileError, at the latest `flush`.

        Raises FileError when the file exists (unless ``force``) or cannot be written.
        """
        try:
            # Unbuffered: what a flush has written must survive the death of the process.
            file = path.open("wb" if force else "xb", buffering=0)
        except OSError as error:
            raise FileError.from_os_error(path, error, writing=True) from error
        try:
            return cls(path, file, header, flush_interval_ns, failed)
        except FileError:
            file.close()
            raise

    def append(self, record: Record, now_ns: int) -> None:
        """Add a record; write what is due. Raises FileError once when the file cannot be written."""
        if type(record) is Message:
            self.messages += 1
            if not self.failed and len(record.payload) <= LARGE_PAYLOAD:
                data = encode_record(record)
                self._add((data,), len(data), 1, now_ns)
                return
        match record:
            case Opened():
                self.connections += 1
            case HttpExchange():
                self.exchanges += 1
            case _:
                pass
        if self.failed:
            self._lost += 1
            return
        if isinstance(record, Message) and len(record.payload) > LARGE_PAYLOAD:
            self.flush()
            if not self.failed:
                self._write_block(LARGE, encode_large(record), 1)
            return
        data = encode_record(record)
        self._add((data,), len(data), 1, now_ns)

    def append_messages(
        self, connection: int, direction: Direction, kind: Kind, payloads: Sequence[bytes], at_ns: int, now_ns: int
    ) -> None:
        """Do as `append` does with a message for each of ``payloads``, in a fraction of its time.

        Raises FileError once when the file cannot be written.
        """
        count, size = len(payloads), sum(map(len, payloads))
        if self.failed or size > BLOCK_SIZE:
            for payload in payloads:
                message = Message(connection=connection, direction=direction, kind=kind, payload=payload, at_ns=at_ns)
                self.append(message, now_ns)
            return
        self.messages += count
        if size > count * COPIED:
            pieces = tuple(message_pieces(connection, direction, kind, payloads, at_ns))
            self._add(pieces, size, count, now_ns)  # without their heads: near enough
        else:
            data = encode_messages(connection, direction, kind, payloads, at_ns)
            self._add((data,), len(data), count, now_ns)

    def _add(self, pieces: Sequence[bytes], size: int, count: int, now_ns: int) -> None:
        if not self._pending:
            self._oldest_ns = now_ns
        self._pending += pieces
        self._pending_size += size
        self._pending_count += count
        if self._pending_size >= BLOCK_SIZE or now_ns - self._oldest_ns >= self._interval_ns:
            self.flush()

    @property
    def size(self) -> int:
        """Bytes of the file so far, without what waits to be flushed or written."""
        return self._blocks.size

    @property
    def lost(self) -> int:
        """Records that could not be written."""
        return self._lost + self._blocks.lost

    def deadline_ns(self) -> int | None:
        """When `flush` must be called at the latest, in the caller's time; None while nothing waits."""
        return self._oldest_ns + self._interval_ns if self._pending else None

    def flush(self) -> None:
        """Write what waits as one block. Raises FileError once when the file cannot be written."""
        if not self._pending:
            with self._failing():
                self._blocks.check()
            return
        raw = b"".join(self._pending)
        count = self._pending_count
        self._pending.clear()
        self._pending_size = self._pending_count = 0
        self._write_block(RECORDS, raw, count)

    def finish(self, at_ns: int, *, repaired: bool = False) -> None:
        """Write the end record and close the file. Raises FileError when that cannot be done."""
        try:
            if not self.failed:
                end = End(
                    connections=self.connections,
                    messages=self.messages,
                    exchanges=self.exchanges,
                    at_ns=at_ns,
                    repaired=repaired,
                )
                data = encode_record(end)
                # Without counting it: a record of what was recorded is nothing that can be lost.
                self._add((data,), len(data), 0, at_ns)
                self.flush()
        finally:
            self._close()

    def abandon(self) -> None:
        """Write what waits and close the file without an end record; a finished file is left as it is."""
        try:
            if not self.failed and not self._closed:
                self.flush()
        finally:
            self._close()

    def _write_block(self, content: int, raw: bytes, count: int) -> None:
        with self._failing():
            self._blocks.write(content, raw, count)

    def _close(self) -> None:
        self._closed = True
        with self._failing():
            self._blocks.close()

    @contextlib.contextmanager
    def _failing(self) -> Generator[None]:
        try:
            yield
        except FileError:
            self.failed = True
            raise
