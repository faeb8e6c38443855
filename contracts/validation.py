"""Validating a payload: jsonschema-rs answers yes or no, `jsonschema`, the reference, says what is wrong and where."""

from __future__ import annotations

from typing import Protocol

import jsonschema_rs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from .json_text import Pointer
from .schema import Schema


class FastValidator(Protocol):
    """What answers yes or no."""

    def is_valid(self, instance: object) -> bool:
        """Tell whether a JSON value satisfies the schema."""
        ...


def compiled(schema: Schema) -> FastValidator | None:
    """Return the fast validator of a schema, None when it cannot take it."""
    try:
        return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    except (ValueError, UnicodeError):
        return None  # a pattern that only Python's engine knows: the reference alone decides


def fits(validator: FastValidator | None, payload: object) -> bool:
    """Tell whether the fast validator accepts a payload. After a no the reference decides."""
    if validator is None:
        return False
    try:
        return validator.is_valid(payload)
    except (ValueError, UnicodeError, RecursionError):
        return False  # lone surrogates and deep nesting: the reference decides


def errors_of(validator: Draft202012Validator, payload: object) -> list[ValidationError]:
    """Return all that the reference finds wrong; nothing where nesting exhausts the stack."""
    try:
        return list(validator.iter_errors(payload))  # pyright: ignore[reportArgumentType, reportUnknownMemberType]
    except RecursionError:
        return []


def place_of(error: ValidationError) -> Pointer:
    """Return where an error is, items of arrays and keys of maps written "*"."""
    path = iter(error.absolute_path)
    place: list[str] = []
    steps = [str(step) for step in error.absolute_schema_path][:-1]
    number = 0
    while number < len(steps):
        step = steps[number]
        number += 1
        if step == "properties" and number < len(steps):
            number += 1
            place.append(str(next(path, "")))
        elif step in ("items", "additionalProperties", "patternProperties", "unevaluatedProperties"):
            number += step == "patternProperties"
            place.append("*")
            next(path, None)
        elif step == "prefixItems":
            number += 1
            place.append(str(next(path, "")))
        elif step in ("anyOf", "oneOf", "allOf", "dependentSchemas", "$defs"):
            number += 1
    place.extend("*" if isinstance(key, int) else key for key in path)
    return tuple(place)
