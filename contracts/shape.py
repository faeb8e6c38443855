"""What the payloads of one label look like: a monoid with bounded memory.

``Shape()`` is the identity, `Shape.merge` is associative and commutative, and ``observe(value)`` is the same as
merging a shape of that one value: a shape depends on which values were seen and how often, never on their
order or on how they were shared out. The caps keep that law, because whether one is exceeded depends
on the values only: a set that outgrew its cap is ``None`` for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self, cast

from .formats import is_data_key
from .json_text import JsonArray, JsonObject
from .string_shape import StringShape
from .tagging import NAMES, Combination, Tags

MAX_DEPTH = 16
MAX_FIELDS = 256
MAX_DATA_KEYS = 16

MAX_POSITIONS = 8
NO_LENGTH = -1


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
        # isinstance() and match cost twice as much, and JSON values have no other types
        if type(value) is str:
            string = self.string
            if string is None:
                string = self.string = StringShape()
            string.observe(value)
            return
        kind = type(value)
        if kind is int:
            self.integers += 1
        elif kind is dict:
            objects = self.object
            if objects is None:
                objects = self.object = ObjectShape()
            objects.observe(cast("JsonObject", value), depth)
        elif kind is list:
            if self.array is None:
                self.array = ArrayShape()
            self.array.observe(cast("JsonArray", value), depth)
        elif kind is float:
            if cast("float", value).is_integer():
                self.whole_fractions += 1
            else:
                self.fractions += 1
        elif value is None:
            self.nulls += 1
        elif kind is bool:
            self.booleans += 1
        else:
            raise TypeError(f"{kind.__name__} is not a JSON value")

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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self.key() == other.key()

    __hash__ = None  # pyright: ignore[reportAssignmentType]  # mutable: must not be a key

    def __repr__(self) -> str:
        return f"<Shape of {self.count} values: {', '.join(self.types()) or 'none'}>"


class ArrayShape:
    """Arrays: how many, and the shape of their items.

    As long as all arrays that are not empty have one length, each position has a shape of its own.
    """

    __slots__ = ("count", "empty", "length", "positions", "rest")

    def __init__(self) -> None:
        self.count = 0
        self.empty = 0
        self.length = 0  # of all that are not empty; 0 before the first, `NO_LENGTH` when they differ
        self.positions: list[Shape] = []
        self.rest = Shape()  # all items together, once the lengths differ

    @property
    def items(self) -> Shape:
        """The shape of all items together."""
        items = self.rest.copy()
        for shape in self.positions:
            items.absorb(shape)
        return items

    def observe(self, values: JsonArray, depth: int) -> None:
        self.count += 1
        if not values:
            self.empty += 1
        elif depth < MAX_DEPTH:
            if self.length != len(values):
                self._meet(len(values))
            if self.length == NO_LENGTH:
                for value in values:
                    self.rest.observe(value, depth + 1)
            else:
                for shape, value in zip(self.positions, values, strict=True):
                    shape.observe(value, depth + 1)

    def _meet(self, length: int) -> None:
        if length in (0, self.length):
            return
        if self.length == 0 and 0 < length <= MAX_POSITIONS:
            self.length = length
            self.positions = [Shape() for _ in range(length)]
            return
        for shape in self.positions:
            self.rest.absorb(shape)
        self.length = NO_LENGTH
        self.positions = []

    def absorb(self, other: ArrayShape) -> None:
        self.count += other.count
        self.empty += other.empty
        self._meet(other.length)
        self.rest.absorb(other.rest)
        if self.length == NO_LENGTH:
            for shape in other.positions:
                self.rest.absorb(shape)
        else:
            for mine, theirs in zip(self.positions, other.positions, strict=False):
                mine.absorb(theirs)

    def key(self) -> tuple[object, ...]:
        positions = tuple(shape.key() for shape in self.positions)
        return (self.count, self.empty, self.length, positions, self.rest.key())


class ObjectShape:
    """Objects, by what their tags say they are."""

    __slots__ = ("tags", "variants")

    def __init__(self) -> None:
        self.tags = Tags()
        self.variants: dict[Combination, FieldsShape] = {}

    @property
    def count(self) -> int:
        """How many objects there were."""
        return sum(fields.count for fields in self.variants.values())

    def merged(self) -> FieldsShape:
        """Return the fields of all variants together."""
        if len(self.variants) == 1:
            return next(iter(self.variants.values()))
        merged = FieldsShape()
        for fields in self.variants.values():
            merged.absorb(fields)
        return merged

    def by_tag(self, tag: str) -> dict[str | None, FieldsShape]:
        """Return the fields by the value of one tag, None for objects without it."""
        groups: dict[str | None, FieldsShape] = {}
        for combination, fields in self.variants.items():
            groups.setdefault(dict(combination).get(tag), FieldsShape()).absorb(fields)
        return groups

    def observe(self, value: JsonObject, depth: int) -> None:
        combination: Combination = ()
        if depth < MAX_DEPTH and not NAMES.isdisjoint(value):
            combination, changed = self.tags.of(value)
            if changed:
                self._reduce()
        fields = self.variants.get(combination)
        if fields is None:
            fields = self.variants[combination] = FieldsShape()
        fields.observe(value, depth)

    def _reduce(self) -> None:
        variants, self.variants = self.variants, {}
        for combination, fields in variants.items():
            self._variant(self.tags.reduced(combination)).absorb(fields)

    def _variant(self, combination: Combination) -> FieldsShape:
        return self.variants.setdefault(combination, FieldsShape())

    def absorb(self, other: ObjectShape) -> None:
        self.tags.absorb(other.tags)
        self._reduce()
        for combination, fields in other.variants.items():
            self._variant(self.tags.reduced(combination)).absorb(fields)

    def key(self) -> tuple[object, ...]:
        return (
            self.tags.key(),
            frozenset((combination, fields.key()) for combination, fields in self.variants.items()),
        )


class FieldsShape:
    """Objects of one variant: the shape of each field, and of the values under keys that are data.

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
        known = self.fields or {}
        for key, item in value.items():
            shape = known.get(key)
            if shape is not None:  # the usual case first
                shape.observe(item, depth + 1)
            elif is_data_key(key):
                self._data_field(key).observe(item, depth + 1)
            else:
                self._field(key).observe(item, depth + 1)
                known = self.fields or {}

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

    def absorb(self, other: FieldsShape) -> None:
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

    def key(self) -> tuple[object, ...]:
        def named(fields: dict[str, Shape] | None) -> object:
            return None if fields is None else frozenset((key, shape.key()) for key, shape in fields.items())

        return (self.count, named(self.fields), self.others.key(), named(self.data_fields), self.data.key())
