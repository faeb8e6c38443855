"""Checking: what ends a connection, what is owed, where the memory goes, and how findings are told."""

from __future__ import annotations

import gc
import json
import random
import tracemalloc
from collections.abc import Iterator

import pytest
from simulated import Sent, client, conversation, pick, records, server, session, turn

from wstape.cassettes import Closed, Direction, Ending, Kind, Message, Note, Record
from wstape.contracts import (
    Checker,
    Contract,
    Finding,
    ScopeKey,
    Severity,
    Shape,
    fold,
    infer,
    shape_similarity,
    verdict,
)
from wstape.contracts.schema import to_schema


@pytest.fixture(scope="module")
def contract() -> Contract:
    return infer([session(1)])


@pytest.fixture(scope="module")
def large() -> Contract:
    """Learned from twelve connections: what a connection always does is firm."""
    return infer([session(seed, turns=2) for seed in range(4)])


RUN = "550e8400-e29b-41d4-a716-446655440000"


def check(contract: Contract, recording: list[Record]) -> tuple[Finding, ...]:
    checker = Checker(contract)
    for record in recording:
        checker.record(record)
    return checker.finish()


def cut(ending: Ending | None, by: Direction | None = None) -> list[Record]:
    """A session that stops in the middle of a run."""
    sent = conversation(random.Random(3), 2)
    sent = sent[: pick(sent, "agent_completed", random.Random(1)) - 1]
    recording = [one for one in records([sent], ending=Ending.EOF) if not isinstance(one, Closed)][:-1]
    if ending is not None:
        recording.append(Closed(connection=1, ending=ending, by=by, at_ns=0))
    return recording


@pytest.mark.parametrize(
    ("ending", "by", "owed"),
    [
        (None, None, False),
        (Ending.CUT, None, False),
        (Ending.RESET, Direction.CLIENT, False),
        (Ending.EOF, Direction.CLIENT, False),
        (Ending.CLEAN, Direction.CLIENT, True),
        (Ending.CLEAN, Direction.SERVER, True),
        (Ending.RESET, Direction.SERVER, True),
        (Ending.EOF, None, True),
    ],
)
def test_only_a_connection_that_ended_owes_what_never_came(
    contract: Contract, ending: Ending | None, by: Direction | None, owed: bool
) -> None:
    findings = [one for one in check(contract, cut(ending, by)) if one.severity is Severity.BREAKING]
    assert {one.id.partition("/")[0] for one in findings} == ({"sequence"} if owed else set())


def test_an_early_event_is_wrong_even_on_a_connection_that_never_ended(contract: Contract) -> None:
    sent = [server("welcome", session_id="x"), server("tool_completed", tool_call_id="call_1f", run_id="r")]
    findings = check(contract, records([sent], ending=Ending.CUT))
    assert ("sequence/alternate_succession", "tool_executing") in {(one.id, one.label) for one in findings}


def test_what_the_recorder_lost_is_held_against_nobody(contract: Contract) -> None:
    def mutate(sent: list[Sent], chance: random.Random) -> list[Sent]:
        return [one for one in sent if one.label != "tool_completed"]

    bad = session(3, connections=1, mutation=mutate)
    lost = Note(text="the tap lost its place", at_ns=0, connection=1, lost=True)
    assert verdict(check(contract, bad)) == "breaking"
    assert verdict(check(contract, [*bad[:5], lost, *bad[5:]])) == "compatible"
    everywhere = Note(text="the disk was full", at_ns=0, lost=True)
    assert verdict(check(contract, [*bad[:5], everywhere, *bad[5:]])) == "compatible"


def test_a_message_stored_in_part_is_held_against_nobody(contract: Contract) -> None:
    recording = session(3, connections=1)
    place = next(n for n, one in enumerate(recording) if isinstance(one, Message) and b"tool_comp" in one.payload)
    whole = recording[place]
    assert isinstance(whole, Message)
    part = Message(
        connection=1, direction=whole.direction, kind=whole.kind, payload=whole.payload[:9], at_ns=0, full_size=90
    )
    assert verdict(check(contract, [*recording[:place], part, *recording[place + 1 :]])) == "compatible"


def test_recordings_one_after_the_other_do_not_share_connections(contract: Contract) -> None:
    one = [record for record in session(3) if not isinstance(record, Closed)]
    assert check(contract, [*one, *session(4)]) == ()


def close(code: int, by: Direction) -> list[Record]:
    recording = [one for one in session(5, connections=1) if not (isinstance(one, Message) and one.kind is Kind.CLOSE)]
    frame = Message(connection=1, direction=by, kind=Kind.CLOSE, payload=code.to_bytes(2, "big"), at_ns=0)
    return [*recording[:-2], frame, *recording[-2:]]


