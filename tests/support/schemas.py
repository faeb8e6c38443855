"""Hypothesis strategies for JSON Schemas over a small alphabet, and a pool of values in which they meet."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st

KEYS = ("a", "b", "c")
_SCALARS: tuple[Any, ...] = (None, False, True, -1, 0, 1, 2, 3, 0.5, 2.5, "", "a", "b", "ab", "abc", "2026-01-31")


def pool() -> list[Any]:
    """Some 1,500 values: scalars, arrays and objects of them, and a level more."""
    few: tuple[Any, ...] = (None, True, 0, 1, 0.5, "", "a", "ab")
    arrays = [list(items) for size in (0, 1, 2) for items in itertools.product(few, repeat=size)] + [
        [0, 0, 0],
        [1, 2, 3],
    ]
    objects = [
        dict(zip(keys, items, strict=True))
        for size in (0, 1, 2, 3)
        for keys in itertools.combinations((*KEYS, "z"), size)
        for items in itertools.product(few if size < 3 else (0, "a"), repeat=size)
    ]
    inner: list[Any] = [{}, {"a": 0}, {"a": "a"}, {"a": "a", "b": 1}, [], [0], ["a", "a"]]
    nested = [{key: value} for key in KEYS for value in inner] + [[value] for value in inner]
    nested += [{"a": "a", key: value} for key in ("b", "c") for value in inner]
    return [*_SCALARS, *arrays, *objects, *nested]


_small = st.integers(-1, 3)
_string_keywords = st.fixed_dictionaries(
    {"type": st.just("string")},
    optional={
        "minLength": st.integers(0, 2),
        "maxLength": st.integers(0, 3),
        "pattern": st.sampled_from(("^a", "^ab", "b$", "^[ab]+$")),
        "format": st.just("date"),
    },
)
_number_keywords = st.fixed_dictionaries(
    {"type": st.sampled_from(("number", "integer"))},
    optional={
        "minimum": _small,
        "maximum": _small,
        "exclusiveMinimum": _small,
        "exclusiveMaximum": _small,
        "multipleOf": st.sampled_from((0.5, 1, 2)),
    },
)
_leaves = st.one_of(
    st.just(True),
    st.just(False),
    st.just({}),
    _string_keywords,
    _number_keywords,
    st.lists(st.sampled_from(_SCALARS), min_size=1, max_size=3).map(lambda values: {"enum": values}),
    st.sampled_from(_SCALARS).map(lambda value: {"const": value}),
    st.lists(
        st.sampled_from(("null", "boolean", "integer", "number", "string", "array", "object")),
        min_size=1,
        max_size=3,
        unique=True,
    ).map(lambda types: {"type": types}),
    st.just({"$ref": "#/$defs/node"}),
)


def _composed(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.fixed_dictionaries(
        {"type": st.just("object")},
        optional={
            "properties": st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
            "required": st.lists(st.sampled_from(KEYS), unique=True, max_size=2),
            "additionalProperties": inner,
            "patternProperties": st.dictionaries(st.sampled_from(("^a", "c$")), inner, min_size=1, max_size=1),
            "minProperties": st.integers(0, 2),
            "maxProperties": st.integers(0, 3),
            "propertyNames": _string_keywords,
            "unevaluatedProperties": st.one_of(st.just(False), inner),
            "dependentRequired": st.just({"a": ["b"]}),
            "dependentSchemas": st.dictionaries(st.sampled_from(KEYS), inner, min_size=1, max_size=1),
        },
    )
    arrays = st.fixed_dictionaries(
        {"type": st.just("array")},
        optional={
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "minItems": st.integers(0, 2),
            "maxItems": st.integers(0, 3),
            "uniqueItems": st.booleans(),
            "contains": inner,
            "maxContains": st.integers(1, 2),
            "unevaluatedItems": st.one_of(st.just(False), inner),
        },
    )
    joined = st.builds(
        lambda keyword, branches: {keyword: branches},
        st.sampled_from(("anyOf", "allOf", "oneOf")),
        st.lists(inner, min_size=1, max_size=3),
    )
    choice = st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner})
    both = st.builds(lambda one, two: {**one, **two}, objects, joined)
    return st.one_of(objects, objects, arrays, joined, both, choice, inner.map(lambda schema: {"not": schema}))


_nodes: st.SearchStrategy[Any] = st.recursive(_leaves, _composed, max_leaves=6)


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    """A schema document, often with a recursive definition."""
    schema = draw(_nodes)
    document: dict[str, Any] = dict(schema) if isinstance(schema, dict) else {"allOf": [schema]}
    child: dict[str, Any] = {"$ref": "#/$defs/node"}
    node = {"type": "object", "properties": {"a": draw(_leaves.filter(lambda leaf: leaf != child)), "b": child}}
    return {**document, "$defs": {"node": node}}


@st.composite
def edited(draw: st.DrawFn, schema: Any) -> Any:
    """The schema with a keyword or a subschema somewhere changed, dropped or added."""
    if isinstance(schema, dict) and schema:
        keys = [key for key in schema if key not in ("$defs", "$ref")]
        action = draw(st.sampled_from(("drop", "inside", "inside", "replace", "add")))
        if action == "drop" and keys:
            gone = draw(st.sampled_from(keys))
            return {key: value for key, value in schema.items() if key != gone}
        if action == "inside" and keys:
            key = draw(st.sampled_from(keys))
            value = schema[key]
            if key in ("properties", "patternProperties") and value:
                name = draw(st.sampled_from(sorted(value)))
                return {**schema, key: {**value, name: draw(edited(value[name]))}}
            if key in ("anyOf", "allOf", "oneOf", "prefixItems"):
                number = draw(st.integers(0, len(value) - 1))
                changed = [draw(edited(item)) if place == number else item for place, item in enumerate(value)]
                return {**schema, key: draw(st.permutations(changed)) if key != "prefixItems" else changed}
            if key in ("items", "not", "additionalProperties"):
                return {**schema, key: draw(edited(value))}
            if isinstance(value, int) and not isinstance(value, bool) and key != "const":
                return {**schema, key: value + 1}
        if action == "add":
            more = draw(_nodes)
            return (
                {**schema, **{key: value for key, value in more.items() if key not in schema}}
                if isinstance(more, dict)
                else schema
            )
    return draw(_nodes)
