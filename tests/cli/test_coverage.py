"""``wstape coverage`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simulated import records, server, session

from wstape.cassettes import End, write_records
from wstape.cli import run


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_records(Path("whole.cassette"), session(1))
    write_records(Path("part.cassette"), records([[server("agent_started", run_id="run_1")]]))
    write_records(Path("cut.cassette"), [record for record in session(1) if not isinstance(record, End)])
    assert run(["infer", "whole.cassette", "-o", "chat.contract.json"]) == 0


def test_all_is_exercised_by_what_was_learned_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["coverage", "whole.cassette", "--contract", "chat.contract.json", "--fail-under", "100"]) == 0
    told = capsys.readouterr().out
    assert "never exercised" not in told
    assert told.splitlines()[-1].split() == ["all", *told.splitlines()[-1].split()[1:3], "100.0"]


def test_what_is_missing_stands_first(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["coverage", "part.cassette", "--contract", "chat.contract.json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "never exercised:"
    assert "  event           server:agent_completed" in lines
    assert not any(line.endswith("server:agent_started") for line in lines)
    assert run(["coverage", "part.cassette", "whole.cassette", "--contract", "chat.contract.json"]) == 0
    assert "never" not in capsys.readouterr().out


def test_too_little_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["coverage", "part.cassette", "--contract", "chat.contract.json", "--fail-under", "50"]) == 1
    assert "is exercised, less than 50 %" in capsys.readouterr().err


def test_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["coverage", "part.cassette", "--contract", "chat.contract.json", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["summary"]["event"]["exercised"] == 1
    assert document["summary"]["all"]["known"] == len(document["items"])
    assert document["items"][0]["count"] == 0
    assert document["items"][-1]["count"] > 0
    assert set(document["items"][0]) == {"kind", "where", "path", "what", "count"}


def test_an_incomplete_recording_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["coverage", "cut.cassette", "--contract", "chat.contract.json"]) == 3
    assert "cut.cassette is incomplete" in capsys.readouterr().err
