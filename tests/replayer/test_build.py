"""The build under test as a process: started, waited for, stopped."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from recording import WSTAPE
from sessions import connection, session
from upstreams import answering_in_thread, unused_port

from wstape.cassettes import Target, UnreachableError, UsageError, write_records
from wstape.cli import run
from wstape.replayer import BuildDiedError, running_build

SERVICE = """
import json, sys, time
from websockets.sync.server import serve

def handler(ws):
    for text in ws:
        if sys.argv[2] == "dies":
            print("out of luck", flush=True)
            import os
            os._exit(7)
        if sys.argv[2] == "silent":
            print(file=open("asked", "w"))
            continue
        ws.send(json.dumps({"type": "answer", "n": sys.argv[2] if sys.argv[2] == "broken" else 1}))

time.sleep(0.3)  # a build takes its time to start
serve(handler, "127.0.0.1", int(sys.argv[1])).serve_forever()
"""


@pytest.fixture
def service(tmp_path: Path) -> Path:
    script = tmp_path / "service.py"
    script.write_text(SERVICE)
    said: list[tuple[str, object]] = [(">", {"type": "ask"}), ("<", {"type": "answer", "n": 1})] * 5
    write_records(
        tmp_path / "a.cassette", session(*(connection(*said, number=number) for number in (1, 2, 3))).records()
    )
    return script


def replayed(service: Path, variant: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    port = unused_port()
    command = f"{sys.executable} '{service}' {port} {variant}"
    status = run(
        [
            "replay",
            str(service.parent / "a.cassette"),
            "--target",
            f"ws://127.0.0.1:{port}",
            "--exec",
            command,
            "--json",
        ]
    )
    captured = capsys.readouterr()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0  # it was stopped
    return status, captured.out, captured.err


def test_a_build_is_started_judged_and_stopped(service: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = replayed(service, "good", capsys)
    assert (status, json.loads(out)["verdict"]) == (0, "compatible")
    status, out, _ = replayed(service, "broken", capsys)
    assert (status, json.loads(out)["verdict"]) == (1, "breaking")


def test_a_build_that_dies_is_no_finding(service: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = replayed(service, "dies", capsys)
    assert (status, out) == (3, "")
    assert "out of luck" in err.splitlines()
    assert "the build ended with exit status 7 while " in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_build_does_not_outlive_a_replay_that_is_ended(service: Path, tmp_path: Path, number: signal.Signals) -> None:
    port = unused_port()
    process = subprocess.Popen(
        [
            *(*WSTAPE, "replay", "a.cassette", "--target", f"ws://127.0.0.1:{port}"),
            *("--exec", f"{sys.executable} service.py {port} silent"),
        ],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (tmp_path / "asked").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr.splitlines()[-1]) == (3, "wstape: error: interrupted; nothing was decided")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_build_that_never_gets_there() -> None:
    target = Target.parse(f"ws://127.0.0.1:{unused_port()}")
    with (
        pytest.raises(BuildDiedError, match="ended with exit status 3 before it accepted connections") as died,
        running_build(f"{sys.executable} -c 'print(\"no config\"); raise SystemExit(3)'", target),
    ):
        pass
    assert died.value.output == "no config\n"
    with (
        pytest.raises(UnreachableError, match="nobody accepts connections"),
        running_build(f"{sys.executable} -c 'import time; time.sleep(60)'", target, patience=0.3),
    ):
        pass


@pytest.mark.parametrize(
    ("command", "problem"),
    [("", "the command is empty"), ("'unclosed", "no closing quotation"), ("no-such-program --x", "cannot be run")],
)
def test_a_command_that_cannot_be_run(command: str, problem: str) -> None:
    target = Target.parse(f"ws://127.0.0.1:{unused_port()}")
    with pytest.raises(UsageError, match=problem), running_build(command, target):
        pass


def test_a_target_where_somebody_answers_already() -> None:
    with (
        answering_in_thread({}) as uri,
        pytest.raises(UsageError, match="somebody answers there already"),
        running_build("true", Target.parse(uri)),
    ):
        pass


@pytest.mark.slow
def test_git_bisect_finds_the_commit_and_skips_what_cannot_be_tested(service: Path, tmp_path: Path) -> None:
    """A repository of eight builds: the third does not start, the sixth broke the service."""
    repository = tmp_path / "repository"
    repository.mkdir()

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=repository, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    for number in range(1, 9):
        variant = "broken" if number >= 6 else "good"
        source = "raise SystemExit('does not start')" if number == 3 else SERVICE.replace("sys.argv[2]", f"{variant!r}")
        (repository / "service.py").write_text(f"# build {number}\n{source}")
        git("add", "service.py")
        git("commit", "-q", "-m", f"build {number}")
    git("bisect", "start", "HEAD", "HEAD~7")
    port = unused_port()
    replay = [
        *(*WSTAPE, "replay", str(tmp_path / "a.cassette"), "--bisect"),
        *("--target", f"ws://127.0.0.1:{port}", "--exec", f"{sys.executable} service.py {port}"),
    ]
    said = git("bisect", "run", *replay)
    assert "is the first bad commit" in said
    assert git("log", "-1", "--format=%s", "refs/bisect/bad").strip() == "build 6"


def test_what_cannot_be_tested_is_skipped(capsys: pytest.CaptureFixture[str], service: Path) -> None:
    arguments = ["replay", str(service.parent / "a.cassette"), "--target", f"ws://127.0.0.1:{unused_port()}"]
    assert run(arguments) == 3
    assert run([*arguments, "--bisect"]) == 125
    assert "wstape: warning: skipped: " in capsys.readouterr().err
