"""The recorder in this process, between real servers and real clients."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gzip
import io
import socket
import ssl
import struct
import subprocess
import sys
import termios
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from upstreams import raw_upstream, unused_port, websocket_upstream
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from wstape.cassettes import (
    CassetteWriter,
    Direction,
    Ending,
    FileError,
    Kind,
    Session,
    Target,
    UsageError,
    WstapeError,
    read_session,
)
from wstape.recorder import Address, Recorder, Settings, Summary

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER


def run(main: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await main

    asyncio.run(bounded())


class Case:
    """A recorder before an upstream; the session afterwards."""

    def __init__(self, tmp_path: Path) -> None:
        self.path = tmp_path / "a.cassette"
        self.said: list[str] = []

    def recorder(self, url: str, **options: Any) -> Recorder:
        return Recorder(Settings(target=Target.parse(url), output=self.path, **options), self.said.append)

    @property
    def session(self) -> Session:
        return read_session(self.path)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def messages(session: Session, number: int = 1) -> list[tuple[Direction, Kind, bytes]]:
    (connection,) = [one for one in session.connections if one.number == number]
    return [(one.direction, one.kind, one.payload) for one in connection.messages]


def ending(session: Session, number: int = 1) -> tuple[Ending, Direction | None]:
    (connection,) = [one for one in session.connections if one.number == number]
    assert connection.closed is not None
    return connection.closed.ending, connection.closed.by


async def finished(recorder: Recorder) -> Summary:
    """Stop once every connection has ended by itself; a connection that hangs shows as CUT."""
    return await recorder.stop(grace=20)


@pytest.mark.parametrize("compression", ["deflate", None])
def test_several_connections_at_once_with_large_messages(case: Case, compression: str | None) -> None:
    texts = [f"{letter}é" * size for letter in "abc" for size in (1, 100, 40_000)]

    async def talk(url: str, first: str) -> None:
        async with connect(url, compression=compression) as socket:
            for text in (first, *texts):
                await socket.send(text)
                assert await socket.recv() == text
            await socket.send(bytes(1 << 20))
            assert await socket.recv() == bytes(1 << 20)

    async def main() -> None:
        async with websocket_upstream(compression=compression) as upstream, case.recorder(upstream + "/ws") as recorder:
            await asyncio.gather(*(talk(recorder.url, f"connection {number}") for number in range(5)))
            await finished(recorder)

    run(main())
    session = case.session
    assert session.complete
    assert len(session.connections) == 5
    firsts: set[bytes] = set()
    for connection in session.connections:
        assert connection.handshake.target == "/ws"
        received = [one.payload for one in connection.messages if one.kind is not Kind.CLOSE]
        firsts.add(received[0])
        expected = [received[0].decode(), *texts]
        assert [payload.decode() for payload in received[::2][:-1]] == expected
        assert received[::2] == received[1::2]
        assert received[-1] == bytes(1 << 20)
        assert ending(session, connection.number)[0] is Ending.CLEAN
    assert len(firsts) == 5
    assert case.said == []


def test_subprotocol_fragments_pings_and_close_of_the_server(case: Case) -> None:
    async def serve(socket: ServerConnection) -> None:
        assert await socket.recv() == "one two three"
        await (await socket.ping(b"are you there"))
        await socket.close(4001, "enough")

    async def main() -> None:
        async with (
            websocket_upstream(serve, subprotocols=[Subprotocol("v2")]) as upstream,
            case.recorder(upstream) as recorder,
        ):
            async with connect(recorder.url, subprotocols=[Subprotocol("v1"), Subprotocol("v2")]) as socket:
                assert socket.subprotocol == "v2"
                await socket.send(["one ", "two ", "three"])
                with pytest.raises(ConnectionClosed) as caught:
                    await socket.recv()
                assert caught.value.rcvd is not None
                assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (4001, "enough")
            await finished(recorder)

    run(main())
    session = case.session
    assert session.connections[0].handshake.subprotocol == "v2"
    assert messages(session) == [
        (CLIENT, Kind.TEXT, b"one two three"),
        (SERVER, Kind.PING, b"are you there"),
        (CLIENT, Kind.PONG, b"are you there"),
        (SERVER, Kind.CLOSE, b"\x0f\xa1enough"),
        (CLIENT, Kind.CLOSE, b"\x0f\xa1enough"),
    ]
    assert ending(session)[0] is Ending.CLEAN


def test_an_aiohttp_client_with_compression_and_its_own_close_code(case: Case) -> None:
    async def main() -> None:
        async with websocket_upstream() as upstream, case.recorder(upstream) as recorder:
            async with (
                aiohttp.ClientSession() as client,
                client.ws_connect(recorder.url, compress=15, autoping=True) as socket,
            ):
                for number in range(3):
                    await socket.send_str(f"hello {number} " + "x" * 200)
                    assert (await socket.receive_str()).startswith(f"hello {number}")
                await socket.send_bytes(b"\x00\xff")
                assert await socket.receive_bytes() == b"\x00\xff"
                await socket.close(code=4321, message=b"done")
            await finished(recorder)

    run(main())
    session = case.session
    assert "permessage-deflate" in dict(session.connections[0].handshake.response_headers)["Sec-WebSocket-Extensions"]
    last = [one for one in session.connections[0].messages if one.kind is Kind.CLOSE]
    assert [(one.direction, one.close_code) for one in last] == [(CLIENT, 4321), (SERVER, 4321)]
    assert last[0].close_reason == "done"
    assert len(session.connections[0].messages) == 10


@pytest.mark.parametrize("preserve", [False, True])
def test_host_and_origin_name_the_upstream(case: Case, preserve: bool) -> None:
    seen: list[Request] = []

    def look(_connection: ServerConnection, request: Request) -> None:
        seen.append(request)

    async def main() -> None:
        async with (
            websocket_upstream(process_request=look) as upstream,
            case.recorder(upstream + "/base?x=1", preserve_host=preserve) as recorder,
        ):
            own = str(recorder.address)
            for path in ("/", "/own"):
                async with connect(f"ws://{own}{path}", origin=recorder.http_url):  # type: ignore[arg-type]
                    pass
            expected = own if preserve else upstream.removeprefix("ws://")
            assert [request.headers["Host"] for request in seen] == [expected, expected]
            assert [request.headers["Origin"] for request in seen] == [f"http://{expected}"] * 2
            assert [request.path for request in seen] == ["/base?x=1", "/own"]
            await finished(recorder)

    run(main())
    recorded = [connection.handshake.target for connection in case.session.connections]
    assert recorded == ["/base?x=1", "/own"]


def test_a_refused_handshake_passes_with_its_body(case: Case) -> None:
    def refuse(connection: ServerConnection, _request: Request) -> Response:
        response = connection.respond(401, "no entry\n")
        response.headers["X-Why"] = "because"
        return response

    async def main() -> None:
        async with (
            websocket_upstream(process_request=refuse) as upstream,
            case.recorder(upstream) as recorder,
        ):
            with pytest.raises(InvalidStatus) as caught:
                await connect(recorder.url)
            assert caught.value.response.status_code == 401
            assert caught.value.response.body == b"no entry\n"
            assert caught.value.response.headers["X-Why"] == "because"
            summary = await finished(recorder)
            assert summary.complete

    run(main())
    (connection,) = case.session.connections
    assert (connection.handshake.status, connection.handshake.response_body) == (401, b"no entry\n")
    assert ending(case.session) == (Ending.REFUSED, SERVER)


def test_an_upstream_that_is_down_is_a_502_and_is_told(case: Case) -> None:
    async def main() -> None:
        async with case.recorder(f"ws://127.0.0.1:{unused_port()}") as recorder:
            with pytest.raises(InvalidStatus) as caught:
                await connect(recorder.url)
            assert caught.value.response.status_code == 502
            assert caught.value.response.body is not None
            body = bytes(caught.value.response.body).decode()
            assert "connection refused" in body
            assert body.count("\n") == 1
            async with aiohttp.ClientSession() as client:
                # More than the sockets hold: the answer must not be lost with the unread rest of the request.
                response = await client.post(recorder.http_url + "/up", data=io.BytesIO(b"x" * 8_000_000))
                assert response.status == 502
            summary = await finished(recorder)
            assert "no connection to the target ever succeeded" in summary.problems[0]

    run(main())
    session = case.session
    assert session.connections[0].handshake.status == 0
    assert ending(session)[0] is Ending.FAILED
    assert session.exchanges[0].status == 0
    assert len(case.said) == 2
    assert "connection refused" in case.said[0]


def test_an_upstream_that_drops_the_handshake(case: Case) -> None:
    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def main() -> None:
        async with raw_upstream(drop) as upstream, case.recorder(upstream) as recorder:
            reader, writer = await asyncio.open_connection(recorder.address.host, recorder.address.port)
            writer.write(HANDSHAKE)
            assert await reader.read() == b""
            writer.close()
            await finished(recorder)

    run(main())
    assert case.session.connections[0].handshake.status == 0
    assert ending(case.session) == (Ending.FAILED, SERVER)


HANDSHAKE = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
LINGER_0 = struct.pack("ii", 1, 0)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a TCP connection with RST."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
    writer.transport.abort()


async def raw_client(recorder: Recorder) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect and shake hands by hand."""
    reader, writer = await asyncio.open_connection(recorder.address.host, recorder.address.port)
    writer.write(HANDSHAKE)
    assert await reader.readuntil(b"\r\n\r\n") == SWITCHING
    return reader, writer


