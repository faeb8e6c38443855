"""Volatile places of a payload: their values differ between runs of the same build, and are not compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from .json_text import Pointer, join_pointer, split_pointer

VOLATILE = "x-wstape-volatile"
"""Annotation: ``true`` makes whatever stands at this place, and below it, volatile."""

EVERY = "*"
"""In a pointer: every item of an array, every key of a map."""

_Schema = Mapping[str, object]


def volatile_places(schema: _Schema) -> tuple[str, ...]:
    """Return the pointers of the places that a payload schema marks, sorted, `EVERY` for items and keys of maps."""
    return tuple(sorted({join_pointer(keys) for keys in _marked(schema, schema, (), frozenset())}))


def mark(schema: dict[str, object], pointer: str) -> None:
    """Mark a place in a payload schema; in a shared definition, wherever that is used.

    Raises KeyError with the pointer when the schema says nothing of the place.
    """
    place = schema
    for key in split_pointer(pointer):
        place = next((below for step, below in _steps(place, schema) if key == step), None)
        if place is None:
            raise KeyError(pointer)
    place[VOLATILE] = True


def _marked(schema: _Schema, root: _Schema, before: Pointer, above: frozenset[int]) -> Iterator[Pointer]:
    if id(schema) in above:  # a $ref that leads back: what lies below it was said above
        return
    if schema.get(VOLATILE) is True:
        yield before
        return
    inside = above | {id(schema)}
    for step, below in _own_steps(schema):
        yield from _marked(below, root, (*before, step), inside)
    for branch in _branches(schema, root):
        yield from _marked(branch, root, before, inside)


def _steps(
    schema: _Schema, root: _Schema, above: frozenset[int] = frozenset()
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield the schemas of what lies directly below a place, in all branches."""
    yield from _own_steps(schema)
    inside = above | {id(schema)}
    for branch in _branches(schema, root):
        if id(branch) not in inside:
            yield from _steps(branch, root, inside)


def _own_steps(schema: _Schema) -> Iterator[tuple[str, dict[str, object]]]:
    properties = schema.get("properties")
    if isinstance(properties, dict):
        for key, below in cast("dict[str, object]", properties).items():
            if isinstance(below, dict):
                yield key, cast("dict[str, object]", below)
    for keyword in ("items", "additionalProperties"):
        below = schema.get(keyword)
        if isinstance(below, dict):
            yield EVERY, cast("dict[str, object]", below)
    prefix = schema.get("prefixItems")
    if isinstance(prefix, list):
        for number, below in enumerate(cast("list[object]", prefix)):
            if isinstance(below, dict):
                yield str(number), cast("dict[str, object]", below)


def _branches(schema: _Schema, root: _Schema) -> Iterator[dict[str, object]]:
    for keyword in ("anyOf", "oneOf", "allOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list):
            for branch in cast("list[object]", branches):
                if isinstance(branch, dict):
                    yield cast("dict[str, object]", branch)
    reference = schema.get("$ref")
    definitions = root.get("$defs")
    if isinstance(reference, str) and reference.startswith("#/$defs/") and isinstance(definitions, dict):
        name = split_pointer(reference.removeprefix("#/$defs"))[0]
        target = cast("dict[str, object]", definitions).get(name)
        if isinstance(target, dict):
            yield cast("dict[str, object]", target)
