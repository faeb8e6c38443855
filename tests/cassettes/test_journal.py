"""Writing cassettes: what is on the disk, and when."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from strategies import recordings

from wstape.cassettes import (
    CassetteWriter,
    Direction,
    FileError,
    Handshake,
    Header,
    Kind,
    Message,
    Note,
    Opened,
    Record,
    open_cassette,
    write_records,
)

HEADER = Header(target="ws://service", created="2026-01-31T12:00:00Z", wstape="0.1.0")
OPENED = Opened(
    connection=1,
    at_ns=0,
    handshake=Handshake(target="/", request_headers=(), status=101, reason="", response_headers=()),
)
INTERVAL_NS = 200_000_000


def text(number: int, size: int = 20) -> Message:
    payload = f'{{"number":{number},"fill":"{"x" * size}"}}'.encode()
    return Message(connection=1, direction=Direction.SERVER, kind=Kind.TEXT, payload=payload, at_ns=number)


def readable(path: Path) -> list[Record]:
    """What a reader finds in the file at this moment."""
    return list(open_cassette(path))


@settings(max_examples=60, deadline=None)
@given(records=recordings())
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> None:
    path = tmp_path_factory.mktemp("journal") / "a.cassette"
    write_records(path, records)
    reader = open_cassette(path)
    assert list(reader) == records
    assert reader.complete
    lost = [note.text for note in records if isinstance(note, Note) and note.lost]
    assert bool(reader.problem) == bool(lost)
    if lost and lost[0]:
        assert reader.problem == lost[0]


@settings(max_examples=20, deadline=None)
@given(records=recordings())
def test_the_same_records_make_the_same_bytes(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> None:
    folder = tmp_path_factory.mktemp("journal")
    for name in ("a.cassette", "b.cassette"):
        write_records(folder / name, records)
    assert (folder / "a.cassette").read_bytes() == (folder / "b.cassette").read_bytes()


def test_the_header_is_on_disk_at_once(tmp_path: Path) -> None:
    writer = CassetteWriter.create(tmp_path / "a.cassette", HEADER)
    assert readable(tmp_path / "a.cassette") == [HEADER]
    writer.abandon()


def test_a_young_record_waits_and_an_old_one_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    writer = CassetteWriter.create(path, HEADER, flush_interval_ns=INTERVAL_NS)
    assert writer.deadline_ns() is None
    writer.append(OPENED, now_ns=1_000)
    assert writer.deadline_ns() == 1_000 + INTERVAL_NS
    assert readable(path) == [HEADER]
    writer.append(text(1), now_ns=1_000 + INTERVAL_NS)  # its arrival shows that the first one is due
    assert readable(path) == [HEADER, OPENED, text(1)]
    assert writer.deadline_ns() is None
    writer.abandon()


def test_a_full_block_is_written_before_its_time(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    writer = CassetteWriter.create(path, HEADER)
    writer.append(OPENED, 0)
    for number in range(30):
        writer.append(text(number, size=10_000), 0)
    assert len(readable(path)) > 20
    writer.abandon()


def test_a_large_message_has_a_block_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    payload = os.urandom(3 << 20)
    large = Message(connection=1, direction=Direction.CLIENT, kind=Kind.BINARY, payload=payload, at_ns=5)
    writer = CassetteWriter.create(path, HEADER)
    writer.append(OPENED, 0)
    writer.append(large, 0)
    assert readable(path) == [HEADER, OPENED, large]  # and what came before it stays before it
    writer.append(text(6), 0)
    writer.finish(7)
    assert readable(path)[:4] == [HEADER, OPENED, large, text(6)]


def test_an_existing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    path.write_bytes(b"precious")
    with pytest.raises(FileError, match=r"exists already.*--force"):
        CassetteWriter.create(path, HEADER)
    assert path.read_bytes() == b"precious"
    CassetteWriter.create(path, HEADER, force=True).finish(0)
    assert open_cassette(path).header == HEADER


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file or folder; make the folder first"):
        CassetteWriter.create(tmp_path / "nowhere" / "a.cassette", HEADER)


@pytest.mark.parametrize("threaded", ["", "threaded"])
@pytest.mark.parametrize("at_once", [1, 4])
def test_a_full_disk_is_reported_once_and_keeps_whole_blocks(tmp_path: Path, at_once: int, threaded: str) -> None:
    """The limit on the size of files gives the real error of a write that does not fit."""
    path = tmp_path / "a.cassette"
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from wstape.cassettes import CassetteWriter, Direction, FileError, Kind, Message
        sys.path.insert(0, sys.argv[2])
        from test_journal import HEADER, OPENED
        import os
        told = []
        failed = (lambda: told.append(1)) if sys.argv[4] else None
        writer = CassetteWriter.create(Path(sys.argv[1]), HEADER, failed=failed)
        writer.append(OPENED, 0)
        errors = 0
        at_once = int(sys.argv[3])
        for number in range(200 // at_once):
            payloads = [os.urandom(10_000) for _ in range(at_once)]
            try:
                if at_once > 1:
                    writer.append_messages(1, Direction.SERVER, Kind.BINARY, payloads, number, 0)
                else:
                    writer.append(Message(connection=1, direction=Direction.SERVER, kind=Kind.BINARY,
                                          payload=payloads[0], at_ns=number), 0)
            except FileError as error:
                errors += 1
                print(error)
        try:
            writer.finish(1)
        except FileError as error:
            errors += 1
            print(error)
        print(errors, writer.failed, writer.messages, writer.lost, len(told))
        """
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(path), str(Path(__file__).parent), str(at_once), threaded],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "support")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
    )
    lines = result.stdout.splitlines()
    assert "the file is at the size limit" in lines[0]
    errors, failed, messages, lost, told = lines[1].split()
    assert (errors, failed, messages, told) == ("1", "True", "200", "1" if threaded else "0")
    reader = open_cassette(path)
    records = list(reader)
    assert len(records) == 2 + 200 - int(lost)
    assert not reader.complete
    assert reader.damage == ()  # cut back to the last whole block
