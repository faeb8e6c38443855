"""Live values in place of recorded ones."""

from __future__ import annotations

import json

from wstape.cassettes import Direction, Kind, Message
from wstape.contracts import Event
from wstape.contracts.envelopes import JsonEnvelope
from wstape.replayer.bindings import Binding, BodySource, EventSource, HeaderSource, Hole
from wstape.replayer.ledger import Ledger


def event(label: str, payload: object, connection: int = 1) -> Event:
    return Event(
        connection=connection,
        direction=Direction.SERVER,
        label=label,
        payload=payload,
        kind=Kind.TEXT,
        position=1,
        at_ns=0,
    )


def filled(ledger: Ledger, payload: bytes, *holes: Hole) -> bytes:
    message = Message(connection=1, direction=Direction.CLIENT, kind=Kind.TEXT, payload=payload, at_ns=0)
    return ledger.fill_message(message, holes, (), JsonEnvelope())


def issued(value: str | int, path: tuple[str, ...], payload: object, *, turn: int = 1, symbol: str = "server:made"):
    source = EventSource(connection=1, turn=turn, symbol=symbol, path=path, payload=payload)
    return Binding(value=value, source=source)


def test_a_hole_is_filled_with_what_the_server_issued() -> None:
    ledger = Ledger([issued("old", ("id",), {"id": "old"})], {})
    assert ledger.missing(["old"]) == ("old",)
    ledger.receive_event(event("made", {"id": "new"}), turn=1)
    assert ledger.missing(["old"]) == ()
    hole = Hole(path=("a", "id"), value="old")
    assert filled(ledger, b'{"a": {"id": "old"}, "b": 1.50}', hole) == b'{"a": {"id": "new"}, "b": 1.50}'
    assert filled(ledger, b'{"a":{"id":"old"}}', hole) == b'{"a":{"id":"new"}}'


def test_a_message_without_holes_keeps_its_bytes() -> None:
    assert filled(Ledger([], {}), b'{"a":   1.50}') == b'{"a":   1.50}'


def test_an_event_of_a_later_turn_does_not_answer_for_an_earlier_one() -> None:
    payload = {"id": "old"}
    ledger = Ledger([issued("old", ("id",), payload, turn=2)], {})
    ledger.receive_event(event("made", {"id": "too early"}), turn=1)
    assert ledger.missing(["old"]) == ("old",)
    ledger.receive_event(event("made", {"id": "new"}), turn=2)
    assert json.loads(filled(ledger, b'"old"', Hole(path=(), value="old"))) == "new"


def test_tools_called_in_another_order_are_told_apart_by_what_they_say() -> None:
    search, add = {"id": "call_1", "tool": "search"}, {"id": "call_2", "tool": "add"}
    ledger = Ledger([issued("call_1", ("id",), search), issued("call_2", ("id",), add)], {})
    ledger.receive_event(event("made", {"id": "B", "tool": "add"}), turn=1)
    ledger.receive_event(event("made", {"id": "A", "tool": "search"}), turn=1)
    assert ledger.fill_text("call_1 call_2", ["call_1", "call_2"]) == "A B"


def test_the_first_event_that_answers_is_kept() -> None:
    ledger = Ledger([issued("old", ("id",), {"id": "old"})], {})
    ledger.receive_event(event("made", {"id": "first"}), turn=1)
    ledger.receive_event(event("made", {"id": "second"}), turn=1)
    assert ledger.fill_text("old", ["old"]) == "first"


def test_an_event_without_the_value_does_not_count() -> None:
    ledger = Ledger([issued("old", ("id",), {"id": "old"})], {})
    ledger.receive_event(event("made", {"other": 1}), turn=1)
    ledger.receive_event(event("made", {"id": None}), turn=1)
    assert ledger.missing(["old"]) == ("old",)


def test_a_response_gives_values_from_behind_the_packet_type_of_engine_io() -> None:
    ledger = Ledger((Binding(value="old", source=BodySource(exchange=1, path=("sid",))),), {})
    ledger.receive_response(1, (), b'0{"sid":"new","upgrades":[]}')
    assert ledger.fill_text("/socket.io/?sid=old", ["old"], "url") == "/socket.io/?sid=new"


def test_a_response_gives_values_from_its_body_and_its_fields() -> None:
    bindings = [
        Binding(value="tok", source=BodySource(exchange=1, path=("token",))),
        Binding(
            value="{{secret:cookie.sid:1}}",
            source=HeaderSource(exchange=1, name="set-cookie", before="sid=", after="; Path=/"),
        ),
    ]
    ledger = Ledger(bindings, {"{{secret:password:1}}": "pa ss"})
    ledger.receive_response(
        1, (("Set-Cookie", "lang=en; Path=/"), ("Set-Cookie", "sid=abc; Path=/")), b'{"token": "live+tok"}'
    )
    assert ledger.fill_text("/chat?token=tok&x=token", ["tok"], "url") == "/chat?token=live%2Btok&x=token"
    assert ledger.fill_text("sid={{secret:cookie.sid:1}}", ["{{secret:cookie.sid:1}}"]) == "sid=abc"
    assert ledger.fill_text("p={{secret:password:1}}", ["{{secret:password:1}}"], "url") == "p=pa%20ss"


def test_part_of_a_text_is_filled_and_taken() -> None:
    source = EventSource(
        connection=1, turn=0, symbol="server:made", path=("auth",), payload={"auth": "Bearer {{secret:jwt:1}}"}
    )
    binding = Binding(value="{{secret:jwt:1}}", source=source, part=("Bearer ", ""))
    ledger = Ledger([binding], {})
    ledger.receive_event(event("made", {"auth": "Bearer live"}), turn=0)
    hole = Hole(path=("h",), value="{{secret:jwt:1}}", text="Token {{secret:jwt:1}}")
    assert filled(ledger, b'{"h":"Token {{secret:jwt:1}}"}', hole) == b'{"h":"Token live"}'


def test_values_are_escaped_for_the_place_that_they_go_to() -> None:
    placeholder = "{{secret:password:1}}"
    ledger = Ledger([], {placeholder: 'a"b\\c&d'})
    body = f'{{"password":"{placeholder}"}}'
    assert json.loads(ledger.fill_text(body, [placeholder], "json")) == {"password": 'a"b\\c&d'}
    assert ledger.fill_text(f"password={placeholder}", [placeholder], "url") == "password=a%22b%5Cc%26d"
    nested = json.dumps({"inner": body})
    there = filled(ledger, nested.encode(), Hole(path=("inner",), value=placeholder, text=body))
    assert json.loads(json.loads(there)["inner"]) == {"password": 'a"b\\c&d'}
