"""Reading cassettes that are whole, torn, damaged, hostile or something else."""

from __future__ import annotations

import io
import random
import re
import struct
import zlib
from pathlib import Path

import msgpack
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import recordings

from wstape.cassettes import (
    CassetteFormatError,
    CassetteReader,
    CassetteWriter,
    Closed,
    Direction,
    End,
    Ending,
    FileError,
    Handshake,
    Header,
    JsonlFormatError,
    Kind,
    Message,
    Note,
    Opened,
    Record,
    Session,
    open_cassette,
    read_session,
    write_records,
)
from wstape.cassettes.block import MAX_LARGE, MAX_RECORDS, encode_block, encode_preamble
from wstape.cassettes.reader import _Blocks

HEADER = Header(target="ws://service", created="2026-01-31T12:00:00Z", wstape="0.1.0")


def opened(number: int) -> Opened:
    shake = Handshake(target="/", request_headers=(), status=101, reason="", response_headers=())
    return Opened(connection=number, at_ns=0, handshake=shake)


def message(number: int, connection: int = 1) -> Message:
    payload = b'{"number":%d,"noise":"%s"}' % (number, random.Random(number).randbytes(20).hex().encode())
    return Message(connection=connection, direction=Direction.SERVER, kind=Kind.TEXT, payload=payload, at_ns=number)


def in_blocks(path: Path, blocks: list[list[Record]]) -> None:
    """Write a cassette with a block for each list, and no end but what the lists hold."""
    writer = CassetteWriter.create(path, HEADER)
    for records in blocks:
        for record in records:
            if isinstance(record, End):
                writer.finish(record.at_ns)
                return
            writer.append(record, 0)
        writer.flush()
    writer.abandon()


@settings(max_examples=100, deadline=None)
@given(records=recordings(), seed=st.integers())
def test_random_damage_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], seed: int
) -> None:
    path = tmp_path_factory.mktemp("damage") / "a.cassette"
    write_records(path, records)
    chance = random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(chance.randrange(1, 5)):
        place = chance.randrange(len(data))
        match chance.randrange(3):
            case 0:
                data[place] = chance.randrange(256)
            case 1:
                del data[place : place + chance.randrange(1, 30)]
            case _:
                data[place:place] = chance.randbytes(chance.randrange(1, 30))
    path.write_bytes(data)
    try:
        found = list(open_cassette(path))
    except CassetteFormatError:
        return
    assert all(record in records for record in found)


def test_a_block_of_another_cassette_inside_a_message_is_not_taken_for_ours(tmp_path: Path) -> None:
    inner = tmp_path / "inner.cassette"
    in_blocks(inner, [[opened(7)], [message(70, 7)]])
    carrier = Message(connection=1, direction=Direction.SERVER, kind=Kind.BINARY, payload=inner.read_bytes(), at_ns=1)
    path = tmp_path / "a.cassette"
    writer = CassetteWriter.create(path, Header(target="ws://outer", created="", wstape=""))
    writer.append(opened(1), 0)
    writer.append(carrier, 0)
    writer.flush()
    writer.append(message(2), 0)
    writer.finish(3)
    data = bytearray(path.read_bytes())
    data[data.index(b"\xabWSB", 60) + 8] ^= 1  # the carrying block's header
    path.write_bytes(data)
    found = list(open_cassette(path))
    assert not any(isinstance(record, Opened | Message) for record in found)  # connection 1's opening is lost
    assert isinstance(found[-1], End)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04 a zip", "not a zip archive"),
        (random.Random(1).randbytes(10_000_000), "not a cassette"),
        (b"\x89wstape\n", "ends inside its first 20 bytes"),
        (encode_preamble(0), "no header"),
        (encode_preamble(0)[:-1] + b"\x00", "are damaged"),
        (encode_preamble(0, version=2), r"format version 2 .* install a newer wstape"),
        (b'{"record": "message"}', "line 1: 'kind' is missing"),
        (b'{"record": "header", "format": "wstape-jsonl/9"}', "wstape-jsonl/9"),
        (b"{not json", "line 1: not a record"),
        (b'{\n  "wstape": "contract"\n}\n', "line 1: JSON, and no recording; check that this is the file you mean"),
        (b"[" * 100_000, "not a cassette"),
        (b'{"a":' * 100_000, "line 1: not a record"),
    ],
)
def test_what_is_no_cassette_gives_one_clear_line(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "a.cassette"
    path.write_bytes(content)
    with pytest.raises(CassetteFormatError, match=problem) as caught:
        list(open_cassette(path))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("make", "problem"), [("nothing", "no such file"), ("folder", "is a folder")])
def test_a_file_that_cannot_be_opened(tmp_path: Path, make: str, problem: str) -> None:
    path = tmp_path / "a.cassette"
    if make == "folder":
        path.mkdir()
    with pytest.raises(FileError, match=problem):
        open_cassette(path)


def block(raw: bytes, *, index: int, claimed: int | None = None, content: int = 0) -> bytes:
    """A block with a true checksum and, if wanted, a false raw length."""
    stored = zstandard.ZstdCompressor().compress(raw)
    head = struct.pack("<4sBBHIII", b"\xabWSB", 1, content, 0, index, len(stored), claimed or len(raw))
    return head + struct.pack("<I", zlib.crc32(stored, zlib.crc32(head, 0))) + stored


