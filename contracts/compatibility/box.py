"""A schema taken apart: for each JSON type the boxes whose union it allows.

A box is a conjunction of keywords for one type: bounds, patterns, properties. ``anyOf`` makes several boxes, ``allOf``
and ``$ref`` make theirs meet. Keywords that are not taken apart (``not``, ``if``, ``contains``, a ``oneOf`` of branches
that may overlap) stay in `Box.opaque` as text: a box allows at most what its other parts say, and exactly that when
nothing is opaque.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from ..json_text import type_name
from .view import View, value_key

KINDS = ("null", "boolean", "number", "string", "array", "object")
"""The JSON types; an integer is a number in a box that is `Box.integral`."""

MAX_BOXES = 48
"""Boxes of one type at one place; a schema that makes more is not taken apart any further."""

MAX_LISTED = 256
"""Integers of a range that are looked at one by one."""

_FEW: Mapping[str, tuple[object, ...]] = {"boolean": (False, True), "null": (None,)}
_Raw = dict[str, object]
_SIZES = {
    "string": ("minLength", "maxLength"),
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_OPAQUE = {
    "array": ("contains", "minContains", "maxContains"),
    "object": ("dependentRequired", "dependentSchemas", "dependencies"),
}
_UNEVALUATED = {"array": ("unevaluatedItems", "items"), "object": ("unevaluatedProperties", "additionalProperties")}
_APPLICATORS = frozenset(("allOf", "anyOf", "oneOf", "not", "if", "$ref", "$dynamicRef", "$recursiveRef"))
"""Keywords by which a schema's other parts take items and properties from the unevaluated ones."""

_LAYERED = {
    "array": ("prefixItems", "items"),
    "object": ("properties", "patternProperties", "additionalProperties"),
}


@dataclass(frozen=True, slots=True, order=True)
class Bound:
    """An end of a range of numbers."""

    value: float
    open: bool = False  # the value itself is out


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A conjunction of keywords for one JSON type."""

    kind: str
    values: tuple[object, ...] | None = None  # enum and const; None: not listed
    integral: bool = False
    low: Bound | None = None
    high: Bound | None = None
    multiples: frozenset[float] = frozenset()
    min_size: int = 0  # characters, items or properties
    max_size: int | None = None
    patterns: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()
    unique: bool = False
    required: frozenset[str] = frozenset()
    names: tuple[object, ...] = ()  # propertyNames
    layers: tuple[_Raw, ...] = ()  # schemas with keywords for items or properties, which belong together
    opaque: frozenset[str] = frozenset()

    @property
    def fields(self) -> tuple[str, ...]:
        """The properties that have a name here, sorted."""
        return tuple(sorted({key for layer in self.layers for key in _mapping(layer, "properties")}))

    @property
    def key_patterns(self) -> tuple[str, ...]:
        """The patterns of patternProperties, sorted."""
        return tuple(sorted({key for layer in self.layers for key in _mapping(layer, "patternProperties")}))

    @property
    def prefix(self) -> int:
        """How many first items have a schema of their own."""
        return max((len(_sequence(layer, "prefixItems")) for layer in self.layers), default=0)

    def field(self, view: View, key: str) -> View:
        """Return what must hold of a property's value, whether it has a name here or not."""
        schemas: list[object] = []
        for layer in self.layers:
            own: list[object] = []
            properties = _mapping(layer, "properties")
            if key in properties:
                own.append(properties[key])
            own += [schema for pattern, schema in _mapping(layer, "patternProperties").items() if matches(pattern, key)]
            schemas += own or [layer.get("additionalProperties", True)]
        return View(view.document, tuple(schemas))

    def key_pattern(self, view: View, pattern: str) -> View:
        """Return what must hold of the values of keys that match one of `key_patterns`."""
        schemas = [_mapping(layer, "patternProperties").get(pattern, True) for layer in self.layers]
        return View(view.document, tuple(schemas))

    def rest(self, view: View) -> View:
        """Return what must hold of the values of all other properties."""
        return View(view.document, tuple(layer.get("additionalProperties", True) for layer in self.layers))

    def item(self, view: View, index: int | None) -> View:
        """Return what must hold of an item; None stands for those behind every prefix."""
        schemas: list[object] = []
        for layer in self.layers:
            first = _sequence(layer, "prefixItems")
            inside = index is not None and index < len(first)
            schemas.append(first[index] if inside and index is not None else layer.get("items", True))
        return View(view.document, tuple(schemas))

    @property
    def listed(self) -> tuple[object, ...] | None:
        """All values that may be in the box, where they are few: listed, truth values, integers of a short range."""
        if self.values is None and self.kind in _FEW:
            return _FEW[self.kind]
        if self.values is None and self.integral and self.low is not None and self.high is not None:
            span = self.high.value - self.low.value
            if 0 <= span < MAX_LISTED:
                return tuple(range(int(self.low.value), int(self.high.value) + 1))
        return self.values

    @property
    def is_empty(self) -> bool:
        """Whether no value can be in the box, as far as its own bounds tell."""
        if self.values is not None and not self.values:
            return True
        if self.max_size is not None and max(self.min_size, len(self.required)) > self.max_size:
            return True
        if self.low is not None and self.high is not None:
            if self.low.value > self.high.value:
                return True
            return self.low.value == self.high.value and (self.low.open or self.high.open)
        return False


