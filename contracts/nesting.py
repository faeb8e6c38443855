"""Objects that hold objects like themselves: the replies to a reply, the branches of a tree.

As learned, each level has a schema of its own, with less evidence the deeper it lies. `fold` makes them one definition
that refers to itself. It says what all levels have in common, so what satisfied them satisfies it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

from .definitions import Schema, reference
from .json_text import members
from .schema import SEEN
from .shape import MAX_DEPTH
from .similarity import types_of
from .uniting import united

_HOLDING = ("items", "additionalProperties")


def like_itself(schema: Schema, depth: int) -> list[str]:
    """Return the fields of an object, so deep in a payload, that hold objects like it with the same field in them."""
    own = _fields(schema)
    found = [key for key in own if any(_continues(below, key, own) for below in _inside(own[key]))]
    # What lies below must be like it through each of the fields, whichever was taken before.
    return found if all(_is_like(below, own, found, depth + 1) for key in found for below in _inside(own[key])) else []


def _continues(schema: Schema, key: str, own: Schema) -> bool:
    fields = _fields(schema)
    return "anyOf" not in schema and key in fields and len(fields) >= 2 and fields.keys() <= own.keys()


def _is_like(schema: Schema, own: Schema, along: Sequence[str], depth: int) -> bool:
    fields = _fields(schema)
    # Of what lies deeper than shapes look, nothing is known.
    if depth + 2 >= MAX_DEPTH or "anyOf" in schema or not fields.keys() <= own.keys():
        return False
    if not all(key in along or _may_be_one(members(fields[key]), members(own[key])) for key in fields):
        return False
    return all(_is_like(one, own, along, depth + 2) for key in along for one in _inside(fields.get(key)))


def _may_be_one(a: Schema, b: Schema) -> bool:
    one, other = (types_of(schema) - {"null"} for schema in (a, b))
    return not one or not other or bool(one & other)


def fold(schema: Schema, along: Sequence[str], name: str) -> Schema:
    """Return the definition, called ``name``, that an object and all those like it in the fields ``along`` satisfy."""
    folded = reduce(united, (_cut(level, along, name) for level in _levels(schema, along)))
    folded.pop("type")  # whether it may be null, say those who refer to it
    return folded


def refer(schema: Schema, name: str) -> Schema:
    """Return a reference in an object's place. It says there what type it is, and how often it was seen."""
    return {"type": schema["type"], "$ref": reference(name), SEEN: schema[SEEN]}


def _levels(schema: Schema, along: Sequence[str]) -> Iterator[Schema]:
    yield schema
    for key in along:
        for below in _inside(_fields(schema).get(key)):
            yield from _levels(below, along)


def _cut(schema: Schema, along: Sequence[str], name: str) -> Schema:
    def cut(below: object) -> object:
        field = members(below)
        if "properties" in field:
            return refer(field, name)
        return field | {keyword: cut(field[keyword]) for keyword in _HOLDING if keyword in field}

    fields = _fields(schema)
    return schema | {"properties": {key: cut(fields[key]) if key in along else fields[key] for key in fields}}


def _inside(field: object) -> list[Schema]:
    """Return the objects with named fields that a field is, or holds as items or under keys that are data."""
    schema = members(field)
    return [one for one in (schema, *(members(schema.get(keyword)) for keyword in _HOLDING)) if "properties" in one]


def _fields(schema: Schema) -> Schema:
    return members(schema.get("properties"))
