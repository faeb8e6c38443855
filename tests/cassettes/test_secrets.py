"""Values for placeholders: where they come from, and that no message shows one."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest

from wstape.cassettes import FileError, UsageError, WstapeError
from wstape.cassettes.secrets import PLACEHOLDER, Secrets, write_secrets

VALUE = "hunter2-the-value"


def test_placeholders_are_recognised() -> None:
    assert PLACEHOLDER.findall("a {{secret:access_token:1}} {{secret:env.ALICE_PASSWORD:12}} {{secret:x}}") == [
        "access_token:1",
        "env.ALICE_PASSWORD:12",
    ]


def test_values_by_name_by_kind_and_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from file\n")
    file = tmp_path / "a.secrets"
    file.write_text(json.dumps({"password:1": "from secrets file", "pin:1": "1234"}))
    secrets = Secrets.load(
        ["password=kind", "pin:1=option=wins", "token=env:TOKEN", f"access_token:2=file:{tmp_path / 'token'}"],
        [file],
        {"TOKEN": "from env", "ALICE": "alice's"},
    )
    assert secrets.get("password:1") == "from secrets file"
    assert secrets.get("password:2") == "kind"
    assert secrets.get("pin:1") == "option=wins"
    assert secrets.get("token:9") == "from env"
    assert secrets.get("access_token:2") == "from file"
    assert secrets.get("access_token:1") is None
    assert secrets.get("env.ALICE:1") == "alice's"
    assert secrets.get("env.BOB:1") is None
    assert "kind" not in repr(secrets)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (VALUE, "no '='"),
        (f"pass word={VALUE}", "name"),
        (f"={VALUE}", "name"),
        ("password=env:UNSET", "'UNSET' is not set"),
        ("password=file:nowhere", "nowhere: no such file"),
    ],
)
def test_a_bad_option_is_one_line_without_the_value(option: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        Secrets.load([option], [], {})
    assert VALUE not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ['{"password:1": ', "[]", '{"password:1": 1}', '{"bad name": "%s"}', "\xff%s"])
def test_a_bad_secrets_file_is_one_line_without_a_value(tmp_path: Path, content: str) -> None:
    file = tmp_path / "a.secrets"
    file.write_text(content.replace("%s", VALUE), encoding="latin-1")
    with pytest.raises(WstapeError) as caught:
        Secrets.load([], [file], {})
    assert str(file) in str(caught.value)
    assert VALUE not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_written_secrets_are_private_and_read_back(tmp_path: Path) -> None:
    file = tmp_path / "a.secrets"
    file.write_text("old")
    file.chmod(0o644)
    write_secrets(file, {"password:1": "ü\ud800'\"", "a:1": "b"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Secrets.load([], [file], {}).get("password:1") == "ü\ud800'\""
    assert [path.name for path in tmp_path.iterdir()] == ["a.secrets"]


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file or folder"):
        write_secrets(tmp_path / "none" / "a.secrets", {})


@pytest.fixture
def work_tree(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("*.secrets\n")
    (tmp_path / "deep").mkdir()
    return tmp_path


def test_a_work_tree_takes_only_ignored_secrets(work_tree: Path) -> None:
    with pytest.raises(UsageError, match="unignored in the git work tree") as caught:
        write_secrets(work_tree / "deep" / "values.json", {"password:1": VALUE})
    assert VALUE not in str(caught.value)
    assert not (work_tree / "deep" / "values.json").exists()
    write_secrets(work_tree / "deep" / "a.secrets", {"password:1": VALUE})
    assert (work_tree / "deep" / "a.secrets").exists()


def test_a_work_tree_without_git_is_refused(work_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(work_tree / "nowhere"))
    with pytest.raises(UsageError, match="no git to ask"):
        write_secrets(work_tree / "a.secrets", {"password:1": VALUE})


def test_a_tracked_file_is_refused_although_a_pattern_ignores_it(work_tree: Path) -> None:
    (work_tree / "a.secrets").write_text("{}")
    subprocess.run(["git", "-C", str(work_tree), "add", "-f", "a.secrets"], check=True)
    with pytest.raises(UsageError, match="unignored"):
        write_secrets(work_tree / "a.secrets", {"password:1": VALUE})
