"""``wstape ls`` as a user runs it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sample_cassette import HEADER, torn
from sessions import connection, session

from wstape.cassettes import write_records
from wstape.cli import run

DATA = Path(__file__).parents[1] / "cassettes" / "data"


def record(path: Path, answer: object = 1) -> Path:
    """A recording of twelve connections, enough for firm claims."""
    talks = [
        connection((">", {"type": "ask"}), ("<", {"type": "answer", "value": answer}), number=number)
        for number in range(1, 13)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_records(path, replace(session(*talks), header=HEADER).records())
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two used recordings and an orphan, and a contract in the folder above them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    for name in ("used", "matched", "forgotten"):
        record(tmp_path / "tests" / "tapes" / f"{name}.cassette")
    (tmp_path / "tests" / "test_chat.py").write_text('TAPE = HERE / "tapes/used.cassette"\n')
    (tmp_path / "run.sh").write_text("wstape check tests/tapes/match*.cassette\n")
    (tmp_path / "README.md").write_text("There is tests/tapes/forgotten.cassette too.\n")
    assert run(["infer", "tests/tapes/used.cassette", "-o", "tests/chat.contract.json"]) == 0
    return tmp_path


def listed(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, dict[str, Any]]:
    """The JSON document's recordings by their names."""
    capsys.readouterr()
    assert run(["ls", "--json", *arguments]) == status
    return {Path(one["path"]).name: one for one in json.loads(capsys.readouterr().out)["cassettes"]}


@pytest.mark.usefixtures("project")
def test_what_a_recording_holds(capsys: pytest.CaptureFixture[str]) -> None:
    one = listed(capsys)["used.cassette"]
    assert one["path"] == "tests/tapes/used.cassette"
    assert (one["target"], one["created"]) == (HEADER.target, HEADER.created)
    assert (one["connections"], one["messages"], one["exchanges"]) == (12, 48, 0)
    assert one["labels"] == {"answer": 12, "ask": 12}
    assert one["length_s"] == pytest.approx(0.013)
    assert one["age_s"] > 0
    assert one["redacted"]
    assert one["complete"]
    assert one["notes"] == {"build": "7"}


@pytest.mark.usefixtures("project")
def test_orphans_are_named_by_no_test_setting_or_script(capsys: pytest.CaptureFixture[str]) -> None:
    found = listed(capsys, "tests/tapes")
    assert {name: one["orphan"] for name, one in found.items()} == {
        "used.cassette": False,
        "matched.cassette": False,
        "forgotten.cassette": True,
    }
    assert [Path(path).name for path in found["used.cassette"]["named_by"]] == ["test_chat.py"]
    assert [Path(path).name for path in found["matched.cassette"]["named_by"]] == ["run.sh"]
    shutil.copy("tests/chat.contract.json", "tests/tapes/forgotten.contract.json")
    assert not listed(capsys)["forgotten.cassette"]["orphan"]


@pytest.mark.usefixtures("project")
def test_recordings_of_the_pytest_plugin_belong_to_their_tests(capsys: pytest.CaptureFixture[str]) -> None:
    Path("tests/test_more.py").write_text("class TestIt:\n    def test_login(self): ...\n")
    for name in ("TestIt.test_login[alice-1]", "TestIt.test_logi", "test_gone"):
        record(Path(f"tests/cassettes/test_more/{name}.cassette"))
    record(Path("tests/cassettes/test_lost/test_login.cassette"))
    orphans = {name for name, one in listed(capsys, "tests/cassettes").items() if one["orphan"]}
    assert orphans == {"TestIt.test_logi.cassette", "test_gone.cassette", "test_login.cassette"}


