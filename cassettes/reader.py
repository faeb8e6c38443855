"""Reading a cassette as a stream, whole or damaged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Protocol

from .block import (
    FORMAT_VERSION,
    MAGIC,
    MAX_LARGE,
    PREAMBLE_SIZE,
    BlockError,
    decode_preamble,
    find_marker,
    read_block,
)
from .errors import CassetteFormatError, FileError
from .formats import HEAD, Foreign, recognise
from .jsonl import decode_lines
from .model import Closed, End, Header, HttpExchange, Message, Note, Opened, Record, Session
from .record import RecordError, decode_content

_LOST = "the recorder lost something and did not say what"
_MOST_DAMAGE = 1000  # places that are remembered; a hostile file could name millions
_SEARCH = 8  # times the file's size: bytes that are read in vain for blocks that only seem to begin
_ADVICE = "record the session again, or check that this is the file you mean"


@dataclass(frozen=True, slots=True)
class Damage:
    """A part of the file that could not be read. ``offset`` and ``length`` in bytes (in a ``.jsonl``: lines)."""

    offset: int
    length: int
    problem: str


class _Places(list[Damage]):
    """Damage in the order in which it was met. What goes beyond a limit is only counted, in the last entry."""

    def note(self, offset: int, length: int, problem: str) -> None:
        if len(self) < _MOST_DAMAGE:
            self.append(Damage(offset, length, problem))
            return
        last = self[-1]
        self[-1] = Damage(last.offset, max(last.length, offset + length - last.offset), "damage from here on")


Part = tuple[int, int, Iterable[Record]]
"""Offset, length and records of what is read at once; the records may end in a RecordError."""


class _Source(Protocol):
    """Where records come from: a block file or lines."""

    unit: str
    damage: _Places

    def __iter__(self) -> Iterator[Part]: ...


class CassetteReader:
    """The records of one cassette, in order, read as they are asked for. Iterate over it once.

    Whole blocks of a torn or damaged file are yielded; what is missing is in ``damage``. ``complete`` is True only
    after the last record, when the file has its end record, the end's counts agree, and nothing was damaged.
    """

    def __init__(self, path: Path, source: _Source) -> None:
        self.path = path
        self._source = source
        self._check = _Check(source.damage)
        # The generators know nothing of this object: when it is dropped, they end and the file is closed.
        self._records = self._check.records(iter(source))
        first = next(self._records, None)
        if not isinstance(first, Header):
            raise CassetteFormatError(path, 0, "the cassette has no header", _ADVICE)
        self.header = first

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What could not be read, so far."""
        return tuple(self._source.damage)

    @property
    def complete(self) -> bool:
        """Whether the file is whole: finished and undamaged. False until the last record was read."""
        return self._check.ended and not self._source.damage

    @property
    def unit(self) -> str:
        """What offsets count: ``byte``, or ``line`` in a ``.jsonl`` twin."""
        return self._source.unit

    @property
    def repaired(self) -> bool:
        """Whether the end record was made by ``wstape repair``. False until the last record was read."""
        return self._check.repaired

    @property
    def problem(self) -> str:
        """In words, what the recording lacks; empty when nothing. Meaningful after the last record.

        A whole file can lack something too: what the recorder itself had to give up and noted.
        """
        if self.complete:
            return self._check.lost
        if self.damage:
            first = self.damage[0]
            more = f" (and {len(self.damage) - 1} more places)" if len(self.damage) > 1 else ""
            lost = f", {first.length} {self.unit}s lost" if first.length else ""
            return f"{self.unit} {first.offset}: {first.problem}{lost}{more}"
        return "it has no end record: the recording was interrupted"

    def __iter__(self) -> Iterator[Record]:
        return chain((self.header,), self._records)


class _Check:
    """Holds records to what any writer keeps: one header, connections opened before use, one end that counts right."""

    def __init__(self, damage: _Places) -> None:
        self.ended = False
        self.repaired = False
        self.lost = ""  # the text of the first note of something lost
        self._damage = damage
        self._orphans = self._first_orphan = 0

    def records(self, source: Iterator[Part]) -> Iterator[Record]:
        opened: set[int] = set()
        messages = exchanges = 0
        header_seen = False
        for offset, length, records in source:
            try:
                for record in records:
                    if type(record) is Message and record.connection in opened and not self.ended:
                        messages += 1
                        yield record
                        continue
                    if self.ended:
                        self._damage.note(offset, 0, "there are records after the end record")
                        self._tell_orphans()
                        return
                    match record:
                        case Message() | Closed() if record.connection not in opened:
                            # Its opening was lost with a damaged block; a message without a connection means nothing.
                            self._first_orphan = self._first_orphan or offset
                            self._orphans += 1
                            continue
                        case Opened() if record.connection in opened:
                            self._damage.note(offset, 0, f"connection {record.connection} is opened twice")
                            continue
                        case Opened():
                            opened.add(record.connection)
                        case HttpExchange():
                            exchanges += 1
                        case Note(lost=True):
                            self.lost = self.lost or record.text or _LOST
                        case Header() if header_seen:
                            self._damage.note(offset, 0, "there is a second header")
                            continue
                        case Header():
                            header_seen = True
                        case End():
                            self.ended = True
                            self.repaired = record.repaired
                            counted = (record.connections, record.messages, record.exchanges)
                            agreed = counted == (len(opened), messages, exchanges)
                            if not (agreed or self._damage or self._orphans):
                                self._damage.note(offset, 0, "the end record counts other records than there are")
                        case _:
                            pass
                    yield record
            except RecordError as error:
                self._damage.note(offset, length, str(error))
        self._tell_orphans()

    def _tell_orphans(self) -> None:
        if self._orphans:
            problem = f"{self._orphans} records of connections whose opening is lost"
            self._damage.note(self._first_orphan, 0, problem)


