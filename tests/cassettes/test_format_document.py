"""docs/cassette-format.md against the reader, and against a second reader written from the document alone."""

from __future__ import annotations

import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zstandard
from hypothesis import given, settings
from strategies import recordings

from wstape.cassettes import (
    CassetteWriter,
    Closed,
    Direction,
    End,
    Ending,
    Handshake,
    Header,
    HttpExchange,
    Kind,
    Message,
    Note,
    Opened,
    Record,
    encode_line,
    open_cassette,
    write_records,
)

DOCUMENT = (Path(__file__).parents[2] / "docs" / "cassette-format.md").read_text(encoding="utf-8")


def _fenced(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return found


def _example() -> bytes:
    return bytes.fromhex("".join(line.split("  ", 1)[1] for line in _fenced("hex").splitlines()))


# --- a reader that knows nothing of wstape: only struct, zlib, msgpack, zstandard and the document


def independent_reader(data: bytes) -> tuple[list[list[Any]], list[tuple[int, int]], bool]:
    """The records of a cassette as plain arrays, the damaged stretches (offset, length), and whether it is complete."""
    assert data[:8] == bytes.fromhex("89777374 6170650A")
    version, _, salt, crc = struct.unpack("<HHII", data[8:20])
    assert version == 1
    assert zlib.crc32(data[:16]) == crc
    records: list[list[Any]] = []
    damage: list[tuple[int, int]] = []
    offset, last_index, bad_from = 20, -1, None
    while offset < len(data):
        block = _good_block(data, offset, salt, last_index)
        if block is None:
            if bad_from is None:
                bad_from = offset
            following = data.find(bytes.fromhex("AB575342"), offset + 1)
            offset = following if following >= 0 else len(data)
            continue
        if bad_from is not None:
            damage.append((bad_from, offset - bad_from))
            bad_from = None
        content, last_index, raw, size = block
        if content == 0:
            unpacker = msgpack.Unpacker(raw=False)
            unpacker.feed(raw)
            records.extend(unpacker)
        else:
            (length,) = struct.unpack("<I", raw[:4])
            message = msgpack.unpackb(raw[4 : 4 + length], raw=False)
            assert message[4] == b""
            message[4] = raw[4 + length :]
            records.append(message)
        offset += size
    if bad_from is not None:
        damage.append((bad_from, len(data) - bad_from))
    assert records[0][0] == 0
    counts = [sum(record[0] == number for record in records) for number in (2, 3, 1)]
    complete = not damage and records[-1][0] == 6 and records[-1][2:5] == counts
    return records, damage, complete


def _good_block(data: bytes, offset: int, salt: int, last_index: int) -> tuple[int, int, bytes, int] | None:
    head = data[offset : offset + 24]
    if len(head) < 24:
        return None
    marker, codec, content, _, index, stored_length, raw_length, crc = struct.unpack("<4sBBHIIII", head)
    if marker != bytes.fromhex("AB575342") or codec > 1 or content > 1 or index <= last_index:
        return None
    if raw_length > (4_194_304, 33_554_432)[content] or stored_length > raw_length:
        return None
    stored = data[offset + 24 : offset + 24 + stored_length]
    if len(stored) < stored_length or zlib.crc32(stored, zlib.crc32(head[:20], salt)) != crc:
        return None
    raw = stored if codec == 0 else zstandard.ZstdDecompressor().decompressobj().decompress(stored)
    return (content, index, raw, 24 + stored_length) if len(raw) == raw_length else None


CODES = {
    **dict(enumerate(("client", kind) for kind in ("text", "binary", "ping", "pong", "close"))),
    **dict(enumerate((("server", kind) for kind in ("text", "binary", "ping", "pong", "close")), 8)),
}


def _from_arrays(array: list[Any]) -> Record:
    """The model's record for a plain array, so that both readers' results can be compared."""

    def pairs(flat: list[str]) -> tuple[tuple[str, str], ...]:
        return tuple(zip(flat[::2], flat[1::2], strict=True))

    match array:
        case [0, target, created, version, rules, notes]:
            return Header(target=target, created=created, wstape=version, redaction=tuple(rules), notes=notes)
        case [1, number, at, took, method, target, request, body, status, reason, response, answer]:
            return HttpExchange(
                number=number,
                at_ns=at,
                took_ns=took,
                method=method,
                target=target,
                request_headers=pairs(request),
                request_body=body,
                status=status,
                reason=reason,
                response_headers=pairs(response),
                response_body=answer,
            )
        case [2, connection, at, target, request, status, reason, response, body]:
            shake = Handshake(
                target=target,
                request_headers=pairs(request),
                status=status,
                reason=reason,
                response_headers=pairs(response),
                response_body=body,
            )
            return Opened(connection=connection, handshake=shake, at_ns=at)
        case [3, connection, at, code, payload, *more]:
            sender, kind = CODES[code]
            return Message(
                connection=connection,
                direction=Direction(sender),
                kind=Kind(kind),
                payload=payload,
                at_ns=at,
                full_size=more[0] if more else None,
            )
        case [4, connection, at, ending, by]:
            return Closed(connection=connection, ending=Ending(ending), by=by and Direction(by), at_ns=at)
        case [5, at, text, connection, lost]:
            return Note(text=text, at_ns=at, connection=connection, lost=lost)
        case [6, at, connections, messages, exchanges, repaired]:
            return End(connections=connections, messages=messages, exchanges=exchanges, at_ns=at, repaired=repaired)
        case _:
            raise AssertionError(f"the document does not tell what {array!r} is")


HEADER = Header(target="wss://host/ws", created="2026-01-31T12:00:00Z", wstape="0.1.0", notes={"b": "ü", "a": "1"})
SHAKE = Handshake(
    target="/ws?x=1",
    request_headers=(("Host", "host"), ("X-Name", "caf\xe9"), ("Host", "again")),
    status=403,
    reason="Forbidden",
    response_headers=(("Content-Length", "2"),),
    response_body=b"no",
)
EXCHANGE = HttpExchange(
    number=1,
    method="POST",
    target="/login",
    request_headers=(("Host", "host"),),
    request_body=b'{"user":"a"}',
    status=200,
    reason="OK",
    response_headers=(),
    response_body=b"\x00\xff",
    at_ns=2**40,
    took_ns=3,
)


def _every_kind_of_record() -> list[Record]:
    messages = [
        Message(connection=2, direction=direction, kind=kind, payload=b"\x03\xe8bye", at_ns=number)
        for number, (direction, kind) in enumerate((d, k) for d in Direction for k in Kind)
    ]
    return [
        HEADER,
        EXCHANGE,
        Opened(connection=1, handshake=SHAKE, at_ns=5),
        Closed(connection=1, ending=Ending.REFUSED, by=Direction.SERVER, at_ns=6),
        Opened(connection=2, handshake=SHAKE, at_ns=7),
        *messages,
        Message(connection=2, direction=Direction.SERVER, kind=Kind.BINARY, payload=b"12", at_ns=8, full_size=99),
        Message(connection=2, direction=Direction.SERVER, kind=Kind.TEXT, payload=b"ab" * 700_000, at_ns=9),
        Note(text="lost my place", at_ns=10, connection=2, lost=True),
        Note(text="all is well", at_ns=11),
        *(Closed(connection=2, ending=ending, by=None, at_ns=12) for ending in Ending),
        End(connections=2, messages=len(messages) + 2, exchanges=1, at_ns=13),
    ]


def test_the_example_is_read_as_the_document_says(tmp_path: Path) -> None:
    path = tmp_path / "example.cassette"
    path.write_bytes(_example())
    reader = open_cassette(path)
    assert [encode_line(record) for record in reader] == _fenced("jsonl").splitlines()
    assert reader.complete
    assert f"\n{len(_example())} bytes:" in DOCUMENT


def test_the_example_shows_its_offsets() -> None:
    lines = _fenced("hex").splitlines()
    assert [line.split("  ", 1)[0] for line in lines] == [f"{16 * number:04x}" for number in range(len(lines))]
    for offset in re.findall(r"at ([0-9a-f]{4})\b", DOCUMENT.partition("## An example")[2]):
        assert _example()[int(offset, 16) :].startswith(b"\xabWSB")


def test_the_twin_of_the_example_is_the_example(tmp_path: Path) -> None:
    path = tmp_path / "example.jsonl"
    path.write_text(_fenced("jsonl"), encoding="utf-8")
    records, _, complete = independent_reader(_example())
    assert list(open_cassette(path)) == [_from_arrays(record) for record in records]
    assert complete


def test_the_example_is_what_the_writer_writes(tmp_path: Path) -> None:
    records, _, _ = independent_reader(_example())
    path = tmp_path / "again.cassette"
    write_records(path, map(_from_arrays, records))
    # Not compared byte by byte: another release of zstd may compress in another way.
    assert independent_reader(path.read_bytes())[0] == records


def test_an_independent_reader_reads_every_kind_of_record(tmp_path: Path) -> None:
    path = tmp_path / "all.cassette"
    records = _every_kind_of_record()
    write_records(path, records)
    arrays, damage, complete = independent_reader(path.read_bytes())
    assert [_from_arrays(array) for array in arrays] == records
    assert not damage
    assert complete


@settings(max_examples=40, deadline=None)
@given(records=recordings())
def test_an_independent_reader_reads_any_recording(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record]
) -> None:
    path = tmp_path_factory.mktemp("format") / "a.cassette"
    write_records(path, records)
    arrays, damage, _ = independent_reader(path.read_bytes())
    assert [_from_arrays(array) for array in arrays] == records
    assert not damage


