"""Learning: a contract holds for all that it was learned from."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from conversations import CONVERSATIONS, ENDINGS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from simulated import Sent, client, conversation, records, server, session

from wstape.cassettes import Closed, Direction, Ending, Kind, Message, Note, Record, UsageError
from wstape.contracts import Checker, Contract, ContractError, EventReader, Finding, infer


def check(contract: Contract, recording: list[Record]) -> tuple[Finding, ...]:
    checker = Checker(contract)
    for record in recording:
        checker.record(record)
    return checker.finish()


@example(
    [
        ([[server("hello"), Sent(Direction.CLIENT, {"type": "hello"})]], Ending.CLEAN),
        ([[server("hello"), server("hello")]], Ending.RESET),
    ]
)
@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(CONVERSATIONS, ENDINGS), min_size=1, max_size=3))
def test_no_recording_breaks_what_was_learned_from_it(services: list[tuple[list[list[Sent]], Ending]]) -> None:
    cassettes = [records(conversations, ending=ending) for conversations, ending in services]
    if not any(isinstance(record, Message) and record.kind == "text" for one in cassettes for record in one):
        with pytest.raises(ContractError):
            infer(cassettes)
        return
    contract = infer(cassettes)
    again = Contract.from_document(contract.document())
    for cassette in cassettes:
        assert check(again, cassette) == ()
        reader = EventReader(contract.envelope)
        for record in cassette:
            for event in reader.read(record) if isinstance(record, Message) else ():
                claim = contract.events[event.symbol]
                assert Draft202012Validator(claim.payload or {}).is_valid(event.payload)  # type: ignore[arg-type]


def test_simulated_sessions_keep_their_own_contract() -> None:
    cassettes = [session(seed, threads=1 + seed % 2) for seed in range(6)]
    contract = infer(cassettes)
    assert [check(contract, cassette) for cassette in cassettes] == [()] * 6


def rules(contract: Contract) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(claim.name, rule.template, rule.events) for claim in contract.scopes for rule in claim.rules}


def test_a_recording_that_was_cut_off_costs_no_rule() -> None:
    whole = infer([session(1)])
    chance = random.Random(5)
    half = conversation(chance, 3)[:-4]
    for cut in (
        records([half], ending=Ending.CUT, finished=False),
        records([half], ending=Ending.RESET),  # by the client
        records([half], ending=Ending.CLEAN)[:-4],  # no closing, no end
    ):
        assert rules(infer([session(1), cut])) >= {
            rule for rule in rules(whole) if rule[1] in ("end", "alternate_succession")
        }


def test_what_the_recorder_lost_costs_no_rule() -> None:
    whole = infer([session(1)])
    recording = records([conversation(random.Random(5), 3)])
    started = next(n for n, one in enumerate(recording) if isinstance(one, Message) and b"tool_exec" in one.payload)
    holed: list[Record] = list(recording)
    holed[started] = Note(text="the tap lost its place", at_ns=0, connection=1, lost=True)
    assert rules(infer([session(1), holed])) == rules(infer([session(1), recording[:started]]))
    assert {rule for rule in rules(whole) if rule[0] == "tool_call_id"} <= rules(infer([session(1), holed]))


def test_interleaved_work_is_no_rule_and_optional_phases_are_none() -> None:
    def body(run: int, tools: int) -> list[Sent]:
        return [
            server("started", run_id=f"r{run}"),
            *(server("tool", run_id=f"r{run}") for _ in range(tools)),
            server("done", run_id=f"r{run}"),
        ]

    contract = infer([records([[*body(0, 0), *body(1, 2), *body(2, 1), *body(3, 0)]] * 3)])
    assert {(template, events) for scope, template, events in rules(contract) if scope == "run_id"} == {
        ("alternate_succession", ("server:started", "server:done")),
        ("init", ("server:started",)),
        ("end", ("server:done",)),
        ("exactly", ("server:done",)),
    }


def constants(*conversations: list[Sent]) -> dict[str, object]:
    fields = infer([records(list(conversations))]).events["server:state"].payload["properties"]  # type: ignore[index]
    return {key: field["const"] for key, field in fields.items() if "const" in field}


def test_what_never_varies_is_a_constant_unless_the_client_said_it() -> None:
    states = [
        server(
            "state",
            **{"protocol_version": "2.0", "object": "room.state", "room": "lobby", "room_id": "r1"},
            **{"note": "as ever", "on": True, "version": "1.4.2", "serverBuild": "nightly", "model": "large"},
        )
        for _ in range(12)
    ]
    known = {"type": "state", "object": "room.state", "protocol_version": "2.0"}
    joined = [client("join", room="lobby"), *states]
    assert constants(joined, joined, joined) == known
    assert constants(states, states, states) == known | {"room": "lobby"}
    assert constants(joined[:9], joined[:9], joined[:9]) == {"type": "state"}  # too few
    assert constants(joined * 3) == {"type": "state"}  # one connection
    changed = [*joined, server("state", protocol_version="2.1", object="room.state")]
    assert constants(joined, joined, changed) == {"type": "state", "object": "room.state"}


def test_what_clients_send_all_the_time_is_no_constant() -> None:
    asked = [client("ask", mode="fast") for _ in range(12)]
    schema: Any = infer([records([asked, asked, asked])]).events["client:ask"].payload
    assert "const" not in schema["properties"]["mode"]


def test_another_constant_is_a_warning() -> None:
    def states(version: str) -> list[Record]:
        return records([[server("state", protocol_version=version) for _ in range(12)]] * 3)

    (finding,) = check(infer([states("2.0")]), states("2.1"))
    assert (finding.id, finding.path, finding.severity) == ("payload/value-changed", "/protocol_version", "warning")
    assert finding.message == '`/protocol_version` was "2.0" in all 36 recorded samples, now "2.1"'


def test_a_constant_of_another_type_is_told_once() -> None:
    contract = infer([records([[server("state", protocol_version="2.0") for _ in range(12)]] * 3)])
    (finding,) = check(contract, records([[server("state", protocol_version=2)]]))
    assert (finding.id, finding.severity) == ("payload/type-changed", "breaking")


def written(*texts: str) -> list[Record]:
    """Events of which JSON libraries of other languages make what they may."""
    recording = records([[server("said") for _ in texts]] * 3)
    left = iter(texts * 3)
    return [
        replace(record, payload=next(left).encode())
        if isinstance(record, Message) and record.kind is Kind.TEXT
        else record
        for record in recording
    ]


def test_numbers_that_json_has_no_word_for_and_keys_that_look_like_pointers() -> None:
    numbers = ("NaN", "Infinity", "-Infinity", "1e400", "1", "123456789012345678901234567890")
    texts = [f'{{"type": "said", "n": {number}, "a/b": {{"~x": 1, "$ref": "run_{number}"}}}}' for number in numbers]
    recording = written(*texts * 4)
    contract = infer([recording])
    assert check(contract, recording) == ()
    assert check(Contract.from_document(contract.document()), recording) == ()
    odd = '{"type": "said", "n": "NaN", "a/b": {"~x": NaN, "$ref": 1}}'
    assert sorted((one.id, one.path) for one in check(contract, written(odd))) == [
        ("payload/type-changed", "/a~1b/$ref"),
        ("payload/type-changed", "/a~1b/~0x"),
        ("payload/type-changed", "/n"),
    ]


def test_large_integers_are_exact() -> None:
    texts = [f'{{"type": "said", "n": {10**40 + n}}}' for n in range(12)]
    contract = infer([written(*texts)])
    assert contract.events["server:said"].payload["properties"]["n"]["type"] == "integer"  # type: ignore[index]
    assert check(contract, written(*texts)) == ()


def test_the_envelope_can_be_chosen_and_an_unknown_one_is_refused() -> None:
    assert set(infer([session(1)], envelope="opaque").events) == {"client:text", "server:text"}
    with pytest.raises(UsageError, match=r"--envelope: 'morse' is not known; choose one of json-rpc, "):
        infer([session(1)], envelope="morse")


SILENT = [record for record in session(1) if not isinstance(record, Message)]


@pytest.mark.parametrize("recording", [[], [[]], [SILENT]])
def test_nothing_to_learn_from_is_refused(recording: Any) -> None:
    with pytest.raises(ContractError, match="no event to learn from; record a session"):
        infer(recording)


def test_a_label_that_is_data_is_refused() -> None:
    many = [server("a" + "".join(chr(97 + int(digit)) for digit in str(n))) for n in range(2000)]
    mixed = [*[server("x") for _ in range(9000)], *many]
    with pytest.raises(ContractError, match="more than 1000 different labels"):
        infer([records([mixed])])


def test_closings_are_those_who_began_them() -> None:
    recording = records([conversation(random.Random(1), 1)])
    assert infer([recording]).closings[Direction.CLIENT] == {"1000": 1}
    broken: list[Record] = [one for one in recording if not (isinstance(one, Message) and one.kind == "close")]
    broken = [
        Closed(connection=1, ending=Ending.RESET, by=Direction.SERVER, at_ns=0) if isinstance(one, Closed) else one
        for one in broken
    ]
    assert infer([broken]).closings[Direction.SERVER] == {"abnormal": 1}
