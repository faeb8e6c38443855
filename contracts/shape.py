"""What the payloads of one label look like: a monoid with bounded memory.

``Shape()`` is the identity, `Shape.merge` is associative and commutative, and ``observe(value)`` is the same as
merging a shape of that one value: a shape depends on which values were seen and how often, never on their
order or on how they were shared out. The caps keep that law, because whether one is exceeded depends
on the values only: a set that outgrew its cap is ``None`` for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self, cast

from .formats import ALL_FORMATS, formats_of, id_prefix, is_data_key
from .json_text import JsonArray, JsonObject
from .state import count, mapping, optional, ordered, sequence, text, texts

MAX_DEPTH = 16
MAX_VALUES = 16
MAX_VALUE_LENGTH = 64
MAX_FIELDS = 256
MAX_DATA_KEYS = 16

NO_PREFIX = ""


class Shape:
    """Counts of what stood at one place. Mutable while it is being learned."""

    __slots__ = (
        "array",
        "booleans",
        "count",
        "fractions",
        "integers",
        "nulls",
        "object",
        "string",
        "whole_fractions",
    )

    def __init__(self) -> None:
        self.count = 0
        self.nulls = 0
        self.booleans = 0
        self.integers = 0
        self.fractions = 0  # numbers that are not integral
        self.whole_fractions = 0  # integral numbers written with a point: 1.0
        self.string: StringShape | None = None
        self.array: ArrayShape | None = None
        self.object: ObjectShape | None = None

    @classmethod
    def of(cls, values: Iterable[object]) -> Self:
        """Return the shape of some values."""
        shape = cls()
        for value in values:
            shape.observe(value)
        return shape

    def observe(self, value: object, depth: int = 0) -> None:
        """Take one more value into account."""
        self.count += 1
        match value:
            case str():
                if self.string is None:
                    self.string = StringShape()
                self.string.observe(value)
            case None:
                self.nulls += 1
            case bool():
                self.booleans += 1
            case int():
                self.integers += 1
            case float():
                if value.is_integer():
                    self.whole_fractions += 1
                else:
                    self.fractions += 1
            case list():
                if self.array is None:
                    self.array = ArrayShape()
                self.array.observe(cast("JsonArray", value), depth)
            case dict():
                if self.object is None:
                    self.object = ObjectShape()
                self.object.observe(cast("JsonObject", value), depth)
            case _:
                raise TypeError(f"{type(value).__name__} is not a JSON value")

    def merge(self, other: Shape) -> Shape:
        """Return the shape of what both have seen."""
        merged = self.copy()
        merged.absorb(other)
        return merged

    def absorb(self, other: Shape) -> None:
        """Take into account all that another shape has seen."""
        self.count += other.count
        self.nulls += other.nulls
        self.booleans += other.booleans
        self.integers += other.integers
        self.fractions += other.fractions
        self.whole_fractions += other.whole_fractions
        if other.string is not None:
            self.string = self.string or StringShape()
            self.string.absorb(other.string)
        if other.array is not None:
            self.array = self.array or ArrayShape()
            self.array.absorb(other.array)
        if other.object is not None:
            self.object = self.object or ObjectShape()
            self.object.absorb(other.object)

    def copy(self) -> Shape:
        """Return a shape of its own with the same content."""
        shape = Shape()
        shape.absorb(self)
        return shape

    def types(self) -> list[str]:
        """Return the JSON Schema types that were seen, numbers told apart by `evidence.INTEGER_SEEN` elsewhere."""
        seen = {
            "array": self.array is not None,
            "boolean": self.booleans > 0,
            "null": self.nulls > 0,
            "number": self.integers + self.fractions + self.whole_fractions > 0,
            "object": self.object is not None,
            "string": self.string is not None,
        }
        return [name for name, there in seen.items() if there]

    def key(self) -> tuple[object, ...]:
        """Return everything in the shape as one comparable value."""
        return (
            self.count,
            self.nulls,
            self.booleans,
            self.integers,
            self.fractions,
            self.whole_fractions,
            self.string and self.string.key(),
            self.array and self.array.key(),
            self.object and self.object.key(),
        )

    def state(self) -> list[object] | None:
        """Return all of it as plain data, None for nothing seen; equal shapes give equal data."""
        if not self.count:
            return None
        return [
            [self.count, self.nulls, self.booleans, self.integers, self.fractions, self.whole_fractions],
            self.string and self.string.state(),
            self.array and self.array.state(),
            self.object and self.object.state(),
        ]

    @classmethod
    def from_state(cls, state: object, depth: int = 0) -> Shape:
        """Return the shape that `state` described. Raises ValueError for other data."""
        shape = cls()
        if state is None:
            return shape
        if depth > MAX_DEPTH + 1:
            raise ValueError("nested too deeply")
        counts, string, array, object_ = sequence(state, lambda part: part)
        shape.count, shape.nulls, shape.booleans, shape.integers, shape.fractions, shape.whole_fractions = sequence(
            counts, count
        )
        shape.string = optional(string, StringShape.from_state)
        shape.array = optional(array, lambda part: ArrayShape.from_state(part, depth))
        shape.object = optional(object_, lambda part: ObjectShape.from_state(part, depth))
        return shape

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self.key() == other.key()

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # mutable: must not be a key

    def __repr__(self) -> str:
        return f"<Shape of {self.count} values: {', '.join(self.types()) or 'none'}>"


class StringShape:
    """What the strings at one place have in common."""

    __slots__ = ("count", "formats", "prefix", "values")

    def __init__(self) -> None:
        self.count = 0
        self.formats = ALL_FORMATS  # that all of them are of
        self.prefix: str | None = None  # that all identifiers share; NO_PREFIX when they do not; None before the first
        self.values: dict[str, int] | None = {}  # None: too many or too long to be an enum

    def observe(self, text: str) -> None:
        self.count += 1
        if self.formats:
            self.formats = formats_of(text, self.formats)
        if self.prefix != NO_PREFIX:
            prefix = id_prefix(text) or NO_PREFIX
            self.prefix = prefix if self.prefix is None or self.prefix == prefix else NO_PREFIX
        if self.values is not None:
            if text in self.values:
                self.values[text] += 1
            elif len(text) > MAX_VALUE_LENGTH or len(self.values) >= MAX_VALUES:
                self.values = None
            else:
                self.values[text] = 1

    def absorb(self, other: StringShape) -> None:
        self.count += other.count
        self.formats &= other.formats
        if other.prefix is not None:
            self.prefix = other.prefix if self.prefix in (None, other.prefix) else NO_PREFIX
        if self.values is not None:
            if other.values is None:
                self.values = None
            else:
                for text, count in other.values.items():
                    self.values[text] = self.values.get(text, 0) + count
                if len(self.values) > MAX_VALUES:
                    self.values = None

    def state(self) -> list[object]:
        values = None if self.values is None else ordered(self.values)
        return [self.count, sorted(self.formats), self.prefix, values]

    @classmethod
    def from_state(cls, state: object) -> StringShape:
        shape = cls()
        seen, formats, prefix, values = sequence(state, lambda part: part)
        shape.count = count(seen)
        shape.formats = ALL_FORMATS & texts(formats)
        shape.prefix = optional(prefix, text)
        shape.values = optional(values, lambda part: mapping(part, count))
        return shape

    def key(self) -> tuple[object, ...]:
        values = None if self.values is None else frozenset(self.values.items())
        return (self.count, self.formats, self.prefix, values)


class ArrayShape:
    """Arrays: how many, and the shape of all their items together."""

    __slots__ = ("count", "items")

    def __init__(self) -> None:
        self.count = 0
        self.items = Shape()

    def observe(self, values: JsonArray, depth: int) -> None:
        self.count += 1
        if depth < MAX_DEPTH:
            for value in values:
                self.items.observe(value, depth + 1)

    def absorb(self, other: ArrayShape) -> None:
        self.count += other.count
        self.items.absorb(other.items)

    def state(self) -> list[object]:
        return [self.count, self.items.state()]

    @classmethod
    def from_state(cls, state: object, depth: int) -> ArrayShape:
        shape = cls()
        seen, items = sequence(state, lambda part: part)
        shape.count = count(seen)
        shape.items = Shape.from_state(items, depth + 1)
        return shape

    def key(self) -> tuple[object, ...]:
        return (self.count, self.items.key())


class ObjectShape:
    """Objects: the shape of each field, and of the values under keys that are data.

    Keys that look like data are kept apart from fields; when either sort outgrows its cap, its values become one shape.
    """

    __slots__ = ("count", "data", "data_fields", "fields", "others")

    def __init__(self) -> None:
        self.count = 0
        self.fields: dict[str, Shape] | None = {}  # None: more than MAX_FIELDS different ones, all in `others`
        self.others = Shape()
        self.data_fields: dict[str, Shape] | None = {}  # None: more than MAX_DATA_KEYS, all in `data`
        self.data = Shape()

    def observe(self, value: JsonObject, depth: int) -> None:
        self.count += 1
        if depth >= MAX_DEPTH:
            return
        for key, item in value.items():
            if self.fields is not None and key in self.fields:  # the usual case first
                self.fields[key].observe(item, depth + 1)
            elif is_data_key(key):
                self._data_field(key).observe(item, depth + 1)
            else:
                self._field(key).observe(item, depth + 1)

    def _field(self, key: str) -> Shape:
        if self.fields is not None:
            if key not in self.fields:
                if len(self.fields) < MAX_FIELDS:
                    self.fields[key] = Shape()
                    return self.fields[key]
                for shape in self.fields.values():
                    self.others.absorb(shape)
                self.fields = None
                return self.others
            return self.fields[key]
        return self.others

    def _data_field(self, key: str) -> Shape:
        if self.data_fields is not None:
            if key not in self.data_fields:
                if len(self.data_fields) < MAX_DATA_KEYS:
                    self.data_fields[key] = Shape()
                    return self.data_fields[key]
                for shape in self.data_fields.values():
                    self.data.absorb(shape)
                self.data_fields = None
                return self.data
            return self.data_fields[key]
        return self.data

    def absorb(self, other: ObjectShape) -> None:
        self.count += other.count
        self.others.absorb(other.others)
        self.data.absorb(other.data)
        # An overflown side first turns this one into a heap, so that nothing is listed by name again.
        if other.fields is None and self.fields is not None:
            for shape in self.fields.values():
                self.others.absorb(shape)
            self.fields = None
        if other.data_fields is None and self.data_fields is not None:
            for shape in self.data_fields.values():
                self.data.absorb(shape)
            self.data_fields = None
        for key, shape in (other.fields or {}).items():
            self._field(key).absorb(shape)
        for key, shape in (other.data_fields or {}).items():
            self._data_field(key).absorb(shape)

    def state(self) -> list[object]:
        def named(fields: dict[str, Shape] | None) -> object:
            return None if fields is None else {key: fields[key].state() for key in sorted(fields)}

        return [self.count, named(self.fields), self.others.state(), named(self.data_fields), self.data.state()]

    @classmethod
    def from_state(cls, state: object, depth: int) -> ObjectShape:
        def shape_of(part: object) -> Shape:
            return Shape.from_state(part, depth + 1)

        shape = cls()
        seen, fields, others, data_fields, data = sequence(state, lambda part: part)
        shape.count = count(seen)
        shape.fields = optional(fields, lambda part: mapping(part, shape_of))
        shape.others = shape_of(others)
        shape.data_fields = optional(data_fields, lambda part: mapping(part, shape_of))
        shape.data = shape_of(data)
        return shape

    def key(self) -> tuple[object, ...]:
        def named(fields: dict[str, Shape] | None) -> object:
            return None if fields is None else frozenset((key, shape.key()) for key, shape in fields.items())

        return (self.count, named(self.fields), self.others.key(), named(self.data_fields), self.data.key())
