"""``wstape record`` when the world around it fails: the traffic goes on, and what was lost is told."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from recording import PATIENCE, recording
from upstreams import echo_in_thread, websocket_upstream
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from wstape.cassettes import Direction, Ending, Kind, Message, Session, Target, open_cassette, read_session
from wstape.recorder import Recorder, Settings
from wstape.recorder.exchange import Exchange
from wstape.recorder.frame import FrameReader
from wstape.recorder.head import Rewriting


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with echo_in_thread() as url:
        yield url


def echoed(socket: ClientConnection, data: bytes | str) -> None:
    socket.send(data)
    assert socket.recv() == data


def recorded(path: Path) -> int:
    return sum(isinstance(one, Message) for one in open_cassette(path))


def wait_until_recorded(path: Path, messages: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while recorded(path) < messages:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)], capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no mount")
    if done.returncode:
        pytest.skip("only root may mount a small disk (tmpfs)")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_disk_that_is_full(upstream: str, small_disk: Path) -> None:
    with recording(upstream, small_disk / "a.cassette") as recorder:
        with connect(recorder.url, compression=None) as socket:
            echoed(socket, "before")
            wait_until_recorded(recorder.path, 2)
            for _ in range(20):
                echoed(socket, os.urandom(100_000))
            recorder.wait_for_line("the recording cannot go on, the traffic does: .*no space left on the disk")
            echoed(socket, "after")
        assert recorder.stop() == 3
    assert re.search(r"incomplete: \d+ records lost because the file could not be written", recorder.stderr)
    session = read_session(recorder.path)
    assert not session.complete
    assert session.connections[0].messages[0].text == "before"


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_cassette_that_is_deleted(upstream: str, tmp_path: Path, how: str) -> None:
    path = tmp_path / "a.cassette"
    with recording(upstream, path) as recorder:
        with connect(recorder.url) as socket:
            echoed(socket, "before")
            wait_until_recorded(path, 2)
            if how == "deleted":
                path.unlink()
            else:
                (tmp_path / "new").write_bytes(b"precious")
                (tmp_path / "new").replace(path)
            echoed(socket, "after")
            recorder.wait_for_line("the recording cannot go on, the traffic does: .*deleted or replaced while")
            echoed(socket, "still")
        assert recorder.stop() == 3
    assert path.exists() == (how == "replaced")
    if how == "replaced":
        assert path.read_bytes() == b"precious"


def test_a_cassette_that_is_deleted_when_nothing_more_comes(upstream: str, tmp_path: Path) -> None:
    with recording(upstream, tmp_path / "a.cassette") as recorder:
        recorder.path.unlink()
        assert recorder.stop() == 3
    assert "the recording could not be finished" in recorder.stderr


def test_a_cassette_that_is_moved_is_written_to_where_it_is(upstream: str, tmp_path: Path) -> None:
    with recording(upstream, tmp_path / "a.cassette") as recorder:
        recorder.path.rename(tmp_path / "b.cassette")
        with connect(recorder.url) as socket:
            echoed(socket, "hello")
        assert recorder.stop() == 0
    assert len(read_session(tmp_path / "b.cassette").connections) == 1


def test_a_cassette_that_is_made_unwritable(upstream: str, tmp_path: Path) -> None:
    with recording(upstream, tmp_path / "a.cassette") as recorder:
        recorder.path.chmod(0)
        tmp_path.chmod(0o500)
        with connect(recorder.url) as socket:
            echoed(socket, "hello")
        assert recorder.stop() == 0
    tmp_path.chmod(0o700)
    recorder.path.chmod(0o600)
    assert read_session(recorder.path).complete


SERVER = """
import sys
from websockets.sync.server import serve
def echo(connection):
    for message in connection:
        connection.send(message)
with serve(echo, "127.0.0.1", 0) as server:
    print(server.socket.getsockname()[1], flush=True)
    server.serve_forever()
"""


def test_an_upstream_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        with recording(f"ws://127.0.0.1:{port}", tmp_path / "a.cassette") as recorder:
            with connect(recorder.url) as socket:
                echoed(socket, "before")
                server.kill()
                with pytest.raises(ConnectionClosedError) as caught:
                    socket.recv(PATIENCE)
                assert caught.value.rcvd is None
            server.wait(PATIENCE)  # its port is not free before
            with pytest.raises(InvalidStatus):
                connect(recorder.url)
            recorder.wait_for_line("cannot reach .*connection refused")
            assert recorder.stop() == 0  # it was there once, and all that passed is recorded
    first, second = read_session(recorder.path).connections
    assert first.closed is not None
    assert second.closed is not None
    assert (first.closed.by, second.closed.ending) == (Direction.SERVER, Ending.FAILED)
    assert first.closed.ending in (Ending.EOF, Ending.RESET)


CLIENT = """
import sys
from websockets.sync.client import connect
with connect(sys.argv[1]) as socket:
    while True:
        socket.send("hello")
        socket.recv()
        print("alive", flush=True)
