"""AsyncAPI documents: out of a contract and back, in from a team's own, and what cannot be read."""

from __future__ import annotations

import copy
import datetime
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, cast

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemas import schemas
from sessions import connection, session

from wstape.cassettes import Message, write_records
from wstape.cassettes.formats.plain_yaml import load_yaml
from wstape.cli import run
from wstape.contracts import Contract, ContractError, EventReader, asyncapi_document, dump_asyncapi, infer
from wstape.contracts.compatibility import compare

DATA = Path(__file__).parent / "data"
ROOM = DATA / "room.asyncapi.yaml"
_PARSE = """
const {Parser} = require('@asyncapi/parser');
new Parser().parse(require('fs').readFileSync(0, 'utf8')).then(({document, diagnostics}) => {
  console.log(JSON.stringify({parsed: !!document, errors: diagnostics.filter((found) => found.severity === 0)}));
});
"""


def learned() -> Contract:
    """A contract with scopes, rules, odd labels, and a tuple and references written by hand."""
    said: list[tuple[str, object]] = []
    for turn in range(12):
        run_id = f"run_{turn:012x}"
        said += [
            (">", {"type": "ask", "text": f"question {turn}"}),
            ("<", {"type": "run/started", "run_id": run_id, "state": ("ok", "late")[turn % 2]}),
            ("<", {"type": "run/completed", "run_id": run_id, "items": [{"n": turn}, {"n": None}]}),
        ]
    contract = infer([session(*(connection(*said, number=number) for number in (1, 2, 3))).records()])
    document: Any = copy.deepcopy(contract.document())
    document["events"]["server:by hand: é~/"] = {
        "kind": "any",
        "payload": {
            "type": "object",
            "properties": {
                "type": {"const": "by hand: é~/"},
                "pair": {"type": "array", "prefixItems": [{"type": "integer"}, True], "items": False},
                "tree": {"$ref": "#/$defs/tree"},
                "like": {"$ref": "#/properties/pair"},
            },
            "$defs": {"tree": {"type": "object", "properties": {"child": {"$ref": "#/$defs/tree"}}}},
        },
    }
    document["streams"] = [
        {"of": "server:run/started", "path": "/state", "in": "run_id", "form": "text", "pinned": True}
    ]
    document["handshake"] = {"path": "/chat", "query": ["token"], "subprotocols": ["v1"], "headers": ["x-user"]}
    return Contract.from_document(document)


@pytest.mark.parametrize("as_yaml", [True, False])
def test_a_contract_comes_back_as_it_went(as_yaml: bool) -> None:
    contract = learned()
    text = dump_asyncapi(asyncapi_document(contract, title="Chat"), as_yaml=as_yaml)
    assert Contract.parse(text.encode(), where="there").dumps() == contract.dumps()


@given(schemas(), st.booleans())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_payload_comes_back_as_it_went(schema: dict[str, Any], as_yaml: bool) -> None:
    events = {"server:e/~ %41": {"payload": schema}}
    envelope = {"name": "json", "server": "/type"}
    contract = Contract.from_document({"wstape": "contract", "version": 1, "envelope": envelope, "events": events})
    text = dump_asyncapi(asyncapi_document(contract, title="Any"), as_yaml=as_yaml)
    assert Contract.parse(text.encode(), where="there").dumps() == contract.dumps()


