"""Every kind of bad input: one clear line that names the thing, the place and the remedy, and the documented status."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from recording import WSTAPE
from sessions import HEADER, connection, session
from upstreams import unused_port

from wstape.cassettes import CassetteWriter, write_records
from wstape.cassettes.block import encode_preamble
from wstape.cli import run

CONVERSATION = connection(
    (">", {"type": "ask", "password": "{{secret:password:1}}"}),
    ("<", {"type": "answer", "n": 1}),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with files of every kind."""
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "good.cassette", session(CONVERSATION).records())
    data = (tmp_path / "good.cassette").read_bytes()
    torn = CassetteWriter.create(tmp_path / "torn.cassette", HEADER)
    for record in session(CONVERSATION).records()[1:-1]:
        torn.append(record, 0)
    torn.abandon()
    (tmp_path / "headless.cassette").write_bytes(data[:30])
    (tmp_path / "newer.cassette").write_bytes(encode_preamble(0, version=9))
    (tmp_path / "random.cassette").write_bytes(random.Random(7).randbytes(10_000_000))
    (tmp_path / "empty.cassette").write_bytes(b"")
    CassetteWriter.create(tmp_path / "silent.cassette", HEADER).finish(0)
    (tmp_path / "broken.jsonl").write_text('{"record": "header"\n')
    (tmp_path / "text.json").write_text("not JSON")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "newer.json").write_text('{"wstape": "contract", "version": 99}')
    (tmp_path / "folder").mkdir()
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    return tmp_path


UNREADABLE = [
    ("missing.cassette", "no such file"),
    ("folder", "is a folder"),
    ("random.cassette", "byte 0: not a cassette"),
    ("empty.cassette", "the file is empty"),
    ("headless.cassette", "no header|ends inside"),
    ("newer.cassette", "format version 9 .* install a newer wstape"),
    ("broken.jsonl", "line 1: not a record"),
]
COMMANDS: dict[str, Callable[[str], list[str]]] = {
    "show": lambda path: ["show", path],
    "infer": lambda path: ["infer", path, "-o", "out.json"],
    "convert": lambda path: ["convert", path, "out.jsonl"],
    "repair": lambda path: ["repair", path],
    "check": lambda path: ["check", path, "--contract", "good.contract.json"],
    "replay": lambda path: ["replay", path, "--target", "ws://127.0.0.1:9"],
    "diff": lambda path: ["diff", path, "good.cassette"],
}


def assert_one_line(stderr: str, pattern: str) -> None:
    (line,) = stderr.splitlines()
    assert line.startswith("wstape: error: ")
    assert re.search(pattern, line), line
    assert "Traceback" not in stderr


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("path", "pattern"), UNREADABLE)
def test_a_file_that_is_no_cassette(command: str, path: str, pattern: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["infer", "good.cassette", "-o", "good.contract.json"])
    capsys.readouterr()
    assert run(COMMANDS[command](path)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert_one_line(captured.err, pattern)
    assert path in captured.err
    assert not Path("out.json").exists()
    assert not Path("out.jsonl").exists()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["check", "good.cassette"], "Missing option '--contract'"),
        (["check", "good.cassette", "--contract", "text.json"], "text.json: .*not JSON"),
        (["check", "good.cassette", "--contract", "list.json"], "list.json: "),
        (["check", "good.cassette", "--contract", "newer.json"], "newer.json: .*version"),
        (["check", "good.cassette", "--contract", "missing.json"], "missing.json: no such file"),
        (["infer", "silent.cassette"], "no event to learn from"),
        (["infer", "good.cassette", "-o", "text.json"], "text.json: the file exists already.*--force"),
        (["infer", "good.cassette", "-o", "nowhere/out.json"], "nowhere/out.json: no such file or folder"),
        (["infer", "good.cassette", "--envelope", "telegram"], "telegram"),
        (["convert", "good.cassette", "out.zip"], "'.zip' names no format"),
        (["convert", "good.cassette", "torn.cassette"], "torn.cassette: the file exists already.*--force"),
        (["replay", "good.cassette", "--target", "smtp://x"], "must begin with ws://"),
        (
            ["replay", "good.cassette", "--target", "ws://127.0.0.1:9"],
            r"no value for \{\{secret:password:1\}\}.*--secret",
        ),
        (["replay", "good.cassette", "--target", "ws://127.0.0.1:9", "--secret", "password"], "--secret: no '='"),
        (
            ["replay", "good.cassette", "--target", "ws://127.0.0.1:9", "--secret", "password=env:WSTAPE_UNSET"],
            "'WSTAPE_UNSET' is not set",
        ),
        (["replay", "good.cassette", "--target", "ws://127.0.0.1:9", "--secrets", "list.json"], "list.json: "),
        (["replay", "good.cassette", "--target", "ws://127.0.0.1:9", "--header", "nonsense"], "write NAME:VALUE"),
        (["record", "nonsense"], "must begin with ws://"),
        (["record", "ws://127.0.0.1:9", "-o", "good.cassette"], "good.cassette: the file exists already.*--force"),
        (["record", "ws://127.0.0.1:9", "-o", "nowhere/a.cassette"], "nowhere"),
        (["record", "ws://127.0.0.1:9", "--listen", "here"], "not HOST:PORT"),
        (["record", "ws://127.0.0.1:9", "-o", "a.cassette", "--", "no-such-command"], "no-such-command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage(arguments: list[str], pattern: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert_one_line("\n".join(line for line in captured.err.splitlines() if "listening on" not in line), pattern)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.usefixtures("folder")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", "good.cassette", "locked/out.jsonl"]) == 2
    assert_one_line(capsys.readouterr().err, "locked/out.jsonl: permission denied")