"""


def test_a_client_that_vanishes(upstream: str, tmp_path: Path) -> None:
    with recording(upstream, tmp_path / "a.cassette") as recorder:
        with subprocess.Popen(
            [sys.executable, "-c", CLIENT, recorder.url], stdout=subprocess.PIPE, text=True
        ) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "alive\n"
            client.kill()
        with connect(recorder.url) as socket:
            echoed(socket, "the others go on")
        assert recorder.stop() == 0
    first = read_session(recorder.path).connections[0]
    assert first.closed is not None
    assert first.closed.by is Direction.CLIENT
    assert first.closed.ending in (Ending.EOF, Ending.RESET)


def test_sigterm_while_it_is_busy(upstream: str, tmp_path: Path) -> None:
    with recording(upstream, tmp_path / "a.cassette") as recorder:
        counts = [0] * 4

        def talk(number: int) -> None:
            try:
                with connect(f"{recorder.url}/{number}") as socket:
                    for count in range(1_000_000):
                        echoed(socket, f"message {count}")
                        counts[number] += 1
            except ConnectionClosed:
                return

        talkers = [threading.Thread(target=talk, args=(number,)) for number in range(len(counts))]
        for talker in talkers:
            talker.start()
        deadline = time.monotonic() + PATIENCE
        while min(counts) < 50 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert recorder.stop(signal.SIGTERM) == 0
        for talker in talkers:
            talker.join(PATIENCE)
    session = read_session(recorder.path)
    assert session.complete
    for connection in session.connections:
        number = int(connection.handshake.target[1:])
        answers = [
            one.text for one in connection.messages if one.direction is Direction.SERVER and one.kind is Kind.TEXT
        ]
        assert answers[: counts[number]] == [f"message {count}" for count in range(counts[number])]
        assert connection.closed is not None
        assert connection.closed.ending is Ending.CUT


@pytest.mark.parametrize("what", ["frames", "requests", "responses", "records"])
def test_a_decoder_with_a_bug_costs_the_recording_and_not_the_traffic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """No input is known that does this, so the bug is put in."""

    def fail(*_arguments: object) -> object:
        raise ZeroDivisionError("with a secret")

    place, name = {
        "frames": (FrameReader, "receive_data"),
        "requests": (Rewriting, "apply"),
        "responses": (Exchange, "_read_response"),
        "records": (Exchange, "record"),
    }[what]
    said: list[str] = []

    async def main() -> None:
        async with websocket_upstream() as upstream:
            settings = Settings(target=Target.parse(upstream), output=tmp_path / "a.cassette")
            async with Recorder(settings, said.append) as recorder:
                monkeypatch.setattr(place, name, fail)
                request = urllib.request.Request(recorder.http_url)
                with pytest.raises(urllib.error.HTTPError, match="426"):
                    await asyncio.to_thread(urllib.request.urlopen, request)
                async with connect_async(recorder.url) as socket:
                    for size in (1, 100_000):
                        await socket.send("x" * size)
                        assert await socket.recv() == "x" * size
                monkeypatch.undo()
                async with connect_async(recorder.url) as socket:
                    await socket.send("recorded")
                    await socket.recv()
            assert recorder.summary is not None
            assert not recorder.summary.complete

    asyncio.run(main())
    assert "by its own fault (ZeroDivisionError)" in said[0]
    assert "secret" not in "".join(said)
    session = read_session(tmp_path / "a.cassette")
    assert session.connections[-1].messages[0].text == "recorded"
    assert any(note.lost for note in session.notes)


def test_a_clock_that_is_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own clock is not touched; whoever asks for the time of day gets one that jumps."""
    days = iter(range(1_000_000, 0, -1))
    monkeypatch.setattr(time, "time", lambda: next(days) * 86_400.0)
    monkeypatch.setattr(time, "time_ns", lambda: next(days) * 86_400 * 10**9)

    async def main() -> None:
        async with websocket_upstream() as upstream:
            settings = Settings(target=Target.parse(upstream), output=tmp_path / "a.cassette")
            async with Recorder(settings) as recorder, connect_async(recorder.url) as socket:
                for _ in range(5):
                    await socket.send("x")
                    await socket.recv()

    asyncio.run(main())
    session: Session = read_session(tmp_path / "a.cassette")
    times = [one.at_ns for one in session.connections[0].messages]
    assert times == sorted(times)
    assert times[-1] < PATIENCE * 10**9
