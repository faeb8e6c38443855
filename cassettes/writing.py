"""Finished files, written at once or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import IO

from .block import MAGIC
from .errors import FileError, UsageError
from .journal import CassetteWriter
from .jsonl import encode_line
from .model import End, Header, Record, Session
from .reader import counted

SUFFIXES = (".cassette", ".jsonl", ".har")


@contextlib.contextmanager
def replacing(path: Path, *, force: bool = False) -> Generator[Path]:
    """Give a temporary neighbour of ``path`` to write to, and put it in the place of ``path`` when all went well.

    Raises FileError when ``path`` exists (unless ``force``) or its folder cannot be written.
    """
    if path.exists() and not force:
        raise FileError(path, "the file exists already", "choose another name, or overwrite it with --force")
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(descriptor)
    except OSError as error:
        raise FileError.from_os_error(path, error, writing=True) from error
    temporary = Path(name)
    try:
        yield temporary
        # A machine that dies must not leave the new name on bytes that never came to the disk.
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        # mkstemp makes a private file; the result gets the rights of the file that it replaces, or those that any new
        # file of this user would have.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(stat.S_IMODE(path.stat().st_mode) if path.is_file() else 0o666 & ~mask)
        temporary.replace(path)
    except FileError as error:
        if error.path != temporary:
            raise
        raise FileError(path, error.problem, error.advice) from error
    except OSError as error:
        raise FileError.from_os_error(path, error, writing=True) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, force: bool = False) -> None:
    """Write a UTF-8 file atomically. Raises FileError."""
    with replacing(path, force=force) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_records(path: Path, records: Iterable[Record], *, force: bool = False) -> None:
    """Write a cassette atomically, in the format that the suffix names; an end record's counts are made true.

    Raises UsageError for another suffix, FileError when the file exists (unless ``force``) or cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: {path.suffix or 'no suffix'!r} names no format; use .cassette, .jsonl or .har")
    with replacing(path, force=force) as temporary:
        if path.suffix == ".jsonl":
            with temporary.open("w", encoding="utf-8", newline="\n") as file:
                _write_lines(file, records)
        elif path.suffix == ".har":
            from .formats.har_writing import har_text

            temporary.write_text(har_text(Session.gather(records)), encoding="ascii")
        else:
            _write_blocks(temporary, records)


def rewrite_records(path: Path, records: Iterable[Record]) -> None:
    """Put a cassette in the place of the one at ``path``, atomically and in the same format, whatever it is called.

    ``records`` may be read from the old file meanwhile. Raises FileError when it cannot be written.
    """
    try:
        with path.open("rb") as old:
            lines = old.read(len(MAGIC)) != MAGIC
    except OSError as error:
        raise FileError.from_os_error(path, error) from error
    with replacing(path, force=True) as temporary:
        if lines:
            with temporary.open("w", encoding="utf-8", newline="\n") as file:
                _write_lines(file, records)
        else:
            _write_blocks(temporary, records)


def _write_lines(file: IO[str], records: Iterable[Record]) -> None:
    for record in counted(records):
        file.write(encode_line(record))
        file.write("\n")


def _write_blocks(path: Path, records: Iterable[Record]) -> None:
    iterator = iter(counted(records))
    header = next(iterator)
    if not isinstance(header, Header):
        raise ValueError("the first record is not a header")
    writer = CassetteWriter.create(path, header, force=True)
    try:
        for record in iterator:
            if isinstance(record, End):
                writer.finish(record.at_ns, repaired=record.repaired)
                return
            writer.append(record, 0)  # a clock that stands still: blocks are cut by size alone
    finally:
        writer.abandon()
