"""The file of a ``.cassette`` while it grows: it holds whole blocks and nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Protocol

from .block import block_pieces, encode_preamble
from .errors import FileError

COPIED = 64 << 10
"""Bytes up to which a block is cheaper copied than written by two calls."""


class Blocks(Protocol):
    """Where a `CassetteWriter` puts its blocks."""

    @property
    def size(self) -> int:
        """Bytes of the file so far."""
        ...

    @property
    def lost(self) -> int:
        """Records in blocks that could not be written."""
        ...

    def write(self, content: int, raw: bytes, count: int) -> None:
        """Add a block of ``count`` records. Raises FileError when it, or one before it, cannot be written."""
        ...

    def check(self) -> None:
        """Raise the FileError of a block that has been taken and could not be written, once."""
        ...

    def close(self) -> None:
        """Close the file when all is written. Raises FileError as `check` does."""
        ...


class BlockFile:
    """Writes each block as it comes. After a FileError nothing more must be written."""

    def __init__(self, path: Path, file: BinaryIO, salt: int) -> None:
        """``file`` is new, empty and unbuffered: what has been written must survive the death of the process.

        Raises FileError when it cannot be written.
        """
        self.path = path
        self.size = 0
        self.lost = 0
        self._file = file
        self._salt = salt
        self._index = 0
        self._write(encode_preamble(salt))

    def write(self, content: int, raw: bytes, count: int, *, squeeze: bool = True) -> None:
        """Write a block of ``count`` records; ``squeeze`` False stores it as it is. Raises FileError."""
        try:
            self._write(*block_pieces(self._index, content, raw, self._salt, squeeze=squeeze))
        except FileError:
            self.lost += count
            raise
        self._index += 1

    def check(self) -> None:
        """Do nothing: `write` has raised already."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, *pieces: bytes) -> None:
        size = sum(map(len, pieces))
        try:
            for data in (b"".join(pieces),) if size < COPIED else pieces:
                view = memoryview(data)
                while view:
                    written = self._file.write(view)
                    view = view[written:]
        except OSError as error:
            self._cut_back()
            raise FileError.from_os_error(self.path, error, writing=True) from error
        self.size += size
        if os.fstat(self._file.fileno()).st_nlink == 0:
            # Writing would go on into a file that nobody can open. One that was only moved keeps its link.
            problem = "the file was deleted or replaced while it was written"
            raise FileError(self.path, problem, "what it held is lost; record again")

    def _cut_back(self) -> None:
        # Half a block would be reported as damage for ever; a disk that refuses even this keeps the torn tail,
        # which the reader knows how to leave out.
        try:
            os.ftruncate(self._file.fileno(), self.size)
        except OSError:
            return
