"""``compat`` and ``rules`` as commands."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from wstape.cli import run
from wstape.contracts.compatibility import RULES

DOCS = Path(__file__).parents[2] / "docs"


def contract(*states: str, **more: object) -> dict[str, Any]:
    state: dict[str, object] = {"enum": list(states)}
    payload: dict[str, object] = {"type": "object", "properties": {"state": state}, **more}
    return {
        "wstape": "contract",
        "version": 1,
        "envelope": {"name": "json", "client": "/type", "server": "/type"},
        "events": {"server:status": {"payload": payload}, "client:ask": {"payload": {"type": "object"}}},
    }


def write(name: str, document: object) -> None:
    Path(name).write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("old.json", contract("ok", "failed"))
    write("new.json", contract("ok", "failed", "skipped"))


def judged(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    status = run(["compat", *arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_contract_serves_its_own_clients(capsys: pytest.CaptureFixture[str]) -> None:
    status, document = judged(capsys, "old.json", "old.json")
    assert (status, document["verdict"], document["findings"]) == (0, "compatible", [])
    assert document["summary"] == {"breaking": 0, "warning": 0, "info": 0, "profile": "default", "ignored": 0}


def test_a_breaking_change(capsys: pytest.CaptureFixture[str]) -> None:
    status, document = judged(capsys, "old.json", "new.json")
    (finding,) = document["findings"]
    assert (status, document["verdict"]) == (1, "breaking")
    assert finding == {
        "id": "server/enum-value-added",
        "severity": "breaking",
        "direction": "server",
        "label": "status",
        "path": "/state",
        "connection": None,
        "position": None,
        "count": 1,
        "message": '`/state` may now be "skipped"',
        "baseline": ["ok", "failed"],
        "candidate": "skipped",
        "effect": "widens",
        "fingerprint": finding["fingerprint"],
    }


def test_the_way_back_is_news_only(capsys: pytest.CaptureFixture[str]) -> None:
    status, document = judged(capsys, "new.json", "old.json")
    assert (status, [found["severity"] for found in document["findings"]]) == (0, ["info"])
    assert run(["compat", "new.json", "old.json", "--fail-on", "info"]) == 1


def test_profiles_and_levels(capsys: pytest.CaptureFixture[str]) -> None:
    assert judged(capsys, "old.json", "new.json", "--profile", "lenient")[1]["summary"]["info"] == 1
    for level, severity in (
        ("server/enum-value-added=warning", "warning"),
        ("server/*@status=info", "info"),
        ("server/enum-value-added@status/state=info", "info"),
        ("server/enum-value-added@other=info", "breaking"),
        ("server/enum-value-added@status/other=info", "breaking"),
    ):
        (finding,) = judged(capsys, "old.json", "new.json", "--level", level)[1]["findings"]
        assert finding["severity"] == severity, level
    assert judged(capsys, "old.json", "new.json", "--level", "*=off")[1]["findings"] == []


def test_levels_come_from_the_settings_too(capsys: pytest.CaptureFixture[str]) -> None:
    Path("wstape.toml").write_text('[compat]\nlevel = ["server/*=warning"]\nprofile = "strict"\n', encoding="utf-8")
    status, document = judged(capsys, "old.json", "new.json")
    assert (status, document["summary"]["warning"], document["summary"]["profile"]) == (0, 1, "strict")


def test_little_evidence_only_warns_and_a_pin_gates(capsys: pytest.CaptureFixture[str]) -> None:
    old, new = contract("ok"), contract("ok")
    old["events"]["server:status"] |= {"seen": 4, "scopes": 2}
    old["events"]["server:status"]["payload"] |= {"required": ["state"], "x-wstape-seen": 4}
    write("thin.json", old)
    write("new.json", new)
    status, document = judged(capsys, "thin.json", "new.json")
    assert (status, [found["id"] for found in document["findings"]]) == (0, ["server/property-became-optional"])
    assert document["findings"][0]["message"].endswith("(on little evidence)")
    old["events"]["server:status"]["payload"]["x-wstape-pinned"] = True
    write("pinned.json", old)
    assert judged(capsys, "pinned.json", "new.json")[0] == 1


def test_a_git_revision(capsys: pytest.CaptureFixture[str]) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    Path("contracts").mkdir()
    Path("old.json").rename("contracts/chat.json")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *command], check=True, capture_output=True, timeout=30)
    Path("new.json").rename("contracts/chat.json")
    status, document = judged(capsys, "HEAD:contracts/chat.json", "contracts/chat.json")
    assert (status, [found["id"] for found in document["findings"]]) == (1, ["server/enum-value-added"])
    for name in ("HEAD:contracts/none.json", "nowhere:contracts/chat.json", "-x:contracts/chat.json"):
        assert run(["compat", "--", name, "contracts/chat.json"]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"wstape: error: {name}: ")
        assert error.count("\n") == 1


def test_an_accepted_finding(capsys: pytest.CaptureFixture[str]) -> None:
    fingerprint = judged(capsys, "old.json", "new.json")[1]["findings"][0]["fingerprint"]
    entry = '[[ignore]]\nfingerprint = "{}"\nreason = "agreed"\nexpires = {}\n'
    Path("ignore.toml").write_text(entry.format(fingerprint, "9999-12-31"), encoding="utf-8")
    status, document = judged(capsys, "old.json", "new.json", "--ignore", "ignore.toml")
    assert (status, document["findings"], document["summary"]["ignored"]) == (0, [], 1)
    Path("ignore.toml").write_text(entry.format(fingerprint, "2001-12-31"), encoding="utf-8")
    status, document = judged(capsys, "old.json", "new.json", "--ignore", "ignore.toml")
    assert status == 1
    assert document["findings"][0]["message"].endswith("; ignored until 2001-12-31: agreed")
    Path("ignore.toml").write_text(entry.format("0" * 12, "9999-12-31"), encoding="utf-8")
    assert run(["compat", "old.json", "old.json", "--ignore", "ignore.toml"]) == 0
    assert "000000000000 fits no finding any more (agreed)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[ignore]]\nfingerprint = 'a'\n", "entry 1: reason and expires missing"),
        ("[[ignore]]\nfingerprint = 'a'\nreason = 'b'\nexpires = '2027-01-01'\n", "not a date"),
        ("[[ignore]]\nfingerprint = 'a'\nreason = 'b'\nexpires = 2027-01-01\nwhy = 1\n", "'why' is not known"),
        ("ignore = 1\n", "no list of [[ignore]] tables"),
        ("][", "not TOML"),
    ],
)
def test_an_ignore_file_that_makes_no_sense(text: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("ignore.toml").write_text(text, encoding="utf-8")
    assert run(["compat", "old.json", "new.json", "--ignore", "ignore.toml"]) == 2
    error = capsys.readouterr().err
    assert problem in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["old.json", "none.json"],
        ["old.json", "new.json", "--level", "server/no-such-rule=info"],
        ["old.json", "new.json", "--level", "server/enum-value-added=loud"],
        ["old.json", "new.json", "--profile", "severe"],
    ],
)
def test_bad_input(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compat", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_report_for_people_and_for_ci(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compat", "old.json", "new.json", "--junit", "report.xml"]) == 1
    text = capsys.readouterr().out
    assert 'old          ["ok", "failed"]' in text
    assert text.endswith("BREAKING  1 breaking\nnew.json against old.json\n")
    (case,) = ElementTree.parse("report.xml").getroot().iter("testcase")
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("type") == "server/enum-value-added"


def test_the_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(RULES)
    assert run(["rules", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["rules"]) == len(RULES)


def test_one_rule_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "server/enum-value-added"]) == 0
    text = capsys.readouterr().out
    assert "warning (strict), warning (default), info (lenient)" in text
    assert "mirror    client/enum-value-added" in text
    assert run(["rules", "server/enum-value-aded"]) == 2
    assert "did you mean server/enum-value-added?" in capsys.readouterr().err


def test_the_page_of_rules_is_the_registry(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "--markdown"]) == 0
    assert capsys.readouterr().out == (DOCS / "rules.md").read_text(encoding="utf-8")
