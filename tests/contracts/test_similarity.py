"""How alike payload schemas are, however they are written down."""

from __future__ import annotations

from typing import Any

import pytest

from wstape.contracts.similarity import RENAMED, SchemaFields

TEXT: dict[str, Any] = {"type": "string"}


def like(one: dict[str, Any], two: dict[str, Any]) -> float:
    forth, back = SchemaFields(one).similarity(SchemaFields(two)), SchemaFields(two).similarity(SchemaFields(one))
    assert forth == pytest.approx(back)
    return forth


def obj(*required: str, **fields: object) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(required)}


USER = obj("id", "name", id=TEXT, name=TEXT)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/user", "$defs": {"user": USER}},
        {"allOf": [obj("id", id=TEXT), {"$ref": "#/$defs/rest"}], "$defs": {"rest": obj("name", name=TEXT)}},
        {"anyOf": [USER, {"type": "null"}]},
        obj("id", "name", id={"enum": ["a", "b"]}, name={"$ref": "#/properties/id"}),
        obj("id", "name", id=TEXT, name=TEXT, type={"const": "user"}),
        obj("id", "name", id=TEXT, name=TEXT, type={"$ref": "#/$defs/label"}) | {"$defs": {"label": {"const": "user"}}},
    ],
)
def test_the_same_written_otherwise(schema: dict[str, Any]) -> None:
    assert like(USER, schema) == 1.0


def test_what_differs() -> None:
    assert like(USER, obj("id", id=TEXT)) == 0.5
    assert like(USER, obj("id", "name", id=TEXT, name={"type": "integer"})) == 0.5
    assert like(USER, obj("id", "name", id=TEXT, name=TEXT, note=TEXT)) >= RENAMED
    assert like(USER, {}) == 0.0
    assert like(obj("user", user=USER), obj("user", user=obj("id", id=TEXT))) == pytest.approx(0.75)


def test_what_leads_back_to_itself_ends() -> None:
    tree = {"$ref": "#/$defs/tree", "$defs": {"tree": obj("child", child={"$ref": "#/$defs/tree"})}}
    assert like(tree, tree) == 1.0
    loop = {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}, USER]}}}
    assert like(loop, USER) == 1.0
    wide = {"allOf": [{"$ref": "#"}] * 40}
    assert like(wide, USER) == 0.0
