"""The Autobahn cases directly and through the recorder: both ends must see the same, to the byte, and end alike.

In one role the fuzzing end is a client before ``websockets``' echo server, in the other a server that a
``websockets`` client has dialled. Bytes are compared on both sides of the recorder; what the ``websockets`` client
sends is compared frame by frame, because its masks are random.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from autobahn import CLOSE, Case, cases, close
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.protocol import Protocol

from wstape.cassettes import Direction, Opened, Target, open_cassette, read_session
from wstape.recorder import Recorder, Settings, loop_factory

_UNIQUE = re.compile(rb"(?:Date|Sec-WebSocket-Accept): [^\r]*\r\n")  # differs from run to run
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
PATIENCE = 15.0  # seconds for one case
AT_ONCE = 8  # cases that run side by side
FAMILIES = cases()


@dataclass(slots=True)
class Seen:
    """What one end of a connection got, and how it ended for it."""

    data: bytearray = field(default_factory=bytearray)
    ends: list[str] = field(default_factory=list[str])

    def summary(self) -> tuple[str, ...]:
        data = _UNIQUE.sub(b"", bytes(self.data), count=2)
        shown = repr(data) if len(data) < 400 else hashlib.sha256(data).hexdigest()
        return (str(len(self.data)), shown, *self.ends)


@dataclass(slots=True)
class Frames(Seen):
    """The same, for the fuzzing end: a reader of well-formed frames."""

    frames: list[str] = field(default_factory=list[str])  # first byte and unmasked payload of each
    closed: bool = False  # a Close frame was among them
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _start: int = 0

    async def receive(self, data: bytes) -> None:
        self.data += data
        while (frame := self._frame()) is not None:
            head, payload = frame
            shown = repr(payload) if len(payload) < 100 else f"{len(payload)} {hashlib.sha256(payload).hexdigest()}"
            self.frames.append(f"{head:#x} {shown}")
            self.closed |= head & 0x0F == CLOSE
        async with self.news:
            self.news.notify_all()

    async def end(self, how: str) -> None:
        self.ends.append(how)
        async with self.news:
            self.news.notify_all()

    async def wait_for(self, frames: int) -> bool:
        """Wait for so many frames; False when the peer ended instead."""
        async with self.news:
            await self.news.wait_for(lambda: len(self.frames) >= frames or self.closed or bool(self.ends))
        return not self.closed and not self.ends

    def _frame(self) -> tuple[int, bytes] | None:
        wire, start = self.data, self._start
        if len(wire) < start + 2:
            return None
        head, masked, length = wire[start], bool(wire[start + 1] & 0x80), wire[start + 1] & 0x7F
        start += 2
        if length >= 126:
            width = 2 if length == 126 else 8
            length, start = int.from_bytes(wire[start : start + width], "big"), start + width
        start += 4 * masked
        if len(wire) < start + length:
            return None
        payload = bytes(wire[start : start + length])
        if masked:
            key = (bytes(wire[start - 4 : start]) * (length // 4 + 1))[:length]
            payload = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big")
        self._start = start + length
        return head, payload


class Watched:
    """Notes what an asyncio protocol of ``websockets`` is given by its transport."""

    seen: Seen
    protocol: Protocol

    def watch(self) -> Seen:
        if not hasattr(self, "seen"):
            self.seen = Seen()
        return self.seen

    def data_received(self, data: bytes) -> None:
        self.watch().data += data
        super().data_received(data)  # type: ignore[misc]

    def eof_received(self) -> None:
        self.watch().ends.append("eof")
        super().eof_received()  # type: ignore[misc]

    def connection_lost(self, exc: Exception | None) -> None:
        self.watch().ends.append("lost" if exc is None else type(exc).__name__)
        super().connection_lost(exc)  # type: ignore[misc]


class WatchedServer(Watched, ServerConnection):
    """The echo server's side."""


class WatchedClient(Watched, ClientConnection):
    """The real client's side."""


async def _echo(connection: ServerConnection | ClientConnection) -> str:
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed as error:
        return f"{type(error).__name__}: {error}"
    return f"closed: {connection.close_code} {connection.close_reason}"


async def _play(case: Case, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, mask: bool) -> Frames:
    """Be the fuzzing end: send what the case says, read to the end."""
    seen = Frames()
    reading = asyncio.create_task(_read(reader, seen, writer, answer=not mask))
    try:
        async with asyncio.timeout(PATIENCE):
            for pieces, answers in case.turns(mask=mask):
                for piece in pieces:
                    writer.write(piece)
                await writer.drain()
                if answers and not await seen.wait_for(answers):
                    break
            if case.then == "reset":
                reading.cancel()
                sock: socket.socket = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                seen.ends.append("we reset")
            elif case.then == "eof":
                writer.write_eof()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
    except TimeoutError:
        seen.ends.append("never ended")
    except ConnectionError as error:
        seen.ends.append(f"{type(error).__name__} while writing")
    writer.close()
    return seen


async def _read(reader: asyncio.StreamReader, seen: Frames, writer: asyncio.StreamWriter, *, answer: bool) -> None:
    """Read to the end; a fuzzing server ends the transport once a Close frame came, as section 7.1.1 has it."""
    try:
        while data := await reader.read(65536):
            await seen.receive(data)
            if answer and seen.closed:
                answer = False
                with contextlib.suppress(OSError):
                    writer.write_eof()
        await seen.end("eof")
    except ConnectionError as error:
        await seen.end(type(error).__name__)


Outcome = dict[str, Any]


