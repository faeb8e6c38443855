"""The event loop of a recording."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from recording import recording
from upstreams import echo_in_thread
from websockets.sync.client import connect

from wstape.cassettes import Kind, UsageError, read_session
from wstape.recorder import loop_factory


@pytest.fixture
def upstream() -> Iterator[str]:
    with echo_in_thread() as url:
        yield url


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_recording_on_either_loop(upstream: str, tmp_path: Path, loop: str) -> None:
    with recording(upstream, tmp_path / "a.cassette", "--loop", loop) as recorder:
        with connect(recorder.url, max_size=None) as socket:
            for message in ("hello", b"x" * 900_000, ""):
                socket.send(message)
                assert socket.recv() == message
        assert recorder.stop() == 0
    (connection,) = read_session(recorder.path).connections
    assert [len(one.payload) for one in connection.messages if one.kind is not Kind.CLOSE] == [
        5, 5, 900_000, 900_000, 0, 0
    ]  # fmt: skip


def test_uvloop_is_taken_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loop_factory("asyncio") is None
    factory = loop_factory()
    assert factory is not None
    assert factory is loop_factory("uvloop")
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop_factory() is None
    with pytest.raises(UsageError, match=r"install wstape\[fast\]"):
        loop_factory("uvloop")
