"""A cassette as a whole: are there secrets left in it, and a copy without them in its place.

What a secret is can be learned after it was written: a token that is echoed before the login that names it. So a
finished cassette is looked through once more, by its inflated blocks, and rewritten when something is found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from .block import MAGIC, PREAMBLE_SIZE, BlockError, decode_preamble, read_block
from .errors import CassetteError, FileError, UsageError
from .model import Closed, End, Header, HttpExchange, Message, Note, Opened, Record
from .reader import foreign_format, open_cassette
from .redaction import Redactor
from .redaction.names import looks_secret
from .writing import rewrite_records

_CHUNK = 1 << 20
_OVERLAP = 1 << 12  # bytes of the chunk before that are looked at again: longer than any secret's usual form
_MAX_PASSES = 4  # over a cassette in which every pass learns something new
_LOOKED_AT = 64 << 20  # bytes that are searched for unknown secrets

_MEMBER = re.compile(rb'"([A-Za-z0-9_.\-]{1,64})\\{0,7}"[ ]?:[ ]?\\{0,7}"([A-Za-z0-9_\-+/=.~]{20,200})(?=\\{0,7}")')
_KNOWN_SHAPE = re.compile(
    rb"[0-9a-fA-F]{32,128}|[0-9A-HJKMNP-TV-Z]{26}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9T:.+\-Z]+"
    rb"|[a-z0-9]+(?:[._/-][a-z0-9]+)*|[A-Z0-9]+(?:[._/-][A-Z0-9]+)*"
)
_MIXTURE = tuple(map(re.compile, (rb"[0-9]", rb"[a-z]", rb"[A-Z]")))
_VARIETY = 14  # different characters
_NAME_OF_ID = re.compile(rb"(?:id|hash|digest|etag|cursor|checksum|nonce|version|sha\d*|md5|trace\w*|span\w*)\Z", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A known secret that stands in a cassette."""

    name: str  # the placeholder's, not the value
    place: str  # in words

    def __str__(self) -> str:
        return f"{{{{secret:{self.name}}}}} stands in {self.place}"


def scrub(path: Path, redactor: Redactor, watch: Callable[[], None] = lambda: None) -> bool:
    """Rewrite a cassette without its secrets, in place and at once; return whether anything had to change.

    What is torn off or damaged is left out and the file stays incomplete. Raises as `open_cassette`, FileError when it
    cannot be written. ``watch`` is called for every record of every pass.
    """
    foreign = foreign_format(path)
    if foreign is not None:
        raise UsageError(f"{path}: a {foreign} is not rewritten in place; 'wstape convert' it, which takes secrets out")
    for raw in raw_parts(path):
        redactor.reserve(raw)
    changed = False
    for _ in range(_MAX_PASSES):
        known = redactor.known
        reader = open_cassette(path)
        for record in reader:
            watch()
            changed = _redacted(record, redactor) != record or changed
        if redactor.known == known:
            break
    if changed:
        rewrite_records(path, _without_secrets(path, redactor, watch))
    return changed


def secure(path: Path, redactor: Redactor) -> list[Leak]:
    """Look a finished cassette through, rewrite it when a known secret stands in it; return what still stands there."""
    leaks = find_leaks(path, redactor)
    if not leaks:
        return []
    try:
        scrub(path, redactor)
    except (FileError, CassetteError):
        return leaks
    return find_leaks(path, redactor)


def find_leaks(path: Path, redactor: Redactor, limit: int = 5) -> list[Leak]:
    """Return where known secrets stand in a cassette, at most ``limit`` places."""
    if all(redactor.holds_none(raw) for raw in raw_parts(path)):
        return []
    return leaks_in(open_cassette(path), redactor, limit)


def redact_all(records: Iterable[Record], redactor: Redactor) -> list[Record]:
    """Return a whole recording in memory without its secrets, those too that are named only after they were used."""
    originals = list(records)
    for record in originals:
        for _, data in _parts(record):
            redactor.reserve(data)
    redacted = originals
    for _ in range(_MAX_PASSES):
        known = redactor.known
        redacted = [_redacted(record, redactor) for record in originals]
        if redactor.known == known:
            break
    return redacted