@pytest.mark.usefixtures("project")
def test_each_recording_is_held_against_its_contract(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path("tests/tapes/changed.cassette"), answer="one")
    found = listed(capsys, "tests")
    assert found["used.cassette"]["contract"]["breaking"] == 0
    assert found["changed.cassette"]["contract"]["path"] == "tests/chat.contract.json"
    assert found["changed.cassette"]["contract"]["breaking"] == 1
    assert listed(capsys, "tests/tapes")["used.cassette"]["contract"] is None  # the contract lies above what is listed
    own = "tests/tapes/changed.contract.json"
    assert run(["infer", "tests/tapes/changed.cassette", "-o", own]) == 0
    found = listed(capsys, "tests")
    assert (found["changed.cassette"]["contract"]["path"], found["changed.cassette"]["contract"]["breaking"]) == (
        own,
        0,
    )
    assert found["used.cassette"]["contract"]["breaking"] == 1  # now the nearest
    found = listed(capsys, "tests", "--contract", "tests/chat.contract.json")
    assert [found[name]["contract"]["breaking"] for name in ("used.cassette", "changed.cassette")] == [0, 1]


@pytest.mark.usefixtures("project")
def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path("tests/tapes/changed.cassette"), answer="one")
    capsys.readouterr()
    assert run(["ls", "tests"]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 5
    assert "breaks chat.contract.json: 1" in shown.out
    assert shown.out.count("keeps chat.contract.json") == 3
    assert [line[0] for line in shown.out.splitlines()[1:]].count("?") == 2
    assert "ask 12, answer 12" in shown.out
    assert shown.err == "wstape: 2 marked '?': no test, setting or script names them\n"
    assert "\x1b" not in shown.out


@pytest.mark.usefixtures("project")
def test_what_is_no_whole_recording(capsys: pytest.CaptureFixture[str]) -> None:
    torn(Path("tests/torn.cassette"))
    Path("tests/broken.cassette").write_bytes(b"nothing")
    Path("tests/events.jsonl").write_text('{"some": "log"}\n')
    Path("tests/settings.har").write_text("{}")
    shutil.copy(DATA / "playwright.har", "tests/browser.har")
    found = listed(capsys, status=3)
    assert found.keys() >= {"torn.cassette", "broken.cassette", "browser.har"}
    assert not found.keys() & {"events.jsonl", "settings.har"}
    assert not found["torn.cassette"]["complete"]
    assert found["broken.cassette"]["target"] is None
    assert not found["browser.har"]["redacted"]
    assert run(["ls"]) == 3
    said = capsys.readouterr().err
    assert "warning: tests/torn.cassette is incomplete: " in said
    assert "warning: tests/broken.cassette: byte 0: not a cassette" in said
    assert "warning: tests/browser.har is not redacted" in said


def test_a_hostile_recording_cannot_drive_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b[2J[red]\u202e"
    talk = connection(("<", {"type": evil}), ("<", {"type": "b"}))
    header = replace(HEADER, target=evil, created=evil, notes={evil: evil})
    write_records(tmp_path / "a.cassette", replace(session(talk), header=header).records())
    assert run(["ls", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert all(line.isprintable() for line in (shown.out + shown.err).splitlines())
    assert "[red]" in shown.out


def test_folders_without_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ls", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "wstape: no recordings here\n")
    assert listed(capsys, str(tmp_path)) == {}
    for path in (tmp_path / "nowhere", Path(__file__)):
        assert run(["ls", str(path)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.usefixtures("project")
def test_of_several_contracts_the_one_that_fits_best_counts(capsys: pytest.CaptureFixture[str]) -> None:
    record(Path("tests/tapes/changed.cassette"), answer="one")
    for name, tape in (("a", "used"), ("b", "changed")):
        assert run(["infer", f"tests/tapes/{tape}.cassette", "-o", f"tests/tapes/{name}.contract.json"]) == 0
    found = listed(capsys, "tests")
    assert found["used.cassette"]["contract"]["path"] == "tests/tapes/a.contract.json"
    assert found["changed.cassette"]["contract"]["path"] == "tests/tapes/b.contract.json"
    assert {one["contract"]["breaking"] for one in found.values()} == {0}