def test_a_reset_of_the_server_is_a_reset_for_the_client(case: Case) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHING + Frame(Opcode.TEXT, b"hello").serialize(mask=False))
        await writer.drain()
        await reader.readexactly(7)  # the client has its message
        reset(writer)

    async def main() -> None:
        async with raw_upstream(serve) as upstream, case.recorder(upstream) as recorder:
            reader, writer = await raw_client(recorder)
            assert await reader.readexactly(7) == b"\x81\x05hello"
            writer.write(Frame(Opcode.TEXT, b"x").serialize(mask=True))
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()
            await finished(recorder)

    run(main())
    assert messages(case.session) == [(SERVER, Kind.TEXT, b"hello"), (CLIENT, Kind.TEXT, b"x")]
    assert ending(case.session) == (Ending.RESET, SERVER)


def test_what_was_sent_before_a_reset_arrives_before_it(case: Case) -> None:
    size = 600_000
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.set_write_buffer_limits(0)
        writer.write(SWITCHING)
        frame = Frame(Opcode.BINARY, bytes(size)).serialize(mask=False)
        writer.write(frame)
        await writer.drain()
        sock = writer.get_extra_info("socket")
        for _ in range(20_000):  # until all has left for the recorder
            if not int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder):
                break
            await asyncio.sleep(0.001)
        reset(writer)
        gone.set()

    async def main() -> None:
        async with raw_upstream(serve) as upstream, case.recorder(upstream) as recorder:
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect((recorder.address.host, recorder.address.port))
                client.sendall(HANDSHAKE)
                await gone.wait()
                client.setblocking(False)
                for _ in range(50):  # the recorder learns of it in one of these rounds of the loop
                    await asyncio.sleep(0)
                received = 0
                try:
                    while data := await asyncio.get_running_loop().sock_recv(client, 1 << 16):
                        received += len(data)
                except ConnectionResetError:
                    received += 1_000_000
                assert received == len(SWITCHING) + 10 + size + 1_000_000
            await finished(recorder)

    run(main())
    assert ending(case.session) == (Ending.RESET, SERVER)
    assert len(messages(case.session)[0][2]) == size