Boxes = Mapping[str, tuple[Box, ...]]
_SERIAL = itertools.count()
_TOP: Boxes = {kind: (Box(kind=kind),) for kind in KINDS}


def boxes_of(view: View) -> Boxes:
    """Return the boxes at a place by type; a type without boxes is not allowed there."""
    known = view.document.boxes.get(view.key)
    if known is not None:
        return known
    boxes = _TOP
    for schema in view.schemas:
        boxes = _meet(boxes, _take_apart(view, schema, ()))
    view.document.boxes[view.key] = found = {kind: of_kind for kind, of_kind in boxes.items() if of_kind}
    return found


def matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern is found in a text; one that Python cannot read is found nowhere."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def kind_of(value: object) -> str:
    """Return which of `KINDS` a JSON value is of."""
    name = type_name(value)
    return "number" if name == "integer" else name


def _take_apart(view: View, schema: object, around: tuple[object, ...]) -> Boxes:
    if schema is False:
        return {}
    if not isinstance(schema, dict):
        return _TOP
    raw = cast("_Raw", schema)
    followed = (*around, raw)
    boxes: Boxes = {kind: (_box(kind, raw, view),) for kind in _kinds(raw)}
    if "integer" in _types(raw) and "number" not in _types(raw) and "number" in boxes:
        boxes = {**boxes, "number": tuple(_whole(replace(box, integral=True)) for box in boxes["number"])}
    for keyword in ("const", "enum"):
        if keyword in raw:
            listed = [raw[keyword]] if keyword == "const" else _sequence(raw, "enum")
            boxes = _meet(boxes, _listed(listed))
    if "$ref" in raw:
        target = view.document.follow(raw["$ref"])
        if target is None or any(target is one for one in followed):
            boxes = _marked(boxes, view.document.text({"$ref": raw["$ref"]}))
        else:
            boxes = _meet(boxes, _take_apart(view, target, followed))
    for branch in _sequence(raw, "allOf"):
        boxes = _meet(boxes, _take_apart(view, branch, followed))
    for keyword in ("anyOf", "oneOf"):
        if keyword not in raw:
            continue
        branches = [_take_apart(view, branch, followed) for branch in _sequence(raw, keyword)]
        boxes = _meet(boxes, {kind: tuple(box for one in branches for box in one.get(kind, ())) for kind in KINDS})
        if keyword == "oneOf" and not _are_disjoint(view, branches):
            boxes = _marked(boxes, view.document.text({"oneOf": raw["oneOf"]}))
    for keywords in (("not",), ("if", "then", "else"), ("$dynamicRef",), ("$recursiveRef",)):
        if keywords[0] in raw:
            boxes = _marked(boxes, view.document.text({name: raw[name] for name in keywords if name in raw}))
    return boxes