@pytest.mark.usefixtures("folder")
def test_a_read_only_place(capsys: pytest.CaptureFixture[str]) -> None:
    """/proc refuses files from everybody, root too."""
    assert run(["convert", "good.cassette", "/proc/out.jsonl"]) == 2
    assert_one_line(capsys.readouterr().err, "/proc/out.jsonl: ")


@pytest.mark.usefixtures("folder")
def test_an_unreachable_target(capsys: pytest.CaptureFixture[str]) -> None:
    port = unused_port()
    status = run(["replay", "good.cassette", "--target", f"ws://127.0.0.1:{port}", "--secret", "password=x"])
    assert status == 3
    assert_one_line(capsys.readouterr().err, f"port {port} \\(connection refused\\); check that it is running")


@pytest.mark.usefixtures("folder")
def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert run(["record", "ws://127.0.0.1:9", "-o", "a.cassette", "--listen", address]) == 2
    assert_one_line(capsys.readouterr().err, f"{address}.*in use")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "torn.cassette"],
        ["infer", "torn.cassette"],
        ["check", "torn.cassette", "--contract", "good.contract.json"],
        ["diff", "torn.cassette", "good.cassette"],
        ["convert", "torn.cassette", "out.jsonl"],
    ],
    ids=lambda value: value[0],
)
def test_a_torn_cassette_is_read_and_said_to_be_incomplete(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run(["infer", "good.cassette", "-o", "good.contract.json"])
    capsys.readouterr()
    assert run(arguments) == 3
    captured = capsys.readouterr()
    assert "wstape: warning: torn.cassette is incomplete" in captured.err
    assert captured.out or Path("out.jsonl").exists()


@pytest.mark.usefixtures("folder")
def test_json_is_one_document_even_with_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    run(["infer", "good.cassette", "-o", "good.contract.json"])
    capsys.readouterr()
    assert run(["check", "torn.cassette", "--contract", "good.contract.json", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["summary"]["complete"] is False


@pytest.mark.parametrize("more", [[], ["good.cassette", "--jobs", "2"]], ids=["one", "two at once"])
@pytest.mark.usefixtures("folder")
def test_ctrl_c_during_a_replay(more: list[str]) -> None:
    """A server that accepts and never answers: the replay waits, Ctrl-C ends it in one line."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.Popen(
            [
                *(*WSTAPE, "replay", "good.cassette", *more, "--secret", "password=x"),
                *("--target", f"ws://127.0.0.1:{silent.getsockname()[1]}"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        accepted, _ = silent.accept()
        assert accepted.recv(100)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=20)
        accepted.close()
    assert process.returncode == 3
    assert_one_line(stderr, "interrupted")