def test_a_reset_of_the_client_is_a_reset_for_the_server(case: Case) -> None:
    outcome: list[object] = []
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHING)
        try:
            outcome.append(await reader.read())
        except ConnectionResetError as error:
            outcome.append(error)
        writer.close()
        gone.set()

    async def main() -> None:
        async with raw_upstream(serve) as upstream, case.recorder(upstream) as recorder:
            _, writer = await raw_client(recorder)
            reset(writer)
            await gone.wait()
            await finished(recorder)

    run(main())
    assert isinstance(outcome[0], ConnectionResetError)
    assert ending(case.session) == (Ending.RESET, CLIENT)


def test_a_half_close_reaches_the_server_which_may_still_answer(case: Case) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHING)
        data = await reader.read()  # to the end of what the client sends
        writer.write(Frame(Opcode.TEXT, b"%d bytes" % len(data)).serialize(mask=False))
        writer.close()

    async def main() -> None:
        async with raw_upstream(serve) as upstream, case.recorder(upstream) as recorder:
            reader, writer = await raw_client(recorder)
            writer.write(Frame(Opcode.TEXT, b"hello").serialize(mask=True))
            writer.write_eof()
            assert await reader.read() == b"\x81\x0811 bytes"
            writer.close()
            await finished(recorder)

    run(main())
    assert messages(case.session) == [(CLIENT, Kind.TEXT, b"hello"), (SERVER, Kind.TEXT, b"11 bytes")]
    assert ending(case.session) == (Ending.EOF, CLIENT)