def _box(kind: str, raw: _Raw, view: View) -> Box:
    box = Box(kind=kind)
    if kind == "number":
        multiple = _number(raw.get("multipleOf"))
        box = replace(
            box,
            low=_tighter(_bound(raw, "minimum"), _bound(raw, "exclusiveMinimum"), low=True),
            high=_tighter(_bound(raw, "maximum"), _bound(raw, "exclusiveMaximum"), low=False),
            # A multiple of 1 is an integer, whatever it is called.
            integral=multiple == 1,
            multiples=frozenset(() if multiple is None or multiple == 1 else (multiple,)),
        )
        box = _whole(box)
    if kind in _SIZES:
        least, most = (_number(raw.get(name)) for name in _SIZES[kind])
        box = replace(box, min_size=int(least or 0), max_size=None if most is None else int(most))
    if kind == "string":
        pattern, format_ = raw.get("pattern"), raw.get("format")
        box = replace(
            box,
            patterns=frozenset((pattern,) if isinstance(pattern, str) else ()),
            formats=frozenset((format_,) if isinstance(format_, str) else ()),
        )
    whole = raw
    raw = _evaluated(kind, raw)
    if kind in _LAYERED and any(name in raw for name in _LAYERED[kind]):
        box = replace(box, layers=(raw,))
    if kind == "array":
        box = replace(box, unique=raw.get("uniqueItems") is True)
    if kind == "object":
        required = frozenset(key for key in _sequence(raw, "required") if isinstance(key, str))
        names = (raw["propertyNames"],) if "propertyNames" in raw else ()
        box = replace(box, required=required, names=names)
    hidden = {name: raw[name] for name in _OPAQUE.get(kind, ()) if name in raw}
    if any(name in raw for name in _UNEVALUATED.get(kind, ())[:1]):
        hidden = whole  # what it is about depends on all that stands beside it
    return replace(box, opaque=frozenset((view.document.text(hidden),))) if hidden else box


def _evaluated(kind: str, raw: _Raw) -> _Raw:
    """Return a schema with what is unevaluated said of the rest, where nothing beside it can make a difference."""
    if kind not in _UNEVALUATED:
        return raw
    keyword, rest = _UNEVALUATED[kind]
    if keyword not in raw or _APPLICATORS & raw.keys() or any(name in raw for name in _OPAQUE[kind]):
        return raw
    plain = {name: value for name, value in raw.items() if name != keyword}
    return plain if rest in raw else {**plain, rest: raw[keyword]}


def _listed(values: Sequence[object]) -> Boxes:
    by_kind: dict[str, list[object]] = {}
    for value in values:
        by_kind.setdefault(kind_of(value), []).append(value)
    return {
        kind: (Box(kind=kind, values=_distinct(found), integral=all(type_name(one) == "integer" for one in found)),)
        for kind, found in by_kind.items()
    }


def _meet(one: Boxes, two: Boxes) -> Boxes:
    met: dict[str, tuple[Box, ...]] = {}
    for kind in KINDS:
        pairs = [(a, b) for a in one.get(kind, ()) for b in two.get(kind, ())]
        if len(pairs) > MAX_BOXES:
            # Wider than the truth and never equal to another: nothing is claimed of what was too much to look at.
            met[kind] = (Box(kind=kind, opaque=frozenset((f"too many alternatives, number {next(_SERIAL)}",))),)
            continue
        boxes = (_meet_two(a, b) for a, b in pairs)
        met[kind] = tuple(box for box in boxes if not box.is_empty)
    return met


