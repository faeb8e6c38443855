"""A shape as JSON Schema (draft 2020-12), with how often each value was seen beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from .evidence import ENUM_SAMPLES, ENUM_SAMPLES_PER_VALUE, ENUM_VALUES, INTEGER_SEEN
from .formats import FORMATS, is_id_key
from .json_text import Pointer, items, members
from .shape import ArrayShape, FieldsShape, ObjectShape, Shape
from .string_shape import StringShape
from .tagging import read

Schema = dict[str, object]

SEEN = "x-wstape-seen"
"""Annotation: how many times a value was present at this place."""
PINNED = "x-wstape-pinned"
"""Annotation: breaking anything that this schema says is breaking, whatever the evidence."""

_MIN_MAP_KEYS = 5
_MIN_WORD_KEYS = 16
_MIN_PREFIX_VALUES = 3
_MIN_TUPLES = 3


def to_schema(shape: Shape, *, constants: Mapping[Pointer, str] | None = None) -> Schema:
    """Return the schema that every value in the shape satisfies, open to added fields.

    ``constants`` says which places hold a known constant: the discriminator, and what `constants.constants_of` finds.
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
    if shape.array is not None:
        _describe_array(shape.array, place, schema)
    schema[SEEN] = shape.count
    return schema


def _describe_string(strings: StringShape, key: str, types: Sequence[str], schema: Schema) -> None:
    format_ = next((name for name in FORMATS if name in strings.formats), None)
    if format_ is not None:
        schema["format"] = format_
        return
    distinct = None if strings.values is None else len(strings.values)
    if strings.prefix and (strings.count if distinct is None else distinct) >= _MIN_PREFIX_VALUES:
        schema["pattern"] = "^" + strings.prefix  # made of letters, "_" and "-": nothing to escape
        return
    values = strings.words()
    if values is None or types != ["string"] or is_id_key(key):
        return
    if (
        strings.count >= ENUM_SAMPLES
        and 2 <= len(values) <= ENUM_VALUES
        and len(values) * ENUM_SAMPLES_PER_VALUE <= strings.count
        and min(values.values()) >= 2
    ):
        schema["enum"] = sorted(values)


def _describe_array(arrays: ArrayShape, place: Pointer, schema: Schema) -> None:
    full = arrays.count - arrays.empty
    if _is_tuple(arrays.positions, full):
        schema["prefixItems"] = [
            _schema(shape, (*place, str(number)), {}) for number, shape in enumerate(arrays.positions)
        ]
        if not arrays.empty and full >= INTEGER_SEEN:
            schema["minItems"] = len(arrays.positions)
        return
    each = arrays.items
    if each.count:
        schema["items"] = _schema(each, (*place, "*"), {})


def _is_tuple(positions: Sequence[Shape], seen: int) -> bool:
    """Tell whether positions hold different types, and not by chance."""
    return len(positions) >= 2 and seen >= _MIN_TUPLES and len({tuple(shape.types()) for shape in positions}) >= 2


def _describe_object(objects: ObjectShape, place: Pointer, constants: Mapping[Pointer, str], schema: Schema) -> None:
    merged = objects.merged()
    fields, rest = named_and_rest(merged)
    if fields:
        schema["properties"] = {key: _schema(fields[key], (*place, key), constants) for key in sorted(fields)}
        required = sorted(key for key, shape in fields.items() if shape.count == merged.count)
        if required:
            schema["required"] = required
        tag, union = _union(objects, fields, place, constants, schema)
        if union:
            schema["anyOf"] = union
            _list_numbers(members(schema["properties"]), tag, objects)
    elif rest.count:
        # Only where every key is data: beside fields, an added field must not be held to the shape of the data.
        schema["additionalProperties"] = _schema(rest, (*place, "*"), {})


def named_and_rest(objects: FieldsShape) -> tuple[dict[str, Shape], Shape]:
    """Return the fields by name, and the shape of all values under keys that are data."""
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
    if _are_data(fields, objects.count):
        for shape in fields.values():
            rest.absorb(shape)
        fields = {}
    return fields, rest


def _are_data(fields: Mapping[str, Shape], objects: int) -> bool:
    """Tell whether keys that look like names are data: many, each in few objects, and all of one type."""
    return (
        len(fields) >= _MIN_WORD_KEYS
        and all(shape.count * 4 <= objects for shape in fields.values())
        and len({tuple(shape.types()) for shape in fields.values()}) == 1
    )


def _union(
    objects: ObjectShape,
    fields: Mapping[str, Shape],
    place: Pointer,
    constants: Mapping[Pointer, str],
    schema: Schema,
) -> tuple[str, list[Schema]]:
    """Return a tag, and what each of its variants demands beyond all of them together; nothing when none tells."""
    best: tuple[str, list[Schema]] = ("", [])
    told = 0
    for tag, values in objects.tags.values.items():
        if values is None or (*place, tag) in constants:
            continue
        groups = objects.by_tag(tag)
        enough = len(values) * ENUM_SAMPLES_PER_VALUE <= objects.count >= ENUM_SAMPLES
        if None in groups or len(groups) < 2 or not enough:
            continue
        if any(group.count < ENUM_SAMPLES_PER_VALUE for group in groups.values()):
            continue
        named = {str(value): named_and_rest(group)[0] for value, group in groups.items()}
        branches = [_branch(tag, value, groups[value].count, named, fields, place, schema) for value in sorted(named)]
        tells = sum(map(_told_by, branches))
        if tells > told:
            best, told = (tag, branches), tells
    return best


def _list_numbers(properties: Schema, tag: str, objects: ObjectShape) -> None:
    """List the values of a tag that are numbers, as those of one that is a word are listed."""
    values = sorted(map(read, objects.tags.values[tag] or ()), key=str)
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        field = members(properties[tag])
        seen = field.pop(SEEN)
        field |= {"enum": sorted(cast("list[int]", values)), SEEN: seen}


def _told_by(branch: Schema) -> int:
    """Return how much a branch says beyond its tag."""
    return len(_array(branch.get("required"))) + len(members(branch.get("properties"))) - 2


def _branch(
    tag: str,
    value: str,
    seen: int,
    variants: Mapping[str, Mapping[str, Shape]],
    fields: Mapping[str, Shape],
    place: Pointer,
    schema: Schema,
) -> Schema:
    """Return what one variant demands: its tag's value, and the fields and types, also a level below, of its own."""
    own = variants[value]
    properties: Schema = {tag: {"const": read(value)}}
    for key in sorted(own):
        if key == tag or own[key].count < ENUM_SAMPLES_PER_VALUE:
            continue
        if set(own[key].types()) < set(fields[key].types()) or _demanded(own[key]) - _demanded(fields[key]):
            properties[key] = _schema(own[key], (*place, key), {})
    # A field that each variant has now and then is missing from one of few samples by chance.
    told = {key for key in own if any(key not in other for other in variants.values())}
    common = set(_array(schema.get("required")))
    required = sorted(key for key in told if own[key].count == seen and key not in common)
    return {"properties": properties, "required": sorted({tag, *required}), SEEN: seen}


def _demanded(shape: Shape) -> set[str]:
    """Return the fields that every object at a place had; none where other types stood as well."""
    if shape.object is None or shape.types() != ["object"]:
        return set()
    fields, _ = named_and_rest(shape.object.merged())
    return {key for key, field in fields.items() if field.count == shape.count}


def _array(value: object) -> list[str]:
    return cast("list[str]", items(value))