def test_invalid_bytes_pass_and_are_told(case: Case) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHING)
        writer.write(await reader.readexactly(4))
        writer.close()

    async def main() -> None:
        async with raw_upstream(serve) as upstream, case.recorder(upstream) as recorder:
            reader, writer = await raw_client(recorder)
            writer.write(b"\xff\xff\xff\xff")
            assert await reader.read() == b"\xff\xff\xff\xff"
            writer.close()
            summary = await finished(recorder)
            assert len(summary.problems) == 2

    run(main())
    assert [note.lost for note in case.session.notes] == [True, True]
    assert len(case.said) == 2
    assert "connection 1: the client sent" in case.said[0]


def test_backpressure_holds_a_fast_server_back(case: Case) -> None:
    frame = Frame(Opcode.BINARY, bytes(1 << 16)).serialize(mask=False)
    sent = 0
    stuck = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHING)
        for _ in range(800):
            writer.write(frame)
            sent += 1
            try:
                async with asyncio.timeout(0.5):
                    await writer.drain()
            except TimeoutError:
                stuck.set()
                await writer.drain()
        writer.close()

    async def main() -> None:
        async with raw_upstream(serve) as upstream, case.recorder(upstream) as recorder:
            reader, writer = await asyncio.open_connection(recorder.address.host, recorder.address.port, limit=1 << 16)
            writer.write(HANDSHAKE)
            await stuck.wait()  # 50 MiB do not fit into the sockets: the server must feel that nobody reads
            assert sent < 600
            data = await reader.readuntil(b"\r\n\r\n")
            size = len(data)
            while data := await reader.read(1 << 20):
                size += len(data)
            assert size == len(SWITCHING) + 800 * len(frame)
            writer.close()
            await finished(recorder)

    run(main())
    assert len(case.session.connections[0].messages) == 800