def _meet_two(a: Box, b: Box) -> Box:
    if a.values is None or b.values is None:
        values = a.values if b.values is None else b.values
    else:
        known = {value_key(value) for value in b.values}
        values = tuple(value for value in a.values if value_key(value) in known)
    sizes = [size for size in (a.max_size, b.max_size) if size is not None]
    layers = {id(layer): layer for layer in (*a.layers, *b.layers)}
    met = Box(
        kind=a.kind,
        values=values,
        integral=a.integral or b.integral,
        low=_tighter(a.low, b.low, low=True),
        high=_tighter(a.high, b.high, low=False),
        multiples=a.multiples | b.multiples,
        min_size=max(a.min_size, b.min_size),
        max_size=min(sizes, default=None),
        patterns=a.patterns | b.patterns,
        formats=a.formats | b.formats,
        unique=a.unique or b.unique,
        required=a.required | b.required,
        names=(*a.names, *(name for name in b.names if not any(name is known for known in a.names))),
        layers=tuple(layers.values()),
        opaque=a.opaque | b.opaque,
    )
    return _whole(met)


def _whole(box: Box) -> Box:
    """Return a box of integers with bounds that are in it: above 0 is 1 and more."""
    if not box.integral:
        return box
    low, high = box.low, box.high
    if low is not None and math.isfinite(low.value):
        low = Bound(math.floor(low.value) + 1 if low.open else math.ceil(low.value))
    if high is not None and math.isfinite(high.value):
        high = Bound(math.ceil(high.value) - 1 if high.open else math.floor(high.value))
    return replace(box, low=low, high=high)


def _marked(boxes: Boxes, text: str) -> Boxes:
    mark = frozenset((text,))
    return {kind: tuple(replace(box, opaque=box.opaque | mark) for box in found) for kind, found in boxes.items()}


def _are_disjoint(view: View, branches: Sequence[Boxes]) -> bool:
    """Tell whether no value is in two branches: other types, other listed values, another tag."""
    for number, one in enumerate(branches):
        for two in branches[:number]:
            for kind in KINDS:
                if any(not _apart(view, a, b) for a in one.get(kind, ()) for b in two.get(kind, ())):
                    return False
    return True


def _apart(view: View, a: Box, b: Box) -> bool:
    if _meet_two(a, b).is_empty:
        return True
    tags, others = tag_values(view, a), tag_values(view, b)
    return any(not tags[key] & others[key] for key in tags.keys() & others.keys())


def tag_values(view: View, box: Box) -> Mapping[str, frozenset[str]]:
    """Return the required properties of an object box that hold one of a few listed values, with those values.

    Only what a property's own schema lists is seen, not what follows from its parts: a tag is plain.
    """
    tags: dict[str, frozenset[str]] = {}
    for key in sorted(box.required):
        field = box.field(view, key)
        const, enum = field.annotation("const"), field.annotation("enum")
        if const is not None:
            tags[key] = frozenset((value_key(const),))
        elif isinstance(enum, list) and enum:
            tags[key] = frozenset(value_key(value) for value in cast("list[object]", enum))
    return tags


def _types(raw: _Raw) -> tuple[str, ...]:
    named = raw.get("type")
    if isinstance(named, str):
        return (named,)
    return tuple(name for name in _sequence(raw, "type") if isinstance(name, str))


def _kinds(raw: _Raw) -> Iterable[str]:
    if "type" not in raw:
        return KINDS
    named = {"number" if name == "integer" else name for name in _types(raw)}
    return tuple(kind for kind in KINDS if kind in named)


def _bound(raw: _Raw, keyword: str) -> Bound | None:
    value = _number(raw.get(keyword))
    return None if value is None else Bound(value, keyword.startswith("exclusive"))


def _tighter(one: Bound | None, two: Bound | None, *, low: bool) -> Bound | None:
    if one is None or two is None:
        return two if one is None else one
    if one.value == two.value:
        return one if one.open else two
    return max(one, two) if low else min(one, two)


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _mapping(raw: _Raw, keyword: str) -> _Raw:
    value = raw.get(keyword)
    return cast("_Raw", value) if isinstance(value, dict) else {}


def _sequence(raw: _Raw, keyword: str) -> list[object]:
    value = raw.get(keyword)
    return cast("list[object]", value) if isinstance(value, list) else []


def _distinct(values: Iterable[object]) -> tuple[object, ...]:
    return tuple({value_key(value): value for value in values}.values())
