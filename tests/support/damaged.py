"""Cassettes that are broken on purpose, and what a reader has to make of them.

`Layout` knows where the blocks of a whole cassette lie and what is in them; so it can tell, for any damage, which
records must still be read: all those of the blocks that the damage did not touch.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wstape.cassettes import CassetteFormatError, Closed, Header, Message, Opened, Record, open_cassette
from wstape.cassettes.block import PREAMBLE_SIZE, decode_preamble, read_block
from wstape.cassettes.record import decode_content


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """``cut`` bytes are taken out at ``place`` and ``put`` is put there."""

    place: int
    cut: int
    put: bytes = field(repr=False)

    def apply(self, data: bytes) -> bytes:
        return data[: self.place] + self.put + data[self.place + self.cut :]

    def touches(self, start: int, end: int) -> bool:
        """Whether it changes what lies from ``start`` to ``end``. What is put between two blocks touches neither."""
        if self.cut == 0:
            return start < self.place < end
        return self.place < end and start < self.place + self.cut


def changes_at(data: bytes, place: int, *, run: int = 7) -> Iterator[Change]:
    """One change of every kind at a place: cut off, a bit turned, bytes overwritten, taken out, put in."""
    yield Change(place=place, cut=len(data) - place, put=b"")
    yield Change(place=place, cut=1, put=bytes([data[place] ^ 0x10]))
    yield Change(place=place, cut=1, put=b"")
    strange = next(byte for byte in (0xAB, 0, 1) if byte not in data[max(0, place - 1) : place + 1])
    yield Change(place=place, cut=0, put=bytes([strange]))
    written = bytes(byte ^ 0xFF for byte in data[place : place + run])
    yield Change(place=place, cut=len(written), put=written)


def random_change(data: bytes, chance: random.Random, *, copies: bool = True) -> Change:
    """A change at a random place: anything from a bit to some pages.

    ``copies`` allows for a second copy of earlier bytes, out of which a block may come back that another change took.
    """
    place = chance.randrange(PREAMBLE_SIZE, len(data))
    size = min(chance.choice((1, 1, 16, 512, 4096, 20_000)), len(data) - place)
    match chance.randrange(5 if copies else 4):
        case 0:
            return Change(place=place, cut=1, put=bytes([data[place] ^ (1 << chance.randrange(8))]))
        case 1:
            return Change(place=place, cut=size, put=b"")
        case 2:
            return Change(place=place, cut=0, put=chance.randbytes(size))
        case 3:
            return Change(place=place, cut=len(data) - place, put=b"")
        case _:
            other = chance.randrange(place)  # not up to the place itself: the block there would be whole again
            return Change(place=place, cut=0, put=data[other : min(other + size, place - 1)])


class Layout:
    """A whole cassette: its bytes, and its blocks as (start, end, records)."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        self.blocks: list[tuple[int, int, list[Record]]] = []
        with path.open("rb") as file:
            _, salt = decode_preamble(file.read(PREAMBLE_SIZE))
            offset = PREAMBLE_SIZE
            while (block := read_block(file, offset, salt)) is not None:
                records = list(decode_content(block.content, block.raw))
                self.blocks.append((offset, offset + block.size, records))
                offset += block.size

    def survivors(self, changes: Sequence[Change]) -> list[Record] | None:
        """The records that must be read after the changes; None when the file is no cassette any more."""
        first, header_end, _ = self.blocks[0]
        if any(change.touches(-1, first) or change.touches(first, header_end) for change in changes):
            return None  # a file cannot be told to be a cassette without its beginning
        opened: set[int] = set()
        found: list[Record] = []
        for start, end, records in self.blocks:
            if any(change.touches(start, end) for change in changes):
                continue
            for record in records:
                if isinstance(record, Opened):
                    opened.add(record.connection)
                if not isinstance(record, Message | Closed) or record.connection in opened:
                    found.append(record)
        return found

    def hold(self, path: Path, changes: Sequence[Change]) -> None:
        """Read a cassette that had these changes, and fail unless exactly the right records come out of it."""
        expected = self.survivors(changes)
        try:
            reader = open_cassette(path)
        except CassetteFormatError:
            assert expected is None, changes
            return
        found = list(reader)
        assert expected is not None, changes
        assert isinstance(found[0], Header)
        assert found == expected, changes
        assert not reader.complete, changes
        assert reader.problem, changes
        for damage in reader.damage:
            assert 0 <= damage.offset <= path.stat().st_size