def test_login_by_post_and_then_a_socket(case: Case) -> None:
    async def login(request: web.Request) -> web.Response:
        assert (await request.json())["user"] == "alice"
        return web.json_response({"thread": "t-1"}, headers={"X-Host": request.headers["Host"]})

    async def page(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/plain", "Content-Encoding": "gzip"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        for piece in (packed := gzip.compress(b"many words " * 1000))[:50], packed[50:]:
            await response.write(piece)
        await response.write_eof()
        return response

    async def upload(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async def socket(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        async for message in response:
            await response.send_str("echo " + message.data)
        return response

    async def main() -> None:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/login", login)
        app.router.add_get("/page", page)
        app.router.add_post("/up", upload)
        app.router.add_get("/ws", socket)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with (
            case.recorder(f"http://{host}:{port}") as recorder,
            aiohttp.ClientSession(recorder.http_url, connector=aiohttp.TCPConnector(limit=1)) as client,
        ):
            async with client.post("/login", json={"user": "alice"}) as response:
                assert (await response.json())["thread"] == "t-1"
                assert response.headers["X-Host"] == f"{host}:{port}"
            async with client.get("/page") as response:
                assert await response.text() == "many words " * 1000
            async with client.head("/page") as response:
                assert response.status == 200
            async with client.post("/up", data=io.BytesIO(b"u" * 3_000_000), expect100=True) as response:
                assert await response.text() == "3000000"
            async with client.get("/nothing") as response:
                assert response.status == 404
            async with client.ws_connect("/ws") as ws:
                await ws.send_str("hi")
                assert await ws.receive_str() == "echo hi"
            assert (await finished(recorder)).complete
        await runner.cleanup()

    run(main())
    session = case.session
    assert [(one.number, one.method, one.target, one.status) for one in session.exchanges] == [
        (1, "POST", "/login", 200),
        (2, "GET", "/page", 200),
        (3, "HEAD", "/page", 200),
        (4, "POST", "/up", 200),
        (5, "GET", "/nothing", 404),
    ]
    first, second, third, fourth, _ = session.exchanges
    assert (first.request_body, first.response_body) == (b'{"user": "alice"}', b'{"thread": "t-1"}')
    assert second.response_body == b"many words " * 1000
    assert third.response_body == b""
    assert fourth.request_body == b"u" * (1 << 20)
    assert "only the first 1048576 bytes of the client's body" in session.notes[0].text
    assert session.connections[0].handshake.target == "/ws"
    assert messages(session)[:2] == [(CLIENT, Kind.TEXT, b"hi"), (SERVER, Kind.TEXT, b"echo hi")]


def test_a_body_that_ends_with_the_connection(case: Case) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold style")
        writer.close()

    async def main() -> None:
        async with raw_upstream(serve) as upstream, case.recorder(upstream) as recorder:
            reader, writer = await asyncio.open_connection(recorder.address.host, recorder.address.port)
            writer.write(b"GET /old HTTP/1.0\r\n\r\n")
            assert (await reader.read()).endswith(b"old style")
            writer.close()
            await finished(recorder)

    run(main())
    (exchange,) = case.session.exchanges
    assert exchange.response_body == b"old style"
    assert case.session.notes == ()


@pytest.mark.parametrize("rewrite", [True, False])
def test_redirects_and_cookies_keep_the_client_with_the_recorder(case: Case, rewrite: bool) -> None:
    async def enter(request: web.Request) -> web.Response:
        response = web.Response(status=303, headers={"Location": f"http://{request.headers['Host']}/inside"})
        response.set_cookie("session", "abc", domain="127.0.0.1", path="/")
        return response

    async def inside(request: web.Request) -> web.Response:
        return web.Response(text=request.cookies.get("session", "nobody"))

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/login", enter)
        app.router.add_get("/inside", inside)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        origin = "http://{}:{}".format(*runner.addresses[0][:2])
        async with (
            case.recorder(origin, rewrite=rewrite) as recorder,
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client,
            client.post(recorder.http_url + "/login", data={"user": "alice"}) as response,
        ):
            assert str(response.url) == (recorder.http_url if rewrite else origin) + "/inside"
            assert response.history[0].cookies["session"]["domain"] == ("" if rewrite else "127.0.0.1")
            assert await response.text() == "abc"
            await response.release()
            await client.close()
            await finished(recorder)
        await runner.cleanup()
        location = dict(case.session.exchanges[0].response_headers)["Location"]
        assert location == origin + "/inside"  # the service's own answer is what is recorded

    run(main())
    assert len(case.session.exchanges) == (2 if rewrite else 1)


def test_pipelined_requests_are_answered_and_recorded_in_order(case: Case) -> None:
    asked = [
        b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"HEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nTrailer: t\r\n\r\n",
        b"PUT /4 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
        b"DELETE /5 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /6 HTTP/1.1\r\nHost: a\r\nIf-None-Match: x\r\nConnection: close\r\n\r\n",
    ]
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </s>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nth\r\n3;x\r\nree\r\n0\r\nT: t\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n",
    ]
    received = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wanted = sum(map(len, asked)) + len(asked) * (len(writer.get_extra_info("sockname")[0]) + 6 - 1)
        while len(received) < wanted and (data := await reader.read(1 << 16)):
            received.extend(data)
        for answer in answers:
            writer.write(answer)
        writer.close()

    async def main() -> None:
        async with raw_upstream(serve) as upstream, case.recorder(upstream) as recorder:
            reader, writer = await asyncio.open_connection(recorder.address.host, recorder.address.port)
            writer.write(b"".join(asked))
            assert await reader.read() == b"".join(answers)
            writer.close()
            await finished(recorder)
            host = upstream.removeprefix("ws://").encode()
            assert received == b"".join(asked).replace(b"Host: a", b"Host: " + host)

    run(main())
    assert [
        (one.method, one.target, one.request_body, one.status, one.response_body) for one in case.session.exchanges
    ] == [
        ("GET", "/1", b"", 200, b"one"),
        ("HEAD", "/2", b"", 200, b""),
        ("POST", "/3", b"abc", 200, b"three"),
        ("PUT", "/4", b"ok", 201, b""),
        ("DELETE", "/5", b"", 204, b""),
        ("GET", "/6", b"", 304, b""),
    ]
    assert case.session.notes == ()


@pytest.mark.parametrize(
    "answer",
    ["302 Found", "401 Unauthorized", "403 Forbidden", "404 Not Found", "426 Upgrade Required", "503 Busy"],
)
def test_a_refusal_reaches_the_client_to_the_byte(case: Case, answer: str) -> None:
    elsewhere = "Location: https://elsewhere.example/login\r\n"
    response = f"HTTP/1.1 {answer}\r\nServer: odd\r\n{elsewhere}content-LENGTH:5\r\n\r\nno no".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        writer.close()

    async def main() -> None:
        async with raw_upstream(serve) as upstream, case.recorder(upstream) as recorder:
            reader, writer = await asyncio.open_connection(recorder.address.host, recorder.address.port)
            writer.write(HANDSHAKE)
            assert await reader.read() == response
            writer.close()
            await finished(recorder)

    run(main())
    handshake = case.session.connections[0].handshake
    assert (f"{handshake.status} {handshake.reason}", handshake.response_body) == (answer, b"no no")


def test_the_body_waits_for_the_upstream_to_ask_for_it(case: Case) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await reader.readexactly(4) == b"body"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def main() -> None:
        async with raw_upstream(serve) as upstream, case.recorder(upstream) as recorder:
            reader, writer = await asyncio.open_connection(recorder.address.host, recorder.address.port)
            writer.write(b"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"body")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
            writer.close()
            await finished(recorder)

    run(main())
    assert case.session.exchanges[0].request_body == b"body"


OPENSSL = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
    "-addext subjectAltName=DNS:localhost,IP:127.0.0.1"
)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    try:
        subprocess.run(
            [*OPENSSL.split(), "-keyout", str(path), "-out", f"{path}.crt"],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("there is no openssl to make a certificate with")
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_a_tls_upstream(case: Case, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def main() -> None:
        async with websocket_upstream(ssl=context) as upstream:
            url = upstream.replace("ws://127.0.0.1", "wss://localhost")
            async with case.recorder(url) as recorder:
                with pytest.raises(InvalidStatus):
                    await connect(recorder.url)
                assert "not trusted" in case.said[0]
                assert "--ca" in case.said[0]
            for options in ({"ca": certificate}, {"insecure": True}):
                async with case.recorder(url, force=True, **options) as recorder, connect(recorder.url) as socket:
                    await socket.send("secret hello")
                    assert await socket.recv() == "secret hello"
                    await socket.close(1000)
                    await finished(recorder)
                host = url.removeprefix("wss://")
                assert ("Host", host) in case.session.connections[0].handshake.request_headers
                assert ending(case.session)[0] is Ending.CLEAN

    run(main())


def test_tls_spoken_to_the_plain_address_is_named(case: Case) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.close()

    async def main() -> None:
        async with raw_upstream(swallow) as upstream, case.recorder(upstream) as recorder:
            with contextlib.suppress(OSError, EOFError):
                await connect(f"wss://{recorder.address}", ssl=ssl.create_default_context())
            await finished(recorder)

    run(main())
    assert "TLS" in case.said[0]


def test_open_connections_are_cut_at_the_end(case: Case) -> None:
    async def main() -> None:
        async with websocket_upstream() as upstream, case.recorder(upstream) as recorder:
            async with connect(recorder.url) as socket:
                await socket.send("hello")
                await socket.recv()
                summary = await recorder.stop()
                assert (summary.connections, summary.messages) == (1, 2)
                assert summary.complete
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
            with pytest.raises(OSError, match=r"."):
                await connect(recorder.url)

    run(main())
    assert ending(case.session) == (Ending.CUT, None)
    assert case.session.complete


def test_a_long_search_for_secrets_is_announced(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    announced: list[str] = []

    async def main() -> None:
        async with websocket_upstream() as upstream:
            settings = Settings(target=Target.parse(upstream), output=case.path, force=True)
            for limit in (1, 1 << 30):
                monkeypatch.setattr("wstape.recorder.proxy.LONG_SEARCH", limit)
                async with Recorder(settings, case.said.append, say=announced.append):
                    pass

    run(main())
    assert announced == ["searching 0 MiB once more for secrets"]
    assert case.said == []


def test_secrets_do_not_reach_the_file_and_may_be_kept_elsewhere(case: Case, tmp_path: Path) -> None:
    kept = tmp_path / "kept.secrets"

    async def talk(recorder: Recorder) -> None:
        headers = {"Authorization": "Bearer abcdefgh12345678"}
        async with connect(recorder.url + "?access_token=qwertyuiop1234", additional_headers=headers) as socket:
            await socket.send('{"password": "correct horse"}')
            assert await socket.recv() == '{"password": "correct horse"}'
        await finished(recorder)

    async def main() -> None:
        async with websocket_upstream() as upstream:
            async with case.recorder(upstream, keep_secrets=kept) as recorder:
                await talk(recorder)
            text = repr(case.session)
            for secret in ("abcdefgh12345678", "qwertyuiop1234", "correct horse"):
                assert secret not in text
                assert secret in kept.read_text()
            assert case.session.header.redaction
            async with case.recorder(upstream, redact=False, force=True) as recorder:
                await talk(recorder)
            assert "correct horse" in repr(case.session)
            assert not case.session.header.redaction

    run(main())


def test_a_free_port_on_ipv6(case: Case) -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback address")

    async def main() -> None:
        async with (
            websocket_upstream() as upstream,
            case.recorder(upstream, listen=Address.parse("[::1]:0")) as recorder,
        ):
            assert recorder.url.startswith("ws://[::1]:")
            async with connect(recorder.url) as socket:
                await socket.send("six")
                assert await socket.recv() == "six"

    run(main())


async def _start(recorder: Recorder) -> None:
    async with recorder:
        pass


@pytest.mark.parametrize("what", ["port in use", "file exists", "folder missing", "not our address"])
def test_what_prevents_the_start_is_one_error_and_leaves_no_file(case: Case, tmp_path: Path, what: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen, output, error, words = {
            "port in use": (Address(host="127.0.0.1", port=taken.getsockname()[1]), "a", UsageError, "port is in use"),
            "file exists": (Address.parse("127.0.0.1:0"), "there", FileError, "--force"),
            "folder missing": (Address.parse("127.0.0.1:0"), "no/where", FileError, "no such file or folder"),
            "not our address": (Address.parse("192.0.2.1:0"), "a", UsageError, "not an address of this machine"),
        }[what]
        (tmp_path / "there").write_bytes(b"precious")
        settings = Settings(target=Target.parse("ws://x"), output=tmp_path / output, listen=listen)
        with pytest.raises(error, match=words) as caught:
            asyncio.run(_start(Recorder(settings)))
    assert isinstance(caught.value, WstapeError)
    assert "\n" not in str(caught.value)
    assert [one.name for one in tmp_path.iterdir()] == ["there"]
    assert (tmp_path / "there").read_bytes() == b"precious"


def test_a_failing_redactor_costs_the_record_and_not_the_traffic(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with websocket_upstream() as upstream, case.recorder(upstream) as recorder:

            def fail(record: object) -> object:
                raise ZeroDivisionError

            monkeypatch.setattr(recorder.tape, "_redactor", type("Broken", (), {"record": staticmethod(fail)})())
            async with connect(recorder.url) as socket:
                await socket.send("hello")
                assert await socket.recv() == "hello"
            summary = await finished(recorder)
            assert "left out because redaction failed" in summary.problems[-1]

    run(main())
    assert case.session.connections == ()


def test_a_writer_with_a_bug_costs_the_record_and_not_the_traffic(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise TypeError("a bug")

    async def main() -> None:
        async with websocket_upstream() as upstream, case.recorder(upstream) as recorder:
            monkeypatch.setattr(CassetteWriter, "append_messages", fail)
            async with connect(recorder.url) as socket:
                for text in ("a", "b"):
                    await socket.send(text)
                    assert await socket.recv() == text
            summary = await finished(recorder)
            assert summary.problems == (
                "records that could not be written are left out (TypeError)",
                "6 records left out because writing failed",
            )

    run(main())
    assert case.said == ["records that could not be written are left out (TypeError)"]
    assert messages(case.session) == []