def test_a_close_code_that_the_server_never_sent(contract: Contract, large: Contract) -> None:
    (thin,) = check(contract, close(1011, Direction.SERVER))
    (firm,) = check(large, close(1011, Direction.SERVER))
    assert (thin.id, thin.severity, thin.candidate) == ("close/code", Severity.WARNING, "1011")
    assert (firm.id, firm.severity) == ("close/code", Severity.BREAKING)
    assert check(large, close(1000, Direction.SERVER)) == ()
    assert check(large, close(4000, Direction.CLIENT)) == ()


def test_a_server_that_breaks_the_connection_off(large: Contract) -> None:
    recording: list[Record] = [
        Closed(connection=1, ending=Ending.RESET, by=Direction.SERVER, at_ns=0) if isinstance(one, Closed) else one
        for one in close(1000, Direction.CLIENT)
        if not (isinstance(one, Message) and one.kind is Kind.CLOSE)
    ]
    (found,) = check(large, recording)
    assert (found.id, found.severity) == ("close/abnormal", Severity.BREAKING)


def test_pending_is_what_is_owed_in_identifier_scopes(contract: Contract) -> None:
    checker = Checker(contract)
    chance = random.Random(1)
    sent = [server("welcome", session_id="s"), *turn(chance, "thread_1f")]
    owed: list[set[tuple[str, tuple[str, ...]]]] = []
    *before, _closing, _answer, _closed, _end = records([sent])
    for record in before:
        checker.record(record)
        owed.append({(pending.scope.name, pending.awaited) for pending in checker.pending(1)})
    started = next(n for n, one in enumerate(sent) if one.label == "agent_started")
    assert ("run_id", ("server:agent_completed",)) in owed[started + 2]
    executing = next(n for n, one in enumerate(sent) if one.label == "tool_executing")
    assert ("tool_call_id", ("server:tool_completed",)) in owed[executing + 2]
    assert owed[-1] == set()
    assert checker.pending(2) == ()


def test_pending_names_the_scope(contract: Contract) -> None:
    checker = Checker(contract)
    for record in records([[server("tool_executing", tool_call_id="call_1f", run_id="r", tool="sum")]])[:3]:
        checker.record(record)
    (pending,) = [one for one in checker.pending(1) if one.scope.name == "tool_call_id"]
    assert pending.scope == ScopeKey(name="tool_call_id", connection=1, value="call_1f")
    assert (pending.after, pending.awaited) == ("server:tool_executing", ("server:tool_completed",))


def test_payload_messages_are_said_for_people(contract: Contract) -> None:
    def mutate(sent: list[Sent], chance: random.Random) -> list[Sent]:
        changes = {
            "tool_completed": {"duration_ms": "12", "ok": None},
            "agent_started": {"thread_id": "7"},
            "tool_executing": {"tool": "dig"},
            "agent_delta": {"run_id": "not a uuid"},
        }
        return [Sent(one.direction, {**one.body, **changes.get(one.label, {})}) for one in sent]

    said = {(one.path, one.severity): one.message for one in check(contract, session(9, mutation=mutate))}
    samples = contract.events["server:tool_completed"].seen
    assert said["/duration_ms", Severity.BREAKING] == (
        f'`/duration_ms` was an integer in all {samples} recorded samples, now a string: "12"'
    )
    assert said["/ok", Severity.BREAKING] == f"`/ok` was a boolean in all {samples} recorded samples, now null"
    assert said["/thread_id", Severity.WARNING].endswith("began with 'thread_' in all 12 recorded samples, now \"7\"")
    assert said["/tool", Severity.WARNING].endswith('was one of "search", "sum" in all 26 recorded samples, now "dig"')
    assert ("/run_id", Severity.WARNING) in said  # an identifier may change its form


def test_many_instances_are_one_finding_with_the_first_place(contract: Contract) -> None:
    def mutate(sent: list[Sent], chance: random.Random) -> list[Sent]:
        return [Sent(one.direction, one.body | {"step": "x"}) if "step" in one.body else one for one in sent]

    recording = session(9, mutation=mutate, everywhere=True)
    (found,) = check(contract, recording)
    thoughts = [one for one in recording if isinstance(one, Message) and b"agent_thinking" in one.payload]
    first = thoughts[0]
    position = [one for one in recording if isinstance(one, Message) and one.connection == first.connection].index(
        first
    )
    assert (found.count, found.connection, found.position) == (len(thoughts), first.connection, position + 1)


def test_items_of_arrays_and_keys_of_maps_are_one_place() -> None:
    def recording(price: object) -> list[Record]:
        baskets = [
            server("basket", items=[{"price": price}] * 2, by_user={f"user_{n}": {"price": price}}) for n in range(20)
        ]
        return records([[server("hello"), *baskets]] * 4)

    findings = check(infer([recording(1.5), recording(2)]), recording("1.5"))
    assert [(one.path, one.id, one.count) for one in findings] == [
        ("/by_user/*/price", "payload/type-changed", 80),
        ("/items/*/price", "payload/type-changed", 160),
    ]


