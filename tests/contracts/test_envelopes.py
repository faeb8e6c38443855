"""Envelopes: found by looking, labels as documented, and never a crash."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wstape.cassettes import Direction, Kind, Message
from wstape.contracts import Event, EventReader, detect
from wstape.contracts.envelopes import ENVELOPES, Envelope, JsonEnvelope, JsonRpcEnvelope, OpaqueEnvelope, envelope_from

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER


def message(value: object, direction: Direction = SERVER, *, kind: Kind = Kind.TEXT, connection: int = 1) -> Message:
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Message(connection=connection, direction=direction, kind=kind, payload=payload, at_ns=0)


def labels(messages: list[Message], envelope: object = None) -> list[str]:
    reader = EventReader(envelope or detect(messages))  # type: ignore[arg-type]
    return [event.label for one in messages for event in reader.read(one)]


def pointers(messages: list[Message]) -> tuple[str | None, str | None]:
    envelope = detect(messages)
    assert isinstance(envelope, JsonEnvelope)
    return envelope.client, envelope.server


def test_a_well_known_name_wins_in_a_small_session() -> None:
    small = [
        message({"type": "user_message", "text": "hi", "mode": "fast"}, CLIENT),
        message({"type": "user_message", "text": "bye", "mode": "fast"}, CLIENT),
        message({"type": "answer", "text": "well"}),
    ]
    assert pointers(small) == ("/type", "/type")


def test_client_and_server_may_differ() -> None:
    both = [message({"action": name, "n": n}, CLIENT) for n, name in enumerate(["open", "close"])]
    both += [message({"event": name, "n": n}) for n, name in enumerate(["opened", "closed", "news"])]
    assert pointers(both) == ("/action", "/event")


def test_a_constant_type_gives_way_to_what_tells_messages_apart() -> None:
    chance = random.Random(1)
    fields = {"started": {"run": 1}, "piece": {"text": "x"}, "done": {"usage": {"n": 1}}}
    sent = [{"type": "event", "event": name, **fields[name]} for name in chance.choices(list(fields), k=40)]
    assert pointers([message(one) for one in sent])[1] == "/event"


def test_an_unknown_name_is_found_by_what_it_explains() -> None:
    chance = random.Random(1)
    fields = {"S": {"run": 1}, "P": {"text": "x"}, "D": {"usage": 2, "why": "y"}}
    sent = [
        {"zz": name, "colour": chance.choice(["red", "blue"]), **fields[name]}
        for name in chance.choices(list(fields), k=40)
    ]
    assert pointers([message(one) for one in sent])[1] == "/zz"


def test_a_nested_discriminator() -> None:
    sent = [
        {"header": {"msg_id": f"m{n}", "msg_type": name}, "content": {name: 1}}
        for n, name in enumerate(["status", "stream", "status", "result"] * 5)
    ]
    assert pointers([message(one) for one in sent])[1] == "/header/msg_type"


def test_shapes_label_what_has_no_label() -> None:
    shapes = {"server": {"quote": ["bid", "ask", "note?"], "trade": ["price", "ask?"], "error": ["error"]}}
    parameters = {"name": "json", "client": None, "server": "/type", "shapes": shapes}
    envelope = envelope_from(parameters)
    sent: list[tuple[object, str]] = [
        ({"bid": 1, "ask": 2}, "quote"),
        ({"ask": 2, "price": 1}, "trade"),  # all that it needs, though as much of the other
        ({"ask": 2}, "quote"),  # as little of either: the first
        ({"error": "no", "type": 7}, "error"),
        ({"type": "quote", "error": "no"}, "quote"),
        ({"else": 1}, "{else}"),
        ([], "array"),
    ]
    assert labels([message(value) for value, _ in sent], envelope) == [label for _, label in sent]
    assert labels([message({"bid": 1}, CLIENT)], envelope) == ["{bid}"]
    assert envelope_from(envelope.parameters()) == envelope
    everything = envelope_from({"name": "json", "shapes": {"server": {"anything": [], "error": ["error"]}}})
    assert labels([message({"else": 1}), message({"error": 1})], everything) == ["anything", "error"]


@pytest.mark.parametrize(
    "shapes", [[], {"server": []}, {"server": {"a": "b"}}, {"server": {"a": [1]}}, {"client": {"": []}}]
)
def test_shapes_that_make_no_sense(shapes: object) -> None:
    with pytest.raises(ValueError, match=r"shapes|fields"):
        envelope_from({"name": "json", "client": None, "server": None, "shapes": shapes})


def told(values: list[object], direction: Direction = SERVER) -> dict[str, object]:
    """The parameters found for messages of one direction, less what is not there."""
    found = detect([message(value, direction) for value in values]).parameters()
    return {key: value for key, value in found.items() if value is not None and key != "name"}


def test_numbers_are_labels_where_they_tell_messages_apart() -> None:
    chance = random.Random(1)
    fields = {2: {"token": "x"}, 1: {"beat": 5}, 9: {"why": "y", "again": True}}
    sent = [{"zz": name, "seq": n, "n": chance.randrange(9), **fields[name]} for n, name in enumerate([2, 1, 9, 1] * 8)]
    assert told(sent) == {"server": "/zz"}
    assert set(labels([message(one) for one in sent])) == {"zz=2", "zz=1", "zz=9"}
    assert told([{"op": 1, "d": None}, {"op": 2, "d": {"token": "x"}}]) == {"server": "/op"}


@pytest.mark.parametrize(
    "number",
    [
        {"seq": "n"},
        {"id": "n"},
        {"priority": "chance"},
        {"status": "outcome"},
        {"code": "outcome"},
        {"ok": "truth"},
        {"type": "chance"},
    ],
    ids=str,
)
def test_counters_ids_measures_truths_and_outcomes_are_no_labels(number: dict[str, str]) -> None:
    chance = random.Random(1)
    ((key, kind),) = number.items()
    sent: list[object] = []
    for n in range(40):
        good = chance.random() < 0.7
        values = {"n": n, "chance": chance.randrange(3), "outcome": 200 if good else 50, "truth": good}
        sent.append({key: values[kind], **({"rows": [n]} if good else {"reason": "none"})})
    assert told(sent) == {}
    words = [{**one, key: str(one[key])} for one in sent if isinstance(one, dict)] if kind == "outcome" else []
    assert told([{"status": "ok" if "rows" in one else "failed", **one} for one in words]) == {}


def test_two_fields_together_where_one_does_not_tell() -> None:
    fields: dict[str, dict[str, object]] = {
        "ticker": {"bid": 1.5, "ask": 2.5},
        "trades": {"price": 1.5, "quantity": 2},
        "book": {"levels": [[1, 2]], "checksum": 7},
    }
    sent: list[object] = [{"event": "subscribed", "channel": name, "depth": 5} for name in fields]
    sent += [{"event": "update", "channel": name, "data": fields[name]} for name in [*fields, "ticker"] * 6]
    assert told(sent) == {"server": ["/event", "/channel"]}
    assert set(labels([message(one) for one in sent])) >= {"update/ticker", "update/book", "subscribed/trades"}
    # A status beside a type tells what came of it: one event with variants.
    results = [{"type": "done", "status": "ok", "n": 1}, {"type": "done", "status": "failed", "why": "x"}]
    assert told([{"type": "asked", "q": "x"}, *results] * 6) == {"server": "/type"}


def test_labels_in_arrays() -> None:
    nostr: list[object] = [["EVENT", "sub", {"content": "a"}], ["EOSE", "sub"], ["OK", "id", True, ""]]
    assert told(nostr * 4) == {"server_array": "/0"}
    assert set(labels([message(one) for one in nostr * 4])) == {"EVENT", "EOSE", "OK"}
    wamp: list[object] = [[50, 4711, 12, {}, ["a"]], [36, 5512923, 4429313566, {}, ["b"]], [33, 713845233, 55]]
    assert told(wamp * 4) == {"server_array": "/0"}
    assert set(labels([message(one) for one in wamp * 4])) == {"50", "36", "33"}
    ticker, trade = {"a": ["5", 1, "1.0"], "b": ["4", 2, "1.0"]}, [["5.1", "0.2", "1534614057", "s", "l", ""]]
    kraken: list[object] = [[340, ticker, "ticker", "XBT/USD"], [337, trade, "trade", "XBT/USD"]] * 6
    kraken.append({"event": "heartbeat"})
    assert told(kraken) == {"server": "/event", "server_array": "/2"}
    assert set(labels([message(one) for one in kraken])) == {"ticker", "trade", "heartbeat"}
    assert told([[n, n + 1] for n in range(30)]) == {}
    assert told([["a", 1], ["b", 2]] * 20) == {}


def test_values_that_are_data_label_nothing() -> None:
    chance = random.Random(1)
    sent = [{"kind": f"user_{chance.getrandbits(30)}", "text": "x"} for _ in range(30)]
    assert pointers([message(one) for one in sent])[1] is None
    assert set(labels([message(one) for one in sent])) == {"{kind,text}"}


def test_messages_without_the_discriminator_are_labelled_by_their_keys() -> None:
    sent = [message({"type": "a"}), message({"type": "b"}), message({"type": "a"})]
    sent += [message({"b": 1, "a": 2}), message({"user_42": 1}), message({f"k{chr(97 + n)}": 1 for n in range(9)})]
    sent += [message([1]), message(b"hello"), message(b"\x00\x01", kind=Kind.BINARY), message({"type": 7})]
    assert labels(sent, JsonEnvelope("/type", "/type")) == [
        "a", "b", "a", "{a,b}", "{*}", "{ka,kb,kc,kd,ke,kf,kg,kh,…}", "array", "text", "binary", "type=7",
    ]  # fmt: skip


def test_json_in_binary_frames_is_json_and_noise_is_not() -> None:
    sent = [message({"type": "a"}, kind=Kind.BINARY), message(b"42", kind=Kind.BINARY)]
    assert labels(sent, JsonEnvelope("/type", "/type")) == ["a", "binary"]


def test_text_and_binary_are_opaque() -> None:
    assert isinstance(detect([message(b"hello"), message(b"\xff", kind=Kind.BINARY)]), OpaqueEnvelope)
    assert isinstance(detect([]), OpaqueEnvelope)


def rpc(direction: Direction, **fields: object) -> Message:
    return message({"jsonrpc": "2.0", **fields}, direction)


def test_json_rpc_responses_are_labelled_by_their_request() -> None:
    sent = [
        rpc(CLIENT, id=1, method="initialize"),
        rpc(SERVER, id=1, method="sampling"),  # the server numbers its own requests
        rpc(CLIENT, id=2, method="list"),
        rpc(SERVER, id=2, error={"code": -1, "message": "no"}),
        rpc(SERVER, id=1, result={}),
        rpc(CLIENT, id=1, result={}),
        rpc(SERVER, method="log"),
        rpc(SERVER, id=1, result={}),  # a second answer
        rpc(SERVER, id=None, error={"code": -32700, "message": "parse error"}),
        rpc(SERVER, id="1", result={}),
        rpc(CLIENT, id=10**400, method="huge"),
        rpc(SERVER),
    ]
    assert isinstance(detect(sent), JsonRpcEnvelope)
    assert labels(sent) == [
        "initialize", "sampling", "list", "list:error", "initialize:result", "sampling:result", "log",
        "initialize:result", "?:error", "?:result", "huge", "?",
    ]  # fmt: skip


def test_a_batch_gives_an_event_for_each_entry_at_one_position() -> None:
    entries = [{"jsonrpc": "2.0", "id": n, "method": name} for n, name in enumerate(["a", "b"])]
    answers = [{"jsonrpc": "2.0", "id": n, "result": n} for n in (1, 0)]
    reader = EventReader(JsonRpcEnvelope())
    asked = reader.read(message(entries, CLIENT))
    answered = reader.read(message(answers, SERVER))
    assert [(event.label, event.position) for event in (*asked, *answered)] == [
        ("a", 1), ("b", 1), ("b:result", 2), ("a:result", 2),
    ]  # fmt: skip


def test_connections_do_not_share_requests_or_positions() -> None:
    reader = EventReader(JsonRpcEnvelope())
    reader.read(message({"jsonrpc": "2.0", "id": 1, "method": "a"}, CLIENT, connection=1))
    (event,) = reader.read(message({"jsonrpc": "2.0", "id": 1, "result": 1}, SERVER, connection=2))
    assert (event.label, event.position) == ("?:result", 1)


def test_control_frames_count_as_positions_and_give_no_event() -> None:
    reader = EventReader(OpaqueEnvelope())
    assert reader.read(message(b"", kind=Kind.PING)) == ()
    (event,) = reader.read(message(b"x"))
    assert event.position == 2
    assert event.symbol == "server:text"


HOSTILE: list[bytes] = [
    b"",
    b"{",
    b'{"type": "a", "type": "b"}',
    b'{"type": NaN, "x": Infinity}',
    b'{"type": "\\ud800"}',
    b'{"\\ud800": 1}',
    b"[" * 100_000,
    b'{"a":' * 5_000,
    b"1" * 5_000,
    b'{"type": ' + b"9" * 4_000 + b"}",
    b"\xff\xfe{}",
    b"null",
    b'"text"',
]


@pytest.mark.parametrize("envelope", [envelope() for envelope in ENVELOPES], ids=lambda envelope: envelope.name)
@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.BINARY])
def test_hostile_messages_are_events_too(envelope: object, kind: Kind) -> None:
    for payload in HOSTILE:
        detect([message(payload, kind=kind)])
        events = EventReader(envelope).read(message(payload, kind=kind))  # type: ignore[arg-type]
        assert all(isinstance(event, Event) for event in events)


FRAGMENTS = st.sampled_from(
    [
        *(b"[2,", b"[3,", b'"1"', b",", b"]", b"{", b"}", b'{"id":1', b'"method":"a"', b'"result":1', b"null", b"-"),
        *(b"42", b"43", b"451-", b"/a,", b'["x"]', b"\x1e", b'{"type":1}', b'{"type":3}', b'"type":"subscribe"'),
        *(b'"payload":{"query":"{a}"}', b'{"header":{"msg_type":"a","msg_id":"b"},"metadata":{},"content":{}}'),
        *(b"\x00", b"\x01", b"\x82", b"\xa1a", b"\xff"),
    ]
)


@settings(max_examples=40)
@pytest.mark.parametrize("envelope", [envelope() for envelope in ENVELOPES], ids=lambda envelope: envelope.name)
@given(st.lists(st.tuples(st.sampled_from(Direction), st.sampled_from([Kind.TEXT, Kind.BINARY]), st.lists(FRAGMENTS))))
def test_pieces_of_every_protocol_in_any_order_are_read(
    envelope: Envelope, sent: list[tuple[Direction, Kind, list[bytes]]]
) -> None:
    messages = [message(b"".join(pieces), side, kind=kind) for side, kind, pieces in sent]
    detect(messages)
    reader = EventReader(envelope)
    for one in messages:
        for event in reader.read(one):
            assert len(event.label) <= 1_000
            json.dumps(event.payload)


@given(st.lists(st.binary(max_size=30) | st.sampled_from(HOSTILE), max_size=6))
def test_any_bytes_are_read(payloads: list[bytes]) -> None:
    messages = [message(payload) for payload in payloads]
    assert len(labels(messages, JsonEnvelope("/type", "/type"))) == len(payloads)
    labels(messages)


def test_numbers_are_exact_and_the_last_of_a_repeated_key_counts() -> None:
    (event,) = EventReader(JsonEnvelope(None, "/t")).read(message(b'{"t": "a", "n": 1, "n": 90071992547409931234}'))
    assert event.payload == {"t": "a", "n": 90071992547409931234}


@pytest.mark.parametrize(
    "envelope",
    [
        JsonEnvelope("/a~1b", None),
        JsonEnvelope("/op", "/op", server_beside="/t", client_array="/0"),
        *(one() for one in ENVELOPES),
    ],
)
def test_envelopes_round_trip_through_their_parameters(envelope: Envelope) -> None:
    assert envelope_from(envelope.parameters()) == envelope


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"name": "morse"},
        {"name": "json", "client": "type"},
        {"name": "json", "server": 1},
        {"name": "json", "server": [None, "/a"]},
    ],
)
def test_bad_parameters_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"known|pointer"):
        envelope_from(bad)
