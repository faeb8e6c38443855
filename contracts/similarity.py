"""How alike two payload shapes are: what tells a renamed event from a lost one and a new one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from .json_text import resolve, split_pointer
from .schema import to_schema
from .shape import Shape

RENAMED = 0.75
"""Similarity from which a label that never came and one that is new are the same event renamed."""

_MAX_DEPTH = 6
_MAX_PARTS = 20_000
_NOTHING = (0.0, frozenset[str]())
_Object = dict[str, object]


def shape_similarity(schema: Mapping[str, object], shape: Shape) -> float:
    """Return how much of a contract's payload schema and of a shape agree, from 0 to 1.

    Fields are compared by place and type; an optional field of the contract weighs half. The discriminator
    (a ``const``) is left out. 0 when there is nothing to compare.
    """
    return SchemaFields(schema).similarity(SchemaFields(to_schema(shape)))


def types_of(schema: Mapping[str, object]) -> frozenset[str]:
    """Return the types that a schema names, "integer" read as "number" too."""
    named = schema.get("type")
    types = [named] if isinstance(named, str) else cast("list[str]", named) if isinstance(named, list) else []
    return frozenset(types) | ({"number"} if "integer" in types else frozenset[str]())


class SchemaFields:
    """The fields of a schema by place, each with its weight and types; those of its parts and references too."""

    def __init__(self, root: Mapping[str, object]) -> None:
        self._root = root
        self._constants: set[str] = set()
        self._found: dict[str, tuple[float, frozenset[str]]] = {}
        self._left = _MAX_PARTS
        self._add(root, "", 1.0, 0)

    def similarity(self, other: SchemaFields) -> float:
        """Return how much of two schemas agree, from 0 to 1; a place where either has a ``const`` is left out."""
        constants = self._constants | other._constants
        total = agreed = 0.0
        for place in (self._found.keys() | other._found.keys()) - constants:
            ours, theirs = self._found.get(place), other._found.get(place)
            if ours is None or theirs is None:
                total += (ours or theirs or _NOTHING)[0]
                continue
            weight = max(ours[0], theirs[0])
            total += weight
            agreed += weight if ours[1] & theirs[1] or not (ours[1] and theirs[1]) else 0.0
        return agreed / total if total else 0.0

    def _add(self, schema: Mapping[str, object], place: str, weight: float, depth: int) -> None:
        parts = list(self._parts(schema, 0)) if depth < _MAX_DEPTH else []
        required = {key for part in parts for key in cast("list[str]", part.get("required") or [])}
        for part in parts:
            properties = part.get("properties")
            for key, below in cast("_Object", properties).items() if isinstance(properties, dict) else ():
                if isinstance(below, dict):
                    self._field(
                        cast("_Object", below), f"{place}/{key}", weight * (1 if key in required else 0.5), depth
                    )
            items = part.get("items")
            if isinstance(items, dict):
                self._add(cast("_Object", items), f"{place}/*", weight / 2, depth + 1)

    def _field(self, schema: _Object, place: str, weight: float, depth: int) -> None:
        parts = list(self._parts(schema, 0))
        if any("const" in part for part in parts):
            self._constants.add(place)
            return
        types = frozenset[str]().union(*(types_of(part) for part in parts))
        known = self._found.get(place, _NOTHING)
        self._found[place] = (max(weight, known[0]), types | known[1])
        self._add(schema, place, weight / 2, depth + 1)

    def _parts(self, schema: Mapping[str, object], depth: int) -> Iterator[Mapping[str, object]]:
        """Yield a schema and all that is said in its place: behind a reference, in parts and in alternatives."""
        self._left -= 1
        if depth > _MAX_DEPTH or self._left < 0:
            return
        yield schema
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            target = resolve(self._root, split_pointer(reference[1:]))
            if isinstance(target, dict):
                yield from self._parts(cast("_Object", target), depth + 1)
        for keyword in ("allOf", "anyOf", "oneOf"):
            listed = schema.get(keyword)
            for branch in cast("list[object]", listed) if isinstance(listed, list) else ():
                if isinstance(branch, dict):
                    yield from self._parts(cast("_Object", branch), depth + 1)
