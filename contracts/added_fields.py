"""Fields that a payload schema does not mention: a closed schema that refuses them, and where they stand."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import cast

from .definitions import definition
from .json_text import JsonArray, JsonObject, Pointer
from .schema import PINNED, SEEN, Schema
from .unions import tag_of
from .volatile import VOLATILE

Path = tuple[str | int, ...]
"""Keys and indices into one payload."""

_CLOSING = ("additionalProperties", "unevaluatedProperties", "patternProperties", "$ref", "allOf", "oneOf")


def _is_closable(schema: Schema) -> bool:
    """Tell whether a schema that lists fields lists all that it knows of."""
    if any(keyword in schema for keyword in _CLOSING):
        return False
    if "anyOf" not in schema:
        return True
    # The branches of a learned union speak of fields that are listed beside it.
    known = cast("Schema", schema["properties"])
    branches = cast("list[object]", schema["anyOf"])
    return tag_of(schema) is not None and all(
        cast("Schema", branch).keys() <= {"properties", "required", SEEN, PINNED}
        and cast("Schema", cast("Schema", branch).get("properties", {})).keys() <= known.keys()
        for branch in branches
    )


def closed_schema(schema: Schema) -> Schema:
    """Return the schema with its objects closed wherever it lists their fields itself."""
    closed = dict(schema)
    properties = schema.get("properties")
    if isinstance(properties, dict):
        fields = cast("dict[str, object]", properties)
        closed["properties"] = {key: _close_any(value) for key, value in fields.items()}
        if _is_closable(schema):
            closed["additionalProperties"] = False
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            closed[keyword] = _close_any(schema[keyword])
    if isinstance(schema.get("$defs"), dict):
        closed["$defs"] = {name: _close_any(of) for name, of in cast("dict[str, object]", schema["$defs"]).items()}
    if isinstance(schema.get("prefixItems"), list):
        closed["prefixItems"] = [_close_any(item) for item in cast("list[object]", schema["prefixItems"])]
    return closed


def _close_any(schema: object) -> object:
    return closed_schema(cast("Schema", schema)) if isinstance(schema, dict) else schema


def added_fields(schema: Schema, value: object) -> Iterator[tuple[Path, Pointer, JsonObject]]:
    """Return the objects with fields that the schema does not mention, where it lists fields itself."""
    return _added(schema, schema, value, (), ())


def _added(
    schema: object, root: Schema, value: object, path: Path, place: Pointer
) -> Iterator[tuple[Path, Pointer, JsonObject]]:
    if not isinstance(schema, dict):
        return
    claim = cast("Schema", schema)
    of = definition(claim, root)
    if of is not None and claim.keys() <= {"$ref", "type", SEEN, PINNED, VOLATILE, "description"}:
        claim = of
    if isinstance(value, list):
        prefix = claim.get("prefixItems")
        first = cast("list[object]", prefix) if isinstance(prefix, list) else []
        for number, item in enumerate(cast("JsonArray", value)):
            if number < len(first):
                yield from _added(first[number], root, item, (*path, number), (*place, str(number)))
            else:
                yield from _added(claim.get("items"), root, item, (*path, number), (*place, "*"))
    if not isinstance(value, dict):
        return
    payload = cast("JsonObject", value)
    properties = claim.get("properties")
    known: Collection[str] = ()
    if isinstance(properties, dict):
        fields = cast("dict[str, object]", properties)
        known = fields.keys()
        if _is_closable(claim):
            new = {key: item for key, item in payload.items() if key not in fields}
            if new:
                yield path, place, new
        for key, below in fields.items():
            if key in payload:
                yield from _added(below, root, payload[key], (*path, key), (*place, key))
    rest = claim.get("additionalProperties")
    if isinstance(rest, dict):
        for key, item in payload.items():
            if key not in known:
                yield from _added(cast("object", rest), root, item, (*path, key), (*place, "*"))
