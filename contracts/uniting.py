"""What two learned schemas have in common: a value that satisfies one of them satisfies it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from .definitions import Schema
from .json_text import items, members
from .schema import SEEN
from .similarity import types_of

_OBJECT = ("$ref", "properties", "required", "anyOf", "additionalProperties")
_ARRAY = ("prefixItems", "minItems", "items")


def united(a: Schema, b: Schema) -> Schema:
    """Return a schema that allows what either allows, with the evidence of both."""
    both: Schema = {}
    types = types_of(a) | types_of(b)
    if "number" in types:
        named = {*_types(a), *_types(b)}
        types = types - {"number"} if "number" not in named else types - {"integer"}
    if types:
        both["type"] = sorted(types) if len(types) > 1 else next(iter(types))
    both |= _strings(a, b) | _objects(a, b) | _arrays(a, b)
    return both | {SEEN: sum(cast("int", one.get(SEEN, 0)) for one in (a, b))}


def _types(schema: Schema) -> Sequence[object]:
    named = schema.get("type", [])
    return cast("list[object]", named) if isinstance(named, list) else [named]


def _strings(a: Schema, b: Schema) -> Schema:
    both: Schema = {}
    if "const" in a and "const" in b and a["const"] == b["const"]:
        both["const"] = a["const"]
    if "enum" in a and "enum" in b:
        values = [*items(a["enum"]), *(value for value in items(b["enum"]) if value not in items(a["enum"]))]
        both["enum"] = sorted(values, key=lambda value: (isinstance(value, str), cast("str", value)))
    for keyword in ("format", "pattern"):
        for one, other in ((a, b), (b, a)):
            # Of values that are no strings these keywords ask nothing.
            if keyword in one and (one[keyword] == other.get(keyword) or "string" not in types_of(other)):
                both[keyword] = one[keyword]
    return both


def _only_of(kind: str, keywords: Sequence[str], a: Schema, b: Schema) -> Schema | None:
    """Return what a kind's keywords say where only one of two schemas allows it, None where both do."""
    if kind in types_of(a) and kind in types_of(b):
        return None
    one = a if kind in types_of(a) else b
    return {key: one[key] for key in keywords if key in one}


def _objects(a: Schema, b: Schema) -> Schema:
    only = _only_of("object", _OBJECT, a, b)
    if only is not None:
        return only
    if "$ref" in a and a["$ref"] == b.get("$ref"):
        return {"$ref": a["$ref"]}
    here, there = (one.keys() & set(_OBJECT) - {"required", "anyOf"} for one in (a, b))
    if here == there == {"additionalProperties"}:
        rest = (members(one["additionalProperties"]) for one in (a, b))
        return {"additionalProperties": united(*rest)}
    if not here == there == {"properties"}:
        return {}  # of objects without a listed field nothing is known
    own, other = members(a["properties"]), members(b["properties"])
    both: Schema = {"properties": {key: _either(own, other, key) for key in sorted({*own, *other})}}
    required = {*items(a.get("required"))} & {*items(b.get("required"))}
    return both | ({"required": sorted(cast("set[str]", required))} if required else {})


def _either(own: Mapping[str, object], other: Mapping[str, object], key: str) -> object:
    if key in own and key in other:
        return united(members(own[key]), members(other[key]))
    return own.get(key, other.get(key))


def _arrays(a: Schema, b: Schema) -> Schema:
    only = _only_of("array", _ARRAY, a, b)
    if only is not None:
        return only
    kept = [{key: one[key] for key in _ARRAY if key in one and key != "minItems"} for one in (a, b)]
    if not all(kept):
        return kept[0] or kept[1]  # the others were empty
    first = [items(one.get("prefixItems")) for one in kept]
    if len(first[0]) == len(first[1]) > 0:
        both: Schema = {"prefixItems": [united(members(x), members(y)) for x, y in zip(*first, strict=True)]}
        return both | ({"minItems": a["minItems"]} if "minItems" in a and a["minItems"] == b.get("minItems") else {})
    if "items" in kept[0] and "items" in kept[1]:
        return {"items": united(members(a["items"]), members(b["items"]))}
    return {}
