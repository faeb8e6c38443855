"""Values of the client that say how far the server has counted."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from playing import play
from sessions import connection, session
from websockets.asyncio.server import ServerConnection

from wstape.cassettes import Direction, Kind, Secrets, Session, UsageError
from wstape.contracts import Severity, infer
from wstape.contracts.envelopes import JsonEnvelope
from wstape.replayer import Overrides, Reading, find_bindings, prepare, traces
from wstape.replayer.bindings import Bindings
from wstape.replayer.ledger import Ledger

RUN = "run_d8f98360bdce413ba6dc"
OTHER = "run_11632853268149fda05e"

Said = tuple[str, Mapping[str, object]]


def found(recorded: Session) -> Bindings:
    return find_bindings(recorded, traces(recorded, JsonEnvelope("/type", "/type")))


def counters(*said: Said) -> list[str]:
    """What is found in one connection."""
    return sorted({str(one) for some in found(session(connection(*said))).latest.values() for one in some})


def told(name: str, *numbers: object) -> list[Said]:
    return [("<", {"type": "told", name: number}) for number in numbers]


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        ("seq", "last_seq"),
        ("seq", "since"),
        ("seq", "after"),
        ("seq", "ack"),
        ("seq", "seq"),
        ("sequence", "fromSeq"),
        ("offset", "offset"),
        ("next_cursor", "cursor"),
        ("event_id", "lastEventId"),
        ("id", "last_event_id"),
        ("ts", "since"),
    ],
)
def test_names_that_say_how_far_a_client_has_come(counted: str, said: str) -> None:
    recorded = [*told(counted, 3, 4, 8), ("<", {"type": "news"}), (">", {"type": "more", said: 8})]
    assert counters(*recorded) == [f"client:more /{said} is the latest /{counted} of the connection"]
    assert counters(*recorded, *told(counted, 9), (">", {"type": "more", said: 8})) == []


@pytest.mark.parametrize(
    ("counted", "said"),
    [("n", "n"), ("price", "last_price"), ("version", "last_version"), ("account_id", "from_account_id"), ("seq", "x")],
)
def test_other_numbers_are_no_counters(counted: str, said: str) -> None:
    assert counters(*told(counted, 3, 8), (">", {"type": "more", said: 8})) == []


def test_a_counter_under_a_name_that_says_nothing_is_known_by_three_values() -> None:
    beats = [[*told("s", number), (">", {"type": "beat", "d": number})] for number in (3, 8, 9)]
    assert counters(*beats[0], *beats[1]) == []
    assert counters(*itertools.chain(*beats)) == ["client:beat /d is the latest /s of the connection"]


def test_a_client_that_counts_its_own_messages_is_left_alone() -> None:
    """In step with the server's numbers, until it is not."""
    steps = [[*told("seq", number), (">", {"type": "say", "seq": number})] for number in (1, 2, 3, 4)]
    assert counters(*itertools.chain(*steps)) == []
    ask: list[Said] = [(">", {"type": "ask", "seq": 9}), *told("seq", 20), (">", {"type": "say", "seq": 20})]
    assert counters(*ask) == []


def test_each_run_has_a_counter_of_its_own() -> None:
    recorded = session(
        connection(
            ("<", {"type": "step", "run_id": RUN, "seq": 8}),
            ("<", {"type": "step", "run_id": OTHER, "seq": 3}),
        ),
        connection(
            (">", {"type": "resume", "run_id": RUN, "last_seq": 8}),
            (">", {"type": "resume", "run_id": OTHER, "last_seq": 3}),
            number=2,
            begin_ms=50,
        ),
    )
    bindings = found(recorded)
    assert [str(one) for some in bindings.latest.values() for one in some] == [
        "client:resume /last_seq is the latest /seq of its run_id"
    ] * 2
    timelines = traces(recorded, JsonEnvelope("/type", "/type"))
    ledger = Ledger(bindings.bindings, {}, [one for some in bindings.latest.values() for one in some])
    first = recorded.connections[1].messages[0]

    def sent() -> object:
        filled = ledger.fill_message(
            first, bindings.holes.get((2, 0), ()), (), timelines[1].envelope, bindings.latest[2, 0]
        )
        return json.loads(filled)["last_seq"]

    assert sent() == 8  # nothing has been counted
    for event in timelines[0].events():
        ledger.receive_event(event, 0)
    assert sent() == 8