async def fuzz_the_server(case: Case, port: int, authority: str, sides: dict[str, asyncio.Future[Any]]) -> Outcome:
    """Be a fuzzing client of the echo server that ``port`` leads to."""
    sides[case.number] = asyncio.get_running_loop().create_future()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    offer = f"Sec-WebSocket-Extensions: {case.extensions}\r\n" if case.extensions else ""
    writer.write(
        f"GET /{case.number} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{offer}\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    seen = await _play(case, reader, writer, mask=True)
    async with asyncio.timeout(PATIENCE):
        server, words = await sides[case.number]
    return {
        "response": _UNIQUE.sub(b"", head),
        "fuzzer": seen.summary(),
        "server": server.summary(),
        "words": words,
    }


async def fuzz_the_client(case: Case, port: int, sides: dict[str, asyncio.Future[Any]]) -> Outcome:
    """Have a real client meet the fuzzing server that ``port`` leads to."""
    sides[case.number] = asyncio.get_running_loop().create_future()
    url = f"ws://127.0.0.1:{port}/{case.number}"
    async with asyncio.timeout(PATIENCE):
        connection = await connect(
            url, create_connection=WatchedClient, ping_interval=None, max_size=None, user_agent_header=None
        )
        words = await _echo(connection)
        await connection.wait_closed()
        seen: Frames = await sides[case.number]
    assert isinstance(connection, WatchedClient)
    return {
        "client": connection.seen.summary(),
        "fuzzer": (seen.frames, seen.ends),
        "words": words,
    }


async def _fuzzing_server(family: list[Case], sides: dict[str, asyncio.Future[Any]]) -> tuple[asyncio.Server, int]:
    by_number = {case.number: case for case in family}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        number = head.split(" ", 2)[1].removeprefix("/")
        match = re.search(r"Sec-WebSocket-Key: (\S+)", head)
        assert match is not None
        digest = hashlib.sha1(f"{match[1]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        case = by_number[number]
        agreed = "Sec-WebSocket-Extensions: permessage-deflate\r\n" if case.extensions else ""
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n{agreed}\r\n".encode()
        )
        sides[number].set_result(await _play(case, reader, writer, mask=False))

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    return server, int(server.sockets[0].getsockname()[1])


async def _each(family: list[Case], play: Callable[[Case], Awaitable[Outcome]]) -> dict[str, Outcome]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(case: Case) -> Outcome:
        async with slots:
            return await play(case)

    outcomes = await asyncio.gather(*(one(case) for case in family))
    return {case.number: outcome for case, outcome in zip(family, outcomes, strict=True)}


def _same(direct: dict[str, Outcome], through: dict[str, Outcome]) -> None:
    differing = {number: (direct[number], through[number]) for number in direct if direct[number] != through[number]}
    lines = [f"{number}:\n  direct  {one}\n  through {two}" for number, (one, two) in differing.items()]
    assert not differing, f"{len(differing)} of {len(direct)} cases differ:\n" + "\n".join(lines)


def _run(loop: str, main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        runner.run(main)


both_loops = pytest.mark.parametrize("loop", ["asyncio", pytest.param("uvloop", marks=pytest.mark.slow)])


@both_loops
@pytest.mark.parametrize("family", FAMILIES)
def test_a_fuzzing_client_and_an_echo_server(tmp_path: Path, family: str, loop: str) -> None:
    found = FAMILIES[family]

    async def main() -> None:
        sides: dict[str, asyncio.Future[Any]] = {}

        async def handler(connection: ServerConnection) -> None:
            assert isinstance(connection, WatchedServer)
            assert connection.request is not None
            words = await _echo(connection)
            await connection.wait_closed()
            sides[connection.request.path.removeprefix("/")].set_result((connection.seen, words))

        server = await serve(
            handler, "127.0.0.1", 0, create_connection=WatchedServer, ping_interval=None, max_size=None, close_timeout=5
        )
        async with server:
            port = next(iter(server.sockets)).getsockname()[1]
            authority = f"127.0.0.1:{port}"
            direct = await _each(found, lambda case: fuzz_the_server(case, port, authority, sides))
            settings = Settings(target=Target.parse(f"ws://{authority}"), output=tmp_path / "a.cassette")
            async with Recorder(settings) as recorder:
                through = await _each(
                    found, lambda case: fuzz_the_server(case, recorder.address.port, authority, sides)
                )
        _same(direct, through)
        assert not any("never ended" in outcome["fuzzer"] for outcome in direct.values())

    _run(loop, main())
    reader = open_cassette(tmp_path / "a.cassette")
    assert sum(isinstance(one, Opened) for one in reader) == len(found)
    assert reader.complete


@both_loops
@pytest.mark.parametrize("family", FAMILIES)
def test_a_client_and_a_fuzzing_server(tmp_path: Path, family: str, loop: str) -> None:
    # A response with parameters that were not offered fails the handshake; the plain extension suits every case.
    found = [case for case in FAMILIES[family] if "no_context" not in case.extensions]

    async def main() -> None:
        sides: dict[str, asyncio.Future[Any]] = {}
        server, port = await _fuzzing_server(found, sides)
        async with server:
            direct = await _each(found, lambda case: fuzz_the_client(case, port, sides))
            settings = Settings(target=Target.parse(f"ws://127.0.0.1:{port}"), output=tmp_path / "a.cassette")
            async with Recorder(settings) as recorder:
                through = await _each(found, lambda case: fuzz_the_client(case, recorder.address.port, sides))
        _same(direct, through)

    _run(loop, main())
    session = read_session(tmp_path / "a.cassette")
    sent = {one.handshake.target: one.messages for one in session.connections}
    for case in found:
        # No proof of the tap, which has its own tests: every case has left its records.
        assert f"/{case.number}" in sent
    if family == "1 framing":
        for case in found:
            (payload,) = [frame.payload for frame in case.frames]
            texts = [one.payload for one in sent[f"/{case.number}"] if one.direction is Direction.SERVER]
            assert texts == [payload, close(1000).payload]
