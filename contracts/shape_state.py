"""Shapes as plain data and back: equal shapes give equal data."""

from __future__ import annotations

from .shape import MAX_DEPTH, NO_LENGTH, ArrayShape, FieldsShape, ObjectShape, Shape
from .state import count, mapping, optional, sequence, text
from .string_shape import StringShape
from .tagging import Tags


def shape_state(shape: Shape) -> list[object] | None:
    """Return all of a shape as plain data, None for nothing seen."""
    if not shape.count:
        return None
    numbers = [shape.integers, shape.fractions, shape.whole_fractions]
    return [
        [shape.count, shape.nulls, shape.booleans, *numbers],
        shape.string and shape.string.state(),
        shape.array and _array_state(shape.array),
        shape.object and _object_state(shape.object),
    ]


def shape_from_state(state: object, depth: int = 0) -> Shape:
    """Return the shape that `shape_state` described. Raises ValueError for other data."""
    shape = Shape()
    if state is None:
        return shape
    if depth > MAX_DEPTH + 1:
        raise ValueError("nested too deeply")
    counts, string, array, object_ = sequence(state, lambda part: part)
    shape.count, shape.nulls, shape.booleans, shape.integers, shape.fractions, shape.whole_fractions = sequence(
        counts, count
    )
    shape.string = optional(string, StringShape.from_state)
    shape.array = optional(array, lambda part: _array_from(part, depth))
    shape.object = optional(object_, lambda part: _object_from(part, depth))
    return shape


def _array_state(array: ArrayShape) -> list[object]:
    positions = [shape_state(shape) for shape in array.positions]
    return [array.count, array.empty, array.length == NO_LENGTH, positions, shape_state(array.rest)]


def _array_from(state: object, depth: int) -> ArrayShape:
    array = ArrayShape()
    seen, empty, mixed, positions, rest = sequence(state, lambda part: part)
    array.count, array.empty = count(seen), count(empty)
    array.positions = sequence(positions, lambda part: shape_from_state(part, depth + 1))
    array.length = NO_LENGTH if mixed is True else len(array.positions)
    array.rest = shape_from_state(rest, depth + 1)
    return array


def _object_state(objects: ObjectShape) -> list[object]:
    variants = [
        [[list(pair) for pair in combination], _fields_state(fields)]
        for combination, fields in sorted(objects.variants.items(), key=lambda entry: entry[0])
    ]
    return [objects.tags.state(), variants]


def _object_from(state: object, depth: int) -> ObjectShape:
    objects = ObjectShape()
    tags, variants = sequence(state, lambda part: part)
    objects.tags = Tags.from_state(tags)
    for entry in sequence(variants, lambda part: sequence(part, lambda item: item)):
        pairs, fields = entry
        combination: list[tuple[str, str]] = []
        for pair in sequence(pairs, lambda part: sequence(part, text)):
            name, value = pair
            combination.append((name, value))
        objects.variants[objects.tags.reduced(tuple(combination))] = _fields_from(fields, depth)
    return objects


def _fields_state(fields: FieldsShape) -> list[object]:
    def named(shapes: dict[str, Shape] | None) -> object:
        return None if shapes is None else {key: shape_state(shapes[key]) for key in sorted(shapes)}

    return [
        fields.count,
        named(fields.fields),
        shape_state(fields.others),
        named(fields.data_fields),
        shape_state(fields.data),
    ]


def _fields_from(state: object, depth: int) -> FieldsShape:
    def shape_of(part: object) -> Shape:
        return shape_from_state(part, depth + 1)

    fields = FieldsShape()
    seen, named, others, data_fields, data = sequence(state, lambda part: part)
    fields.count = count(seen)
    fields.fields = optional(named, lambda part: mapping(part, shape_of))
    fields.others = shape_of(others)
    fields.data_fields = optional(data_fields, lambda part: mapping(part, shape_of))
    fields.data = shape_of(data)
    return fields
