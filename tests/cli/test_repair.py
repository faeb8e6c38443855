"""``wstape repair`` as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_cassette import RECORDS, WRITTEN_WHOLE, torn, write_sample

from wstape.cassettes import End, open_cassette
from wstape.cli import run

MENDED = [
    *RECORDS[:WRITTEN_WHOLE],
    End(connections=1, messages=2, exchanges=1, at_ns=7_000_000, repaired=True),
]


def test_a_torn_cassette_in_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = torn(tmp_path / "a.cassette")
    assert run(["repair", str(path)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert f"wstape: {path}: byte " in said.err
    assert "lost" in said.err
    assert said.err.endswith(f"wstape: {path}: repaired\n")
    mended = open_cassette(path)
    assert list(mended) == MENDED
    assert mended.complete
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.cassette"]


def test_repairing_twice_changes_nothing_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = torn(tmp_path / "a.cassette")
    assert run(["repair", str(path)]) == 0
    once = path.read_bytes()
    capsys.readouterr()
    assert run(["repair", str(path)]) == 0
    assert capsys.readouterr().err == f"wstape: {path}: nothing to repair\n"
    assert path.read_bytes() == once


def test_a_whole_cassette_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_sample(tmp_path / "a.cassette")
    before = path.read_bytes()
    assert run(["repair", str(path)]) == 0
    assert "nothing to repair" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert run(["repair", str(path), "-o", str(tmp_path / "b.cassette")]) == 0
    assert list(open_cassette(tmp_path / "b.cassette")) == RECORDS


def test_another_file_is_written_and_the_torn_one_kept(tmp_path: Path) -> None:
    path = torn(tmp_path / "a.cassette")
    before = path.read_bytes()
    other = tmp_path / "b.jsonl"
    assert run(["repair", str(path), "-o", str(other)]) == 0
    assert path.read_bytes() == before
    assert list(open_cassette(other)) == MENDED
    assert run(["repair", str(path), "-o", str(other)]) == 2
    assert run(["repair", str(path), "-o", str(other), "--force"]) == 0


def test_an_interrupted_twin_gets_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twin = tmp_path / "a.jsonl"
    assert run(["convert", str(torn(tmp_path / "a.cassette")), str(twin)]) == 3
    capsys.readouterr()
    assert run(["repair", str(twin)]) == 0
    assert "no end record" in capsys.readouterr().err
    assert list(open_cassette(twin)) == MENDED


@pytest.mark.parametrize("content", [None, b"", b"no cassette at all"])
def test_a_file_that_holds_no_recording(
    tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.cassette"
    if content is not None:
        path.write_bytes(content)
    assert run(["repair", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"wstape: error: {path}: ")
    assert not path.exists() or path.read_bytes() == content
