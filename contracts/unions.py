"""Unions whose branches a tag tells apart, as they are learned: a value breaks the branch that it says it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from jsonschema.exceptions import ValidationError

from .json_text import JsonObject
from .schema import Schema


def told_apart(errors: Iterable[ValidationError]) -> Iterator[ValidationError]:
    """Replace the error of a union by those of the branch that the value's tag names.

    A tag that no branch names is the business of the tag's own schema, where that says which values there are.
    """
    for error in errors:
        tag = tag_of(error.schema) if error.validator == "anyOf" else None
        if tag is None or not isinstance(error.instance, dict):
            yield error
            continue
        value = cast("JsonObject", error.instance).get(tag)
        branches = cast("list[Schema]", error.validator_value)
        number = next((n for n, one in enumerate(branches) if is_tag(constant_of(one, tag), value)), None)
        if number is not None:
            yield from told_apart(one for one in error.context or () if one.relative_schema_path[0] == number)
        elif "enum" not in cast("dict[str, Schema]", cast("Schema", error.schema)["properties"]).get(tag, {}):
            yield error


def tag_of(schema: object) -> str | None:
    """Return the field whose constant tells the branches of a schema's union apart, None when there is none."""
    claim = cast("Schema", schema) if isinstance(schema, dict) else {}
    branches, properties = claim.get("anyOf"), claim.get("properties")
    if not isinstance(branches, list) or not isinstance(properties, dict):
        return None
    for name in cast("Schema", properties):
        constants = [constant_of(branch, name) for branch in cast("list[object]", branches)]
        if constants and all(isinstance(constant, (str, int)) for constant in constants):
            return name
    return None


def is_tag(constant: object, value: object) -> bool:
    """Tell whether a tag has the value of a branch; ``true`` is not 1."""
    return constant == value and isinstance(constant, bool) == isinstance(value, bool)


def constant_of(branch: object, name: str) -> object:
    """Return the constant that a branch demands of a field, None when it demands none."""
    properties = cast("Schema", branch).get("properties") if isinstance(branch, dict) else None
    field = cast("Schema", properties).get(name) if isinstance(properties, dict) else None
    return cast("Schema", field).get("const") if isinstance(field, dict) else None
