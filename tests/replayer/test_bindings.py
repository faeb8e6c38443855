"""Which values of the client came from the server."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sessions import connection, exchange, session

from wstape.cassettes import Session
from wstape.contracts import detect
from wstape.contracts.envelopes import JsonEnvelope
from wstape.replayer import find_bindings, traces
from wstape.replayer.bindings import BodySource, EventSource, HeaderSource, between
from wstape.replayer.issued import looks_issued
from wstape.replayer.ledger import Ledger
from wstape.replayer.naming import names_identifier

UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


def found(recorded: Session):
    envelope = detect(message for one in recorded.connections for message in one.messages)
    return find_bindings(recorded, traces(recorded, envelope))


def test_an_identifier_that_the_server_issued_is_bound() -> None:
    bindings = found(
        session(
            connection(
                (">", {"type": "create"}),
                ("<", {"type": "created", "thread_id": UUID}),
                (">", {"type": "ask", "thread_id": UUID, "text": "hello"}),
            )
        )
    )
    (binding,) = bindings.bindings
    assert binding.value == UUID
    assert isinstance(binding.source, EventSource)
    assert (binding.source.symbol, binding.source.path, binding.source.turn) == ("server:created", ("thread_id",), 1)
    (hole,) = bindings.holes[1, 2]
    assert (hole.path, hole.value, hole.text) == (("thread_id",), UUID, None)


def test_numbers_of_the_two_sides_requests_are_told_apart() -> None:
    rpc = {"jsonrpc": "2.0"}
    bindings = found(
        session(
            connection(
                (">", {**rpc, "id": 7, "method": "open"}),
                ("<", {**rpc, "id": 7, "result": {}}),
                ("<", {**rpc, "id": 8, "method": "confirm"}),
                (">", {**rpc, "id": 8, "method": "list"}),
                ("<", {**rpc, "id": 7, "method": "confirm"}),
                (">", {**rpc, "id": 7, "result": True}),
                (">", {**rpc, "id": 8, "result": True}),
            )
        )
    )
    assert [binding.value for binding in bindings.bindings] == [7, 8]
    assert {place: [hole.value for hole in holes] for place, holes in bindings.holes.items()} == {
        (1, 5): [7],
        (1, 6): [8],
    }


def test_one_number_under_two_names_is_two_values() -> None:
    recorded = session(
        connection(
            ("<", {"type": "welcome", "user_id": 1, "count": 1}),
            (">", {"type": "open", "user_id": 1, "count": 1}),
            ("<", {"type": "opened", "room_id": 1}),
            (">", {"type": "say", "room_id": 1, "user_id": 1, "n": 1}),
        )
    )
    bindings = found(recorded)
    assert [(binding.value, binding.source.name) for binding in bindings.bindings] == [(1, "user_id"), (1, "room_id")]
    assert [hole.path for hole in bindings.holes[1, 3]] == [("room_id",), ("user_id",)]
    ledger = Ledger(bindings.bindings, {})
    envelope = JsonEnvelope("/type", "/type")
    for label, live in (("welcome", {"user_id": 5}), ("opened", {"room_id": 9})):
        (told,) = (one for one in traces(recorded, envelope)[0].events() if one.label == label)
        ledger.receive_event(replace(told, payload={**live, "type": label}), 1)
    assert ledger.missing([hole.value for hole in bindings.holes[1, 3]]) == ()
    last = recorded.connections[0].messages[3]
    sent = ledger.fill_message(last, bindings.holes[1, 3], (), envelope)
    assert json.loads(sent) == {"type": "say", "room_id": 9, "user_id": 5, "n": 1}


def test_an_identifier_that_the_client_made_is_its_own() -> None:
    bindings = found(
        session(
            connection(
                (">", {"type": "ask", "request_id": UUID}),
                ("<", {"type": "answer", "request_id": UUID}),
                (">", {"type": "ack", "request_id": UUID}),
            )
        )
    )
    assert bindings.bindings == ()


def test_a_session_that_engine_io_opened_by_http_is_bound() -> None:
    sid = "O_FjjPv_482NhWkNAAAM"
    opened = replace(exchange({}, {}), response_body=f'0{{"sid":"{sid}","upgrades":["websocket"]}}'.encode())
    upgrade = connection((">", "2probe"), target=f"/socket.io/?EIO=4&transport=websocket&sid={sid}")
    bindings = found(session(upgrade, exchanges=(opened,)))
    (binding,) = bindings.bindings
    assert (binding.value, binding.source) == (sid, BodySource(exchange=opened.number, path=("sid",)))


def test_words_and_small_numbers_bind_nothing() -> None:
    bindings = found(
        session(
            connection(
                ("<", {"type": "offer", "tool": "search", "limit": 10, "page": 1, "user": "alice"}),
                (">", {"type": "take", "tool": "search", "limit": 10, "page": 1, "user": "alice"}),
            )
        )
    )
    assert bindings.bindings == ()


def test_a_number_of_the_client_s_own_stays_its_own_when_the_server_had_said_it_by_chance() -> None:
    bindings = found(
        session(
            connection(
                ("<", {"type": "status", "lines": 7}),
                (">", {"type": "ask", "id": 7}),
                ("<", {"type": "answer", "id": 7}),
            ),
            connection((">", {"type": "ask", "id": 7}), ("<", {"type": "answer", "id": 7}), number=2, begin_ms=50),
        )
    )
    assert bindings.bindings == ()


def test_a_whole_number_binds_under_the_same_identifying_name() -> None:
    bindings = found(
        session(
            connection(
                ("<", {"type": "order_created", "order_id": 1234, "amount": 77}),
                (">", {"type": "pay", "order_id": 1234, "amount": 77}),
            )
        )
    )
    assert [binding.value for binding in bindings.bindings] == [1234]


def test_a_value_travels_between_connections_and_from_http() -> None:
    token = "tok_4f9a7d1e66b04c0c"
    bindings = found(
        session(
            connection(
                ("<", {"type": "welcome", "session_id": UUID}),
                target=f"/chat?token={token}",
                request_headers=(("Authorization", f"Bearer {token}"),),
            ),
            connection((">", {"type": "join", "session_id": UUID}), number=2, begin_ms=50),
            exchanges=(exchange({"user": "alice"}, {"data": {"access": token}}),),
        )
    )
    sources = {binding.value: binding.source for binding in bindings.bindings}
    assert isinstance(sources[token], BodySource)
    assert sources[token].path == ("data", "access")
    assert isinstance(sources[UUID], EventSource)
    assert bindings.tokens["handshake 1"] == (token,)
    assert [hole.value for hole in bindings.holes[2, 0]] == [UUID]


def test_parts_of_joined_texts_are_bound_both_ways() -> None:
    bindings = found(
        session(
            connection(
                ("<", {"type": "upload", "url": "http://old:8000/upload/u9f4c0c1d?part=1", "thread_id": "thr77aa88"}),
                (">", {"type": "done", "upload": "u9f4c0c1d", "place": "thr77aa88:u9f4c0c1d"}),
            )
        )
    )
    parts = {binding.value: binding.part for binding in bindings.bindings}
    assert parts == {"u9f4c0c1d": ("http://old:8000/upload/", "?part=1"), "thr77aa88": None}
    assert [(hole.path, hole.value, hole.text) for hole in bindings.holes[1, 1]] == [
        (("upload",), "u9f4c0c1d", None),
        (("place",), "thr77aa88", "thr77aa88:u9f4c0c1d"),
        (("place",), "u9f4c0c1d", "thr77aa88:u9f4c0c1d"),
    ]
    assert between("https://new/v2/upload/live1234?part=1", *parts["u9f4c0c1d"]) == "live1234"


def test_a_cookie_is_bound_to_its_set_cookie() -> None:
    placeholder = "{{secret:cookie.sid:1}}"
    bindings = found(
        session(
            connection(("<", {"type": "welcome"}), request_headers=(("Cookie", f"sid={placeholder}; theme=dark"),)),
            exchanges=(exchange({}, {}, response_headers=(("Set-Cookie", f"sid={placeholder}; Path=/"),)),),
        )
    )
    (binding,) = bindings.bindings
    assert isinstance(binding.source, HeaderSource)
    assert between("sid=live-value; Path=/", binding.source.before, binding.source.after) == "live-value"


def test_placeholders_are_bound_where_the_server_issues_them_and_wanted_otherwise() -> None:
    bindings = found(
        session(
            connection(
                (">", {"type": "login", "password": "{{secret:password:1}}"}),
                ("<", {"type": "welcome", "access_token": "{{secret:access_token:1}}"}),
                (">", {"type": "work", "auth": "Bearer {{secret:access_token:1}}"}),
            )
        )
    )
    assert bindings.secrets == ("password:1",)
    assert [binding.value for binding in bindings.bindings] == ["{{secret:access_token:1}}"]
    (hole,) = bindings.holes[1, 2]
    assert hole.text == "Bearer {{secret:access_token:1}}"


@pytest.mark.parametrize(
    ("value", "keys", "issued"),
    [
        (UUID, ("anything",), True),
        ("call_7fa9", ("tool_call_id", "id"), True),
        ("run-1", ("runId",), True),
        ("search", ("tool",), False),
        ("hello world, 12 times", ("text",), False),
        ("ok", ("status",), False),
        (7, ("id", "id"), True),
        (7, ("id", "count"), False),
        (True, ("id", "id"), False),
        (1.5, ("id", "id"), False),
        (None, ("id",), False),
    ],
)
def test_what_looks_issued(value: object, keys: tuple[str, ...], issued: bool) -> None:
    assert looks_issued(value, *keys) is issued


@pytest.mark.parametrize("name", ["id", "thread_id", "threadId", "X-Session", "next-cursor", "accessToken", "ETag"])
def test_names_of_identifiers(name: str) -> None:
    assert names_identifier(name)


@pytest.mark.parametrize("name", ["", "idle", "valid", "text", "count", "grid"])
def test_names_of_other_things(name: str) -> None:
    assert not names_identifier(name)