@pytest.mark.parametrize(
    ("hostile", "problem"),
    [
        (block(bytes(50 << 20), index=1), "lengths are impossible"),
        (block(bytes(50 << 20), index=1, claimed=1 << 20), "another length"),
        (block(bytes(MAX_LARGE), index=1, content=1), "something else|impossible|malformed"),
        (encode_block(1, 0, msgpack.packb([3, 1, 0, 99, b""]), 0), "malformed"),
        (encode_block(1, 0, msgpack.packb([3, 1, -5, 0, b""]), 0), "a number is expected"),
        (encode_block(1, 0, msgpack.packb([3, 1, 0, 0, "text"]), 0), "not binary"),
        (encode_block(1, 0, msgpack.packb([99]), 0), "unknown record"),
        (encode_block(1, 0, msgpack.packb({}), 0), "not an array"),
        (encode_block(1, 0, b"\x91" * 5000, 0), "malformed"),
        (encode_block(1, 0, b"\xdd\xff\xff\xff\xff", 0), "malformed"),
        (encode_block(1, 0, msgpack.packb([3, 1, 0, 0, b"x"])[:-1], 0), "cut short"),
        (encode_block(1, 7, b"x", 0), "unknown kind"),
    ],
)
def test_hostile_blocks_are_passed_over(tmp_path: Path, hostile: bytes, problem: str) -> None:
    path = tmp_path / "a.cassette"
    good = [0, "ws://x", "now", "0.1", [], {}]
    end = [6, 0, 0, 0, 0, False]
    path.write_bytes(
        encode_preamble(0)
        + encode_block(0, 0, msgpack.packb(good), 0)
        + hostile
        + encode_block(2, 0, msgpack.packb(end), 0)
    )
    reader = open_cassette(path)
    records = list(reader)
    assert [type(record) for record in records] == [Header, End]
    assert not reader.complete
    assert pytest.approx(reader.damage[0].offset) == path.stat().st_size - len(
        hostile + encode_block(2, 0, msgpack.packb(end), 0)
    )
    assert re.search(problem, reader.problem)


def test_blocks_that_only_seem_to_begin_everywhere_cost_no_more_than_the_file(tmp_path: Path) -> None:
    """Each of 40,000 headers claims all that follows it as its block."""
    path = tmp_path / "a.cassette"
    data = bytearray(encode_preamble(0) + encode_block(0, 0, msgpack.packb([0, "ws://x", "now", "0.1", [], {}]), 0))
    size, begin = 1 << 20, len(data)
    while len(data) + 24 < size:
        data += struct.pack("<4sBBHIIII", b"\xabWSB", 1, 1, 0, 1, size - len(data) - 24, MAX_LARGE, 0)
    path.write_bytes(data)
    read = 0

    class Counting(io.FileIO):
        def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
            nonlocal read
            count = super().readinto(buffer)
            read += count
            return count

    reader = CassetteReader(path, _Blocks(path, io.BufferedReader(Counting(path))))
    assert len(list(reader)) == 1
    assert [(damage.offset, damage.length) for damage in reader.damage] == [(begin, len(data) - begin)]
    assert read < 12 * size + MAX_LARGE


def test_more_than_a_block_may_hold_is_never_inflated() -> None:
    assert MAX_RECORDS * 32 < 256 << 20
    assert MAX_LARGE * 3 < 256 << 20


def test_an_end_that_counts_otherwise_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_records(path, [HEADER, opened(1), message(1), End(connections=1, messages=1, exchanges=0, at_ns=2)])
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], *lines[3:]]))
    reader = open_cassette(path)
    list(reader)
    assert "counts other records" in reader.problem


def test_records_after_the_end_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_records(path, [HEADER, opened(1), message(1), End(connections=1, messages=1, exchanges=0, at_ns=2)])
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[2]]))
    reader = open_cassette(path)
    assert len(list(reader)) == 4
    assert "after the end record" in reader.problem


def test_a_session_is_gathered_by_connection(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    closed = Closed(connection=2, ending=Ending.CLEAN, by=Direction.CLIENT, at_ns=40)
    in_blocks(path, [[opened(1), opened(2), message(1), message(2, 2), message(3), closed]])
    session = read_session(path)
    assert not session.complete
    assert [connection.number for connection in session.connections] == [1, 2]
    assert session.connections[0].messages == (message(1), message(3))
    assert session.connections[0].closed is None
    assert session.connections[1].closed == closed


def test_gathering_and_scattering_give_the_same_session() -> None:
    records: list[Record] = [HEADER, opened(1), message(1), opened(2), message(2, 2), message(3)]
    session = Session.gather([*records, End(connections=2, messages=3, exchanges=0, at_ns=3)])
    assert Session.gather(session.records()) == session


def test_a_jsonl_error_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_records(path, [HEADER, opened(1), message(1)])
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1], lines[2].replace('"server"', '"nobody"')]))
    with pytest.raises(JsonlFormatError, match=r"line 3: not a record .*nobody"):
        list(open_cassette(path))


def test_what_the_recorder_gave_up_makes_a_whole_file_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    lost = Note(text="connection 1: a frame could not be read", at_ns=1, connection=1, lost=True)
    write_records(path, [HEADER, opened(1), lost, End(connections=1, messages=0, exchanges=0, at_ns=2)])
    reader = open_cassette(path)
    list(reader)
    assert reader.complete
    assert reader.problem == lost.text
    assert not read_session(path).complete
