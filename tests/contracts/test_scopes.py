"""Scopes: identifiers that join events, and not what only looks like one."""

from __future__ import annotations

import random

import pytest
from sessions import connection, session

from wstape.cassettes import Direction, Kind, Session
from wstape.contracts import Checker, Contract, Event, infer
from wstape.contracts.scope_finder import ScopeFinder
from wstape.contracts.scopes import Scope, ScopeReader


def event(label: str, payload: dict[str, object], connection: int = 1) -> Event:
    """An event of the server; of the client when its label begins with ">"."""
    return Event(
        connection=connection,
        direction=Direction.CLIENT if label.startswith(">") else Direction.SERVER,
        label=label,
        payload=payload,
        kind=Kind.TEXT,
        position=1,
        at_ns=0,
    )


def found(*connections: list[tuple[str, dict[str, object]]]) -> dict[str, Scope]:
    finder = ScopeFinder()
    for number, events in enumerate(connections, 1):
        for label, payload in events:
            finder.add(event(label, payload, number))
        finder.close(number)
    return {scope.name: scope for scope in finder.scopes()}


def jobs(count: int, **fields: object) -> list[tuple[str, dict[str, object]]]:
    return [(label, {"job_id": f"job_{number}", **fields}) for number in range(count) for label in ("begun", "ended")]


def test_an_identifier_that_joins_events_is_a_scope() -> None:
    scopes = found(jobs(3))
    assert scopes["job_id"] == Scope(
        name="job_id",
        paths={"server:begun": ("/job_id",), "server:ended": ("/job_id",)},
        instances=3,
        events=6,
    )


