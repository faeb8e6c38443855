"""Tagged unions, tuples and maps: what is learned of them, and what a check says when they are broken."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from simulated import records, server

from wstape.cassettes import Record
from wstape.contracts import Checker, Contract, Shape, infer
from wstape.contracts.envelopes import JsonEnvelope
from wstape.contracts.schema import to_schema
from wstape.contracts.shape_state import shape_from_state, shape_state

TEXT = {"type": "text", "text": "hello"}
IMAGE = {"type": "image", "url": "https://service.test/a.png", "size": 3}


def learned(*values: Any) -> Any:
    return to_schema(Shape.of(values))


def test_variants_are_split_by_their_tag() -> None:
    schema = learned(*([TEXT] * 6), *([IMAGE] * 6))
    assert schema["properties"]["type"]["enum"] == ["image", "text"]
    assert schema["required"] == ["type"]
    assert schema["anyOf"] == [
        {"properties": {"type": {"const": "image"}}, "required": ["size", "type", "url"], "x-wstape-seen": 6},
        {"properties": {"type": {"const": "text"}}, "required": ["text", "type"], "x-wstape-seen": 6},
    ]
    assert Draft202012Validator(schema).is_valid(TEXT)
    assert not Draft202012Validator(schema).is_valid({"type": "image", "text": "hello"})


def test_a_field_that_has_another_type_in_each_variant() -> None:
    number, text = {"kind": "number", "value": 1.5}, {"kind": "text", "value": "one"}
    schema = learned(*([number] * 6), *([text] * 6))
    assert schema["properties"]["value"]["type"] == ["number", "string"]
    assert [branch["properties"]["value"]["type"] for branch in schema["anyOf"]] == ["number", "string"]


@pytest.mark.parametrize(
    "values",
    [
        [TEXT] * 20,
        [*[TEXT] * 20, *[IMAGE] * 3],  # too few of one
        [*[TEXT] * 20, *[{**TEXT, "type": "note"}] * 20],  # nothing tells them apart but the tag
        [*[TEXT] * 20, *[IMAGE] * 20, {"url": "x"}],  # one without the tag
        [*[TEXT] * 20, *[IMAGE] * 20, {**TEXT, "type": "free text"}],  # data
        [{"type": "abcdefghijkl"[n % 12], "abcdefghijkl"[n % 12]: 1} for n in range(120)],  # too many
    ],
)
def test_what_is_no_union(values: Any) -> None:
    assert "anyOf" not in learned(*values)


def test_tags_that_are_numbers_or_truth_values() -> None:
    numbers = learned(*([{"op": 0, "d": {"a": 1}}] * 6), *([{"op": 10, "d": {"beat": 3}}] * 6))
    assert numbers["properties"]["op"] == {"type": "integer", "enum": [0, 10], "x-wstape-seen": 12}
    assert [branch["properties"]["op"] for branch in numbers["anyOf"]] == [{"const": 0}, {"const": 10}]
    assert [branch["properties"]["d"]["required"] for branch in numbers["anyOf"]] == [["a"], ["beat"]]
    truths = learned(*([{"ok": True, "result": 1}] * 6), *([{"ok": False, "error": "x"}] * 6))
    assert [(branch["properties"]["ok"], branch["required"]) for branch in truths["anyOf"]] == [
        ({"const": False}, ["error", "ok"]),
        ({"const": True}, ["ok", "result"]),
    ]
    for schema in (numbers, truths):
        assert not Draft202012Validator(schema).is_valid({"op": 10, "d": {"a": 1}, "ok": False, "result": 1})


def test_one_is_not_true() -> None:
    mixed = learned(*([{"kind": 1, "a": 1}] * 6), *([{"kind": True, "b": 1}] * 6), *([{"kind": "true", "c": 1}] * 6))
    assert [(branch["properties"]["kind"]["const"], branch["required"]) for branch in mixed["anyOf"]] == [
        (1, ["a", "kind"]),
        (True, ["b", "kind"]),
        ("true", ["c", "kind"]),
    ]


def test_null_beside_a_union() -> None:
    schema = learned(*([TEXT] * 6), *([IMAGE] * 6), None)
    assert "anyOf" in schema
    assert Draft202012Validator(schema).is_valid(None)


SMALL = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from("abcdefghijk") | st.integers(0, 200) | st.just("two words"),
        "status": st.sampled_from(["ok", "failed"]) | st.none(),
        "role": st.sampled_from(["user", "tool", 1, True, False]),
        "kind": st.sampled_from(["x", "y"]),
        "a": st.integers(0, 3) | st.text(max_size=1),
        "b": st.lists(st.integers(0, 3) | st.sampled_from("xy"), max_size=3),
    },
)
OBJECTS = st.lists(SMALL, max_size=25)


@settings(deadline=None)
@given(OBJECTS, OBJECTS, OBJECTS)
def test_tagged_shapes_are_a_commutative_monoid(a: Any, b: Any, c: Any) -> None:
    x, y, z = Shape.of(a), Shape.of(b), Shape.of(c)
    assert x.merge(y).merge(z) == x.merge(y.merge(z)) == Shape.of([*c, *a, *b])
    assert shape_from_state(shape_state(x)) == x
    assert shape_state(x.merge(y)) == shape_state(y.merge(x))


@settings(deadline=None)
@given(OBJECTS.map(lambda objects: objects * 5))
def test_every_sample_satisfies_its_union(samples: Any) -> None:
    schema = learned(*samples)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert all(validator.is_valid(sample) for sample in samples)


def test_tuples() -> None:
    pairs = [["set", {"x": n}] for n in range(12)]
    schema = learned(*pairs)
    assert [item["type"] for item in schema["prefixItems"]] == ["string", "object"]
    assert schema["minItems"] == 2
    assert "items" not in schema
    assert "prefixItems" not in learned(*pairs, ["set"])
    assert "minItems" not in learned(*pairs, [])
    assert learned(*[[n, n + 1] for n in range(12)])["items"]["type"] == "integer"
    assert "prefixItems" not in learned(["a", 1], ["b", 2])  # by chance


def test_maps_with_words_for_keys() -> None:
    words = [f"{one}{two}" for one in "abcd" for two in "wxyz"]
    chance = random.Random(1)
    counts = [dict.fromkeys(chance.sample(words, k=3), 1) for _ in range(200)]
    schema = learned(*counts)
    assert schema["additionalProperties"]["type"] == "integer"
    assert "properties" not in schema


def recording(*parts: Any) -> list[Record]:
    return records([[server("said", parts=[part]) for part in parts]] * 3)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return infer([recording(*[TEXT] * 8, *[IMAGE] * 8)])


@pytest.mark.parametrize(
    ("part", "finding"),
    [
        (TEXT, []),
        ({"type": "image", "size": 3}, [("payload/field-missing", "/parts/*/url", "breaking")]),
        ({"type": "text"}, [("payload/field-missing", "/parts/*/text", "breaking")]),
        ({"type": "sound", "url": "https://service.test/a"}, [("payload/enum-value", "/parts/*/type", "warning")]),
        ({**IMAGE, "new": 1}, [("payload/field-added", "/parts/*/new", "info")]),
        ({**IMAGE, "size": "3"}, [("payload/type-changed", "/parts/*/size", "breaking")]),
    ],
)
def test_a_broken_variant_is_told_in_its_own_words(contract: Contract, part: Any, finding: Any) -> None:
    checker = Checker(contract)
    for record in recording(part):
        checker.record(record)
    found = checker.finish()
    assert [(one.id, one.path, str(one.severity)) for one in found] == finding


@pytest.mark.parametrize(
    ("frame", "finding"),
    [
        ({"op": 1, "d": {"beat": 3}}, []),
        ({"op": 1, "d": {}}, [("payload/field-missing", "/d/beat", "breaking")]),
        ({"op": 7, "d": {}}, [("payload/enum-value", "/op", "warning")]),
    ],
)
def test_a_broken_variant_of_a_number(frame: Any, finding: Any) -> None:
    frames = [{"op": 0, "d": {"a": 1}}] * 8 + [{"op": 1, "d": {"beat": 3}}] * 8
    recorded = records([[server("frame", **one) for one in frames]] * 3)
    checker = Checker(infer([recorded], envelope=JsonEnvelope(None, "/type")))
    for record in records([[server("frame", **frame)]]):
        checker.record(record)
    assert [(one.id, one.path, str(one.severity)) for one in checker.finish()] == finding