@pytest.mark.parametrize("where", ["cut off", "a bit turned", "a block taken out of the middle", "rubbish between"])
def test_an_independent_reader_recovers_the_same(tmp_path: Path, where: str) -> None:
    path = tmp_path / "torn.cassette"
    writer = CassetteWriter.create(path, HEADER)
    sizes = [path.stat().st_size]
    writer.append(Opened(connection=1, handshake=SHAKE, at_ns=1), 0)
    for number in range(6):
        payload = bytes([65 + number]) * 50
        writer.append(Message(connection=1, direction=Direction.CLIENT, kind=Kind.TEXT, payload=payload, at_ns=2), 0)
        writer.flush()
        sizes.append(path.stat().st_size)
    writer.finish(9)
    data = path.read_bytes()
    third, fourth = sizes[2], sizes[3]
    torn = {
        "cut off": data[: sizes[4] + 30],
        "a bit turned": data[: third + 26] + bytes([data[third + 26] ^ 1]) + data[third + 27 :],
        "a block taken out of the middle": data[:third] + data[fourth:],
        "rubbish between": data[:third] + b"\xabWSB rubbish \xabWSB" + data[third:],
    }[where]
    path.write_bytes(torn)
    reader = open_cassette(path)
    records = list(reader)
    arrays, damage, complete = independent_reader(torn)
    assert [_from_arrays(array) for array in arrays] == records
    assert [part for part in damage if part[1]] == [(d.offset, d.length) for d in reader.damage if d.length]
    assert complete is reader.complete is False


def test_the_twins_members_are_those_of_the_table() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*at_ns.*|.*`format`.*) \|$", DOCUMENT, re.MULTILINE))
    payload = {"json", "text", "base64", "code", "reason", "spacing", "ascii"}
    seen: set[str] = set()
    for record in _every_kind_of_record():
        fields = json.loads(encode_line(record))
        name = fields.pop("record")
        seen.add(name)
        named = set(re.findall(r"`(\w+)`", rows[name])) - {"null"}
        allowed = named | (payload if name == "message" else set())
        assert set(fields) <= allowed
        assert name == "message" or set(fields) == named
    assert seen == set(rows)
