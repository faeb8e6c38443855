"""Contracts learned from two recordings of one service, and of a service that has changed."""

from __future__ import annotations

import datetime
import random
import uuid
from dataclasses import replace

import pytest
from sessions import connection
from sessions import session as recording
from simulated import Mutation, Sent, records, server, session

from wstape.cassettes import Connection
from wstape.contracts import Contract, infer
from wstape.contracts.compatibility import compare

TODAY = datetime.date(2026, 6, 1)


def learned(seed: int, mutation: Mutation | None = None) -> Contract:
    return infer([session(seed * 100 + number, mutation=mutation, everywhere=True) for number in range(4)])


def breaking(old: Contract, new: Contract) -> list[tuple[str, str | None, str | None]]:
    found = compare(old, new, today=TODAY)
    return [(one.id, one.label, one.path) for one in found if one.severity == "breaking"]


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3, 4, 5))])
def test_two_recordings_of_one_service_are_compatible(seed: int) -> None:
    assert breaking(learned(seed), learned(seed + 10)) == []


def varied(chance: random.Random) -> dict[str, object]:
    """A payload of everything that inference makes something of."""
    kind = chance.choice(("text", "image", "audio"))
    own = {"text": {"body": "x" * chance.randint(1, 9)}, "image": {"width": chance.randint(1, 9)}, "audio": {"ms": 1.5}}
    return {
        "count": chance.randint(0, 9),
        "share": chance.choice((chance.random(), chance.randint(1, 5))),
        "mode": chance.choice(("fast", "slow", "auto")),
        "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "part": {"kind": kind, **own[kind]},
        "position": [chance.randint(0, 9), "px"],
        "items": [{"name": chance.choice("ab"), **({"price": 3} if chance.random() < 0.7 else {})}]
        * chance.randint(0, 2),
        **({"note": chance.choice(("hello", None))} if chance.random() < 0.6 else {}),
        **({"tags": [chance.choice("abcdefg") for _ in range(chance.randint(0, 3))]} if chance.random() < 0.3 else {}),
        **({"users": {f"user_{chance.getrandbits(40)}": chance.randint(0, 5)}} if chance.random() < 0.5 else {}),
    }


def learned_from(seed: int, connections: int) -> Contract:
    chance = random.Random(seed)
    recorded: list[Connection] = []
    for number in range(1, connections + 1):
        said: list[tuple[str, object]] = [("<", {"type": "welcome", "version": "1.2"})]
        for _ in range(4):
            said += [(">", {"type": "mark", "at": chance.randint(0, 3)}), (">", {"type": "ask", **varied(chance)})]
            said.append(("<", {"type": "answer", **varied(chance)}))
        recorded.append(connection(*said, number=number))
    return infer([recording(*recorded).records()])


@pytest.mark.parametrize(
    ("before", "now"),
    [(1, 6), (6, 1), (6, 6), *(pytest.param(*both, marks=pytest.mark.slow) for both in ((3, 30), (30, 3), (60, 9)))],
)
def test_how_much_was_recorded_breaks_nothing(before: int, now: int) -> None:
    for seed in range(3):
        assert breaking(learned_from(seed, before), learned_from(seed + 100, now)) == []


def without_field(sent: list[Sent], chance: random.Random) -> list[Sent]:
    return [
        replace(one, body={key: value for key, value in one.body.items() if key != "usage"})
        if one.label == "agent_completed"
        else one
        for one in sent
    ]


def without_completion(sent: list[Sent], chance: random.Random) -> list[Sent]:
    return [one for one in sent if one.label != "tool_completed"]


def under_wrong_id(sent: list[Sent], chance: random.Random) -> list[Sent]:
    return [
        replace(one, body={**one.body, "tool_call_id": f"call_{chance.getrandbits(48):012x}"})
        if one.label == "tool_completed"
        else one
        for one in sent
    ]


@pytest.mark.parametrize(
    ("mutation", "expected"),
    [
        (without_field, ("server/required-property-removed", "agent_completed", "/usage")),
        (without_completion, ("server/event-removed", "tool_completed", None)),
        (under_wrong_id, ("server/link-broken", "tool_completed", "/tool_call_id")),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_service_that_has_changed_is_not(mutation: Mutation, expected: tuple[str, str, str | None]) -> None:
    assert expected in breaking(learned(1), learned(2, mutation))


def states(version: str, number: int = 12) -> Contract:
    return infer([records([[server("state", protocol_version=version) for _ in range(number)]] * 3)])


@pytest.mark.parametrize(
    ("now", "finding"),
    [
        (states("2.0"), []),
        (states("2.1"), [("server/constant-changed", "warning")]),
        (states("whatever it is"), [("server/values-opened", "warning")]),
        (states("2.0", 3), [("server/values-opened", "info")]),  # too few to call anything a constant
    ],
)
def test_a_learned_constant_warns_where_the_new_recordings_say_otherwise(
    now: Contract, finding: list[tuple[str, str]]
) -> None:
    found = compare(states("2.0"), now, today=TODAY)
    assert [(one.id, str(one.severity)) for one in found if one.path == "/protocol_version"] == finding
