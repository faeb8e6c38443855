"""Blocks on their way to the file by a thread of their own: compressing and writing cost the traffic no time.

The thread holds the interpreter only between two calls: zstd, CRC-32 and the system's write work without it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from .blockfile import BlockFile
from .errors import FileError

ROOM = 4 << 20
"""Raw bytes that may wait: with as many, `BlockQueue.write` waits for the disk."""
BEHIND = 1 << 20
"""Raw bytes that wait when the thread cannot follow."""
RELIEF = 0.5
"""Seconds for which blocks are then written without compression, where that is the faster way."""

_LESS = 0.9  # how much of an old measurement stands in the new one


class Haste:
    """Whether the next block is worth compressing. There is no clock inside: times are in the caller's seconds.

    Compression is given up only while blocks pile up, and only where that helps: with a disk that is slower than the
    compressor, fewer bytes are written sooner.
    """

    __slots__ = ("_seconds", "_until")

    def __init__(self) -> None:
        self._until = 0.0  # the relief's end
        self._seconds: dict[bool, float] = {}  # for a raw byte, squeezed or not

    def squeeze(self, waiting: int, now: float) -> bool:
        """Whether to compress the next block, while ``waiting`` raw bytes wait."""
        if waiting >= BEHIND and now >= self._until and self._plain_is_faster():
            self._until = now + RELIEF
        return now >= self._until

    def took(self, squeezed: bool, size: int, seconds: float) -> None:
        """Learn what a block of ``size`` raw bytes has taken."""
        each = seconds / max(size, 1)
        old = self._seconds.get(squeezed)
        self._seconds[squeezed] = each if old is None else _LESS * old + (1 - _LESS) * each
        if not squeezed and not self._plain_is_faster():
            self._until = 0.0
        elif squeezed and False in self._seconds:
            # A disk that was slow once is tried again some time.
            self._seconds[False] *= 0.99

    def _plain_is_faster(self) -> bool:
        return self._seconds.get(False, 0.0) <= self._seconds.get(True, 0.0)


class BlockQueue:
    """Takes blocks from one thread and lets its own write them, in their order.

    A block that cannot be written ends the writing: ``failed`` is called in the thread, the next call here raises the
    FileError, and what waits is counted as lost.
    """

    def __init__(self, file: BlockFile, failed: Callable[[], None]) -> None:
        self._file = file
        self._failed = failed
        self._blocks: deque[tuple[int, bytes, int]] = deque()
        self._waiting = 0  # raw bytes, with the block that is being written
        self._lost = 0
        self._error: FileError | None = None  # to be raised
        self._broken = False
        self._closing = False
        self._change = threading.Condition()
        # A daemon, so that a recorder that is never stopped does not keep its process alive.
        self._thread = threading.Thread(target=self._run, name=f"cassette {file.path.name}", daemon=True)
        self._thread.start()

    @property
    def size(self) -> int:
        """Bytes of the file so far, without what waits."""
        return self._file.size

    @property
    def lost(self) -> int:
        """Records in blocks that could not be written; all of them once it is closed."""
        return self._lost + self._file.lost

    def write(self, content: int, raw: bytes, count: int) -> None:
        """Take a block of ``count`` records; wait while there is no room. Raises FileError for one before it."""
        with self._change:
            while self._waiting and self._waiting + len(raw) > ROOM and not self._broken:
                self._change.wait()
            if self._broken:
                self._lost += count
            else:
                self._blocks.append((content, raw, count))
                self._waiting += len(raw)
                self._change.notify_all()
        self.check()

    def check(self) -> None:
        """Raise the FileError of a block that could not be written, once."""
        error, self._error = self._error, None
        if error is not None:
            raise error

    def close(self) -> None:
        """Write what waits and close the file. Raises FileError as `check` does."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        self._thread.join()
        self._file.close()
        self.check()

    def _run(self) -> None:
        haste = Haste()
        while True:
            with self._change:
                while not self._blocks:
                    if self._closing:
                        return
                    self._change.wait()
                content, raw, count = self._blocks.popleft()
                waiting = self._waiting
            began = time.perf_counter()
            squeeze = haste.squeeze(waiting, began)
            try:
                self._file.write(content, raw, count, squeeze=squeeze)
            except FileError as error:
                self._break(error)
                return
            except Exception as error:  # noqa: BLE001  # nobody else would hear of it
                self._lost += count
                problem = f"a block could not be made ({type(error).__name__}: {error})"
                self._break(FileError(self._file.path, problem, "record again"))
                return
            haste.took(squeeze, len(raw), time.perf_counter() - began)
            with self._change:
                self._waiting -= len(raw)
                self._change.notify_all()

    def _break(self, error: FileError) -> None:
        with self._change:
            self._broken = True
            self._error = error
            self._lost += sum(count for _, _, count in self._blocks)
            self._blocks.clear()
            self._waiting = 0
            self._change.notify_all()
        self._failed()