def test_the_counter_of_a_connection_before() -> None:
    recorded = session(
        connection(*told("seq", 5, 6)),
        connection((">", {"type": "resume", "last_seq": 6}), number=2, begin_ms=50),
    )
    assert [str(one) for some in found(recorded).latest.values() for one in some] == [
        "client:resume /last_seq is the latest /seq of a connection before"
    ]


def test_a_person_has_the_last_word(tmp_path: Path) -> None:
    def said(latest: object) -> Overrides:
        path = tmp_path / "bindings.json"
        path.write_text(json.dumps({"latest": latest}))
        return Overrides.load(path)

    recorded = session(connection(*told("tally", 5, 6), *told("seq", 7), (">", {"type": "more", "at": 5, "after": 7})))
    timelines = traces(recorded, JsonEnvelope("/type", "/type"))
    for counter in ("the latest /tally of the connection", "the latest /a/b of its run_id"):
        overrides = said({"client:more /at": counter, "client:more /after": None})
        latest = find_bindings(recorded, timelines, overrides).latest
        assert [str(one) for some in latest.values() for one in some] == [f"client:more /at is {counter}"]
    with pytest.raises(UsageError, match="'the first /x' is no counter; write 'the latest /PATH of its NAME'"):
        said({"client:more /at": "the first /x"})
    with pytest.raises(UsageError, match="'latest' is not an object"):
        said([])
    reading = Reading(overrides=said({"client:less /at": "the latest /tally of a connection before"}))
    with pytest.raises(UsageError, match="the client never sends 'client:less /at'"):
        prepare([("r", recorded)], infer([recorded.records()]), Secrets({}), reading)


def test_a_text_that_is_the_last_one_is_no_longer_bound_to_one_event() -> None:
    one, two = "evt_4f9a7d1e66b0", "evt_91aa4f9a7d1e"
    recorded = session(connection(*told("event_id", one, two), (">", {"type": "resume", "last_event_id": two})))
    bindings = found(recorded)
    assert bindings.bindings == ()
    assert bindings.holes == {}
    assert [str(one) for some in bindings.latest.values() for one in some] == [
        "client:resume /last_event_id is the latest /event_id of the connection"
    ]


def test_a_build_that_counts_otherwise_is_asked_for_what_comes_after_its_own_last() -> None:
    """It sends more before the connection goes, and would send the rest twice when asked for the recorded place."""

    def steps(*numbers: int) -> list[Said]:
        return [("<", {"type": "step", "run_id": RUN, "seq": number}) for number in numbers]

    recorded = session(
        connection((">", {"type": "ask"}), *steps(1, 2, 3), ("<", {"type": "pause", "run_id": RUN, "seq": 4})),
        connection(
            (">", {"type": "resume", "run_id": RUN, "last_seq": 4}),
            *steps(5, 6),
            ("<", {"type": "done", "run_id": RUN, "seq": 7}),
            number=2,
            begin_ms=50,
        ),
    )
    live = "run_live4c0c91aa66b04f9a"

    async def working(ws: ServerConnection) -> None:
        async for text in ws:
            asked = json.loads(text)
            begin = 0
            if asked["type"] == "resume":
                assert asked["run_id"] == live
                begin = asked["last_seq"]
            kinds = ["step"] * 9 + ["pause"] + ["step"] * 4 + ["done"]
            for seq in range(begin + 1, 11 if asked["type"] == "ask" else 16):
                await ws.send(json.dumps({"type": kinds[seq - 1], "run_id": live, "seq": seq}))

    played, findings = play(recorded, working)
    assert [finding for finding in findings if finding.severity is Severity.BREAKING] == []
    second = played.session.connections[1].messages
    sent = [json.loads(one.payload) for one in second if one.direction is Direction.CLIENT and one.kind is Kind.TEXT]
    assert sent == [{"type": "resume", "run_id": live, "last_seq": 10}]
