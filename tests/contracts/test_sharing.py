"""Shared definitions: what a payload schema says of several places it says once, and means the same."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from json_values import NODES
from jsonschema import Draft202012Validator
from simulated import records, server

from wstape.cassettes import Record
from wstape.contracts import Checker, Contract, Shape, infer
from wstape.contracts.coverage import Coverage
from wstape.contracts.definitions import expanded, references
from wstape.contracts.recalling import recalled_shape
from wstape.contracts.schema import to_schema
from wstape.contracts.sharing import shared


def learned(*values: Any) -> Any:
    return shared(to_schema(Shape.of(values)))


def user(number: int) -> dict[str, Any]:
    return {"id": number, "name": f"user {number}", "mail": "a@example.com"}


def reply(depth: int, **fields: Any) -> dict[str, Any]:
    return {"id": depth, "text": "so", "replies": [reply(depth - 1)] * 2 if depth else [], **fields}


def tree(depth: int) -> dict[str, Any]:
    return {"value": depth} | (
        {"left": tree(depth - 1), "right": None if depth % 2 else tree(depth - 2)} if depth else {}
    )


def test_what_two_places_have_in_common_is_said_once() -> None:
    schema = learned(*[{"from": user(n), "to": None if n % 3 else user(n)} for n in range(30)])
    assert schema["properties"] == {
        "from": {"type": "object", "$ref": "#/$defs/from", "x-wstape-seen": 30},
        "to": {"type": ["null", "object"], "$ref": "#/$defs/from", "x-wstape-seen": 30},
    }
    (of,) = schema["$defs"].values()
    assert of["required"] == ["id", "mail", "name"]
    assert of["properties"]["id"] == {"type": "integer", "x-wstape-seen": 40}
    assert "type" not in of


@pytest.mark.parametrize(
    "value",
    [
        {"from": {"x": 1, "y": 2}, "to": {"x": 1, "y": 2}},  # too little
        {"from": user(1), "to": {**user(1), "more": 1}},
        {"from": user(1), "to": {**user(1), "name": None}},
        {"from": user(1)},
        user(1),
    ],
)
def test_what_is_not_shared(value: Any) -> None:
    assert learned(*[value] * 12) == to_schema(Shape.of([value] * 12))


def test_the_largest_is_shared_and_what_is_inside_once_more() -> None:
    box = {"a": user(1), "b": 1, "c": 2}
    schema = learned(*[{"one": box, "two": box, "own": user(2)}] * 12)
    assert references(schema) == {
        (("properties", "one"), "one"),
        (("properties", "two"), "one"),
        (("properties", "own"), "own"),
        (("$defs", "one", "properties", "a"), "own"),
    }


def test_objects_that_hold_objects_like_themselves() -> None:
    schema = learned(*[{"thread": reply(3)}] * 5)
    assert schema["properties"]["thread"]["$ref"] == "#/$defs/thread"
    of = schema["$defs"]["thread"]
    assert of["properties"]["replies"]["items"]["$ref"] == "#/$defs/thread"
    assert of["required"] == ["id", "replies", "text"]
    validator = Draft202012Validator(schema)
    assert validator.is_valid({"thread": reply(9)})
    assert not validator.is_valid({"thread": reply(1, replies=[reply(4, replies=[{"id": 1, "text": "so"}])])})


def test_a_tree_whose_leaves_lack_branches() -> None:
    schema = learned(*[{"root": tree(4)}] * 5)
    of = schema["$defs"]["root"]
    assert of["required"] == ["value"]
    assert of["properties"]["left"] == {"type": "object", "$ref": "#/$defs/root", "x-wstape-seen": 30}
    assert of["properties"]["right"]["type"] == ["null", "object"]


@pytest.mark.parametrize(
    "value",
    [
        {"project": {"id": 1, "name": "x", "owner": {"id": 1, "name": "x"}}},  # an owner has no owner
        {"node": {"id": 1, "next": {"id": 1, "next": {"id": 1, "other": 1}}}},
        {"node": {"id": 1, "next": {"id": "x", "next": None}}},
    ],
)
def test_what_only_looks_like_itself(value: Any) -> None:
    assert "$defs" not in learned(*[value] * 12)


@settings(deadline=None, max_examples=120)
@example([{"next": {"id": 1, "next": {"id": 2, "all": [{"id": 1}]}, "all": [1]}}] * 9)
@given(st.lists(NODES, min_size=1, max_size=4).map(lambda samples: samples * 9))
def test_every_sample_still_satisfies_it(samples: Any) -> None:
    plain = to_schema(Shape.of(samples))
    before = copy.deepcopy(plain)
    schema = shared(plain)
    assert plain == before
    Draft202012Validator.check_schema(schema)
    fast = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    written_out = Draft202012Validator(expanded(schema))
    for sample in samples:
        assert Draft202012Validator(schema).is_valid(sample)
        assert fast.is_valid(sample)
        assert written_out.is_valid(sample)


def deep(depth: int) -> Any:
    return {"id": 1, "next": deep(depth - 1)} if depth else {"id": "deeper than shapes look", "next": None}


def test_what_lies_deeper_than_shapes_look_is_not_claimed() -> None:
    schema = learned(*[{"node": deep(30)}] * 12)
    assert Draft202012Validator(schema).is_valid({"node": deep(30)})


def messages(*bodies: Any) -> list[Record]:
    return records([[server("said", **body) for body in bodies]] * 3)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return infer([messages(*[{"by": user(n), "to": user(n + 1), "thread": reply(2)} for n in range(8)])])


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({}, []),
        ({"to": {"id": 1, "name": "x"}}, [("payload/field-missing", "/to/mail", "breaking")]),
        ({"to": {**user(1), "id": "1"}}, [("payload/type-changed", "/to/id", "breaking")]),
        ({"to": None}, [("payload/type-changed", "/to", "breaking")]),
        ({"to": {**user(1), "more": 1}}, [("payload/field-added", "/to/more", "info")]),
        (
            {"thread": reply(1, replies=[{"id": 1, "said": "so", "replies": []}])},
            [("payload/field-renamed", "/thread/replies/*/text", "breaking")],
        ),
    ],
)
def test_findings_name_the_place_and_not_the_definition(contract: Contract, change: Any, finding: Any) -> None:
    assert "$defs" in (contract.events["server:said"].payload or {})
    checker = Checker(contract)
    for record in messages({"by": user(1), "to": user(1), "thread": reply(2), **change}):
        checker.record(record)
    assert [(one.id, one.path, str(one.severity)) for one in checker.finish()] == finding


def test_a_place_can_be_pinned_by_itself(contract: Contract) -> None:
    document: Any = copy.deepcopy(contract.document())
    payload = document["events"]["server:said"]["payload"]
    for of in (*payload["$defs"].values(), payload["properties"]["by"]):
        of["x-wstape-seen"] = 1
    payload["properties"]["to"]["x-wstape-pinned"] = True
    checker = Checker(Contract.from_document(document))
    lost = {"id": 1, "name": "x"}
    for record in messages({"by": lost, "to": lost, "thread": reply(2)}):
        checker.record(record)
    assert [(one.path, str(one.severity)) for one in checker.finish()] == [
        ("/to/mail", "breaking"),
        ("/by/mail", "warning"),
    ]


@pytest.mark.parametrize(
    "payload",
    [
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}},
        {"properties": {"by": {"$ref": "#", "x-wstape-pinned": True}}},
    ],
)
def test_references_that_lead_in_circles_end(payload: Any) -> None:
    events = {"server:said": {"kind": "text", "payload": payload}}
    envelope = {"name": "json", "client": "/type", "server": "/type"}
    contract = Contract.from_document({"wstape": "contract", "version": 1, "envelope": envelope, "events": events})
    checker, coverage = Checker(contract), Coverage(contract)
    for record in messages({"by": {"by": user(1)}}):
        checker.record(record)
        coverage.record(record)
    assert [one.id for one in checker.finish() if one.severity != "info"] == []
    assert coverage.items()
    assert expanded(payload) == payload
    assert recalled_shape(payload).count
    assert contract.volatile("server:said") == ()


MIXED = st.lists(NODES, min_size=2, max_size=4).map(lambda samples: samples * 10)


@settings(deadline=None, max_examples=80)
@given(MIXED, NODES | st.recursive(st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3)))
def test_both_validators_agree_on_it(samples: Any, other: Any) -> None:
    schema = learned(*samples, *({"thread": sample, "copy": sample} for sample in samples))
    reference, fast = Draft202012Validator(schema), jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for value in (other, {"thread": other, "copy": samples[0]}, {"thread": samples[0], "copy": other}):
        assert reference.is_valid(value) == fast.is_valid(value)
