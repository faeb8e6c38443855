"""``wstape record`` for a long time: several cassettes, choices, limits, and what is said meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pty
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from recording import PATIENCE, WSTAPE, Recording, recording
from upstreams import echo_in_thread, unused_port
from websockets.http11 import Request, Response
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from wstape.cassettes import (
    CassetteWriter,
    Direction,
    Ending,
    Handshake,
    Header,
    Kind,
    Message,
    Note,
    Opened,
    Session,
    Target,
    open_cassette,
    read_session,
)
from wstape.cassettes.blockqueue import ROOM
from wstape.recorder import Recorder, Rotation, Selection, Settings
from wstape.recorder.rotation import RotatingWriter
from wstape.recorder.writer import ClippingWriter


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with echo_in_thread() as url:
        yield url


def parts(path: Path) -> list[Path]:
    """The cassettes of one recording, in order."""
    more = path.parent.glob(f"{path.stem}.*{path.suffix}")
    return [path, *sorted(more, key=lambda one: int(one.suffixes[-2][1:]))]


def joined(path: Path) -> list[Session]:
    sessions: list[Session] = []
    for part in parts(path):
        reader = open_cassette(part)
        sessions.append(Session.gather(reader))
        assert reader.complete, part
    return sessions


def test_a_connection_goes_on_in_new_cassettes(upstream: str, tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    (tmp_path / "a.3.cassette").write_bytes(b"precious")
    sent: list[bytes] = []
    with recording(upstream, path, "--rotate-size", "100K", "--note", "build=7") as recorder:
        with connect(recorder.url + "/one", compression=None) as one, connect(recorder.url + "/two") as two:
            two.send("hello")
            assert two.recv() == "hello"
            for begun in ("a.2.cassette", "a.4.cassette", "a.5.cassette"):
                # How soon what was sent is written is the disk's affair.
                while not (tmp_path / begun).exists():
                    sent.append(os.urandom(20_000))
                    one.send(sent[-1])
                    assert one.recv() == sent[-1]
                two.close()
        assert recorder.stop() == 0
    assert (tmp_path / "a.3.cassette").read_bytes() == b"precious"
    (tmp_path / "a.3.cassette").unlink()
    sessions = joined(path)
    assert len(sessions) > 3
    assert re.search(
        rf"recorded 2 connections, {2 * len(sent) + 6} messages to {path} … \S+ \({len(sessions)} cassettes\)",
        recorder.stderr,
    )
    received: list[bytes] = []
    last_ns = 0
    for number, session in enumerate(sessions):
        (connection,) = [one for one in session.connections if one.handshake.target == "/one"]
        assert connection.number == sessions[0].connections[0].number
        assert connection.opened_ns == sessions[0].connections[0].opened_ns
        received += [one.payload for one in connection.messages if one.kind is Kind.BINARY]
        assert connection.closed is not None
        assert connection.closed.ending is (Ending.CUT if number < len(sessions) - 1 else Ending.CLEAN)
        times = [one.at_ns for one in connection.messages]
        assert times == sorted(times)
        assert times[0] > last_ns
        last_ns = times[-1]
        assert session.header.notes["build"] == "7"
        lost = [note.text for note in session.notes if note.lost and note.connection == connection.number]
        if number:
            before = parts(path)[number - 1].name
            assert session.header.notes["continues"] == before
            assert lost == [f"connection {connection.number} was open already: its beginning is in {before}"]
        else:
            assert lost == []
    assert received == [data for data in sent for _ in "ab"]
    assert len(sessions[-1].connections) == 1  # the other one had ended
    assert sum(part.stat().st_size for part in parts(path)) > 20_000 * len(sent)
    assert max(part.stat().st_size for part in parts(path)) < 100_000 + 2 * ROOM  # that much may wait to be written


def test_a_new_cassette_after_a_time_and_none_while_nothing_happens(tmp_path: Path) -> None:
    said: list[str] = []
    header = Header(target="ws://x", created="2026-01-31T12:00:00Z", wstape="1")
    writer = RotatingWriter(tmp_path / "a.cassette", header, Rotation(seconds=10), said.append, CassetteWriter.create)
    second = 10**9

    def message(at: float) -> Message:
        return Message(connection=1, direction=Direction.CLIENT, kind=Kind.TEXT, payload=b"x", at_ns=int(at * second))

    handshake = Handshake(target="/", request_headers=(), status=101, reason="", response_headers=())
    writer.append(Opened(connection=1, handshake=handshake, at_ns=0), 0)
    for at in (1, 9.9, 95):
        writer.append(message(at), int(at * second))
    writer.append(Note(text="of it", at_ns=106 * second), 106 * second)
    writer.append_messages(1, Direction.CLIENT, Kind.TEXT, [b"y", b"z"], 107 * second, 107 * second)
    writer.finish(120 * second)
    sessions = joined(tmp_path / "a.cassette")
    contents = [[one.payload for one in session.connections[0].messages] for session in sessions]
    assert contents == [[b"x", b"x"], [b"x"], [b"y", b"z"]]
    assert [note.text for note in sessions[1].notes if not note.lost] == [
        "of it",
        "the recording goes on in a.3.cassette",
    ]
    assert (writer.connections, writer.messages, writer.lost) == (1, 5, 0)
    assert said == []


def test_a_folder_that_is_gone_keeps_the_recording_in_its_last_cassette(upstream: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with recording(upstream, tmp_path / "in" / "a.cassette", "--rotate-size", "10K") as recorder:
        (tmp_path / "in").rename(tmp_path / "out")
        with connect(recorder.url, compression=None) as socket:
            for _ in range(30):
                socket.send(data := os.urandom(20_000))
                assert socket.recv() == data
        assert recorder.stop() == 3
    assert recorder.stderr.count("no new cassette can be begun, the recording goes on in") == 2
    (session,) = joined(tmp_path / "out" / "a.cassette")
    assert len(session.connections[0].messages) == 62


def test_only_what_was_chosen_is_recorded_and_everything_passes(tmp_path: Path) -> None:
    async def main() -> None:
        async def socket(request: web.Request) -> web.WebSocketResponse:
            response = web.WebSocketResponse()
            await response.prepare(request)
            await response.send_str(await response_text(response))
            return response

        async def response_text(response: web.WebSocketResponse) -> str:
            return (await response.receive_str()).upper()

        async def page(_request: web.Request) -> web.Response:
            return web.Response(text="page")

        app = web.Application()
        app.router.add_get("/ws/{name}", socket)
        app.router.add_get("/{name}", page)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        target = Target.parse("http://{}:{}".format(*runner.addresses[0][:2]))
        selections = {
            "all": Selection(),
            "one": Selection(only=("/ws/o*",)),
            "no http": Selection(http=False),
            "first": Selection(connections=1, http=False),
        }
        for name, selection in selections.items():
            settings = Settings(target=target, output=tmp_path / f"{name}.cassette", selection=selection)
            async with Recorder(settings) as recorder:
                for path in ("/page", "/ws/one", "/nothing/here", "/ws/two"):
                    await asyncio.to_thread(visit, recorder, path)
                await asyncio.sleep(0)
                assert recorder.finished.is_set() == (name == "first")
        await runner.cleanup()

    def visit(recorder: Recorder, path: str) -> None:
        if path.startswith("/ws"):
            with connect(f"ws://{recorder.address}{path}") as socket:
                socket.send("hello")
                assert socket.recv() == "HELLO"
        else:
            done = subprocess.run(
                [sys.executable, "-c", f"import urllib.request as u; u.urlopen('{recorder.http_url}{path}')"],
                capture_output=True,
            )
            assert (done.returncode == 0) == (path == "/page")

    asyncio.run(main())

    def seen(name: str) -> tuple[list[str], list[str]]:
        session = read_session(tmp_path / f"{name}.cassette")
        assert session.complete
        assert [one.number for one in session.connections] == list(range(1, len(session.connections) + 1))
        assert all(len(one.messages) == 4 for one in session.connections)
        return [one.handshake.target for one in session.connections], [one.target for one in session.exchanges]

    assert seen("all") == (["/ws/one", "/ws/two"], ["/page", "/nothing/here"])
    assert seen("one") == (["/ws/one"], [])
    assert seen("no http") == (["/ws/one", "/ws/two"], [])
    assert seen("first") == (["/ws/one"], [])


def test_options_choose_what_is_recorded_and_what_is_rewritten(tmp_path: Path) -> None:
    target = ""

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        if request.path != "/away":
            return None
        response = connection.respond(302, "")
        response.headers["Location"] = f"{target}/there"
        response.headers["X-Host"] = request.headers["Host"]
        return response

    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    with serve(echo, "127.0.0.1", 0, process_request=answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        target = "http://127.0.0.1:{}".format(*server.socket.getsockname()[1:])
        options = ("--only", "/a*", "--only", "/b", "--skip-http", "--no-rewrite", "--preserve-host")
        with recording(target, tmp_path / "a.cassette", *options) as recorder:
            with socket_to(recorder) as away:
                fields = f"Host: {recorder.address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                fields += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                away.sendall(f"GET /away HTTP/1.1\r\n{fields}\r\n".encode())
                head = b"".join(iter(lambda: away.recv(4096), b""))
                assert f"\r\nLocation: {target}/there\r\n".encode() in head
                assert f"\r\nX-Host: {recorder.address}\r\n".encode() in head
            for path in ("/b", "/c"):
                with connect(f"{recorder.url}{path}") as one:
                    one.send("hello")
                    assert one.recv() == "hello"
            with socket_to(recorder) as plain:
                plain.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
                assert plain.recv(12) == b"HTTP/1.1 426"
            assert recorder.stop() == 0
        server.shutdown()
        thread.join(PATIENCE)
    session = read_session(recorder.path)
    assert [one.handshake.target for one in session.connections] == ["/away", "/b"]
    assert session.exchanges == ()


def socket_to(recorder: Recording) -> socket.socket:
    host, _, port = recorder.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def test_it_ends_after_so_many_connections(upstream: str, tmp_path: Path) -> None:
    with recording(upstream, tmp_path / "a.cassette", "--max-connections", "2") as recorder:
        with connect(recorder.url + "/1") as one:
            with connect(recorder.url + "/2"), connect(recorder.url + "/3") as three:
                three.send("passes")
                assert three.recv() == "passes"
            one.send("goes on")
            assert one.recv() == "goes on"
        assert recorder.wait() == 0
    session = read_session(recorder.path)
    assert [one.handshake.target for one in session.connections] == ["/1", "/2"]
    assert all(one.closed is not None and one.closed.ending is Ending.CLEAN for one in session.connections)


def test_a_command_may_finish_its_work_after_its_last_connection(upstream: str, tmp_path: Path) -> None:
    script = (
        "import os, sys, time; from websockets.sync.client import connect\n"
        "with connect(os.environ['WSTAPE_URL']): pass\n"
        "time.sleep(0.5), sys.exit(7)"
    )
    command = ("--max-connections", "1", "--", sys.executable, "-c", script)
    with recording(upstream, tmp_path / "a.cassette", *command) as recorder:
        assert recorder.wait() == 3
    assert "the command ended with exit status 7" in recorder.stderr


@pytest.mark.parametrize("command", [False, True])
def test_it_ends_after_a_time(upstream: str, tmp_path: Path, command: bool) -> None:
    script = (
        "import os, time; from websockets.sync.client import connect\n"
        "with connect(os.environ['WSTAPE_URL']): time.sleep(60)"
    )
    begun = time.monotonic()
    arguments = ["--", sys.executable, "-c", script] if command else []
    with recording(upstream, tmp_path / "a.cassette", "--max-duration", "2s", *arguments) as recorder:
        assert recorder.wait() == 0
    assert 2 <= time.monotonic() - begun < PATIENCE
    assert read_session(recorder.path).complete
    assert "incomplete" not in recorder.stderr


def test_the_head_of_a_large_message_its_size_and_its_hash(upstream: str, tmp_path: Path) -> None:
    text = "ä" * 3000
    with recording(upstream, tmp_path / "a.cassette", "--max-message", "1001") as recorder:
        with connect(recorder.url) as socket:
            for message in ("ä" * 500, text, bytes(5000)):
                socket.send(message)
                assert socket.recv() == message
        assert recorder.stop() == 0
    session = read_session(recorder.path)
    assert session.complete
    stored = [(len(one.payload), one.full_size) for one in session.connections[0].messages]
    assert stored[:6] == [(1000, None)] * 2 + [(1000, 6000)] * 2 + [(1001, 5000)] * 2
    assert session.connections[0].messages[2].text == "ä" * 500
    assert [note.text for note in session.notes][::2] == [
        f"only the first 1000 of 6000 bytes of the client's message are recorded, SHA-256 {digest(text.encode())}",
        f"only the first 1001 of 5000 bytes of the client's message are recorded, SHA-256 {digest(bytes(5000))}",
    ]
    assert all(note.connection == 1 for note in session.notes)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_secret_is_taken_out_before_a_message_is_cut(upstream: str, tmp_path: Path) -> None:
    secret = "correct-horse-battery-staple"
    text = f'{{"a": "{"x" * 80}", "password": "{secret}", "b": "{"y" * 200}"}}'
    with recording(upstream, tmp_path / "a.cassette", "--max-message", "120") as recorder:
        with connect(recorder.url) as socket:
            socket.send(text)
            socket.recv()
        assert recorder.stop() == 0
    message = read_session(recorder.path).connections[0].messages[0]
    assert len(message.payload) == 120
    assert secret[:4] not in message.text


def test_quiet_says_only_what_goes_wrong(upstream: str, tmp_path: Path) -> None:
    port = unused_port()
    process = subprocess.Popen(
        [*WSTAPE, "record", upstream, "-o", str(tmp_path / "a"), "-q", "--listen", f"127.0.0.1:{port}", "--no-redact",
         "--max-connections", "1"],
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with connect(f"ws://127.0.0.1:{port}"):
                break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert re.fullmatch(r"wstape: warning: redaction is off[^\n]*\n", said)


def test_verbose_says_what_happens_without_secrets(upstream: str, tmp_path: Path) -> None:
    with recording(upstream, tmp_path / "a.cassette", "-v") as recorder:
        with connect(recorder.url + "/?access_token=qwertyuiop1234") as socket:
            socket.send("hello")
            socket.recv()
        recorder.wait_for_line("ended")
        assert recorder.stop() == 0
    lines = recorder.stderr.splitlines()
    assert lines[1:-1] == [
        "connection 1: GET /?access_token={{secret:access_token:1}} 101",
        "connection 1: ended (clean) by the server",
    ]


def test_a_terminal_shows_a_line_that_changes(upstream: str, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*WSTAPE, "record", upstream, "-o", str(tmp_path / "a.cassette")],
        stderr=theirs,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "200"},
        start_new_session=True,
    )
    os.close(theirs)
    said = bytearray()

    def read() -> None:
        try:
            while data := os.read(ours, 4096):
                said.extend(data)
        except OSError:  # Linux tells the end of a terminal so
            return

    reader = threading.Thread(target=read)
    reader.start()

    def wait_for(pattern: bytes) -> re.Match[bytes]:
        deadline = time.monotonic() + PATIENCE
        while (match := re.search(pattern, said)) is None:
            assert time.monotonic() < deadline, bytes(said)
            time.sleep(0.02)
        return match

    try:
        url = wait_for(rb"listening on (ws://\S+)\r\n")[1].decode()
        with connect(url) as socket:
            socket.send("hello")
            socket.recv()
            wait_for(
                rb"\r1 connections \(1 open\), 2 messages, 10 B; last: connection 1: server text of 5 bytes\x1b\[K"
            )
        wait_for(rb"\r1 connections \(0 open\), 4 messages, 14 B; last: connection 1: ended \(clean\)")
        process.terminate()
        assert process.wait(PATIENCE) == 0
        wait_for(rb"\r\x1b\[Krecorded 1 connection, 4 messages to ")
    finally:
        process.kill()
        process.wait()
        os.close(ours) if not reader.is_alive() else None
        reader.join(PATIENCE)
    assert b"hello" not in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rotate-size", "big"], "--rotate-size 'big' is not a size"),
        (["--rotate-time", "soon"], "--rotate-time 'soon' is not a time"),
        (["--max-duration", "0"], "--max-duration '0' is not a time"),
        (["--max-message", "-1"], "--max-message '-1' is not a size"),
        (["--max-connections", "0"], "--max-connections"),
        (["-q", "-v"], "--quiet and --verbose"),
        (["--fault", "bang"], "--fault 'bang'"),
        (["--tls-key", "x"], "--tls-cert"),
        (["--client-cert", "x"], "--client-cert has no use"),
    ],
)
def test_bad_values_are_one_line_and_status_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    path = tmp_path / "a.cassette"
    done = subprocess.run(
        [*WSTAPE, "record", "ws://x", "-o", str(path), *arguments], capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 2
    assert re.fullmatch(r"wstape: error: [^\n]+\n", done.stderr), done.stderr
    assert words in done.stderr
    assert not path.exists()


def test_a_cut_message_of_one_long_character_or_none(tmp_path: Path) -> None:
    header = Header(target="ws://x", created="2026-01-31T12:00:00Z", wstape="1")
    writer = ClippingWriter(CassetteWriter.create(tmp_path / "a", header), 2)
    for kind, payload in ((Kind.TEXT, "€€".encode()), (Kind.TEXT, b"\xbf" * 9), (Kind.BINARY, b"\xbf" * 9)):
        message = Message(connection=1, direction=Direction.SERVER, kind=kind, payload=payload, at_ns=1)
        writer.append(message, 1)
    assert writer.messages == 3
    writer.finish(2)
