"""Whatever happens to the bytes of a cassette: every block that it did not touch is read, nothing else is."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from damaged import Change, Layout, changes_at, random_change
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_cassette import HEADER
from strategies import recordings

from wstape.cassettes import (
    CassetteWriter,
    Closed,
    Direction,
    End,
    Ending,
    Handshake,
    Kind,
    Message,
    Opened,
    Record,
    open_cassette,
    write_records,
)
from wstape.cli import run


def opened(number: int) -> Opened:
    shake = Handshake(target="/ws", request_headers=(("Host", "h"),), status=101, reason="", response_headers=())
    return Opened(connection=number, handshake=shake, at_ns=number)


def message(number: int, connection: int, payload: bytes) -> Message:
    return Message(connection=connection, direction=Direction.SERVER, kind=Kind.TEXT, payload=payload, at_ns=number)


def in_blocks(path: Path, blocks: list[list[Record]]) -> Layout:
    """Write a finished cassette with a block for each list, and check that its blocks are those."""
    writer = CassetteWriter.create(path, HEADER)
    for records in blocks:
        for record in records:
            writer.append(record, 0)
        writer.flush()
    writer.finish(10**9)
    layout = Layout(path)
    assert [records for _, _, records in layout.blocks[1:-1]] == blocks
    return layout


@pytest.fixture
def small(tmp_path: Path) -> Layout:
    """Two connections in six blocks, stored plain and compressed."""
    return in_blocks(
        tmp_path / "small.cassette",
        [
            [opened(1)],
            [message(1, 1, b'{"n":1}'), message(2, 1, b'{"n":2,"text":"' + b"again and " * 9 + b'"}')],
            [opened(2), message(3, 2, b"\xab\x57\x53\x42")],  # a marker that is none
            [message(4, 1, b"4"), Closed(connection=1, ending=Ending.CLEAN, by=None, at_ns=5)],
        ],
    )


@pytest.fixture
def large(tmp_path: Path) -> Layout:
    """Forty blocks of messages, ten connections, and a message with a block of its own."""
    chance = random.Random(4)
    blocks: list[list[Record]] = []
    for number in range(40):
        connection = 1 + number // 4
        records: list[Record] = [opened(connection)] if number % 4 == 0 else []
        records += [
            message(
                number * 100 + index, connection, b'{"type":"token","text":"%s"}' % chance.randbytes(30).hex().encode()
            )
            for index in range(50)
        ]
        blocks.append(records)
    blocks.insert(20, [message(1, 5, chance.randbytes(1 << 17) * 9)])
    return in_blocks(tmp_path / "large.cassette", blocks)


def test_any_change_at_every_byte_of_a_small_cassette(tmp_path: Path, small: Layout) -> None:
    path = tmp_path / "changed.cassette"
    for place in range(len(small.data)):
        for change in changes_at(small.data, place):
            changed = change.apply(small.data)
            if changed == small.data:
                continue
            path.write_bytes(changed)
            small.hold(path, [change])


def test_two_gaps_are_both_told(tmp_path: Path, small: Layout) -> None:
    (_, _, _), _, (a, b, _), (c, d, _), (e, f, _), _ = small.blocks
    path = tmp_path / "changed.cassette"
    turned = Change(place=b - 1, cut=1, put=bytes([small.data[b - 1] ^ 1]))
    path.write_bytes(turned.apply(small.data[:e] + small.data[f:]))
    reader = open_cassette(path)
    assert len(list(reader)) == 5
    assert [(damage.offset, damage.length) for damage in reader.damage][:2] == [(a, b - a), (e, 0)]
    assert "1 blocks are missing" in reader.damage[1].problem
    assert (c, d) == (b, e)


@pytest.mark.slow
def test_thousands_of_random_changes_to_a_large_cassette(tmp_path: Path, large: Layout) -> None:
    path = tmp_path / "changed.cassette"
    chance = random.Random(20)
    for _ in range(3000):
        count = chance.choice((1, 1, 2, 4))
        drawn = [random_change(large.data, chance, copies=count == 1) for _ in range(count)]
        # From the end to the beginning, and apart: so each place means the same in the whole file.
        changes: list[Change] = []
        changed = large.data
        for change in sorted(drawn, key=lambda change: change.place, reverse=True):
            if not changes or change.place + change.cut < changes[-1].place:
                changes.append(change)
                changed = change.apply(changed)
        if changed == large.data:
            continue
        path.write_bytes(changed)
        large.hold(path, changes)


@settings(max_examples=60, deadline=None)
@given(records=recordings(), seed=st.integers(0, 2**32))
def test_a_repaired_recording_is_whole_and_repaired_once(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("repair")
    path = folder / "a.cassette"
    write_records(path, records)
    data = path.read_bytes()
    chance = random.Random(seed)
    path.write_bytes(random_change(data, chance).apply(random_change(data, chance).apply(data)))
    torn = path.read_bytes()
    status = run(["repair", str(path)])
    if status == 2:  # not even its header is left
        assert path.read_bytes() == torn
        return
    assert status == 0
    reader = open_cassette(path)
    found = list(reader)
    assert reader.complete
    assert all(record in records for record in found if not isinstance(record, End))
    once, inode = path.read_bytes(), path.stat().st_ino
    assert run(["repair", str(path)]) == 0
    assert (path.read_bytes(), path.stat().st_ino) == (once, inode)
    assert [entry.name for entry in folder.iterdir()] == ["a.cassette"]
