"""Settings from files: what they may say, and who wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from sessions import connection, session

from wstape.cassettes import write_records
from wstape.cli import run
from wstape.cli.settings import load_settings


def test_a_project_s_table_and_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.wstape.replay]\ntarget = "ws://a"\nfail-on = "warning"\n')
    below = tmp_path / "deep" / "below"
    below.mkdir(parents=True)
    assert load_settings(below) == {"replay": {"target": "ws://a", "fail_on": "warning"}}
    (tmp_path / "wstape.toml").write_text('[replay]\ntarget = "ws://b"\n')
    assert load_settings(below) == {"replay": {"target": "ws://b"}}


def test_a_file_that_is_not_toml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wstape.toml").write_text("[replay\n")
    monkeypatch.chdir(tmp_path)
    assert run(["show", "x"]) == 2
    assert "wstape.toml: not TOML" in capsys.readouterr().err


def test_a_flag_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_records(
        tmp_path / "a.cassette", session(connection((">", {"type": "ask"}), ("<", {"type": "answer"}))).records()
    )
    (tmp_path / "wstape.toml").write_text('[replay]\ntarget = "smtp://file"\n')

    def told(*flags: str) -> str:
        assert run(["replay", "a.cassette", *flags]) == 2
        return capsys.readouterr().err

    assert "smtp://file" in told()
    monkeypatch.setenv("WSTAPE_REPLAY_TARGET", "smtp://environment")
    assert "smtp://environment" in told()
    assert "smtp://flag" in told("--target", "smtp://flag")
