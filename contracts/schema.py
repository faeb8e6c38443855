"""A shape as JSON Schema (draft 2020-12), with how often each value was seen beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .evidence import ENUM_SAMPLES, ENUM_SAMPLES_PER_VALUE, ENUM_VALUES, INTEGER_SEEN
from .formats import FORMATS, is_id_key
from .json_text import Pointer
from .shape import ObjectShape, Shape, StringShape

Schema = dict[str, object]

SEEN = "x-wstape-seen"
"""Annotation: how many times a value was present at this place."""
PINNED = "x-wstape-pinned"
"""Annotation: breaking anything that this schema says is breaking, whatever the evidence."""

_ENUM_VALUE = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,39}")
_MIN_MAP_KEYS = 5
_MIN_PREFIX_VALUES = 3


def to_schema(shape: Shape, *, constants: Mapping[Pointer, str] | None = None) -> Schema:
    """Return the schema that every value in the shape satisfies, open to added fields.

    ``constants`` says which places hold a known constant: the discriminator.
    """
    return _schema(shape, (), constants or {})


def _schema(shape: Shape, place: Pointer, constants: Mapping[Pointer, str]) -> Schema:
    schema: Schema = {}
    types = shape.types()
    # On thin evidence a number that happens to be integral is not called an integer.
    if not shape.fractions and not shape.whole_fractions and shape.integers >= INTEGER_SEEN:
        types = ["integer" if name == "number" else name for name in types]
    if types:
        schema["type"] = types[0] if len(types) == 1 else types
    if place in constants:
        schema["const"] = constants[place]
    elif shape.string is not None:
        _describe_string(shape.string, place[-1] if place else "", types, schema)
    if shape.object is not None:
        _describe_object(shape.object, place, constants, schema)
    if shape.array is not None and shape.array.items.count:
        schema["items"] = _schema(shape.array.items, (*place, "*"), {})
    schema[SEEN] = shape.count
    return schema


def _describe_string(strings: StringShape, key: str, types: Sequence[str], schema: Schema) -> None:
    format_ = next((name for name in FORMATS if name in strings.formats), None)
    if format_ is not None:
        schema["format"] = format_
        return
    distinct = None if strings.values is None else len(strings.values)
    if strings.prefix and (distinct is None or distinct >= _MIN_PREFIX_VALUES):
        schema["pattern"] = "^" + strings.prefix  # made of letters, "_" and "-": nothing to escape
        return
    if strings.values is None or types != ["string"] or is_id_key(key):
        return
    values = strings.values
    if (
        strings.count >= ENUM_SAMPLES
        and 2 <= len(values) <= ENUM_VALUES
        and len(values) * ENUM_SAMPLES_PER_VALUE <= strings.count
        and all(count >= 2 and _ENUM_VALUE.fullmatch(value) for value, count in values.items())
    ):
        schema["enum"] = sorted(values)


def _describe_object(objects: ObjectShape, place: Pointer, constants: Mapping[Pointer, str], schema: Schema) -> None:
    fields = dict(objects.fields or {})
    rest = Shape()
    if objects.data_fields is None:
        rest.absorb(objects.data)
    else:
        data = objects.data_fields
        if len(data) >= _MIN_MAP_KEYS and all(shape.count < objects.count for shape in data.values()):
            for shape in data.values():
                rest.absorb(shape)
        else:
            fields.update(data)
    rest.absorb(objects.others)
    if fields:
        schema["properties"] = {key: _schema(fields[key], (*place, key), constants) for key in sorted(fields)}
        required = sorted(key for key, shape in fields.items() if shape.count == objects.count)
        if required:
            schema["required"] = required
    elif rest.count:
        # Only where every key is data: beside fields, an added field must not be held to the shape of the data.
        schema["additionalProperties"] = _schema(rest, (*place, "*"), {})
