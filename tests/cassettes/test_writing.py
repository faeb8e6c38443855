"""Finished files are written at once or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from wstape.cassettes import FileError, Header, UsageError, WstapeError, open_cassette, write_records, write_text

HEADER = Header(target="ws://service", created="2026-01-31T12:00:00Z", wstape="0.1.0")


def test_a_failure_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    path.write_bytes(b"old")

    def failing():
        yield HEADER
        raise WstapeError("the source is damaged")

    with pytest.raises(WstapeError, match="damaged"):
        write_records(path, failing(), force=True)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'\.json' names no format; use \.cassette, \.jsonl or \.har"):
        write_records(tmp_path / "a.json", [HEADER])


def test_an_existing_file_needs_force(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_records(path, [HEADER])
    with pytest.raises(FileError, match="--force"):
        write_records(path, [HEADER])
    write_records(path, [HEADER], force=True)
    assert open_cassette(path).header == HEADER


def test_a_new_file_has_the_rights_of_any_other(tmp_path: Path) -> None:
    write_text(tmp_path / "ours", "text")
    (tmp_path / "plain").write_text("text")
    rights = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "plain")]
    assert rights[0] == rights[1]
