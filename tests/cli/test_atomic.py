"""Commands that rewrite a file: killed or out of disk in the middle, they leave the old one whole."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from recording import PATIENCE, WSTAPE
from sample_cassette import HEADER

from wstape.cassettes import CassetteWriter, Direction, Handshake, Kind, Message, Opened

COMMANDS = {
    "scrub": ["scrub", "a.cassette"],
    "repair": ["repair", "a.cassette"],
    "convert": ["convert", "a.cassette", "b.jsonl", "--force"],
    "convert to blocks": ["convert", "a.cassette", "b.cassette", "--force"],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An unfinished recording of 6 MB with a secret at its end, and files that stand where a copy would go."""
    path = tmp_path / "a.cassette"
    shake = Handshake(target="/", request_headers=(), status=101, reason="", response_headers=())
    writer = CassetteWriter.create(path, HEADER)
    writer.append(Opened(connection=1, handshake=shake, at_ns=0), 0)
    noise = os.urandom(1 << 16)
    for number in range(100):
        payload = noise[number:] + noise[:number]
        writer.append(
            Message(connection=1, direction=Direction.SERVER, kind=Kind.BINARY, payload=payload, at_ns=number), 0
        )
    secret = Message(
        connection=1, direction=Direction.SERVER, kind=Kind.TEXT, payload=b'{"password":"tk9-Zq4Lw7"}', at_ns=9
    )
    writer.append(secret, 0)
    writer.abandon()
    (tmp_path / "b.jsonl").write_text("old")
    (tmp_path / "b.cassette").write_text("old")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """All files but temporary ones, which begin with a dot."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def started(folder: Path, command: str, preexec: Callable[[], object] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*WSTAPE, *COMMANDS[command]], cwd=folder, stderr=subprocess.PIPE, text=True, preexec_fn=preexec
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_killed_in_the_middle(folder: Path, command: str) -> None:
    before = contents(folder)
    with started(folder, command) as process:
        deadline = time.monotonic() + PATIENCE
        while not any(path.stat().st_size for path in folder.glob(".*")):
            assert process.poll() is None, "it was over before it could be killed"
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert contents(folder) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_disk_that_is_full_in_the_middle(folder: Path, command: str) -> None:
    before = contents(folder)
    limit = 1 << 20
    with started(folder, command, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) as process:
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    named = COMMANDS[command][2 if command.startswith("convert") else 1]
    assert f"wstape: error: {named}: the file is at the size limit; " in errors
    assert "Traceback" not in errors
    assert contents(folder) == before
    assert not list(folder.glob(".*"))