def test_the_document_is_valid_by_the_official_schema() -> None:
    schema = json.loads((DATA / "asyncapi-3.0.0.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema_rs.Draft7Validator(schema)
    document = asyncapi_document(learned(), title="Chat")
    assert [error.message for error in validator.iter_errors(document)] == []
    assert document["x-wstape-scopes"]
    bare = {name: value for name, value in document.items() if not name.startswith("x-wstape-")}
    assert Contract.from_document(bare).handshake == learned().handshake
    broken: Any = copy.deepcopy(document)
    broken["operations"]["sendEvents"]["action"] = "shout"
    assert not validator.is_valid(broken)


def test_the_npm_parser_takes_the_document() -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("needs node and npm")
    root = subprocess.run([npm, "root", "-g"], capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    paths = [Path(root), *(Path(path) for path in os.environ.get("NODE_PATH", "").split(":") if path)]
    home = next((path for path in paths if (path / "@asyncapi" / "parser").exists()), None)
    if home is None:
        pytest.skip("needs @asyncapi/parser: npm install -g @asyncapi/parser")
    for as_yaml in (True, False):
        text = dump_asyncapi(asyncapi_document(learned(), title="Chat"), as_yaml=as_yaml)
        result = subprocess.run(
            [node, "-e", _PARSE],
            input=text,
            env={"NODE_PATH": str(home), "PATH": str(Path(node).parent)},
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )
        assert json.loads(result.stdout) == {"parsed": True, "errors": []}


def test_a_teams_document_is_a_contract() -> None:
    contract = Contract.load(ROOM)
    assert sorted(contract.events) == ["client:join", "server:room.joined", "server:room.refused", "server:said"]
    assert contract.envelope.parameters() == {"name": "json", "client": "/type", "server": "/type"}
    assert contract.handshake is not None
    assert contract.handshake.document() == {"path": "/rooms", "query": ["token"]}
    assert all(claim.seen is None for claim in contract.events.values())
    joined = contract.events["server:room.joined"].payload
    assert joined is not None
    validator = Draft202012Validator(joined)
    good = {"type": "room.joined", "room": "room_1", "members": [{"name": "a", "invited": [{"name": "b"}]}]}
    assert validator.is_valid(good)
    assert not validator.is_valid({**good, "members": [{"name": "a", "invited": [{}]}]})
    said = Draft202012Validator(contract.events["server:said"].payload or {})
    assert not said.is_valid({"type": "said", "at": "2026-01-31T12:00:00Z", "span": [1, 2, 3]})
    # What was read can be written, and is the same when it is read again.
    text = dump_asyncapi(asyncapi_document(contract, title="Room"), as_yaml=True)
    assert Contract.parse(text.encode(), where="there").dumps() == contract.dumps()


def test_check_and_compat_take_a_teams_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOM, "room.asyncapi.yaml")
    at = "2026-01-31T12:00:00Z"
    write_records(
        Path("good.cassette"),
        session(
            connection(
                (">", {"type": "join", "room": "room_1"}),
                ("<", {"type": "room.joined", "room": "room_1", "members": []}),
                ("<", {"type": "said", "at": at}),
                number=1,
            )
        ).records(),
    )
    assert run(["check", "good.cassette", "--contract", "room.asyncapi.yaml"]) == 0
    broken = connection((">", {"type": "join", "room": "room_1"}), ("<", {"type": "said", "at": 7}), number=1)
    write_records(Path("broken.cassette"), session(broken).records())
    capsys.readouterr()
    assert run(["check", "broken.cassette", "--contract", "room.asyncapi.yaml", "--json"]) == 1
    assert [found["id"] for found in json.loads(capsys.readouterr().out)["findings"]] == ["payload/type-changed"]

    changed = ROOM.read_text(encoding="utf-8").replace("enum: [full, closed]", "enum: [full, closed, banned]")
    Path("next.asyncapi.yaml").write_text(
        changed.replace("required: [token]", "required: [token, v]"), encoding="utf-8"
    )
    assert run(["compat", "room.asyncapi.yaml", "next.asyncapi.yaml", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [(one["id"], one["label"]) for one in found] == [
        ("client/handshake-parameter-added", None),
        ("server/enum-value-added", "room.refused"),
    ]


def test_convert_writes_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    contract = learned()
    Path("chat.contract.json").write_text(contract.dumps(), encoding="utf-8")
    for name in ("chat.asyncapi.yaml", "chat.asyncapi.json"):
        assert run(["convert", "chat.contract.json", name]) == 0
        assert run(["convert", "chat.contract.json", name]) == 2
        assert run(["convert", name, "again.contract.json", "--force"]) == 0
        assert Path("again.contract.json").read_text(encoding="utf-8") == contract.dumps()
    assert run(["convert", "chat.contract.json", "one.asyncapi.json", "--no-redact"]) == 2
    assert "a contract holds no secrets" in capsys.readouterr().err


def room(**changed: object) -> dict[str, Any]:
    """A small document, with members replaced."""
    document: dict[str, Any] = {
        "asyncapi": "3.0.0",
        "info": {"title": "a", "version": "1"},
        "channels": {"c": {"messages": {"m": {"payload": {"properties": {"type": {"const": "m"}}}}}}},
        "operations": {"o": {"action": "send", "channel": {"$ref": "#/channels/c"}}},
    }
    return {**document, **changed}


def _message(payload: object) -> dict[str, Any]:
    return room(channels={"c": {"messages": {"m": {"payload": payload}}}})


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (room(asyncapi="2.6.0"), "/asyncapi: version '2.6.0' is not 3"),
        (room(operations={}), "/operations: no operation has a message"),
        (room(operations={"o": {"action": "shout"}}), "/operations/o/action: 'shout' is neither send nor receive"),
        (room(operations={"o": {"action": "send"}}), "/operations/o/channel: missing"),
        (room(operations=[]), "/operations: not an object"),
        (room(operations={"o": {"$ref": "#/operations/o"}}), "a reference leads to itself"),
        (_message({"$ref": "other.json#/a"}), "leads out of the document"),
        (_message({"$ref": "#/components/schemas/gone"}), "leads nowhere"),
        (_message({"schemaFormat": "application/vnd.apache.avro;version=1.9.0", "schema": {}}), "is not JSON Schema"),
        (_message({"type": "nonsense"}), "not a JSON Schema"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(document: dict[str, Any], problem: str) -> None:
    with pytest.raises(ContractError) as caught:
        Contract.parse(json.dumps(document).encode(), where="a.json")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_yaml_may_say_a_thing_once() -> None:
    text = """asyncapi: 3.0.0
operations: {o: {action: send, channel: {$ref: '#/channels/c'}}}
x-base: &base {type: object, required: &all [type, at]}
x-late: &late {<<: *base, required: [type]}
channels:
  c:
    messages:
      a: {payload: {<<: *base, properties: {type: {const: a}}}}
      b: {payload: {<<: [*late, *base], properties: {type: {const: b}}}}
      c: {payload: {type: object, required: *all, properties: {type: {const: c}}}}
"""
    events = Contract.parse(text.encode(), where="a.yaml").events
    required = {symbol: (claim.payload or {})["required"] for symbol, claim in events.items()}
    assert required == {"server:a": ["type", "at"], "server:b": ["type"], "server:c": ["type", "at"]}
    assert all((claim.payload or {})["type"] == "object" for claim in events.values())


_ODD: tuple[Any, ...] = (None, True, -1, "x", "", "#/", "#/components", [], [None], {}, {"$ref": "#"}, {"const": "a"})


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_broken_document_is_refused_in_one_line(data: st.DataObject) -> None:
    document: Any = market() if data.draw(st.booleans()) else load_yaml(ROOM.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        node: Any = document
        while True:
            key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
            if isinstance(node[key], dict | list) and node[key] and data.draw(st.integers(0, 5)):
                node = node[key]
                continue
            node[key] = copy.deepcopy(data.draw(st.sampled_from(_ODD)))
            break
    try:
        told = str(sorted(Contract.from_document(document, where="a.yaml").events))
    except ContractError as error:
        told = str(error)
    assert "\n" not in told


_LAUGHS = "asyncapi: 3.0.0\na: &a0 [x, x]\n" + "".join(f"b{n}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(40))


@pytest.mark.parametrize(
    "text",
    [
        _LAUGHS,
        "asyncapi: 3.0.0\na: {<<: 1}\n",
        "asyncapi: 3.0.0\na: &a [*a]\n",
        "asyncapi: [\n",
        "asyncapi: 3.0.0\n---\nb: 1\n",
    ],
)
def test_hostile_yaml_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ContractError, match="line "):
        Contract.parse(text.encode(), where="a.yaml")


def test_how_clients_connect_is_said_by_bindings() -> None:
    protocol = {"Sec-WebSocket-Protocol": {"enum": ["v2", "v1"]}}
    headers = {"properties": protocol, "required": ["Sec-WebSocket-Protocol", "X-Token"]}
    channel = {"address": "/chat", "messages": {"m": {"payload": {"properties": {"type": {"const": "m"}}}}}}
    bound = {**channel, "bindings": {"$ref": "#/components/channelBindings/ours"}}
    bindings = {"ws": {"query": {"required": ["room"]}, "headers": headers}}
    document = room(channels={"c": bound, "d": channel}, components={"channelBindings": {"ours": bindings}})
    handshake = Contract.from_document(document).handshake
    assert handshake is not None
    assert handshake.document() == {
        "path": "/chat",
        "subprotocols": ["v1", "v2"],
        "query": ["room"],
        "headers": ["x-token"],
    }
    elsewhere = room(channels={"c": channel, "d": {**channel, "address": "/other"}})
    assert Contract.from_document(elsewhere).handshake is None


def test_a_document_from_the_clients_side() -> None:
    contract = Contract.from_document(room(**{"x-wstape-perspective": "client"}))
    assert list(contract.events) == ["client:m"]


def market() -> dict[str, Any]:
    document = load_yaml((DATA / "market.asyncapi.yaml").read_bytes())
    assert isinstance(document, dict)
    return cast("dict[str, Any]", document)


def test_events_are_told_apart_by_constants_wherever_they_stand_and_else_by_their_fields() -> None:
    contract = Contract.from_document(market())
    assert contract.envelope.parameters() == {
        "name": "json",
        "client": None,
        "server": "/type",
        "shapes": {
            "client": {"order": ["amount", "note?", "side"], "cancel": ["id"]},
            "server": {"trouble": ["code?", "error"]},
        },
    }
    said: list[tuple[str, object, str, bool]] = [
        ("<", {"type": "heartbeat", "sequence": 1}, "heartbeat", True),
        ("<", {"type": "heartbeat", "sequence": "1"}, "heartbeat", False),
        ("<", {"type": "update", "sequence": 2, "price": 1.5}, "update", True),
        ("<", {"type": "update", "sequence": 2}, "update", False),
        ("<", {"type": "opened", "channel": 1}, "opened", True),
        ("<", {"type": "closed", "reason": "late"}, "closed", True),
        ("<", {"type": "closed"}, "closed", False),
        ("<", {"error": "no such symbol"}, "trouble", True),
        ("<", {"error": "no such symbol", "code": "7", "at": 1}, "trouble", False),
        ("<", [1, 2.5], "array", True),
        (">", {"side": "buy", "amount": 1}, "order", True),
        (">", {"side": "buy", "amount": 1, "note": "x", "new": 1}, "order", True),
        (">", {"side": "buy", "note": "x"}, "order", False),
        (">", {"id": 1}, "cancel", True),
    ]
    records = session(connection(*((side, value) for side, value, _, _ in said), number=1)).records()
    reader = EventReader(contract.envelope)
    events = [event for record in records if isinstance(record, Message) for event in reader.read(record)]
    assert [event.label for event in events] == [label for _, _, label, _ in said]
    for event, (_, _, _, valid) in zip(events, said, strict=True):
        payload = contract.events[event.symbol].payload
        assert payload is not None
        assert Draft202012Validator(payload).is_valid(event.payload) is valid, event
    text = dump_asyncapi(asyncapi_document(contract, title="Market"), as_yaml=False)
    assert Contract.parse(text.encode(), where="there").dumps() == contract.dumps()


def test_a_field_more_is_no_other_event() -> None:
    """Labels that do not travel: the message's name stays, its fields do not matter."""
    old, new = market(), market()
    new["components"]["messages"]["trouble"]["payload"]["properties"]["hint"] = {"type": "string"}
    new["components"]["messages"]["order"]["payload"]["required"].append("note")
    new["components"]["schemas"]["update"]["allOf"][0]["required"].clear()
    new["components"]["schemas"]["status"]["properties"]["type"]["enum"].append("paused")
    found = compare(Contract.from_document(old), Contract.from_document(new), today=datetime.date(2026, 6, 1))
    assert [(one.id, str(one.severity), one.label) for one in found] == [
        ("client/property-became-required", "breaking", "order"),
        ("server/property-became-optional", "breaking", "update"),
        ("server/event-added", "info", "paused"),
        ("server/optional-property-added", "info", "trouble"),
    ]


def test_a_label_that_is_added_is_a_field_and_one_that_goes_is_missed() -> None:
    def contract(action: str, **types: str | None) -> Contract:
        messages: dict[str, Any] = {}
        for name, label in types.items():
            fields: dict[str, Any] = {name: {"type": "string"}} | ({} if label is None else {"type": {"const": label}})
            messages[name] = {"payload": {"type": "object", "properties": fields, "required": list(fields)}}
        operation = {"action": action, "channel": {"$ref": "#/channels/c"}}
        return Contract.from_document(room(channels={"c": {"messages": messages}}, operations={"o": operation}))

    def changed(old: Contract, new: Contract) -> list[tuple[str, str]]:
        found = compare(old, new, today=datetime.date(2026, 6, 1))
        return [(one.id, str(one.severity)) for one in found]

    bare, labelled = {"a": None, "b": None}, {"a": "A", "b": "B"}
    added = ("server/required-property-added", "info")
    assert changed(contract("send", **bare), contract("send", **labelled)) == [added, added]
    assert changed(contract("send", **labelled), contract("send", **bare)) == [
        ("server/discriminator-changed", "breaking")
    ]
    added = ("client/required-property-added", "breaking")
    assert changed(contract("receive", **bare), contract("receive", **labelled)) == [added, added]
    one, two = contract("send", a="A"), contract("send", a="A", b="B", c=None)
    assert changed(one, two) == [("server/event-added", "info"), ("server/event-added", "info")]


def test_what_nothing_tells_apart_is_one_event() -> None:
    def named(label: str, **fields: object) -> dict[str, Any]:
        return {"payload": {"type": "object", "properties": {"type": {"const": label}, **fields}}}

    many = {"a": named("changed", n={"type": "integer"}), "b": named("changed", s={"type": "string"}), "c": named("c")}
    contract = Contract.from_document(room(channels={"c": {"messages": many}}))
    assert sorted(contract.events) == ["server:c", "server:changed"]
    schema = Draft202012Validator(contract.events["server:changed"].payload or {})
    assert [schema.is_valid({"type": "changed", **more}) for more in ({"n": 1}, {"s": "a"}, {"n": "a", "s": 1})] == [
        True,
        True,
        False,
    ]
    alike = {name: {"payload": {"type": "object", "properties": {"v": {"type": name}}}} for name in ("string", "null")}
    contract = Contract.from_document(room(channels={"c": {"messages": alike}}))
    assert list(contract.events) == ["server:string"]
    assert Draft202012Validator(contract.events["server:string"].payload or {}).is_valid({"v": None})


def test_json_rpc_is_known_and_its_answers_are_labelled_by_their_questions() -> None:
    def rpc(**fields: object) -> dict[str, Any]:
        return {"payload": {"type": "object", "properties": {"jsonrpc": {"const": "2.0"}, **fields}}}

    messages = {"ask": rpc(method={"const": "add"}), "good": rpc(result=True), "bad": rpc(error=True)}
    replies = [{"$ref": f"#/channels/c/messages/{name}"} for name in ("good", "bad")]
    asked = {
        "action": "receive",
        "channel": {"$ref": "#/channels/c"},
        "messages": [{"$ref": "#/channels/c/messages/ask"}],
        "reply": {"messages": replies},
    }
    contract = Contract.from_document(room(channels={"c": {"messages": messages}}, operations={"o": asked}))
    assert contract.envelope.parameters() == {"name": "json-rpc"}
    assert sorted(contract.events) == ["client:add", "server:add:error", "server:add:result"]


def test_messages_without_a_payload_or_of_plain_text() -> None:
    messages = {
        "any": {},
        "text": {"contentType": "text/plain", "payload": {"type": "string"}},
        "quoted": {"payload": {"type": "string"}},
    }
    contract = Contract.from_document(room(channels={"c": {"messages": messages}}))
    assert sorted(contract.events) == ["server:any", "server:string", "server:text"]
    assert contract.envelope.parameters()["shapes"] == {"server": {"any": []}}


def _twice(keyword: str, last: object) -> dict[str, Any]:
    """Schemas of which each holds the next one twice: small on paper, without end when written out."""
    ways = {f"s{n}": {keyword: [{"$ref": f"#/components/schemas/s{n + 1}"}] * 2} for n in range(50)}
    return {"components": {"schemas": {**ways, "s50": last}}}


@pytest.mark.parametrize(
    ("schemas", "problem"),
    [
        (_twice("allOf", {"properties": {"type": {"const": "a"}}}), None),
        (_twice("oneOf", {"oneOf": [{"properties": {"type": {"const": name}}} for name in "ab"]}), "has more than"),
        ({"components": {"schemas": {"s0": {"oneOf": [{"$ref": "#/components/schemas/s0"}, True]}}}}, None),
        ({"components": {"schemas": {"s0": json.loads('{"not":' * 300 + "{}" + "}" * 300)}}}, "nested too deep"),
    ],
)
def test_hostile_payloads_end(schemas: dict[str, Any], problem: str | None) -> None:
    document = {**_message({"$ref": "#/components/schemas/s0"}), **schemas}
    if problem is None:
        assert len(Contract.from_document(document).events) == 1
    else:
        with pytest.raises(ContractError, match=problem):
            Contract.from_document(document)
