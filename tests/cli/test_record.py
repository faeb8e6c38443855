"""``wstape record`` as a process: signals, commands, files that fail, and what it says."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from recording import PATIENCE, WSTAPE, recording
from upstreams import echo_in_thread, unused_port
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from wstape.cassettes import Ending, Kind, Message, open_cassette, read_session
from wstape.recorder.command import STOP_SIGNALS


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with echo_in_thread() as url:
        yield url


def record(*arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Run ``wstape record`` to its end; return its exit status and standard error."""
    done = subprocess.run(
        [*WSTAPE, "record", *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.returncode, done.stderr


def wait_for_messages(path: Path, number: int) -> None:
    """Wait until the file holds that many messages, while it is being written."""
    deadline = time.monotonic() + PATIENCE
    while sum(isinstance(one, Message) for one in open_cassette(path)) < number:
        assert time.monotonic() < deadline, "nothing was flushed although nothing more came"
        time.sleep(0.02)


CLIENT = """
import os, sys, urllib.parse
from websockets.sync.client import connect
assert urllib.parse.urlsplit(os.environ["WSTAPE_HTTP_URL"]).scheme == "http"
assert os.environ["WSTAPE_URL"].endswith("/ws"), os.environ["WSTAPE_URL"]
with connect(os.environ["WSTAPE_URL"]) as socket:
    for text in sys.argv[2:]:
        socket.send(text)
        assert socket.recv() == text
sys.exit(int(sys.argv[1]))
"""


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_ends_the_recording_with_a_finished_file(
    upstream: str, tmp_path: Path, number: signal.Signals
) -> None:
    with recording(upstream, tmp_path / "a.cassette", "--note", "build=7", "--note", "who=me") as recorder:
        with connect(recorder.url) as first:
            first.send("one")
            assert first.recv() == "one"
        with connect(recorder.url) as still_open:
            still_open.send("two")
            assert still_open.recv() == "two"
            assert recorder.stop(number) == 0
            with pytest.raises(ConnectionClosed):
                still_open.recv()
    lines = recorder.stderr.splitlines()
    assert re.fullmatch(r"listening on ws://127\.0\.0\.1:\d+", lines[0])
    assert lines[1:] == [f"recorded 2 connections, 6 messages to {tmp_path / 'a.cassette'}"]
    session = read_session(recorder.path)
    assert session.complete
    assert [one.closed.ending for one in session.connections if one.closed] == [Ending.CLEAN, Ending.CUT]
    assert session.header.notes == {"build": "7", "who": "me"}
    assert session.header.target == upstream
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", session.header.created)


def test_kill_9_in_the_middle_of_traffic_leaves_what_is_older_than_the_flush_interval(
    upstream: str, tmp_path: Path
) -> None:
    with recording(upstream, tmp_path / "a.cassette") as recorder:
        echoed: list[tuple[float, int]] = []

        def talk() -> None:
            with connect(recorder.url) as socket:
                try:
                    for number in range(1_000_000):
                        socket.send(f"message {number}")
                        socket.recv()
                        echoed.append((time.monotonic(), number))
                except ConnectionClosed:
                    pass

        talker = threading.Thread(target=talk)
        talker.start()
        deadline = time.monotonic() + PATIENCE
        while (not echoed or time.monotonic() - echoed[0][0] < 1) and time.monotonic() < deadline:
            time.sleep(0.01)
        killed_at = time.monotonic()
        assert recorder.stop(signal.SIGKILL) == -signal.SIGKILL
        talker.join(PATIENCE)
    reader = open_cassette(recorder.path)
    texts = [one.text for one in reader if isinstance(one, Message) and one.kind is Kind.TEXT]
    assert not reader.complete
    # 0.2 s is promised; the rest is for a machine that is busy with other tests.
    old_enough = max(number for at, number in echoed if at < killed_at - 0.5)
    assert old_enough > 0
    assert texts[: 2 * old_enough] == [f"message {number}" for number in range(old_enough) for _ in "ab"]


def test_an_idle_connection_is_flushed_by_the_timer(upstream: str, tmp_path: Path) -> None:
    with recording(upstream, tmp_path / "a.cassette") as recorder, connect(recorder.url) as socket:
        socket.send("the only one")
        socket.recv()
        wait_for_messages(recorder.path, 2)
        socket.close()


def test_a_command_is_run_and_ends_the_recording(upstream: str, tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    status, said = record(upstream + "/ws", "-o", str(path), "--", sys.executable, "-c", CLIENT, "0", "hello", "you")
    assert status == 0
    assert said.splitlines()[-1] == f"recorded 1 connection, 6 messages to {path}"
    session = read_session(path)
    (connection,) = session.connections
    assert session.complete
    assert connection.handshake.target == "/ws"
    assert connection.closed is not None
    assert connection.closed.ending is Ending.CLEAN  # not cut: the last bytes were waited for
    assert [one.text for one in connection.messages[:4]] == ["hello", "hello", "you", "you"]


def test_a_command_that_fails_makes_the_recording_incomplete(upstream: str, tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    status, said = record(upstream + "/ws", "-o", str(path), "--", sys.executable, "-c", CLIENT, "7", "hello")
    assert status == 3
    assert said.splitlines()[-1] == "wstape: warning: incomplete: the command ended with exit status 7"
    assert len(read_session(path).connections) == 1


def test_a_command_that_never_connects_is_told(upstream: str, tmp_path: Path) -> None:
    status, said = record(upstream, "-o", str(tmp_path / "a.cassette"), "--", sys.executable, "-c", "pass")
    assert status == 3
    assert "never connected" in said


@pytest.mark.parametrize("what", ["nowhere", "not-executable"])
def test_a_command_that_cannot_be_run(upstream: str, tmp_path: Path, what: str) -> None:
    (tmp_path / "not-executable").write_text("x")
    path = tmp_path / "a.cassette"
    status, said = record(upstream, "-o", str(path), "--", str(tmp_path / what))
    assert status == 2
    assert re.fullmatch(r"wstape: error: command '.*' is not found or cannot be run\n", said)
    assert not path.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_passed_on_to_the_command(upstream: str, tmp_path: Path, number: signal.Signals) -> None:
    script = (
        "import signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: (print('got it', file=sys.stderr, flush=True), sys.exit(0)))\n"
        "print('ready', file=sys.stderr, flush=True)\n"
        "time.sleep(60)"
    )
    with recording(upstream, tmp_path / "a.cassette", "--", sys.executable, "-c", script) as recorder:
        recorder.wait_for_line("ready")
        assert recorder.stop(number) == 3  # it never connected
        recorder.wait_for_line("got it")
    assert read_session(recorder.path).complete


def test_a_command_that_dies_of_a_signal_is_named(upstream: str, tmp_path: Path) -> None:
    script = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    status, said = record(upstream, "-o", str(tmp_path / "a.cassette"), "--", sys.executable, "-c", script)
    assert status == 3
    assert "ended with signal SIGKILL" in said


def test_a_target_that_is_down_is_status_3(tmp_path: Path) -> None:
    with recording(f"ws://127.0.0.1:{unused_port()}", tmp_path / "a.cassette") as recorder:
        for _ in range(2):
            with pytest.raises(InvalidStatus) as caught:
                connect(recorder.url)
            assert caught.value.response.status_code == 502
        assert recorder.stop() == 3
    lines = recorder.stderr.splitlines()
    assert [("cannot reach" in line) for line in lines] == [False, True, True, False, True]
    assert lines[-1].startswith("wstape: warning: incomplete: no connection to the target ever succeeded")


def test_nothing_to_record_is_no_failure(upstream: str, tmp_path: Path) -> None:
    with recording(upstream, tmp_path / "a.cassette") as recorder:
        assert recorder.stop() == 0
    assert "recorded 0 connections, 0 messages" in recorder.stderr


def test_a_full_disk_does_not_stop_the_traffic(upstream: str, tmp_path: Path) -> None:
    limit = 100_000

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails with EFBIG, as a full disk does with ENOSPC
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    with recording(upstream, tmp_path / "a.cassette", preexec=small_files) as recorder:
        with connect(recorder.url, compression=None) as socket:
            socket.send("before")
            socket.recv()
            wait_for_messages(recorder.path, 2)
            for number in range(20):
                data = os.urandom(50_000)
                socket.send(data)
                assert socket.recv() == data, number
        recorder.wait_for_line("the recording cannot go on, the traffic does: .*the file is at the size limit")
        assert recorder.stop() == 3
    assert re.search(r"incomplete: \d+ records lost", recorder.stderr)
    assert recorder.stderr.count("the recording cannot go on, the traffic does") == 2  # at once, and at the end
    session = read_session(recorder.path)
    assert not session.complete
    assert session.connections[0].messages[0].text == "before"


def test_the_default_name_is_made_of_host_and_time(upstream: str, tmp_path: Path) -> None:
    status, said = record(upstream + "/ws", "--", sys.executable, "-c", CLIENT, "0", "x", cwd=tmp_path)
    assert status == 0, said
    (path,) = (tmp_path / "cassettes").iterdir()
    assert re.fullmatch(r"127\.0\.0\.1-\d{8}T\d{6}Z\.cassette", path.name)
    assert said.endswith(f"recorded 1 connection, 4 messages to cassettes/{path.name}\n")


def test_secrets_are_redacted_unless_told_otherwise(upstream: str, tmp_path: Path) -> None:
    path, kept = tmp_path / "a.cassette", tmp_path / "a.secrets"
    text = '{"password": "correct horse"}'
    command = ("--", sys.executable, "-c", CLIENT, "0", text)
    assert record(upstream + "/ws", "-o", str(path), "--keep-secrets", str(kept), *command)[0] == 0
    assert "correct horse" not in repr(read_session(path))
    assert "correct horse" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    status, said = record(upstream + "/ws", "-o", str(path), "--force", "--no-redact", *command)
    assert status == 0
    assert "wstape: warning: redaction is off" in said
    assert read_session(path).connections[0].messages[0].text == text


def test_warnings_about_the_outside_world(upstream: str, tmp_path: Path) -> None:
    tls = upstream.replace("ws://", "wss://")
    with recording(tls, tmp_path / "a.cassette", "--listen", "0.0.0.0:0", "--insecure") as recorder:
        assert recorder.stop() == 0
    assert "not a loopback address" in recorder.stderr
    assert "certificate is not checked" in recorder.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ftp://x"], "must begin with ws://"),
        (["ws://x", "--listen", "nonsense"], "HOST:PORT"),
        (["ws://x", "--listen", "127.0.0.1:{taken}"], "port is in use"),
        (["ws://x", "--note", "nonsense"], "KEY=VALUE"),
        (["ws://x", "-o", "{tmp}/there.cassette"], "--force"),
        (["ws://x", "-o", "{tmp}/no/folder/a.cassette"], "no such file or folder"),
        (["ws://x", "-o", "{tmp}/there.cassette/a.cassette"], "not a folder"),
        (["ws://x", "-o", "{tmp}/a.jsonl"], "wstape convert"),
        (["wss://x", "-o", "{tmp}/a.cassette", "--ca", "{tmp}/none.pem"], "no such file"),
        (["wss://x", "-o", "{tmp}/a.cassette", "--ca", "{tmp}/there.cassette"], "no PEM certificate"),
        (["ws://x", "-o", "{tmp}/a.cassette", "--no-redact", "--keep-secrets", "{tmp}/s"], "nothing to keep"),
        (["ws://x", "-o", "{tmp}/a.cassette", "--keep-secrets", "{tmp}/no/folder/s"], "no such file or folder"),
        (["ws://x", "-o", "{tmp}/a.cassette", "--keep-secrets", "{tmp}/there.cassette"], "--force"),
        (["ws://x", "--nonsense"], "--nonsense"),
        ([], "TARGET"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "there.cassette").write_bytes(b"precious")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        fill = {"tmp": tmp_path, "taken": taken.getsockname()[1]}
        status, said = record(*(argument.format(**fill) for argument in arguments), cwd=tmp_path)
    assert status == 2
    assert re.fullmatch(r"wstape: error: [^\n]+\n", said), said
    assert words in said
    assert (tmp_path / "there.cassette").read_bytes() == b"precious"
    assert [one for one in tmp_path.rglob("*.cassette") if one.name != "there.cassette"] == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    status, said = record("ws://x", "-o", str(tmp_path / "locked" / "a.cassette"))
    assert status == 2
    assert "permission denied" in said


def test_help_shows_an_example_and_the_exit_status() -> None:
    done = subprocess.run([*WSTAPE, "record", "--help"], capture_output=True, text=True, check=True)
    assert "Example:" in done.stdout
    assert "Exit status:" in done.stdout


def test_the_asyncio_layer_of_websockets_is_not_imported() -> None:
    script = (
        "import sys, wstape.recorder; print([name for name in sys.modules if name.startswith('websockets.asyncio')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
