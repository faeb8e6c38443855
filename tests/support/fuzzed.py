"""Random changes to bytes that know a little of the formats: enough to get past the checksums and into the records."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import msgpack

from wstape.cassettes import CassetteError, CassetteReader, encode_line
from wstape.cassettes.block import MAGIC, encode_block, encode_preamble
from wstape.cassettes.reader import _Blocks, _Lines
from wstape.cassettes.record import encode_record

_EDGES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
_VALUES: tuple[object, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    1.5,
    "",
    "x",
    b"",
    b"x",
    [],
    [[]],
    {},
    {"a": "b"},
    float("nan"),
)
_MSGPACK = bytes((0xC0, 0xC1, 0xC4, 0xC6, 0xC7, 0xCA, 0xCF, 0xD0, 0xD3, 0xD9, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0x80, 0x90))
_TOKENS = (b"{", b"}", b"[", b"]", b'"', b"\\", b"null", b"-1", b"1e999", b"9" * 50, b"\xff", b"\n", b"\\ud800", b"NaN")


def changed(data: bytes, chance: random.Random) -> bytes:
    """Some bytes overwritten, taken out, doubled, put in, or set to an edge of their type."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5))):
        place = chance.randrange(len(changed) + 1)
        match chance.randrange(6):
            case 0 if place < len(changed):
                changed[place] ^= 1 << chance.randrange(8)
            case 1:
                del changed[place : place + chance.randrange(1, 9)]
            case 2:
                changed[place:place] = changed[place : place + chance.randrange(1, 40)]
            case 3:
                changed[place:place] = chance.choice(_TOKENS)
            case 4:
                changed[place : place + 4] = struct.pack("<I", chance.choice(_EDGES))
            case _:
                changed[place : place + 1] = bytes([chance.choice(_MSGPACK)])
    return bytes(changed)


def changed_records(records: list[list[object]], chance: random.Random) -> bytes:
    """A cassette of these records with true checksums, after changes to its items or to their encoding."""
    plain = [list(record) for record in records]
    for _ in range(chance.choice((0, 1, 1, 3))):
        record = chance.choice(plain)
        match chance.randrange(4):
            case 0:
                record[chance.randrange(len(record))] = chance.choice(_VALUES)
            case 1:
                del record[chance.randrange(1, len(record) + 1) :]
            case 2:
                record.append(chance.choice(_VALUES))
            case _:
                plain.insert(chance.randrange(len(plain) + 1), list(chance.choice(plain)))
    parts: list[bytes] = [encode_preamble(1)]
    for index, record in enumerate(plain):
        raw: bytes = msgpack.packb(record)
        if chance.random() < 0.2:
            raw = changed(raw, chance)
        content = int(chance.random() < 0.1)
        if content and chance.random() < 0.7:
            raw = struct.pack("<I", len(raw)) + raw + b"payload"
        parts.append(encode_block(index if chance.random() < 0.97 else chance.choice(_EDGES), content, raw, 1))
    return b"".join(parts)


def read(data: bytes) -> str:
    """Read a file to its end, in memory, as `open_cassette` would; return what is wrong with it, in one line."""
    path = Path("fuzzed.cassette")
    source = _Blocks if data.startswith(MAGIC) else _Lines
    try:
        reader = CassetteReader(path, source(path, BytesIO(data)))
        for record in reader:  # what was read can be written in both formats
            encode_record(record)
            encode_line(record).encode()
    except CassetteError as error:
        return str(error)
    assert not (reader.complete and reader.damage)
    return "" if reader.complete else reader.problem


def run(case: Callable[[random.Random], bytes], count: int, seed: int) -> int:
    """Read ``count`` changed files; return how many were found to be wrong. The failing seed is in the error."""
    wrong = 0
    for number in range(count):
        chance = random.Random(seed * 1_000_003 + number)
        data = case(chance)
        try:
            problem = read(data)
        except BaseException as error:
            error.add_note(f"seed {seed}, case {number}: {data!r}")
            raise
        assert "\n" not in problem, (seed, number)
        wrong += bool(problem)
    return wrong
