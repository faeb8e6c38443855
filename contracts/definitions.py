"""References into the ``$defs`` of a payload schema: following them, and writing out what they lead to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import cast

from .json_text import Pointer, items, join_pointer, members, split_pointer

Schema = dict[str, object]

_PREFIX = "#/$defs"


def reference(name: str) -> str:
    """Return the ``$ref`` of a definition."""
    return _PREFIX + join_pointer((name,))


def name_of(schema: Mapping[str, object]) -> str | None:
    """Return the name of the definition that a schema refers to, None when it refers to none."""
    to = schema.get("$ref")
    if not isinstance(to, str) or not to.startswith(_PREFIX + "/"):
        return None
    keys = split_pointer(to.removeprefix(_PREFIX))
    return keys[0] if len(keys) == 1 else None


def definition(schema: Mapping[str, object], root: Mapping[str, object]) -> Schema | None:
    """Return the definition in the root that a schema refers to, None when there is none."""
    name = name_of(schema)
    found = None if name is None else members(root.get("$defs")).get(name)
    return members(cast("object", found)) if isinstance(found, dict) else None


def places(schema: Mapping[str, object], place: Pointer = ()) -> Iterator[tuple[Pointer, Schema]]:
    """Yield a schema and those inside it, with where they stand in it; branches of unions are left out."""
    yield place, cast("Schema", schema)
    for keyword in ("properties", "$defs"):
        for key, below in sorted(members(schema.get(keyword)).items()):
            if isinstance(below, dict):
                yield from places(members(cast("object", below)), (*place, keyword, key))
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from places(members(schema[keyword]), (*place, keyword))
    for number, below in enumerate(items(schema.get("prefixItems"))):
        if isinstance(below, dict):
            yield from places(members(cast("object", below)), (*place, "prefixItems", str(number)))


def mapped(schema: Mapping[str, object], change: Callable[[Schema], Schema]) -> Schema:
    """Return a copy of a schema with those directly inside it changed; branches of unions and ``$defs`` stay."""
    copy = dict(schema)

    def changed(below: object) -> object:
        return change(members(cast("object", below))) if isinstance(below, dict) else below

    if isinstance(schema.get("properties"), dict):
        copy["properties"] = {key: changed(below) for key, below in members(schema["properties"]).items()}
    for keyword in ("items", "additionalProperties"):
        if keyword in schema:
            copy[keyword] = changed(schema[keyword])
    if isinstance(schema.get("prefixItems"), list):
        copy["prefixItems"] = [changed(below) for below in items(schema["prefixItems"])]
    return copy


def references(schema: Mapping[str, object]) -> frozenset[tuple[Pointer, str]]:
    """Return where in a schema there are references, and what they refer to."""
    return frozenset((place, name) for place, one in places(schema) if (name := name_of(one)) is not None)


def expanded(schema: Schema) -> Schema:
    """Return a schema with its definitions where they are referred to, but for those that hold themselves."""
    definitions = members(schema.get("$defs"))
    kept = frozenset(name for name in definitions if _holds(name, name, definitions, set()))

    def expand(one: Schema) -> Schema:
        name, of = name_of(one), definition(one, schema)
        if of is not None and name not in kept:
            own = {key: value for key, value in one.items() if key != "$ref"}
            return {**own, **expand(of), **own}
        return mapped(one, expand)

    plain = expand({key: value for key, value in schema.items() if key != "$defs"})
    needed = {name: expand(members(definitions[name])) for name in sorted(kept)}
    if definitions and '"$ref"' in json.dumps(plain):
        plain["$defs"] = {**definitions, **needed}
    return plain


def _holds(name: str, inside: str, definitions: Schema, above: set[str]) -> bool:
    """Tell whether a definition is referred to inside another one, through further ones as well."""
    above.add(inside)
    for _, one in places(members(definitions.get(inside))):
        other = name_of(one)
        if other == name or (other is not None and other not in above and _holds(name, other, definitions, above)):
            return True
    return False
