"""What comes on a connection is handed over whole, in order, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from wstape.cassettes import Target
from wstape.replayer.dialling import dial
from wstape.replayer.live_connection import LiveConnection


class Ear:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, bool]] = []
        self.over = asyncio.Event()
        self.more = asyncio.Event()

    def message(self, payload: bytes, *, text: bool) -> None:
        self.heard.append((payload, text))
        self.more.set()

    def lost(self) -> None:
        self.over.set()


Answer = Callable[[ServerConnection], Awaitable[None]]


async def connected(answer: Answer, work: Callable[[LiveConnection], Awaitable[None]]) -> None:
    async with serve(answer, "127.0.0.1", 0, max_size=None) as server:
        port = server.sockets[0].getsockname()[1]
        target = Target.parse(f"ws://127.0.0.1:{port}")
        connection = await dial(target, None, "/", (), origin=None, patience=10, proxied=False)
        assert isinstance(connection, LiveConnection)
        try:
            await asyncio.wait_for(work(connection), 30)
        finally:
            await connection.close()


def test_fragments_are_joined_and_what_came_early_is_kept() -> None:
    ear = Ear()

    async def answer(socket: ServerConnection) -> None:
        await socket.send("at once")
        await socket.send(["in ", "two ", "parts"])
        await socket.send([b"\x00", b"\xff"])
        await socket.close()

    async def work(connection: LiveConnection) -> None:
        await asyncio.wait_for(connection.wait_closed(), 10)
        connection.listen(ear)
        await asyncio.wait_for(ear.over.wait(), 10)

    asyncio.run(connected(answer, work))
    assert ear.heard == [(b"at once", True), (b"in two parts", True), (b"\x00\xff", False)]


def test_what_is_said_arrives_even_when_the_other_end_is_slow() -> None:
    large = "x" * (4 << 20)

    async def answer(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(f"{type(message).__name__} {len(message)}")

    ear = Ear()

    async def work(connection: LiveConnection) -> None:
        connection.listen(ear)
        await connection.say(large.encode(), text=True)
        await connection.say(b"\x01\x02", text=False)
        while len(ear.heard) < 2:
            ear.more.clear()
            await ear.more.wait()
        await connection.close()
        with pytest.raises(ConnectionClosed):
            await connection.say(b"too late", text=True)

    asyncio.run(connected(answer, work))
    assert ear.heard == [(b"str 4194304", True), (b"bytes 2", True)]


def test_text_that_is_no_text_ends_the_connection() -> None:
    codes: list[int | None] = []

    async def answer(socket: ServerConnection) -> None:
        await socket.send(b"\xff\xfe", text=True)
        await socket.wait_closed()
        codes.append(socket.close_code)

    ear = Ear()

    async def work(connection: LiveConnection) -> None:
        connection.listen(ear)
        await asyncio.wait_for(ear.over.wait(), 10)

    asyncio.run(connected(answer, work))
    assert (ear.heard, codes) == ([], [1007])


def test_a_listener_that_fails_ends_the_connection_and_is_not_forgotten() -> None:
    class Deaf(Ear):
        def message(self, payload: bytes, *, text: bool) -> None:
            raise LookupError(payload)

    async def answer(socket: ServerConnection) -> None:
        await socket.send("hello")
        await socket.wait_closed()

    async def work(connection: LiveConnection) -> None:
        ear = Deaf()
        connection.listen(ear)
        await asyncio.wait_for(ear.over.wait(), 10)
        assert isinstance(connection.failure, LookupError)

    asyncio.run(connected(answer, work))
