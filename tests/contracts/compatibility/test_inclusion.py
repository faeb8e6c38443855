"""Inclusion of schemas: what is proved, what is refuted, and that neither is ever contradicted by a value."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from schemas import edited, pool, schemas

from wstape.contracts.compatibility.inclusion import Answer, Effect, compare_schemas

POOL = pool()
TEXT = {"type": "string"}
TREE = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}


def obj(required: tuple[str, ...] = (), rest: object = None, **properties: object) -> dict[str, object]:
    schema: dict[str, object] = {"type": "object", "properties": properties, "required": list(required)}
    return schema if rest is None else {**schema, "additionalProperties": rest}


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        # no change
        (TEXT, {"title": "words", "description": "said", **TEXT}, "none"),
        ({"anyOf": [TEXT, {"type": "null"}]}, {"type": ["null", "string"]}, "none"),
        ({"anyOf": [TEXT, {"type": "integer"}]}, {"anyOf": [{"type": "integer"}, TEXT]}, "none"),
        ({"$ref": "#/$defs/a", "$defs": {"a": TEXT}}, {"$ref": "#/$defs/b", "$defs": {"b": TEXT}}, "none"),
        (
            {"$ref": "#/$defs/tree", "$defs": {"tree": TREE}},
            {**TREE, "$defs": {"tree": {"allOf": [TREE, {"type": "object"}]}}},
            "none",
        ),
        ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}, "none"),
        ({"const": 1}, {"enum": [1.0]}, "none"),
        ({"type": "integer"}, {"type": "number", "multipleOf": 1}, "none"),
        ({"type": "integer", "minimum": 1}, {"allOf": [{"type": "integer"}, {"minimum": 1}]}, "none"),
        (obj(a=TEXT, b=TEXT), obj(b=TEXT, a=TEXT), "none"),
        ({"not": TEXT}, {"not": {"type": "string", "title": "words"}}, "none"),
        ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "minimum": 1}, "none"),
        ({"allOf": [{"minimum": 0.5}, {"maximum": 2}, {"type": "integer"}]}, {"enum": [1, 2]}, "none"),
        ({**obj(a=TEXT), "unevaluatedProperties": False}, obj(a=TEXT, rest=False), "none"),
        # one way
        ({"type": "integer"}, {"type": "number"}, "widens"),
        (TEXT, {"type": ["string", "null"]}, "widens"),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, "widens"),
        ({"enum": ["a"]}, TEXT, "widens"),
        (obj(("a",), a=TEXT), obj(a=TEXT), "widens"),
        (obj(a=TEXT), obj(a=TEXT, b=TEXT), "narrows"),
        (obj(a=TEXT, rest=False), obj(a=TEXT, b=TEXT, rest=False), "widens"),
        ({**obj(a=TEXT), "unevaluatedProperties": False}, {**obj(b=TEXT), "unevaluatedProperties": TEXT}, "widens"),
        ({"type": "array", "unevaluatedItems": False}, {"type": "array", "items": TEXT}, "widens"),
        (
            {"allOf": [obj(a=TEXT)], "unevaluatedProperties": False},
            {"allOf": [obj(a=TEXT), obj(b=TEXT)], "unevaluatedProperties": False},
            "unknown",  # it widens; what is unevaluated is only compared as a whole
        ),
        (obj(a=TEXT), obj(a=TEXT, rest=False), "narrows"),
        ({"type": "number", "maximum": 5}, {"type": "number", "exclusiveMaximum": 5}, "narrows"),
        ({"type": "string", "maxLength": 5}, {"type": "string", "maxLength": 6}, "widens"),
        ({"type": "array", "items": TEXT}, {"type": "array", "items": TEXT, "minItems": 1}, "narrows"),
        ({"type": "array", "items": TEXT}, {"type": "array", "items": TEXT, "uniqueItems": True}, "narrows"),
        ({"type": "string", "format": "uuid"}, TEXT, "widens"),
        ({"type": "string", "pattern": "^run_"}, {"type": "string", "pattern": "^run"}, "widens"),
        ({"anyOf": [TEXT, {"type": "integer"}]}, TEXT, "narrows"),
        # neither way
        (TEXT, {"type": "integer"}, "incomparable"),
        ({"enum": ["a", "b"]}, {"enum": ["a", "c"]}, "incomparable"),
        (
            {"type": "array", "prefixItems": [TEXT, {"type": "integer"}]},
            {"type": "array", "prefixItems": [{"type": "integer"}, TEXT]},
            "incomparable",
        ),
        ({"type": "string", "format": "uuid"}, {"type": "string", "format": "date"}, "incomparable"),
        # more than structure can tell
        ({"type": "string", "pattern": "^[a-z]+$"}, {"type": "string", "pattern": "^[a-y]+$"}, "unknown"),
        ({"type": "string", "format": "house-style"}, {"type": "string", "format": "house-style-2"}, "unknown"),
    ],
)
def test_what_an_edit_does(old: dict[str, object], new: dict[str, object], effect: str) -> None:
    assert compare_schemas(old, new).effect == effect


def test_a_tagged_union_is_held_tag_by_tag() -> None:
    def shape(tag: str, **fields: object) -> dict[str, object]:
        return obj(("kind",), kind={"const": tag}, **fields)

    old = {"oneOf": [shape("text", body=TEXT), shape("image", url=TEXT)]}
    new = {"oneOf": [shape("image", url=TEXT), shape("text", body={"enum": ["a"]})]}
    assert compare_schemas(old, new).effect is Effect.NARROWS
    assert compare_schemas(old, {"anyOf": old["oneOf"]}).effect is Effect.NONE


def test_a_refusal_has_a_witness_deep_inside() -> None:
    deep: dict[str, object] = {"type": "integer", "maximum": 10}
    wide: dict[str, object] = {"type": "integer", "maximum": 11}
    for _ in range(4):
        deep = obj(("a", "b"), a={"type": "array", "items": deep}, b=TEXT)
        wide = obj(("a", "b"), a={"type": "array", "items": wide}, b=TEXT)
    found = compare_schemas(deep, wide).new_in_old
    assert found.answer is Answer.NO
    assert '"a": [11]' in str(found.witness).replace("'", '"')


def test_a_reference_that_leads_nowhere_is_unknown() -> None:
    assert compare_schemas({"$ref": "#/$defs/gone"}, TEXT).effect is Effect.UNKNOWN
    assert compare_schemas(TEXT, {"$ref": "#"}).effect is Effect.UNKNOWN


def test_hostile_schemas_end() -> None:
    deep: dict[str, Any] = {}
    for _ in range(600):
        deep = {"properties": {"a": deep}}
    assert compare_schemas(deep, {**deep, "type": "object"}).new_in_old.answer is not Answer.NO
    many = {"allOf": [{"anyOf": [{"maxLength": n}, {"minimum": n}]} for n in range(12)]}
    assert compare_schemas(many, {"type": "null"}).old_in_new.answer is Answer.NO


def _check(small: Any, big: Any, answer: Answer, witness: object) -> None:
    a, b = (jsonschema_rs.Draft202012Validator(schema, validate_formats=True) for schema in (small, big))
    if answer is Answer.YES:
        for value in POOL:
            assert not a.is_valid(value) or b.is_valid(value), value
    elif answer is Answer.NO:
        assert a.is_valid(witness)
        assert not b.is_valid(witness)


_PATIENT = (HealthCheck.too_slow, HealthCheck.data_too_large)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=_PATIENT)
def test_no_value_contradicts_an_answer(data: st.DataObject) -> None:
    _draw_and_check(data)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=1_000, deadline=None, suppress_health_check=_PATIENT)
def test_no_value_contradicts_any_of_many_answers(data: st.DataObject) -> None:
    _draw_and_check(data)


def _draw_and_check(data: st.DataObject) -> None:
    old = data.draw(schemas())
    new = data.draw(st.one_of(edited(old), edited(old), schemas()))
    new = {"$defs": old["$defs"], **new} if isinstance(new, dict) else {"not": {}} if new is False else {}
    found = compare_schemas(old, new)
    _check(new, old, found.new_in_old.answer, found.new_in_old.witness)
    _check(old, new, found.old_in_new.answer, found.old_in_new.witness)


@given(schemas())
@example({"oneOf": [{"type": "integer"}, {"type": "number"}], "$defs": {}})
@settings(max_examples=30, deadline=None)
def test_a_schema_includes_itself_under_another_name(schema: dict[str, Any]) -> None:
    renamed = {**schema, "title": "another", "$defs": {**schema["$defs"], "knot": True}}
    effect = compare_schemas(schema, renamed).effect
    # What stays as text is compared as text, and the text of a recursive schema has no end.
    as_text = ("not", "oneOf", "contains", "if", "dependentSchemas", "unevaluatedItems", "unevaluatedProperties")
    undecided = any(f"'{keyword}'" in str(schema) for keyword in as_text) and "$ref" in str(schema)
    assert effect is Effect.NONE or (undecided and effect is Effect.UNKNOWN)
