"""200 recorders are killed with ``kill -9`` at random moments under load; what each leaves is held to the promise.

The promise: what is older than the flush interval is in the file. A client cannot look into the recorder, but it knows
when an answer came through it. By then the recorder has taken note of the message; and when an answer came, the
recorder was awake, and did what was due before. So the clock ends with the last answers, not with the kill: a recorder
that the machine did not let run has written nothing, and has answered nothing either.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from warm_recorders import WarmRecorder, WarmRecorders
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from wstape.cassettes import Direction, Message, Opened, open_cassette
from wstape.cassettes.journal import FLUSH_INTERVAL_NS
from wstape.cli import run

ROUNDS = 200
AT_ONCE = 10
CONNECTIONS = 2
LIFE = (0.25, 0.9)  # seconds from the first answer to the kill
SLACK = 0.1  # seconds; between two answers the recorder may have been put to sleep by the machine


@dataclass(slots=True)
class Answers:
    """When the answer to each message came, by connection, in seconds of the test's clock."""

    by_connection: list[list[float]] = field(default_factory=lambda: [[] for _ in range(CONNECTIONS)])

    def promised(self, connection: int) -> int:
        """How many messages of a connection are too old to be lost."""
        awake = max(times[-2] for times in self.by_connection if len(times) > 1)
        limit = awake - FLUSH_INTERVAL_NS / 1e9 - SLACK
        return sum(moment < limit for moment in self.by_connection[connection])


async def _echo(connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


async def _ask(url: str, name: int, answers: list[float], first: asyncio.Event) -> None:
    """Send one message after the other, each when the one before is answered, until the recorder is dead."""
    try:
        async with connect(f"{url}/{name}", compression=None) as connection:
            while True:
                await connection.send(f"{name}:{len(answers)}:{'x' * (len(answers) % 700)}")
                await connection.recv()
                answers.append(time.monotonic())
                first.set()
    except ConnectionClosed:
        return


async def _round(recorder: WarmRecorder, life: float) -> Answers:
    answers = Answers()
    first = asyncio.Event()
    asking = [
        asyncio.create_task(_ask(recorder.url, name, times, first)) for name, times in enumerate(answers.by_connection)
    ]
    await first.wait()
    await asyncio.sleep(life)  # a random moment, not a guess
    recorder.kill()
    await asyncio.gather(*asking)  # their connections end with the process
    return answers


async def _rounds(folder: Path, recorders: WarmRecorders) -> list[tuple[Path, Answers]]:
    chance = random.Random(9)
    done: list[tuple[Path, Answers]] = []
    async with serve(_echo, "127.0.0.1", 0, compression=None) as server:
        target = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        for batch in range(ROUNDS // AT_ONCE):
            paths = [folder / f"{batch}-{number}.cassette" for number in range(AT_ONCE)]
            started = [await asyncio.to_thread(recorders.start, target, path) for path in paths]
            lives = [chance.uniform(*LIFE) for _ in started]
            done += zip(paths, await asyncio.gather(*map(_round, started, lives)), strict=True)
    return done


def _numbers(path: Path, direction: Direction) -> dict[int, list[int]]:
    """The numbers of the messages that a cassette holds, by the name that the client gave its connection."""
    names: dict[int, int] = {}
    numbers: dict[int, list[int]] = {}
    reader = open_cassette(path)
    for record in reader:
        if isinstance(record, Opened):
            names[record.connection] = int(record.handshake.target.removeprefix("/"))
        elif isinstance(record, Message) and record.direction is direction:
            name, number, filler = record.payload.split(b":")
            assert int(name) == names[record.connection]
            assert filler == b"x" * (int(number) % 700)
            numbers.setdefault(int(name), []).append(int(number))
    assert not reader.complete
    assert reader.problem
    return numbers


def _hold(path: Path, answers: Answers, directions: Sequence[Direction] = tuple(Direction)) -> int:
    """Fail when a message is missing that was promised, or one is there that was not sent; return the number read."""
    total = 0
    for direction in directions:
        found = _numbers(path, direction)
        for connection, times in enumerate(answers.by_connection):
            numbers = found.get(connection, [])
            assert numbers == list(range(len(numbers))), path
            assert answers.promised(connection) <= len(numbers) <= len(times) + 1, path
            total += len(numbers)
    return total


@pytest.mark.slow
def test_nothing_older_than_the_flush_interval_is_lost(tmp_path: Path) -> None:
    with WarmRecorders() as recorders:
        rounds = asyncio.run(_rounds(tmp_path, recorders))
    assert len(rounds) == ROUNDS
    kept = sum(_hold(path, answers) for path, answers in rounds)
    promised = sum(answers.promised(connection) for _, answers in rounds for connection in range(CONNECTIONS))
    answered = sum(len(times) for _, answers in rounds for times in answers.by_connection)
    print(f"{ROUNDS} recorders killed: {answered} messages answered, {promised} promised, {kept // 2} kept")
    assert promised > ROUNDS  # there was something to lose, on a slow machine too
    for path, _ in rounds[::40]:
        before = [record for record in open_cassette(path)]
        assert run(["repair", str(path)]) == 0
        reader = open_cassette(path)
        assert list(reader)[:-1] == before
        assert reader.complete
