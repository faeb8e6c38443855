"""What waits to be read by its tap."""

from __future__ import annotations

import asyncio

from wstape.cassettes import Direction
from wstape.recorder.backlog import CHUNKS, LIMIT, Backlog


class Clock:
    """A tape that tells how often it was asked for the time."""

    def __init__(self) -> None:
        self.asked = 0

    def now_ns(self) -> int:
        self.asked += 1
        return self.asked


class Heard:
    """Keeps what it reads, with all others."""

    def __init__(self, name: str, into: list[tuple[str, Direction, bytes, int]], done: asyncio.Event) -> None:
        self._name = name
        self._into = into
        self._done = done

    def read(self, direction: Direction, data: bytes, at_ns: int) -> None:
        self._into.append((self._name, direction, data, at_ns))
        self._done.set()


def test_it_is_read_a_moment_later_in_the_order_and_with_the_times_of_arrival() -> None:
    async def main() -> list[tuple[str, Direction, bytes, int]]:
        heard: list[tuple[str, Direction, bytes, int]] = []
        done = asyncio.Event()
        one, two = Heard("one", heard, done), Heard("two", heard, done)
        backlog = Backlog(Clock())
        backlog.append(one, Direction.CLIENT, b"a")
        backlog.append(two, Direction.CLIENT, b"b")
        backlog.append(one, Direction.SERVER, b"c")
        assert heard == []
        await done.wait()
        first = heard.copy()
        done.clear()
        backlog.append(two, Direction.SERVER, b"d")
        await done.wait()
        assert heard[:3] == first
        return heard

    assert asyncio.run(main()) == [
        ("one", Direction.CLIENT, b"a", 1),
        ("two", Direction.CLIENT, b"b", 2),
        ("one", Direction.SERVER, b"c", 3),
        ("two", Direction.SERVER, b"d", 4),
    ]


def test_it_does_not_grow_and_is_read_when_something_must_follow_it() -> None:
    async def main() -> None:
        heard: list[tuple[str, Direction, bytes, int]] = []
        reader = Heard("one", heard, asyncio.Event())
        backlog = Backlog(Clock())
        backlog.append(reader, Direction.CLIENT, bytes(LIMIT - 1))
        assert heard == []
        backlog.append(reader, Direction.CLIENT, b"x")
        assert [len(data) for _, _, data, _ in heard] == [LIMIT - 1, 1]
        backlog.append(reader, Direction.CLIENT, b"y")
        backlog.read()
        assert len(heard) == 3
        backlog.read()
        assert len(heard) == 3
        for _ in range(CHUNKS):
            backlog.append(reader, Direction.SERVER, b"")
        assert len(heard) == 3 + CHUNKS

    asyncio.run(main())
