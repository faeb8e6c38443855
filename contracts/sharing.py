"""Shared definitions: a payload schema that says the same of several places says it once, in ``$defs``.

Objects that hold objects like themselves are folded first (`nesting`). Then objects whose schemas differ in nothing but
how often they were seen become one definition, and what was seen adds up.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import reduce
from typing import cast

from .definitions import Schema, mapped
from .json_text import items, members
from .nesting import fold, like_itself, refer
from .schema import SEEN

MIN_FIELDS = 3
"""Fields from which an object's schema is shared: fewer are read as fast as a reference is followed."""

_UNNAMED = re.compile(r"[^A-Za-z0-9_-]+")
_Slot = tuple[dict[str, object] | list[object], str | int, str]
"""What holds a schema, under which key, and what it might be called."""


def shared(schema: Schema) -> Schema:
    """Return a learned schema with what it says of several places in ``$defs``; its root stays where it is."""
    root = copy.deepcopy(schema)
    definitions: dict[str, Schema] = {}
    _fold(root, 1, definitions)
    _share(root, definitions)
    if not definitions:
        return schema
    seen = root.pop(SEEN)
    return root | {"$defs": dict(sorted(definitions.items())), SEEN: seen}


def _fold(schema: Schema, depth: int, definitions: dict[str, Schema]) -> None:
    for holder, key, hint in _slots(schema):
        below = _at(holder, key)
        along = like_itself(below, depth)
        if along:
            name = _new_name(hint, definitions)
            definitions[name] = {}
            definitions[name] = fold(below, along, name)
            _put(holder, key, refer(below, name))
            below = definitions[name]
        _fold(below, depth + 1, definitions)


def _share(root: Schema, definitions: dict[str, Schema]) -> None:
    while True:
        alike: dict[str, list[_Slot]] = {}
        for schema in (root, *definitions.values()):
            for slot in _all_slots(schema):
                below = _at(slot[0], slot[1])
                if len(members(below.get("properties"))) >= MIN_FIELDS:
                    alike.setdefault(_claims(below), []).append(slot)
        # The largest first: what is inside it is then said once.
        texts = sorted((text for text, slots in alike.items() if len(slots) > 1), key=lambda text: (-len(text), text))
        if not texts:
            return
        slots = alike[texts[0]]
        name = _new_name(slots[0][2], definitions)
        found = [_at(holder, key) for holder, key, _ in slots]
        for (holder, key, _), below in zip(slots, found, strict=True):
            _put(holder, key, refer(below, name))
        definitions[name] = reduce(_added, map(_untyped, found))


def _slots(schema: Schema, hint: str = "") -> Iterator[_Slot]:
    properties = members(schema.get("properties"))
    for key in sorted(properties):
        yield properties, key, key
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield schema, keyword, hint
    prefix = items(schema.get("prefixItems"))
    for number in range(len(prefix)):
        yield prefix, number, hint


def _all_slots(schema: Schema, hint: str = "") -> Iterator[_Slot]:
    for slot in _slots(schema, hint):
        yield slot
        yield from _all_slots(_at(slot[0], slot[1]), slot[2])


def _at(holder: dict[str, object] | list[object], key: str | int) -> Schema:
    return members(cast("dict[str | int, object]", holder)[key])


def _put(holder: dict[str, object] | list[object], key: str | int, schema: Schema) -> None:
    cast("dict[str | int, object]", holder)[key] = schema


def _new_name(hint: str, definitions: dict[str, Schema]) -> str:
    name = _UNNAMED.sub("_", hint)[:40].strip("_") or "object"
    number = 1
    while (numbered := name if number == 1 else f"{name}_{number}") in definitions:
        number += 1
    return numbered


def _untyped(schema: Schema) -> Schema:
    # Whether it may be null, say those who refer to it.
    return {key: value for key, value in schema.items() if key != "type"}


def _claims(schema: Schema) -> str:
    """Return what an object's schema claims as text, but for whether it may be null; what else it may be counts."""
    others = {*items(schema.get("type"))} - {"object", "null"}
    return json.dumps([sorted(cast("set[str]", others)), _bare(_untyped(schema))], sort_keys=True)


def _bare(schema: Schema) -> Schema:
    bare = mapped(schema, _bare)
    bare.pop(SEEN, None)
    if "anyOf" in bare:
        bare["anyOf"] = [_bare(members(branch)) for branch in items(bare["anyOf"])]
    return bare


def _added(a: Schema, b: Schema) -> Schema:
    """Return one of two schemas that claim the same, with how often both were seen."""
    return cast("Schema", _sum(a, b))


def _sum(a: object, b: object) -> object:
    if isinstance(a, dict) and isinstance(b, dict):
        other = cast("Schema", b)
        return {key: _counted(key, item, other[key]) for key, item in cast("Schema", a).items()}
    if isinstance(a, list):
        return [_sum(*pair) for pair in zip(cast("list[object]", a), cast("list[object]", b), strict=True)]
    return cast("object", a)


def _counted(key: str, one: object, other: object) -> object:
    return one + other if key == SEEN and isinstance(one, int) and isinstance(other, int) else _sum(one, other)
