"""``wstape convert`` as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_cassette import RECORDS, WRITTEN_WHOLE, torn, write_sample

from wstape.cassettes import End, open_cassette
from wstape.cli import run


def test_there_and_back_is_the_same_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_sample(tmp_path / "a.cassette")
    assert run(["convert", str(source), str(tmp_path / "a.jsonl")]) == 0
    assert run(["convert", str(tmp_path / "a.jsonl"), str(tmp_path / "b.cassette")]) == 0
    back = open_cassette(tmp_path / "b.cassette")
    assert list(back) == RECORDS
    assert back.complete
    assert capsys.readouterr().err == ""


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_sample(tmp_path / "a.cassette")
    target = tmp_path / "a.jsonl"
    target.write_text("mine")
    assert run(["convert", str(source), str(target)]) == 2
    assert target.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert run(["convert", str(source), str(target), "--force"]) == 0
    assert list(open_cassette(target)) == RECORDS


@pytest.mark.parametrize("name", ["a.txt", "a"])
def test_a_suffix_without_a_format(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_sample(tmp_path / "a.cassette")
    assert run(["convert", str(source), str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert ".cassette" in error
    assert ".jsonl" in error
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["b.jsonl", "b.cassette"])
def test_an_incomplete_recording_is_converted_as_far_as_it_goes(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = torn(tmp_path / "a.cassette")
    assert run(["convert", str(source), str(tmp_path / name)]) == 3
    assert f"wstape: warning: {source} is incomplete: " in capsys.readouterr().err
    converted = open_cassette(tmp_path / name)
    assert list(converted) == RECORDS[:WRITTEN_WHOLE]
    assert not converted.complete


def test_a_copy_of_a_damaged_recording_does_not_look_whole(tmp_path: Path) -> None:
    twin = tmp_path / "a.jsonl"
    assert run(["convert", str(write_sample(tmp_path / "a.cassette")), str(twin)]) == 0
    lines = twin.read_text(encoding="utf-8").splitlines(keepends=True)
    twin.write_text("".join(lines[:3] + lines[4:]), encoding="utf-8")  # the end record counts a message more
    assert run(["convert", str(twin), str(tmp_path / "b.cassette")]) == 3
    copied = open_cassette(tmp_path / "b.cassette")
    assert not any(isinstance(record, End) for record in copied)
    assert not copied.complete


def test_a_line_that_is_no_record_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twin = tmp_path / "a.jsonl"
    assert run(["convert", str(write_sample(tmp_path / "a.cassette")), str(twin)]) == 0
    twin.write_text(twin.read_text(encoding="utf-8").replace('"kind": "text"', '"kind": "song"'), encoding="utf-8")
    assert run(["convert", str(twin), str(tmp_path / "b.cassette")]) == 2
    assert f"{twin}: line 4: " in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.cassette", "a.jsonl"]
