"""How alike two payload shapes are: what tells a renamed event from a lost one and a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from .schema import to_schema
from .shape import Shape

RENAMED = 0.75
"""Similarity from which a label that never came and one that is new are the same event renamed."""

_MAX_DEPTH = 6


def shape_similarity(schema: Mapping[str, object], shape: Shape) -> float:
    """Return how much of a contract's payload schema and of a shape agree, from 0 to 1.

    Fields are compared by place and type; an optional field of the contract weighs half. The discriminator
    (a ``const``) is left out. 0 when there is nothing to compare.
    """
    return schema_similarity(schema, to_schema(shape))


def schema_similarity(schema: Mapping[str, object], other: Mapping[str, object]) -> float:
    """Return the same of two schemas; a place where either has a ``const`` is left out."""
    constants: set[str] = set()
    known = _fields(schema, constants)
    met = {place: entry for place, entry in _fields(other, set()).items() if place not in constants}
    total = agreed = 0.0
    for place in known.keys() | met.keys():
        weight = max(known.get(place, (0.0, frozenset()))[0], met.get(place, (0.0, frozenset()))[0])
        if place in known and place not in met:
            weight = known[place][0]
        total += weight
        if place in known and place in met and known[place][1] & met[place][1]:
            agreed += weight
    return agreed / total if total else 0.0


def types_of(schema: Mapping[str, object]) -> frozenset[str]:
    """Return the types that a schema names, "integer" read as "number" too."""
    named = schema.get("type")
    types = [named] if isinstance(named, str) else cast("list[str]", named) if isinstance(named, list) else []
    return frozenset(types) | ({"number"} if "integer" in types else frozenset[str]())


def _fields(
    schema: Mapping[str, object], constants: set[str], place: str = "", weight: float = 1.0, depth: int = 0
) -> dict[str, tuple[float, frozenset[str]]]:
    fields: dict[str, tuple[float, frozenset[str]]] = {}
    properties = schema.get("properties")
    required = cast("list[str]", schema.get("required") or [])
    if isinstance(properties, dict) and depth < _MAX_DEPTH:
        for key, below in cast("dict[str, object]", properties).items():
            if not isinstance(below, dict):
                continue
            child = cast("dict[str, object]", below)
            where = f"{place}/{key}"
            if "const" in child:
                constants.add(where)
                continue
            own = weight if key in required else weight / 2
            fields[where] = (own, types_of(child))
            fields |= _fields(child, constants, where, own / 2, depth + 1)
    items = schema.get("items")
    if isinstance(items, dict) and depth < _MAX_DEPTH:
        fields |= _fields(cast("dict[str, object]", items), constants, f"{place}/*", weight / 2, depth + 1)
    return fields
