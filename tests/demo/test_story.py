"""``wstape demo`` as a user runs it."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from demo_run import ENVIRONMENT, demo_run

from wstape.cassettes import UsageError, read_session
from wstape.cli import run, wstape
from wstape.contracts import Contract
from wstape.demo.build import REGRESSIONS
from wstape.demo.story import FILES, Story, prepare

PATIENCE_S = 60.0


def ports(lines: tuple[str, ...] | list[str]) -> list[int]:
    """The ports of all services that were started."""
    return [int(found[1]) for line in lines if (found := re.search(r"demo\.service --port (\d+)", line))]


def is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def test_the_story_goes_as_told() -> None:
    told = demo_run()
    assert told.status == 0, "\n".join(told.lines)
    assert told.errors == ""
    assert "This is not how the story goes:" not in told.lines


def test_the_same_build_raises_no_alarm() -> None:
    chapter = demo_run().chapter(3)
    assert any(line.startswith("  COMPATIBLE") for line in chapter)
    assert not [line for line in chapter if re.match(r"  (breaking|warning|BREAKING)\b", line)]


@pytest.mark.parametrize("regression", REGRESSIONS, ids=lambda regression: regression.finding)
def test_each_planted_regression_is_named_once(regression: object) -> None:
    assert regression in REGRESSIONS
    (index,) = [number for number, one in enumerate(REGRESSIONS) if one is regression]
    planted = REGRESSIONS[index]
    chapter = demo_run().chapter(4)
    assert sum(planted.words in line for line in chapter) == 1
    breaking = [line for line in chapter if line.startswith("  breaking")]
    assert sum(planted.finding in line and planted.label in line for line in breaking) == 1


def test_nothing_but_the_planted_regressions_breaks() -> None:
    breaking = [line for line in demo_run().chapter(4) if line.startswith("  breaking")]
    assert len(breaking) == len(REGRESSIONS) == 3


def test_the_files_are_where_it_says() -> None:
    told = demo_run()
    assert any(str(told.folder) in line for line in told.lines[-8:])
    for name in FILES:
        assert (told.folder / name).is_file()
        assert any(line.startswith(f"  {name} ") for line in told.lines[-8:])
    assert stat.S_IMODE((told.folder / "chat.secrets").stat().st_mode) == 0o600
    session = read_session(told.folder / "chat.cassette")
    assert session.complete
    assert len(session.connections) == 4
    assert "server:tool_completed" in Contract.load(told.folder / "chat.contract.json").events


def test_no_password_and_no_token_is_in_the_cassette() -> None:
    told = demo_run()
    session = read_session(told.folder / "chat.cassette")
    payloads = b"".join(message.payload for connection in session.connections for message in connection.messages)
    assert b"{{secret:password:2}}" in payloads
    assert b"{{secret:access_token:4}}" in payloads
    assert b"seven-quiet-owls" not in payloads


def test_no_service_is_left_running() -> None:
    found = ports(demo_run().lines)
    assert len(found) == 3
    assert not [port for port in found if is_open(port)]


@pytest.mark.slow
def test_the_commands_can_be_typed_again(tmp_path: Path) -> None:
    """In an empty folder, by a shell; only the waiting for a service to accept is added."""
    told = demo_run()
    lines = ["set -u"]
    expected: list[int] = []
    for command in told.commands[1:]:
        lines.append(command)
        if command.endswith("&"):
            (port,) = ports([command])
            lines.append(f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done")
        else:
            lines.append('echo "status $?"')
            expected.append(1 if "broken.cassette" in command else 0)
    script = "\n".join(["trap 'kill $(jobs -p)' EXIT", *lines])
    result = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=110, check=False
    )
    assert re.findall(r"^status (\d+)$", result.stdout, re.MULTILINE) == list(map(str, expected)), result.stderr
    assert expected == [0, 0, 0, 1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interruption_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        ["wstape", "demo", "--dir", str(tmp_path / "demo")],
        env={**ENVIRONMENT, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "wstape record" in line:
                break
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 3
        assert process.stderr.read().strip().startswith("wstape: error: interrupted")
    (port,) = ports(lines)
    until = time.monotonic() + PATIENCE_S
    while is_open(port):
        assert time.monotonic() < until, "the service still accepts"


def test_a_story_that_goes_otherwise_says_so(tmp_path: Path) -> None:
    (tmp_path / "chat.cassette").write_bytes(b"in the way")
    lines: list[str] = []
    differences = Story(tmp_path, lines.append).tell()
    assert differences == ("recording ended with exit status 2 instead of 0",)
    assert f"- {differences[0]}" in lines
    assert not [line for line in lines if "three named" in line]


def test_files_of_an_earlier_run_are_kept(tmp_path: Path) -> None:
    (tmp_path / "chat.contract.json").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r"chat\.contract\.json.*--force"):
        prepare(tmp_path)
    assert CliRunner().invoke(wstape, ["demo", "--dir", str(tmp_path)]).exit_code != 0
    assert run(["demo", "--dir", str(tmp_path)]) == 2
    assert (tmp_path / "chat.contract.json").read_text(encoding="utf-8") == "mine"


def test_force_clears_the_files_of_an_earlier_run_and_no_others(tmp_path: Path) -> None:
    for name in (*FILES, "other.txt"):
        (tmp_path / name).write_text("old", encoding="utf-8")
    assert prepare(tmp_path, force=True) == tmp_path.resolve()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "other.txt"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert run(["demo", "--dir", str(tmp_path / "file" / "below")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("wstape: error: ")


def test_the_secrets_may_lie_in_a_git_work_tree(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    folder = prepare(tmp_path / "demo")
    assert subprocess.run(["git", "-C", str(folder), "check-ignore", "-q", "chat.secrets"], check=False).returncode == 0


def test_a_folder_of_its_own_is_fresh() -> None:
    one, two = prepare(None), prepare(None)
    try:
        assert one != two
        assert one.name.startswith("wstape-demo-")
        assert not list(one.iterdir())
    finally:
        one.rmdir()
        two.rmdir()
