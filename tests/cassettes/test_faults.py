"""When injected faults strike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wstape.cassettes import Direction, Fault, FaultKind, Faults, UsageError

SERVER, CLIENT = Direction.SERVER, Direction.CLIENT


def struck(faults: Faults, messages: int, sender: Direction = SERVER, target: str = "/") -> list[list[FaultKind]]:
    connection = faults.connection(target)
    return [[fault.kind for fault in connection.message(sender)] for _ in range(messages)]


def places(spec: str, messages: int = 12, *, seed: int = 0, sender: Direction = SERVER, target: str = "/") -> list[int]:
    rows = struck(Faults([Fault.parse(spec)], seed), messages, sender, target)
    return [number for number, kinds in enumerate(rows, 1) if kinds]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("duplicate", list(range(1, 13))),
        ("duplicate:after=9", [10, 11, 12]),
        ("duplicate:every=5", [5, 10]),
        ("duplicate:after=3,every=4", [7, 11]),
        ("duplicate:after=3,times=2", [4, 5]),
        ("duplicate:path=/chat*", []),
        ("duplicate:from=client", []),
    ],
)
def test_where_it_strikes(spec: str, expected: list[int]) -> None:
    assert places(spec) == expected


def test_both_senders_are_counted_apart() -> None:
    faults = Faults([Fault.parse("duplicate:every=2,from=both")])
    connection = faults.connection("/")
    order = [SERVER, CLIENT, CLIENT, SERVER]
    assert [bool(connection.message(sender)) for sender in order] == [False, False, True, True]


def test_only_the_first_connections_and_only_the_path() -> None:
    faults = Faults([Fault.parse("drop:connections=2,path=/chat/*")])
    asked = ["/chat/a?x=/no", "/other", "/chat/b"]
    assert [bool(faults.connection(target).message(SERVER)) for target in asked] == [True, False, False]


def test_a_fault_that_ends_the_connection_comes_last_and_alone() -> None:
    specs = ["drop", "delay:time=1s", "close:code=4000,reason=bye", "duplicate"]
    kinds = struck(Faults([Fault.parse(spec) for spec in specs]), 1)
    assert kinds == [[FaultKind.DELAY, FaultKind.DUPLICATE, FaultKind.DROP]]


def test_every_nth_handshake_is_refused() -> None:
    faults = Faults([Fault.parse("refuse:every=3,status=429,path=/chat")])
    answers = [faults.handshake("/chat") for _ in range(7)]
    assert [answer and answer.status for answer in answers] == [None, None, 429, None, None, 429, None]
    assert faults.handshake("/other") is None


def test_values_are_read() -> None:
    assert Fault.parse("delay:time=250ms").seconds == 0.25
    assert Fault.parse("delay:time=1.5s").seconds == 1.5
    fault = Fault.parse("close:code=1012,reason=restart")
    assert (fault.code, fault.reason) == (1012, "restart")
    assert Fault.parse("half-open:after=1").kind is FaultKind.HALF_OPEN


@given(seed=st.integers(0, 1000), messages=st.integers(0, 60), chance=st.sampled_from(["0.1", ".5", "0.9"]))
def test_the_same_seed_strikes_in_the_same_places_whatever_else_happens(seed: int, messages: int, chance: str) -> None:
    fault = Fault.parse(f"duplicate:chance={chance},from=both")
    alone = Faults([fault], seed)
    expected = [struck(alone, messages), struck(alone, messages)]
    mixed = Faults([fault], seed)
    one, two = mixed.connection("/"), mixed.connection("/")
    seen: list[list[list[FaultKind]]] = [[], []]
    for _ in range(messages):
        for place, connection in enumerate((one, two)):
            connection.message(CLIENT)
            seen[place].append([struck.kind for struck in connection.message(SERVER)])
    assert seen == expected


def test_another_seed_strikes_elsewhere_and_chance_is_a_share() -> None:
    one, two = (places("duplicate:chance=0.25", 2000, seed=seed) for seed in (1, 2))
    assert one != two
    assert 400 < len(one) < 600


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "'' is none of refuse, delay"),
        ("explode", "'explode' is none of refuse, delay"),
        ("drop:", "'' is not KEY=VALUE with one of after, chance, connections, every, from, path, times"),
        ("drop:time=1s", "'time=1s' is not KEY=VALUE"),
        ("delay", "a delay needs its time"),
        ("delay:time=soon", "time=soon is not a time"),
        ("drop:after=-1", "after=-1 is not a whole number of at least 0"),
        ("drop:every=0", "every=0 is not a whole number of at least 1"),
        ("drop:chance=2", "chance=2 is not a number"),
        ("drop:chance=0", "chance=0 is not a number"),
        ("drop:from=me", "from=me is none of client, server, both"),
        ("close:code=1006", "code=1006 is none that"),
        ("close:code=5000", "code=5000 is none that"),
        ("refuse:status=200", "status=200 is not a whole number of at least 300"),
        ("refuse:status=700", "status=700 refuses nothing"),
        ("refuse:from=client", "'from=client' is not KEY=VALUE"),
        ("close:reason=" + "x" * 124, "at most 123 bytes"),
    ],
)
def test_a_bad_spec_is_one_line(spec: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        Fault.parse(spec)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
