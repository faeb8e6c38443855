"""The way to the upstream, when there is none."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace

import pytest

from wstape.cassettes import Target, why_unreached
from wstape.recorder.loop import loop_factory
from wstape.recorder.route import Route

# Names that the resolver's codec, the resolver itself or TLS refuses; none of them is looked up in a network.
NAMES = ["a" * 300, "\ud800x", "a..b", "a\0b", "xn--\u0080", "é" * 70, "127.0.0.1"]


@pytest.mark.parametrize("loop", ["asyncio", "auto"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tls", [False, True])
def test_whatever_hinders_a_connection_is_told_as_one_kind_of_error(name: str, loop: str, tls: bool) -> None:
    target = replace(Target.parse("ws://x:1"), host=name)
    route = Route(target=target, tls=ssl.create_default_context() if tls else None)
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner, pytest.raises(OSError) as caught:  # noqa: PT011
        runner.run(route.connect(asyncio.Protocol))
    assert route.failure(caught.value)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)"), "connection refused"),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] x"),
            "connection refused",
        ),
        (TimeoutError(), "no answer in time"),
        (OSError("the host name cannot be looked up: x"), "the host name cannot be looked up: x"),
    ],
)
def test_the_reason_is_said_in_words(error: OSError, words: str) -> None:
    assert why_unreached(error) == words
