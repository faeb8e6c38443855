"""Faults on their way through a real recorder."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from upstreams import echo, websocket_upstream
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from wstape.cassettes import Ending, Fault, Kind, Session, Target, read_session
from wstape.recorder import Recorder, Settings

PATIENCE = 30.0  # seconds


@asynccontextmanager
async def faulty(path: Path, *specs: str, seed: int = 0) -> AsyncGenerator[Recorder]:
    """A recorder with faults in front of an echo."""
    faults = tuple(map(Fault.parse, specs))
    async with websocket_upstream(echo) as upstream:
        settings = Settings(target=Target.parse(upstream), output=path, faults=faults, fault_seed=seed)
        async with Recorder(settings) as recorder:
            yield recorder


def recorded(path: Path, work: Callable[[Recorder], Awaitable[None]], *specs: str, seed: int = 0) -> Session:
    async def main() -> None:
        async with asyncio.timeout(PATIENCE), faulty(path, *specs, seed=seed) as recorder:
            await work(recorder)

    asyncio.run(main())
    session = read_session(path)
    assert session.complete
    return session


async def echoes(socket: ClientConnection, number: int) -> list[str | bytes]:
    """Send numbered messages one by one; return the answers."""
    received: list[str | bytes] = []
    for count in range(1, number + 1):
        await socket.send(str(count))
        received.append(await socket.recv())
    return received


def notes(session: Session) -> list[str]:
    return [note.text for note in session.notes if note.text.startswith("fault")]


def texts(session: Session, connection: int = 0) -> list[str]:
    return [one.text for one in session.connections[connection].messages if one.kind is Kind.TEXT]


def test_a_connection_is_reset_and_the_next_one_works(tmp_path: Path) -> None:
    async def work(recorder: Recorder) -> None:
        async with connect(recorder.url) as one:
            assert await echoes(one, 2) == ["1", "2"]
            await one.send("3")
            with pytest.raises(ConnectionClosedError) as caught:
                await one.recv()
            assert caught.value.rcvd is None
            assert isinstance(caught.value.__cause__, ConnectionResetError)
        async with connect(recorder.url) as two:
            assert len(await echoes(two, 4)) == 4

    session = recorded(tmp_path / "a.cassette", work, "drop:after=2,connections=1")
    assert notes(session) == ["fault: message 3 of the server is replaced by a reset"]
    assert texts(session) == ["1", "1", "2", "2", "3"]
    closed = session.connections[0].closed
    assert closed is not None
    assert (closed.ending, closed.by) == (Ending.RESET, None)
    assert session.header.notes["faults"] == "drop:after=2,connections=1"
    assert session.header.notes["fault-seed"] == "0"


def test_messages_come_twice_though_compression_was_offered(tmp_path: Path) -> None:
    async def work(recorder: Recorder) -> None:
        async with connect(recorder.url) as one:  # offers permessage-deflate
            await one.send("a" * 200)
            await one.send("b" * 200)
            assert [str(await one.recv())[0] for _ in range(3)] == ["a", "b", "b"]

    session = recorded(tmp_path / "a.cassette", work, "duplicate:every=2")
    assert sorted(text[0] for text in texts(session)) == ["a", "a", "b", "b"]
    assert notes(session) == ["fault: message 2 of the server is sent twice"]


def test_a_client_message_comes_twice_too(tmp_path: Path) -> None:
    async def work(recorder: Recorder) -> None:
        async with connect(recorder.url) as one:
            await one.send("a")
            assert [await one.recv(), await one.recv()] == ["a", "a"]

    recorded(tmp_path / "a.cassette", work, "duplicate:from=client")


def test_a_delay_keeps_the_order_and_the_other_messages(tmp_path: Path) -> None:
    async def work(recorder: Recorder) -> None:
        async with connect(recorder.url) as one:
            for count in range(4):
                await one.send(str(count))
            assert [await one.recv() for _ in range(4)] == ["0", "1", "2", "3"]

    session = recorded(tmp_path / "a.cassette", work, "delay:time=300ms,after=2,times=1")
    assert notes(session) == ["fault: message 3 of the server is delayed by 0.3 s"]
    answers = [one for one in session.connections[0].messages if one.direction == "server" and one.kind is Kind.TEXT]
    assert answers[2].at_ns - answers[1].at_ns >= 250_000_000  # the clock of the recording, not of the test
    assert [one.text for one in answers] == ["0", "1", "2", "3"]


def test_a_frame_is_cut_in_two(tmp_path: Path) -> None:
    async def main() -> bytes:
        async with asyncio.timeout(PATIENCE), faulty(tmp_path / "a.cassette", "truncate") as recorder:
            reader, writer = await asyncio.open_connection("127.0.0.1", recorder.address.port)
            writer.write(
                b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                b"\x81\x8a\0\0\0\x000123456789"
            )
            await reader.readuntil(b"\r\n\r\n")
            got = await reader.read()
            writer.close()
            return got

    assert asyncio.run(main()) == b"\x81\x0a0123"
    session = read_session(tmp_path / "a.cassette")
    assert texts(session) == ["0123456789"]
    assert "fault: message 1 of the server is cut in two" in notes(session)


def test_both_ends_get_a_close_frame(tmp_path: Path) -> None:
    codes: list[tuple[int | None, str | None]] = []

    async def main() -> None:
        told = asyncio.Event()

        async def serve(socket: ServerConnection) -> None:
            await socket.send("hello")
            await socket.wait_closed()
            codes.append((socket.close_code, socket.close_reason))
            told.set()

        async with asyncio.timeout(PATIENCE), websocket_upstream(serve) as upstream:
            settings = Settings(
                target=Target.parse(upstream),
                output=tmp_path / "a.cassette",
                faults=(Fault.parse("close:code=1012,reason=restart"),),
            )
            async with Recorder(settings) as recorder:
                async with connect(recorder.url) as one:
                    with pytest.raises(ConnectionClosedError) as caught:
                        await one.recv()
                    assert caught.value.rcvd is not None
                    codes.append((caught.value.rcvd.code, caught.value.rcvd.reason))
                await told.wait()

    asyncio.run(main())
    assert codes == [(1012, "restart")] * 2


def test_a_half_open_connection_is_silent_for_the_client_and_gone_for_the_server(tmp_path: Path) -> None:
    async def main() -> None:
        gone = asyncio.Event()

        async def serve(socket: ServerConnection) -> None:
            async for message in socket:
                await socket.send(message)

        async def watched(socket: ServerConnection) -> None:
            try:
                await serve(socket)
            except ConnectionClosedError:
                gone.set()

        async with asyncio.timeout(PATIENCE), websocket_upstream(watched) as upstream:
            faults = (Fault.parse("half-open:after=1"),)
            settings = Settings(target=Target.parse(upstream), output=tmp_path / "a.cassette", faults=faults)
            async with Recorder(settings) as recorder:
                one = await connect(recorder.url, close_timeout=0.2, ping_interval=None)
                assert await echoes(one, 1) == ["1"]
                await one.send("2")
                await gone.wait()
                waiting = asyncio.create_task(one.recv())
                await one.send("into the void")
                await asyncio.wait({waiting}, timeout=0.1)
                assert not waiting.done()
                await one.close()
                with pytest.raises(ConnectionClosedError):
                    await waiting

    asyncio.run(main())
    session = read_session(tmp_path / "a.cassette")
    assert texts(session) == ["1", "1", "2"]
    assert notes(session) == ["fault: message 2 of the server is lost, and so is the server, unknown to the client"]


def test_every_second_handshake_is_refused(tmp_path: Path) -> None:
    async def work(recorder: Recorder) -> None:
        for number in range(4):
            if number % 2:
                with pytest.raises(InvalidStatus) as caught:
                    await connect(recorder.url)
                assert caught.value.response.status_code == 429
                assert caught.value.response.body == b"wstape: refused by an injected fault\n"
            else:
                async with connect(recorder.url) as one:
                    await echoes(one, 1)

    session = recorded(tmp_path / "a.cassette", work, "refuse:every=2,status=429")
    assert [one.handshake.status for one in session.connections] == [101, 429, 101, 429]
    assert notes(session) == ["fault: the handshake is refused with 429"] * 2


def test_the_same_seed_gives_the_same_faults(tmp_path: Path) -> None:
    async def work(recorder: Recorder) -> None:
        for _ in range(2):
            async with connect(recorder.url) as one:
                for count in range(10):
                    await one.send(str(count))
                await one.send("end")
                while await one.recv() != "end":
                    pass

    specs = ("duplicate:chance=0.5", "delay:chance=0.3,time=1ms")
    one, two, three = (
        notes(recorded(tmp_path / f"{number}.cassette", work, *specs, seed=seed))
        for number, seed in enumerate((1, 1, 2))
    )
    assert one == two
    assert one != three


def test_large_messages_under_delays_keep_their_bytes_and_backpressure(tmp_path: Path) -> None:
    async def work(recorder: Recorder) -> None:
        async with connect(recorder.url, compression=None, max_size=None) as one:
            sent = [bytes([number]) * 300_000 for number in range(12)]

            async def send() -> None:
                for data in sent:
                    await one.send(data)

            sending = asyncio.create_task(send())
            assert [await one.recv() for _ in sent] == sent
            await sending

    session = recorded(tmp_path / "a.cassette", work, "delay:time=5ms,every=3,from=both")
    assert len([one for one in session.connections[0].messages if one.kind is Kind.BINARY]) == 24


def test_a_plain_request_is_left_alone(tmp_path: Path) -> None:
    async def main() -> bytes:
        async with asyncio.timeout(PATIENCE), faulty(tmp_path / "a.cassette", "drop", "refuse") as recorder:

            def ask() -> bytes:
                with socket.create_connection(("127.0.0.1", recorder.address.port), timeout=PATIENCE) as sock:
                    sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    return sock.recv(100)

            return await asyncio.to_thread(ask)

    assert asyncio.run(main()).startswith(b"HTTP/1.1 426 ")
