"""Numbers that the server issued, and those that both sides know."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playing import play
from sessions import connection, session
from websockets.asyncio.server import ServerConnection

from wstape.cassettes import Session
from wstape.contracts import Severity, detect
from wstape.replayer import find_bindings, traces
from wstape.replayer.bindings import Bindings
from wstape.replayer.issued import is_long


def found(recorded: Session) -> Bindings:
    envelope = detect(message for one in recorded.connections for message in one.messages)
    return find_bindings(recorded, traces(recorded, envelope))


def asked(*messages: Mapping[str, object]) -> Session:
    """A client that is told something, and says something, in turn."""
    return session(connection(*(("<>"[number % 2], message) for number, message in enumerate(messages))))


ORDER = 3445588753726


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"type": "order", "oid": ORDER}, {"type": "cancel", "oid": ORDER}),
        ({"type": "order", "id": ORDER}, {"type": "cancel", "order_id": ORDER}),
        ({"type": "order", "engine": {"no": ORDER}}, {"type": "cancel", "no": ORDER}),
        ({"type": "subscribed", "sub": 2473}, {"type": "stop", "sub": 2473}),
        ({"type": "subscribed", "chanId": 17}, {"type": "stop", "chanId": 17}),
    ],
)
def test_a_number_that_the_server_issued_is_bound(told: dict[str, object], said: dict[str, object]) -> None:
    """A short one under a short name is, once the client has sent another one there as well."""
    number = next(value for value in said.values() if isinstance(value, int))
    other = json.loads(json.dumps((told, said)).replace(str(number), str(number + 39)))
    assert [binding.value for binding in found(asked(told, said, *other)).bindings] == [number, number + 39]
    alone = found(asked(told, said))
    assert [binding.value for binding in alone.bindings] == ([] if "sub" in said else [number])
    assert bool(alone.lone) == ("sub" in said)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("n", (41, 42)),
        ("price", (6400017, 6400391)),
        ("lastPx", (6400017, 6400391)),
        ("ts", (1732387745123, 1732387746017)),
        ("created_at", (1732387745123, 1732387746017)),
        ("version", (3, 4)),
        ("op", (7, 9)),
        ("code", (404, 503)),
        ("budget", (500000, 2500000)),
        ("window", (1048576, 16777215)),
        ("grid", (12, 13)),
        ("bid", (6400017, 6400391)),
    ],
)
def test_a_number_that_both_sides_know_binds_nothing(name: str, numbers: tuple[int, int]) -> None:
    messages: list[Mapping[str, object]] = [
        {"type": kind, name: number} for number in numbers for kind in ("told", "said")
    ]
    bindings = found(asked(*messages))
    assert bindings.bindings == ()
    assert bindings.holes == {}


@given(st.lists(st.integers(0, 30), min_size=2, max_size=12), st.sampled_from(["id", "sub", "channel"]))
def test_numbers_that_the_client_counts_itself_bind_nothing(told: list[int], name: str) -> None:
    """They meet what the server counts; one of the client's own at a place is enough to see it."""
    messages: list[Mapping[str, object]] = []
    messages.append({"type": "say", name: 31})
    for number in told:
        messages += [{"type": "told", name: number}, {"type": "say", name: number}]
    assert found(asked({"type": "welcome"}, *messages)).bindings == ()


def test_a_number_of_the_client_s_own_does_not_speak_against_long_ones() -> None:
    """A client tries an order that there is none of."""
    recorded = asked(
        {"type": "order", "oid": ORDER},
        {"type": "cancel", "oid": ORDER},
        {"type": "gone", "oid": ORDER},
        {"type": "cancel", "oid": 999999999},
    )
    assert [binding.value for binding in found(recorded).bindings] == [ORDER]


@pytest.mark.parametrize("number", [0, 7, 99_999, 100_000, 1_500_000, 1_048_576, 16_777_215, -2_147_483_648])
def test_short_and_round_numbers(number: int) -> None:
    assert not is_long(number)


def test_a_build_gets_the_numbers_that_it_issued_itself() -> None:
    """Two subscriptions and two orders on a feed that numbers them anew each time, and knows no others."""
    steps: list[dict[str, object]] = []
    for rid, sub in enumerate((2473, 417), 1):
        steps += [{"type": "subscribe", "rid": rid}, {"type": "subscribed", "rid": rid, "sub": sub}]
    for number in (ORDER, ORDER + 137):
        steps += [{"type": "order", "qty": 3}, {"type": "placed", "oid": number, "qty": 3}]
        steps += [{"type": "cancel", "oid": number}, {"type": "cancelled", "oid": number}]
    for sub in (2473, 417):
        steps += [{"type": "unsubscribe", "sub": sub}, {"type": "unsubscribed", "sub": sub}]
    arrows = itertools.cycle("><")
    recorded = session(connection(*zip(arrows, steps, strict=False)))

    async def feed(ws: ServerConnection) -> None:
        orders, subs = iter(random.sample(range(10**12, 10**13), 2)), iter(random.sample(range(100, 9999), 2))
        known: set[int] = set()
        async for text in ws:
            asked = json.loads(text)
            match asked["type"]:
                case "subscribe":
                    known.add(sub := next(subs))
                    answer = {"type": "subscribed", "rid": asked["rid"], "sub": sub}
                case "order":
                    known.add(oid := next(orders))
                    answer = {"type": "placed", "oid": oid, "qty": asked["qty"]}
                case kind:
                    name = "oid" if kind == "cancel" else "sub"
                    done = "cancelled" if kind == "cancel" else "unsubscribed"
                    number = asked[name]
                    answer = {"type": done, name: number} if number in known else {"type": "error", "unknown": number}
            await ws.send(json.dumps(answer))

    _, findings = play(recorded, feed)
    assert [finding for finding in findings if finding.severity is Severity.BREAKING] == []
