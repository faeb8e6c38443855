"""Services to record, each a real server on a free port of 127.0.0.1 in this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection as SyncServerConnection
from websockets.sync.server import serve as serve_in_thread

Handler = Callable[[ServerConnection], Awaitable[None]]


async def echo(connection: ServerConnection) -> None:
    """Send back what comes."""
    async for message in connection:
        await connection.send(message)


@asynccontextmanager
async def websocket_upstream(handler: Handler = echo, **options: Any) -> AsyncGenerator[str]:
    """A ``websockets`` server; gives its ``ws://`` URL without a path."""
    async with serve(handler, "127.0.0.1", 0, **options) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"


@asynccontextmanager
async def raw_upstream(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncGenerator[str]:
    """A TCP server for what no well-behaved WebSocket server does; gives its ``ws://`` URL."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await handler(reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def unused_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def in_thread(handler: Callable[[SyncServerConnection], None]) -> Generator[str]:
    """A server for tests that are not async; gives its ``ws://`` URL."""

    def handle(connection: SyncServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            handler(connection)

    with serve_in_thread(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()


def echo_in_thread() -> AbstractContextManager[str]:
    """An echo server for tests that are not async; gives its ``ws://`` URL."""

    def handler(connection: SyncServerConnection) -> None:
        for message in connection:
            connection.send(message)

    return in_thread(handler)


def answering_in_thread(answer: object) -> AbstractContextManager[str]:
    """A server that welcomes with a session id of its own, then gives the same JSON answer to each message."""

    def handler(connection: SyncServerConnection) -> None:
        connection.send(json.dumps({"type": "welcome", "session_id": f"s-{uuid.uuid4().hex}"}))
        for _ in connection:
            connection.send(json.dumps(answer))

    return in_thread(handler)
