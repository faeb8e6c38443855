"""Blocks that a thread writes."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from wstape.cassettes import CassetteWriter, Direction, FileError, Header, Kind, Message, open_cassette
from wstape.cassettes.block import RECORDS
from wstape.cassettes.blockfile import BlockFile
from wstape.cassettes.blockqueue import BEHIND, RELIEF, ROOM, BlockQueue, Haste

HEADER = Header(target="ws://x", created="2026-01-31T12:00:00Z", wstape="1")
PATIENCE = 60.0  # seconds
BLOCK = 128 << 10


def no_failure() -> None:
    raise AssertionError("nothing can fail here")


def test_what_a_thread_writes_is_what_is_written_without_one(tmp_path: Path) -> None:
    messages = [
        Message(connection=1, direction=Direction.SERVER, kind=Kind.TEXT, payload=b"%d" % n * size, at_ns=n)
        for n, size in enumerate([1, 1000, 500_000, 2 << 20, 3, 300_000] * 3)
    ]
    for name, failed in (("with", no_failure), ("without", None)):
        writer = CassetteWriter.create(tmp_path / name, HEADER, failed=failed)
        for message in messages:
            writer.append(message, message.at_ns)
        writer.finish(100)
    assert list(open_cassette(tmp_path / "with")) == list(open_cassette(tmp_path / "without"))
    assert open_cassette(tmp_path / "with").header == HEADER


class Pipe:
    """A disk as slow as its reader."""

    def __init__(self, path: Path) -> None:
        reading, writing = os.pipe()
        self.reader = os.fdopen(reading, "rb", buffering=0)
        self.blocks = BlockFile(path, os.fdopen(writing, "wb", buffering=0), 7)  # type: ignore[arg-type]
        self.taken = 0

    def take(self, size: int) -> bytes:
        data = self.reader.read(size) or b""
        self.taken += len(data)
        return data


def test_what_waits_for_a_slow_disk_is_bounded(tmp_path: Path) -> None:
    pipe = Pipe(tmp_path / "slow")
    queue = BlockQueue(pipe.blocks, no_failure)
    given = 0

    def give() -> None:
        nonlocal given
        for _ in range(100):
            queue.write(RECORDS, os.urandom(BLOCK), 1)
            given += BLOCK
        queue.close()

    giver = threading.Thread(target=give)
    giver.start()
    while data := pipe.take(BLOCK):
        # What the pipe holds has left the queue; a block on its way counts for both.
        assert given - pipe.taken <= ROOM + BLOCK + (1 << 20), len(data)
    giver.join(PATIENCE)
    assert pipe.taken > given == 100 * BLOCK
    assert queue.lost == 0
    pipe.reader.close()


def test_a_block_that_cannot_be_written_ends_it_and_counts_what_waited(tmp_path: Path) -> None:
    pipe = Pipe(tmp_path / "broken")
    told = threading.Event()
    queue = BlockQueue(pipe.blocks, told.set)
    for _ in range(8):
        queue.write(RECORDS, os.urandom(BLOCK), 3)
    pipe.reader.close()  # the thread is in the middle of the first block, and the pipe is full
    assert told.wait(PATIENCE)
    with pytest.raises(FileError, match="broken: broken pipe"):
        queue.check()
    queue.write(RECORDS, b"late", 2)
    queue.close()
    assert queue.lost == 8 * 3 + 2


def test_an_error_nobody_asked_for_comes_with_the_end(tmp_path: Path) -> None:
    pipe = Pipe(tmp_path / "broken")
    told = threading.Event()
    queue = BlockQueue(pipe.blocks, told.set)
    pipe.reader.close()
    queue.write(RECORDS, b"first", 1)
    assert told.wait(PATIENCE)
    with pytest.raises(FileError, match="broken pipe"):
        queue.close()


def test_blocks_are_compressed_until_they_pile_up_and_again_after_a_while() -> None:
    haste = Haste()
    assert haste.squeeze(0, 1.0)
    haste.took(True, BLOCK, 1e-3)
    assert haste.squeeze(BEHIND - 1, 2.0)
    assert not haste.squeeze(BEHIND, 3.0)
    haste.took(False, BLOCK, 1e-4)
    assert not haste.squeeze(0, 3.0 + RELIEF / 2)
    assert haste.squeeze(BEHIND - 1, 3.0 + RELIEF)
    assert not haste.squeeze(BEHIND, 3.0 + RELIEF)


def test_a_disk_slower_than_the_compressor_gets_fewer_bytes_and_another_chance() -> None:
    haste = Haste()
    haste.took(True, BLOCK, 1e-3)
    assert not haste.squeeze(BEHIND, 1.0)
    haste.took(False, BLOCK, 2e-3)
    tries = 0
    while haste.squeeze(BEHIND, 1.0):
        haste.took(True, BLOCK, 1e-3)
        tries += 1
        assert tries < 1000
    assert tries > 10
