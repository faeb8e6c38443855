"""What a served cassette costs a test: start and stop of its server, and a whole served conversation.

The bound is 5 ms for a start (its ratio is printed); the conversation stands beside the same one with a bare
`websockets` server. All sides take turns in one run.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_bare
from websockets.sync.client import connect

from wstape.cassettes import (
    Closed,
    Connection,
    Direction,
    Ending,
    Handshake,
    Header,
    Kind,
    Message,
    Session,
    write_records,
)
from wstape.integrations.event_loop import LoopThread
from wstape.integrations.hosting import ServedCassette

TURNS = 3
BOUND_MS = 5.0


def recorded() -> Session:
    """A greeting and three questions with an answer each."""
    texts = [b'{"type":"welcome"}', *([b'{"type":"ask"}', b'{"type":"answer"}'] * TURNS)]
    messages = tuple(
        Message(
            connection=1,
            direction=Direction.CLIENT if index % 2 else Direction.SERVER,
            kind=Kind.TEXT,
            payload=text,
            at_ns=index,
        )
        for index, text in enumerate(texts)
    )
    return Session(
        header=Header(target="ws://service", created="2026-01-31T12:00:00Z", wstape="0"),
        connections=(
            Connection(
                number=1,
                handshake=Handshake(target="/", request_headers=(), status=101, reason="", response_headers=()),
                opened_ns=0,
                messages=messages,
                closed=Closed(connection=1, ending=Ending.EOF, by=Direction.CLIENT, at_ns=100),
            ),
        ),
    )


def converse(url: str) -> None:
    with connect(url) as socket:
        socket.recv()
        for _ in range(TURNS):
            socket.send('{"type":"ask"}')
            socket.recv()


async def answer(socket: ServerConnection) -> None:
    await socket.send('{"type":"welcome"}')
    async for _ in socket:
        await socket.send('{"type":"answer"}')


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1e3


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    loop = LoopThread()
    starts: list[float] = []
    stops: list[float] = []
    served: list[float] = []
    bare: list[float] = []

    async def listen() -> str:
        server = await serve_bare(answer, "127.0.0.1", 0)
        return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    with TemporaryDirectory() as folder:
        path = Path(folder, "chat.cassette")
        write_records(path, recorded().records())
        url = loop.run(listen())
        for _ in range(rounds):
            made: list[ServedCassette] = []

            def start(made: list[ServedCassette] = made) -> None:
                made.append(ServedCassette(path, loop))
                made[0].start()

            starts.append(timed(start))
            served.append(timed(lambda made=made: converse(made[0].url)))
            stops.append(timed(lambda made=made: made[0].stop()))
            bare.append(timed(lambda: converse(url)))
    start_ms, stop_ms = statistics.median(starts), statistics.median(stops)
    spread = statistics.quantiles(starts, n=10)
    print(f"start of a served cassette   {start_ms:6.2f} ms ({spread[0]:.2f} to {spread[-1]:.2f}),", end=" ")
    print(f"{start_ms / BOUND_MS:.2f} x the bound of {BOUND_MS:.0f} ms; stop {stop_ms:.2f} ms")
    served_ms, bare_ms = statistics.median(served), statistics.median(bare)
    print(
        f"a conversation of {TURNS} turns     {served_ms:6.2f} ms, {served_ms / bare_ms:.1f} x a bare server's", end=" "
    )
    print(f"{bare_ms:.2f} ms; of that {TURNS} ms are waited for clients that do not wait")
    per_minute = 60_000 / (start_ms + stop_ms + served_ms)
    print(f"served conversations a minute, one after the other: {per_minute:,.0f}")
    loop.close()


if __name__ == "__main__":
    main()