def test_a_fraction_where_integers_were_needs_more_evidence() -> None:
    def recording(value: float, times: int) -> list[Record]:
        return records([[server("hello"), *(server("took", ms=value) for _ in range(times))]] * 3)

    thin, firm = infer([recording(12, 5)]), infer([recording(12, 12)])
    assert [one.severity for one in check(thin, recording(1.5, 3))] == [Severity.WARNING]
    assert [one.severity for one in check(firm, recording(1.5, 3))] == [Severity.BREAKING]
    assert check(firm, recording(1.0, 3)) == ()
    assert [one.severity for one in check(thin, recording("x", 3))] == [Severity.BREAKING]  # type: ignore[arg-type]


def test_another_encoding_altogether_is_one_breaking_finding(contract: Contract) -> None:
    recording: list[Record] = [
        Message(connection=one.connection, direction=one.direction, kind=Kind.BINARY, payload=b"\x81\xa4", at_ns=0)
        if isinstance(one, Message) and one.kind is Kind.TEXT and one.direction is Direction.SERVER
        else one
        for one in session(5)
    ]
    breaking = [one for one in check(contract, recording) if one.severity is Severity.BREAKING]
    assert [one.id for one in breaking] == ["message/kind-changed"]


def test_json_where_another_protocol_was_is_not_called_something_else() -> None:
    document: dict[str, object] = {"wstape": "contract", "version": 1, "envelope": {"name": "socket.io"}}
    document["events"] = {"server:welcome": dict[str, object]()}
    (found,) = check(Contract.from_document(document), session(5))
    assert found.message == "what the server sends was wrapped as socket.io, now `text` is a text message that is not"


def test_hostile_payloads_are_findings_and_no_crash(contract: Contract) -> None:
    bodies = [
        b'{"type": "agent_completed", "run_id": "\\ud800", "usage": {"tokens": 1e999, "cost": NaN}}',
        b'{"type": "agent_completed", "\\ud800": 1, "usage": ' + b"9" * 4000 + b"}",
        b'{"type": "agent_completed", "usage": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"type": "agent_completed", "usage": ' + b'{"a":' * 400 + b"1" + b"}" * 400 + b"}",
        b"[" * 50_000,
        b"\xff",
    ]
    recording = records([[client("create_thread")]])[:2]
    recording += [
        Message(connection=1, direction=Direction.SERVER, kind=Kind.TEXT, payload=body, at_ns=0) for body in bodies
    ]
    findings = check(contract, recording)
    assert any(one.id == "payload/type-changed" for one in findings)
    for one in findings:
        json.dumps([one.message, one.baseline, one.candidate]).encode()
        assert len(one.message) < 400
        assert "\n" not in one.message


def test_memory_does_not_grow_with_the_events_of_a_scope(contract: Contract) -> None:
    def deltas(count: int) -> Iterator[Record]:
        yield from records([[server("agent_started", run_id=RUN, thread_id="thread_1f", model="m")]])[:3]
        payload = json.dumps({"type": "agent_delta", "run_id": RUN, "text": "x"}).encode()
        for at in range(count):
            yield Message(connection=1, direction=Direction.SERVER, kind=Kind.TEXT, payload=payload, at_ns=at)

    def kept(count: int) -> int:
        checker = Checker(contract)
        tracemalloc.start()
        try:
            for record in deltas(count):
                checker.record(record)
            gc.collect()
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    kept(500)  # fills the caches of the validators
    assert kept(6_000) < kept(500) + 40_000  # less than eight bytes an event


def test_findings_fold_by_id_symbol_path_and_cause() -> None:
    def finding(severity: Severity, position: int, path: str | None = "/a") -> Finding:
        return Finding(
            id="payload/type-changed",
            severity=severity,
            direction=Direction.SERVER,
            label="x",
            path=path,
            connection=1,
            position=position,
            message="m",
        )

    one, two, other = finding(Severity.WARNING, 3), finding(Severity.BREAKING, 5), finding(Severity.INFO, 1, "/b")
    folded = fold([other, one, two])
    assert [(entry.severity, entry.position, entry.count) for entry in folded] == [
        (Severity.BREAKING, 3, 2),
        (Severity.INFO, 1, 1),
    ]
    assert verdict(folded) == "breaking"
    assert verdict([one, other]) == "compatible"


def test_similarity_of_shapes() -> None:
    def shape(**fields: object) -> Shape:
        return Shape.of([{"type": "x", **fields}])

    schema = to_schema(shape(run_id="r", text="t", n=1), constants={("type",): "x"})
    assert shape_similarity(schema, shape(run_id="r", text="t", n=2)) == 1.0
    assert shape_similarity(schema, shape(run_id="r", text="t")) == pytest.approx(2 / 3)
    assert shape_similarity(schema, shape(other=[])) == 0.0
    assert shape_similarity(to_schema(shape(), constants={("type",): "x"}), shape()) == 0.0
