"""A ``.cassette`` read while it is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from .block import MAGIC, PREAMBLE_SIZE, Block, BlockError, decode_preamble, find_marker, read_block
from .errors import CassetteFormatError, FileError
from .model import End, Record
from .record import RecordError, decode_content

_ADVICE = "only a .cassette can be followed; show other files without it"


def follow(path: Path, wait: Callable[[], object]) -> Iterator[Record]:
    """Yield the records of a recording in progress as its blocks are written, up to its end record.

    ``wait`` is called whenever there is nothing new; what it raises comes through. It ends too when the file is removed
    or replaced. Damaged blocks are passed over. Raises FileError, and CassetteFormatError for another format.
    """
    try:
        with path.open("rb") as file:
            while len(preamble := _preamble(path, file)) < PREAMBLE_SIZE:
                wait()
            try:
                _, salt = decode_preamble(preamble)
            except BlockError as error:
                raise CassetteFormatError(path, 0, str(error), _ADVICE) from error
            yield from _blocks(path, file, salt, wait)
    except OSError as error:
        raise FileError.from_os_error(path, error) from error


def _preamble(path: Path, file: BinaryIO) -> bytes:
    file.seek(0)
    data = file.read(PREAMBLE_SIZE)
    if not MAGIC.startswith(data[: len(MAGIC)]):
        raise CassetteFormatError(path, 0, "not a .cassette", _ADVICE)
    return data


def _blocks(path: Path, file: BinaryIO, salt: int, wait: Callable[[], object]) -> Iterator[Record]:
    offset = PREAMBLE_SIZE
    last_look = False
    while True:
        block = _next_block(file, offset, salt)
        if block is None:
            # What was written before the file went away is still there to be read, once.
            if last_look:
                return
            last_look = not _is_there(path, file)
            if not last_look:
                wait()
            continue
        offset = block.offset + block.size
        try:
            for record in decode_content(block.content, block.raw):
                yield record
                if isinstance(record, End):
                    return
        except RecordError:
            continue


def _next_block(file: BinaryIO, offset: int, salt: int) -> Block | None:
    """The next whole block at or after an offset; None when there is none yet."""
    at: int | None = offset
    while at is not None:
        try:
            return read_block(file, at, salt)
        except BlockError:
            # The last block may be half written; if it is damaged, another one stands behind it.
            at = find_marker(file, at + 1)
    return None


def _is_there(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except OSError:
        return False