def test_scopes_stand_finest_first() -> None:
    events: list[tuple[str, dict[str, object]]] = []
    for run in range(3):
        events.append(("started", {"run_id": f"r{run}"}))
        for call in range(2):
            both = {"run_id": f"r{run}", "tool_call_id": f"c{run}{call}"}
            events += [("executing", dict(both)), ("completed", dict(both))]
    assert list(found(events)) == ["tool_call_id", "run_id"]


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([("a", {"user_id": "u1"}), ("b", {"user_id": "u1"})] * 9, id="one for the whole connection"),
        pytest.param([("a", {"message_id": f"m{n}"}) for n in range(20)], id="joins nothing"),
        pytest.param([("piece", {"chunk_id": n % 5}) for n in range(40)], id="a counter"),
        pytest.param([(str(n % 2), {"at": f"2026-01-31T12:00:{n // 2:02}Z"}) for n in range(40)], id="a timestamp"),
        pytest.param([(str(n % 2), {"role": ["user", "agent"][n % 4 // 2]}) for n in range(40)], id="words"),
        pytest.param([("a", {"ok_id": True}), ("b", {"ok_id": False})] * 9, id="booleans"),
    ],
)
def test_what_is_no_scope(events: list[tuple[str, dict[str, object]]]) -> None:
    assert found(events) == {}


def test_a_name_that_clients_ask_for_is_a_scope_and_a_word_of_the_service_is_none() -> None:
    events: list[tuple[str, dict[str, object]]] = []
    for symbol, channel in (("BTCUSD", "final"), ("ETHUSD", "draft")):
        for label in (">subscribe", "subscribed", "tick"):
            events.append((label, {"symbol": symbol} | ({} if label[0] == ">" else {"channel": channel})))
    assert list(found(events)) == ["symbol"]
    assert found([(label, {"symbol": f"not a name: {payload['symbol']}"}) for label, payload in events]) == {}


def test_what_each_connection_asks_for_once_is_a_scope_unless_it_is_all_there_is() -> None:
    def visit(number: int, *more: tuple[str, dict[str, object]]) -> list[tuple[str, dict[str, object]]]:
        room = {"room_id": f"room_{number}"}
        return [("welcome", {}), (">join", dict(room)), ("joined", dict(room)), ("news", {}), *more]

    assert list(found(*map(visit, range(3)))) == ["room_id"]
    assert found(*map(visit, range(2))) == {}
    assert found(*[visit(1)] * 3) == {}  # a constant
    assert found(*([("joined", {"room_id": f"room_{n}"}), *visit(n)] for n in range(3))) == {}  # nobody asked
    wide = [[("said", {"room_id": f"room_{n}"})] * 9 for n in range(3)]
    assert found(*(visit(n, *more) for n, more in enumerate(wide))) == {}
    asks = [[(label, {"user_id": f"user_{n}"}) for label in (">ask", ">tell")] for n in range(3)]
    assert found(*([("news", {}), *ask] for ask in asks)) == {}


def test_one_value_in_one_recording_and_several_in_another_is_a_scope() -> None:
    one = [("a", {"thread_id": "t1"}), ("b", {"thread_id": "t1"})]
    assert found(one) == {}
    assert "thread_id" in found(one, [*one, ("a", {"thread_id": "t2"}), ("b", {"thread_id": "t2"})])


def test_the_key_counts_wherever_it_stands_and_a_bare_id_is_named_with_its_object() -> None:
    events: list[tuple[str, dict[str, object]]] = []
    for number in range(3):
        events.append(("begun", {"job": {"id": f"j{number}"}, "meta": {"trace_id": f"t{number}"}}))
        events.append(("ended", {"job_id": f"j{number}", "trace_id": f"t{number}"}))
    scopes = found(events)
    assert scopes["job_id"].paths == {"server:begun": ("/job/id",), "server:ended": ("/job_id",)}
    assert scopes["trace_id"].paths == {"server:begun": ("/meta/trace_id",), "server:ended": ("/trace_id",)}


def test_neither_order_nor_distribution_matters() -> None:
    chance = random.Random(1)
    connections = [jobs(chance.randint(1, 4), run_id=f"r{n}") for n in range(5)]
    shuffled = chance.sample(connections, len(connections))
    assert found(*connections) == found(*shuffled)


def test_keys_are_read_finest_first_and_the_connection_last() -> None:
    reader = ScopeReader([
        Scope(name="call", paths={"server:a": ("/call",)}),
        Scope(name="run", paths={"server:a": ("/run", "/meta/run")}),
    ])  # fmt: skip
    keys = reader.keys(event("a", {"call": 7, "meta": {"run": "r"}}, 3))
    assert [str(key) for key in keys] == ["call=7", "run=r", "connection 3"]
    assert [str(key) for key in reader.keys(event("b", {"call": 7}))] == ["connection 1"]
    assert [str(key) for key in reader.keys(event("a", {"call": True, "run": ""}))] == ["connection 1"]


def test_a_person_may_name_a_scope_by_its_key_or_by_its_place() -> None:
    def orders(seed: int) -> Session:
        said: list[tuple[str, object]] = []
        for number in range(4):
            order = {"type": "placed", "order": f"A {seed} {number}", "at": {"desk": f"D {seed} {number}"}}
            said += [("<", order), ("<", {**order, "type": "filled"})]
        return session(connection(*said))

    recordings = [orders(seed).records() for seed in range(4)]
    assert [claim.name for claim in infer(recordings).scopes] == ["connection"]
    for named in ({"order": ""}, {"desk": "/at/desk"}):
        contract = infer(recordings, scopes=named)
        document = contract.document()
        assert [claim.name for claim in Contract.from_document(document).scopes] == [*named, "connection"]
        (rule,) = (rule for rule in contract.scopes[0].rules if rule.template == "alternate_succession")
        assert rule.events == ("server:placed", "server:filled")
        assert Contract.from_document(document).document() == document
        checker = Checker(Contract.from_document(document))
        for record in orders(9).records():
            checker.record(record)
        assert checker.finish() == ()
        for record in session(connection(("<", {"type": "filled", "order": "B 1", "at": {"desk": "E 1"}}))).records():
            checker.record(record)
        (finding,) = checker.finish()
        assert str(finding.scope) == ("order=B 1" if "order" in named else "desk=E 1")
