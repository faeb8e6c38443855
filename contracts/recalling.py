"""The shape that a learned schema stands for, as far as its claims and their counts tell: the way back of `to_schema`.

Where a schema does not say what was seen, the shape is one of which less can be claimed later: of numbers that are not
called integers some were fractions, of strings without a list of words there were too many. No shape stands for a
definition that refers to itself: of that, only the first level is recalled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import cast

from .definitions import Schema, definition, name_of
from .formats import FORMATS, is_data_key
from .json_text import items, members
from .schema import SEEN
from .shape import NO_LENGTH, ArrayShape, FieldsShape, ObjectShape, Shape
from .string_shape import NO_PREFIX, StringShape
from .tagging import written
from .unions import constant_of, tag_of

_PREFIX = re.compile(r"\^[A-Za-z][A-Za-z_-]*[_-]")
_ANY = ("array", "boolean", "null", "number", "object", "string")


def recalled_shape(schema: Schema) -> Shape:
    """Return the shape of the values that a payload schema was learned from."""
    return _Recall(schema).shape(schema, Fraction(1), frozenset())


class _Recall:
    def __init__(self, root: Schema) -> None:
        self._root = root

    def shape(self, schema: Schema, share: Fraction, above: frozenset[str], seen: int | None = None) -> Shape:
        """Return the shape of a place that has its ``share`` of what was counted; ``seen`` says how often, if known."""
        of, name = definition(schema, self._root), name_of(schema)
        if of is not None and name is not None:
            if name in above:  # deeper than that nothing is recalled
                of = Schema()
            share *= Fraction(_count(schema), max(_count(of), 1)) if SEEN in schema else 1
            schema, above = {**of, **schema}, above | {name}
            seen = _count(schema) if seen is None else seen
        shape = Shape()
        shape.count = count = max(1, int(_count(schema) * share) if seen is None else seen)
        types = _types(schema)
        # How the count is shared out is not told, and does not matter.
        left = max(1, count - len(types) + 1)
        for number, type_ in enumerate(sorted(types, key=lambda type_: type_ == "null")):
            own = left if number == 0 else 1
            match type_:
                case "null":
                    shape.nulls = own
                case "boolean":
                    shape.booleans = own
                case "integer":
                    shape.integers = own
                case "number":
                    shape.fractions = own
                case "string":
                    shape.string = _strings(schema, own)
                case "array":
                    shape.array = self._array(schema, own, share, above)
                case _:
                    shape.object = self._object(schema, own, share, above)
        return shape

    def _array(self, schema: Schema, count: int, share: Fraction, above: frozenset[str]) -> ArrayShape:
        array = ArrayShape()
        array.count = count
        prefix = items(schema.get("prefixItems"))
        if prefix:
            array.length = len(prefix)
            array.positions = [self.shape(members(item), share, above) for item in prefix]
            array.empty = 0 if "minItems" in schema else max(1, count - array.positions[0].count)
        elif isinstance(schema.get("items"), dict):
            array.length = NO_LENGTH
            array.rest = self.shape(members(schema["items"]), share, above)
        else:
            array.empty = count
        return array

    def _object(self, schema: Schema, count: int, share: Fraction, above: frozenset[str]) -> ObjectShape:
        shape = ObjectShape()
        tag = tag_of(schema)
        rest = schema.get("additionalProperties")
        if tag is not None:
            self._variants(shape, tag, schema, share, above)
        elif isinstance(rest, dict):
            fields = shape.variants[()] = FieldsShape()
            fields.count = count
            fields.fields = fields.data_fields = None
            fields.data = self.shape(members(cast("object", rest)), share, above)
        else:
            required = cast("list[str]", items(schema.get("required")))
            properties = members(schema.get("properties"))
            there = {key: int(_count(members(properties[key])) * share) for key in properties}
            # A field that no object lacked was seen as often as there were objects, another one less often.
            known = [there[key] for key in required if key in there]
            count = min(known) if known else max(count, *(seen + 1 for seen in (0, *there.values())))
            shape.variants[()] = self._fields(properties, required, count, share, above)
        return shape

    def _variants(self, shape: ObjectShape, tag: str, schema: Schema, share: Fraction, above: frozenset[str]) -> None:
        properties = members(schema["properties"])
        branches = [members(branch) for branch in items(schema["anyOf"])]
        common = cast("list[str]", items(schema.get("required")))
        demanded = {key for branch in branches for key in cast("list[str]", items(branch.get("required")))}
        shape.tags.met = {tag}
        values = {_written(branch, tag) for branch in branches}
        shape.tags.values = {tag: values}
        for branch in branches:
            own = cast("list[str]", items(branch.get("required")))
            # What some variants demand, others are taken to lack: that is the least that can be claimed of them.
            there = {key: properties[key] for key in properties if key in own or key not in demanded or key in common}
            there |= {key: below for key, below in members(branch.get("properties")).items() if key != tag}
            seen = max(1, int(_count(branch) * share))
            fields = self._fields(there, {*own, *common}, seen, share, above)
            shape.variants[((tag, _written(branch, tag)),)] = fields

    def _fields(
        self,
        properties: Schema,
        required: Sequence[str] | set[str],
        count: int,
        share: Fraction,
        above: frozenset[str],
    ) -> FieldsShape:
        fields = FieldsShape()
        fields.count = count = max(count, 1 if properties.keys() <= {*required} else 2)
        fields.fields, fields.data_fields = {}, {}
        for key, below in properties.items():
            own = int(_count(members(below)) * share)
            seen = count if key in required else max(1, min(own, count - 1))
            named = fields.data_fields if is_data_key(key) else fields.fields
            named[key] = self.shape(members(below), share, above, seen)
        if not fields.data_fields:
            fields.data_fields = None  # keys that are data may have stood beside the fields: nothing is said of them
        return fields


def _written(branch: Schema, tag: str) -> str:
    return written(constant_of(branch, tag)) or ""


def _count(schema: Schema) -> int:
    seen = schema.get(SEEN)
    return seen if isinstance(seen, int) else 1


def _types(schema: Schema) -> list[str]:
    named = schema.get("type")
    if isinstance(named, str):
        return [named]
    if isinstance(named, list):
        return cast("list[str]", named)
    if "properties" in schema:
        return ["object"]
    return list(_ANY)


def _strings(schema: Schema, count: int) -> StringShape:
    strings = StringShape()
    strings.count = count
    strings.formats = frozenset((cast("str", schema["format"]),)) if schema.get("format") in FORMATS else frozenset()
    pattern = schema.get("pattern")
    prefixed = isinstance(pattern, str) and _PREFIX.fullmatch(pattern) is not None
    strings.prefix = cast("str", pattern)[1:] if prefixed else NO_PREFIX
    words = [schema["const"]] if "const" in schema else items(schema.get("enum"))
    strings.values = None
    if words and all(isinstance(word, str) for word in words):
        each, more = divmod(count, len(words))
        strings.values = {cast("str", word): max(1, each + (n < more)) for n, word in enumerate(words)}
    return strings