class _Blocks:
    """Records of a block file, passing over what is damaged."""

    unit = "byte"

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.damage = _Places()
        self._file = file
        self._in_vain = 0  # bytes that were read for blocks that were none
        try:
            version, self._salt = decode_preamble(file.read(PREAMBLE_SIZE))
        except BlockError as error:
            raise CassetteFormatError(path, 0, str(error), _ADVICE) from error
        if version != FORMAT_VERSION:
            raise CassetteFormatError(
                path,
                len(MAGIC),
                f"format version {version} is not one that this wstape reads (1)",
                "install a newer wstape",
            )

    def __iter__(self) -> Iterator[Part]:
        with self._file as file:
            offset = PREAMBLE_SIZE
            expected = 0
            explained = False  # whether the blocks that are missing here lay in the damage that was just passed over
            while True:
                try:
                    block = read_block(file, offset, self._salt)
                    if block is not None and block.index < expected:
                        raise BlockError("the block stands out of order", len(block.raw))
                except BlockError as error:
                    offset = self._pass_over(offset, error)
                    explained = True
                    continue
                if block is None:
                    return
                if block.index > expected and not explained:
                    self.damage.note(offset, 0, f"{block.index - expected} blocks are missing")
                expected = block.index + 1
                explained = False
                yield offset, block.size, decode_content(block.content, block.raw)
                offset += block.size

    def _pass_over(self, offset: int, error: BlockError) -> int:
        """Note the damage at ``offset`` and return where the next block may begin, or the end of the file."""
        size = self._file.seek(0, 2)
        self._in_vain += error.looked_at
        # Blocks that were ours never overlap. Where markers are sown so that each begins a block of all that follows,
        # looking at each would take the square of the file's size.
        found = find_marker(self._file, offset + 1) if self._in_vain <= _SEARCH * size + MAX_LARGE else None
        if found is None:
            found = size
        last = self.damage[-1] if self.damage else None
        if last is not None and last.length and last.offset + last.length == offset:
            # A false marker inside the damaged part: still the same damage.
            self.damage[-1] = Damage(last.offset, found - last.offset, last.problem)
        else:
            self.damage.note(offset, found - offset, str(error))
        return found


class _Lines:
    """Records of a ``.jsonl`` twin."""

    unit = "line"

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.damage = _Places()
        self._path = path
        self._file = file

    def __iter__(self) -> Iterator[Part]:
        with self._file as file:
            for number, record in decode_lines(self._path, file):
                yield number, 1, (record,)


class _Foreign:
    """Records of another tool's file, which is read whole; places in it are counted in records."""

    unit = "record"

    def __init__(self, path: Path, file: BinaryIO, foreign: Foreign) -> None:
        # Loaded for those who have such a file only: it takes as long as all the rest of this folder.
        from .formats.importing import import_recording

        self.damage = _Places()
        try:
            with file:
                imported = import_recording(path, file, foreign)
        except OSError as error:
            raise FileError.from_os_error(path, error) from error
        self._records = imported.session.records()
        if imported.problem:
            self.damage.note(len(self._records), 0, imported.problem)

    def __iter__(self) -> Iterator[Part]:
        for number, record in enumerate(self._records, 1):
            yield number, 1, (record,)


def foreign_format(path: Path) -> Foreign | None:
    """Tell whether a file is another tool's recording; None when it is not. Raises FileError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return recognise(file.read(HEAD))
    except OSError as error:
        raise FileError.from_os_error(path, error) from error


def open_cassette(path: Path) -> CassetteReader:
    """Open a ``.cassette``, a ``.jsonl`` twin or another tool's recording, told apart by what is in it.

    Raises FileError when it cannot be opened and CassetteFormatError when it is none of these.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "is a folder")
        file = path.open("rb")
        head = file.read(HEAD)
        file.seek(0)
    except OSError as error:
        raise FileError.from_os_error(path, error) from error
    try:
        if head.startswith(MAGIC):
            return CassetteReader(path, _Blocks(path, file))
        foreign = recognise(head)
        if foreign is not None:
            return CassetteReader(path, _Foreign(path, file, foreign))
        if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
            return CassetteReader(path, _Lines(path, file))
        problem = "the file is empty" if not head else f"not a cassette (it begins with {head[:8]!r})"
        raise CassetteFormatError(path, 0, problem, _ADVICE)
    except BaseException:
        file.close()
        raise


class Recording:
    """A cassette's records, read from the file anew each time they are iterated over, for work in several passes.

    ``problem`` says in words what the last whole pass found the recording to lack; empty when nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""

    def __iter__(self) -> Iterator[Record]:
        reader = open_cassette(self.path)
        yield from reader
        self.problem = reader.problem


def read_session(path: Path) -> Session:
    """Read a whole recording into memory. Raises as `open_cassette` does."""
    reader = open_cassette(path)
    session = Session.gather(list(reader))
    return Session(
        header=session.header,
        connections=session.connections,
        exchanges=session.exchanges,
        notes=session.notes,
        complete=not reader.problem,
    )


def counted(records: Iterable[Record]) -> Iterator[Record]:
    """Pass records on, replacing an `End`'s counts by what was passed on before it."""
    connections = messages = exchanges = 0
    for record in records:
        match record:
            case Message():
                messages += 1
            case Opened():
                connections += 1
            case HttpExchange():
                exchanges += 1
            case End():
                yield End(
                    connections=connections,
                    messages=messages,
                    exchanges=exchanges,
                    at_ns=record.at_ns,
                    repaired=record.repaired,
                )
                continue
            case _:
                pass
        yield record