def leaks_in(records: Iterable[Record], redactor: Redactor, limit: int = 5) -> list[Leak]:
    """Return where known secrets stand in records, at most ``limit`` places."""
    leaks: list[Leak] = []
    for number, record in enumerate(records, 1):
        for part, data in _parts(record):
            name = redactor.find(data)
            if name is not None:
                leaks.append(Leak(name=name, place=f"record {number}, {part}"))
                if len(leaks) >= limit:
                    return leaks
    return leaks


def unknown_secrets(path: Path) -> Counter[str]:
    """Count strings of high entropy by the JSON key before them: secrets perhaps, that no rule knows.

    Identifiers, hashes and times are not counted. At most 64 MiB are looked at.
    """
    found: Counter[str] = Counter()
    looked_at = 0
    for raw in raw_parts(path):
        looked_at += len(raw)
        if looked_at > _LOOKED_AT:
            break
        for match in _MEMBER.finditer(raw):
            key, value = match[1], match[2]
            if _NAME_OF_ID.search(key) is None and looks_secret(value) and not _KNOWN_SHAPE.fullmatch(value):
                mixed = len(set(value)) >= _VARIETY and all(part.search(value) for part in _MIXTURE)
                if mixed:
                    found[key.decode()] += 1
    return found


def raw_parts(path: Path) -> Iterator[bytes]:
    """Yield all that a cassette holds, inflated, in parts; what is damaged is left out. Raises FileError."""
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) == MAGIC:
                file.seek(0)
                yield from _blocks(file)
            else:
                file.seek(0)
                yield from _chunks(file)
    except OSError as error:
        raise FileError.from_os_error(path, error) from error


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    try:
        _, salt = decode_preamble(file.read(PREAMBLE_SIZE))
        offset = PREAMBLE_SIZE
        while (block := read_block(file, offset, salt)) is not None:
            yield block.raw
            offset += block.size
    except BlockError:
        # A reader may find whole blocks behind the damage; what of them is no secret cannot be said by block.
        file.seek(0)
        yield from _decoded(file)


def _decoded(file: BinaryIO) -> Iterator[bytes]:
    for record in open_cassette(Path(file.name)):
        yield b"\n".join(data for _, data in _parts(record))


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    kept = b""
    while chunk := file.read(_CHUNK):
        yield kept + chunk
        kept = chunk[-_OVERLAP:]


def _without_secrets(path: Path, redactor: Redactor, watch: Callable[[], None]) -> Iterator[Record]:
    reader = open_cassette(path)
    end: Record | None = None
    for record in reader:
        watch()
        if isinstance(record, End):
            end = record
        else:
            yield _redacted(record, redactor)
    if end is not None and reader.complete:
        yield end


def _redacted(record: Record, redactor: Redactor) -> Record:
    record = redactor.record(record)
    if isinstance(record, Header):
        return replace(record, redaction=tuple(dict.fromkeys((*record.redaction, *redactor.rules))))
    return record


def _parts(record: Record) -> Iterator[tuple[str, bytes]]:
    match record:
        case Message():
            where = f"a {record.kind} message of the {record.direction} in connection {record.connection}"
            yield where, record.payload
        case Opened():
            shake = record.handshake
            where = f"the handshake of connection {record.connection}"
            yield from _texts(where, shake.target, shake.reason)
            yield from _texts(
                where, *(part for pair in shake.request_headers + shake.response_headers for part in pair)
            )
            yield where, shake.response_body
        case HttpExchange():
            where = f"HTTP exchange {record.number}"
            yield from _texts(where, record.method, record.target, record.reason)
            fields = record.request_headers + record.response_headers
            yield from _texts(where, *(part for pair in fields for part in pair))
            yield where, record.request_body
            yield where, record.response_body
        case Note():
            yield from _texts("a note", record.text)
        case Header():
            texts = (record.target, record.created, record.wstape, *record.redaction)
            yield from _texts("the header", *texts, *record.notes, *record.notes.values())
        case Closed() | End():
            return


def _texts(where: str, *texts: str) -> Iterator[tuple[str, bytes]]:
    for text in texts:
        yield where, text.encode("utf-8", "surrogatepass")
        if not text.isascii():
            yield where, text.encode("latin-1", "ignore")
