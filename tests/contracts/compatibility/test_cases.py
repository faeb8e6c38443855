"""Every rule on a pair of contracts: a folder a rule with ``old.json``, ``new.json`` and what is expected of them."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from wstape.cassettes import Direction
from wstape.contracts import Contract
from wstape.contracts.compatibility import RULES, Profile, compare
from wstape.contracts.compatibility.comparison import changes
from wstape.reports import Report, render_json
from wstape.reports.terminal import render_terminal

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
TODAY = datetime.date(2026, 6, 1)


def _pair(case: Path) -> tuple[Contract, Contract]:
    return Contract.load(case / "old.json"), Contract.load(case / "new.json")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case(case: Path, request: pytest.FixtureRequest) -> None:
    """``--update-golden`` rewrites what is expected."""
    findings = compare(*_pair(case), today=TODAY)
    report = Report(title="new.json against old.json", findings=findings, connections=None, messages=None)
    for name, text in (
        ("expected.txt", render_terminal(report, width=120)),
        ("expected.json", render_json(report) + "\n"),
    ):
        if request.config.getoption("--update-golden"):
            (case / name).write_text(text, encoding="utf-8", newline="")
        assert text == (case / name).read_bytes().decode("utf-8")


@pytest.mark.parametrize("id_", RULES)
def test_a_rule_fires_in_its_own_case_and_not_backwards(id_: str) -> None:
    case = next(case for case in CASES if case.name == RULES[id_].name)
    old, new = _pair(case)
    assert id_ in {rule.id for rule, _ in changes(old, new, TODAY)}
    assert not list(changes(old, old, TODAY))
    assert not compare(new, new, today=TODAY, profile=Profile.STRICT)


def test_each_rule_has_its_mirror_or_says_why_not() -> None:
    for rule in RULES.values():
        assert (rule.mirror in RULES) != bool(rule.alone), rule.id
    names = {rule.name for rule in RULES.values() if not rule.alone}
    for direction in Direction:
        mirrored = {rule.name for rule in RULES.values() if rule.direction is direction and not rule.alone}
        assert mirrored == names


def test_every_rule_gives_a_reason() -> None:
    for rule in RULES.values():
        assert rule.reason.endswith("."), rule.id
        assert len(rule.reason) < 200, rule.id
