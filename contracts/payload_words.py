"""What is wrong with a payload, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from jsonschema.exceptions import ValidationError

from .json_text import excerpt, type_name, with_article
from .schema import SEEN

_FORMAT_WORDS = {"uri": "a URI", "uuid": "a UUID", "email": "an e-mail address"}


def broken_words(
    error: ValidationError, schema: Mapping[str, object], pointer: str, *, pinned: bool
) -> tuple[str, str]:
    """Return the finding's id, and what was claimed of the value at a pointer and is so no more."""
    keyword, expected = str(error.validator), cast("object", error.validator_value)
    value = cast("object", error.instance)
    named = f"`{pointer}`" if pointer else "the payload"
    match keyword:
        case "type":
            types = [expected] if isinstance(expected, str) else cast("list[str]", expected)
            words = " or ".join(with_article(type_) for type_ in types)
            return "payload/type-changed", f"{named} {always(f'was {words}', schema)}, now {_now(value)}"
        case "enum":
            words = ", ".join(excerpt(item, 30) for item in cast("list[object]", expected)[:8])
            return "payload/enum-value", f"{named} {always(f'was one of {words}', schema)}, now {excerpt(value)}"
        case "format":
            words = _FORMAT_WORDS.get(str(expected), f"a {expected}")
            return "payload/format-changed", f"{named} {always(f'was {words}', schema)}, now {excerpt(value)}"
        case "pattern":
            prefix = str(expected).removeprefix("^")
            known = prefix.replace("-", "_").isidentifier() and SEEN in schema and not pinned
            words = f"began with {prefix!r}" if known else f"matched {expected!r}"
            return "payload/format-changed", f"{named} {always(words, schema)}, now {excerpt(value)}"
        case "const":
            words = always(f"was {excerpt(expected)}", schema)
            return "payload/value-changed", f"{named} {words}, now {excerpt(value)}"
        case "minItems" | "maxItems":
            few = "at least" if keyword == "minItems" else "at most"
            words = always(f"was of {few} {expected} items", schema)
            return "payload/value-changed", f"{named} {words}, now {_now(value)}"
        case "additionalProperties" | "unevaluatedProperties" | "propertyNames":
            words = error.message.splitlines()[0][:200]
            return "payload/field-added", f"{named} has fields that the contract forbids: {words}"
        case _:
            words = f"{keyword} {excerpt(expected)} of the contract: {excerpt(value)}"
            return "payload/value-changed", f"{named} breaks {words}"


def always(claim: str, schema: Mapping[str, object]) -> str:
    """Return a claim with how often it held: "was present in all 12 recorded samples"."""
    seen = schema.get(SEEN)
    if not isinstance(seen, int):
        return claim.replace("was ", "must be ", 1) + " by the contract"
    if seen == 1:
        return f"{claim} in the one recorded sample"
    return f"{claim} in all {seen} recorded samples"


def _now(value: object) -> str:
    if value is None:
        return "null"
    return f"{with_article(type_name(value))}: {excerpt(value)}"
