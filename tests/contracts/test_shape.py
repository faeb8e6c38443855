"""Shapes are a monoid, and their schemas are satisfied by every value that they were learned from."""

from __future__ import annotations

import random
import tracemalloc
import uuid
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from json_values import MAPS, TEXTS, VALUES
from jsonschema import Draft202012Validator

from wstape.contracts import Shape
from wstape.contracts.formats import formats_of, id_prefix, is_data_key, is_id_key, looks_like_id
from wstape.contracts.schema import to_schema

SAMPLES = st.lists(VALUES | MAPS, max_size=12)


def valid(schema: dict[str, object], value: object) -> bool:
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).is_valid(value)  # type: ignore[arg-type]


@given(SAMPLES, SAMPLES, SAMPLES)
def test_shapes_are_a_commutative_monoid(a: list[Any], b: list[Any], c: list[Any]) -> None:
    x, y, z = Shape.of(a), Shape.of(b), Shape.of(c)
    assert x.merge(y).merge(z) == x.merge(y.merge(z))
    assert x.merge(y) == y.merge(x)
    assert x.merge(Shape()) == x == Shape().merge(x)
    assert x.merge(y) == Shape.of([*a, *b])


def without_counts(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: without_counts(item) for key, item in schema.items() if key != "x-wstape-seen"}
    return [without_counts(item) for item in schema] if isinstance(schema, list) else schema


@given(st.lists(VALUES | MAPS, min_size=1, max_size=8).map(lambda samples: samples * 10))
def test_seen_twice_a_shape_claims_the_same_with_more_behind_it(samples: list[Any]) -> None:
    once = Shape.of(samples)
    twice = once.merge(once)
    assert twice.count == 2 * once.count
    assert without_counts(to_schema(twice)) == without_counts(to_schema(once))


@given(st.lists(VALUES | MAPS, min_size=1, max_size=30))
def test_every_sample_satisfies_the_schema_for_both_validators(samples: list[Any]) -> None:
    schema = to_schema(Shape.of(samples))
    Draft202012Validator.check_schema(schema)
    fast = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    for sample in samples:
        assert valid(schema, sample)
        assert fast.is_valid(sample)


@settings(max_examples=300)
@given(TEXTS, st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?", fullmatch=True))
def test_a_recognised_format_is_accepted_by_both_validators(one: str, other: str) -> None:
    for text in (one, other):
        for format_ in formats_of(text):
            schema: dict[str, object] = {"format": format_}
            assert valid(schema, text)
            assert jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(text)


def test_memory_stays_flat_whatever_comes() -> None:
    chance = random.Random(1)
    shape = Shape()

    def feed() -> None:
        for _ in range(3000):
            shape.observe({
                "text": chance.randbytes(50).hex(),
                "users": {f"user_{chance.getrandbits(60)}": {"score": chance.random()} for _ in range(3)},
                f"field{chr(97 + chance.randrange(26))}{chr(97 + chance.randrange(26))}": 1,
            })  # fmt: skip

    feed()
    tracemalloc.start()
    try:
        feed()
        assert tracemalloc.get_traced_memory()[0] < 200_000
    finally:
        tracemalloc.stop()


def test_required_optional_nullable() -> None:
    schema = to_schema(Shape.of([{"a": 1, "b": None}, {"a": 2, "b": "x"}, {"a": 3, "b": "y", "c": []}]))
    assert schema["required"] == ["a", "b"]
    assert schema["properties"] == {
        "a": {"type": "number", "x-wstape-seen": 3},
        "b": {"type": ["null", "string"], "x-wstape-seen": 3},
        "c": {"type": "array", "x-wstape-seen": 1},
    }


@pytest.mark.parametrize(
    ("samples", "claim"),
    [
        ([*range(9)], {"type": "number"}),
        ([*range(10)], {"type": "integer"}),
        ([*range(10), 1.5], {"type": "number"}),
        ([*range(10), 2.0], {"type": "number"}),
        ([2**70] * 10, {"type": "integer"}),
        (["ok", "failed"] * 5, {"type": "string", "enum": ["failed", "ok"]}),
        (["ok", "failed"] * 4, {"type": "string"}),
        (["ok"] * 10, {"type": "string"}),
        (["ok"] * 10 + ["failed"], {"type": "string"}),
        (["well then", "not so"] * 10, {"type": "string"}),
        ([f"run_{n}f" for n in range(5)], {"type": "string", "pattern": "^run_"}),
        ([f"run_{n}f" for n in range(5)] + ["other"], {"type": "string"}),
        (["gpt-4"] * 20, {"type": "string"}),
        ([str(uuid.UUID(int=n)) for n in range(3)], {"type": "string", "format": "uuid"}),
        ([str(uuid.UUID(int=n)) for n in range(3)] + ["x"], {"type": "string"}),
        (["2026-01-31T12:00:00Z"] * 2, {"type": "string", "format": "date-time"}),
        ([[1], []], {"type": "array", "items": {"type": "number", "x-wstape-seen": 1}}),
    ],
)
def test_claims_need_their_evidence(samples: list[object], claim: dict[str, object]) -> None:
    schema = to_schema(Shape.of(samples))
    assert schema == {**claim, "x-wstape-seen": len(samples)}


def test_objects_whose_keys_are_data_are_maps() -> None:
    few = to_schema(Shape.of([{f"user_{n}": {"score": n}} for n in range(8)]))
    many = to_schema(Shape.of([{f"user_{n}": {"score": n}} for n in range(40)]))
    for schema, seen in ((few, 8), (many, 40)):
        assert "properties" not in schema
        assert schema["additionalProperties"]["x-wstape-seen"] == seen  # type: ignore[index]
        assert schema["additionalProperties"]["required"] == ["score"]  # type: ignore[index]


def test_fields_beside_data_keys_leave_added_fields_free() -> None:
    schema = to_schema(Shape.of([{"total": n, f"user_{n}": {"score": n}} for n in range(40)]))
    assert "additionalProperties" not in schema
    assert schema["required"] == ["total"]


def test_what_looks_like_an_identifier() -> None:
    assert [text for text in ("run_1f", "call-77", "8f14e45fceea167a", "550e8400-e29b-41d4-a716-446655440000")
            if not looks_like_id(text)] == []  # fmt: skip
    assert [text for text in ("agent_started", "hello", "a", "2026-01-31", "well done 42") if looks_like_id(text)] == []
    assert id_prefix("tool_call_7f") == "tool_call_"
    assert [key for key in ("id", "run_id", "runId", "msg_uuid", "tool.id") if not is_id_key(key)] == []
    assert [key for key in ("idle", "paid", "video", "kid", "grid") if is_id_key(key)] == []
    assert [key for key in ("42", "user_42") if not is_data_key(key)] == []
    assert [key for key in ("sha256", "line", "x1", "utf8") if is_data_key(key)] == []
