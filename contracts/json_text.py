"""JSON as it travels: reading it without ever failing hard, and showing a piece of it to a person."""

from __future__ import annotations

import json
import math
from typing import cast

MAX_JSON = 8 << 20
"""Length from which a text is not taken apart: decoded JSON can be thirty times as large."""

NOT_JSON = object()
"""What `parse` returns for text that is not JSON (``None`` is the JSON null)."""

JsonObject = dict[str, object]
JsonArray = list[object]


def parse(text: str | bytes, limit: int = MAX_JSON) -> object:
    """Return the JSON value of a text, or `NOT_JSON`.

    Integers are exact, of a repeated key the last value counts, and NaN and Infinity are taken as many services
    send them. Nesting that Python's stack cannot hold, integers of more than 4,300 digits, bytes that are
    not UTF-8 and more than ``limit`` characters or bytes make the text not JSON.
    """
    if len(text) > limit:
        return NOT_JSON
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return NOT_JSON


def members(value: object) -> JsonObject:
    """Return a JSON object's members, none of anything else."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def items(value: object) -> JsonArray:
    """Return a JSON array's items, none of anything else."""
    return cast("JsonArray", value) if isinstance(value, list) else []


def type_name(value: object) -> str:
    """Return the JSON Schema type of a value, with "number" for fractions only."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def with_article(type_: str) -> str:
    """Return a type as a person says it: "an integer", "null"."""
    if type_ == "null":
        return "null"
    return f"{'an' if type_[0] in 'aio' else 'a'} {type_}"


def excerpt(value: object, width: int = 60) -> str:
    """Return a value as JSON, cut to about ``width`` characters."""
    text = json.dumps(clip(value), ensure_ascii=False)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= width else text[: width - 1] + "…"


def clip(value: object, depth: int = 4) -> object:
    """Return a small copy of a value for a report: deep, long and wide parts are cut and marked with "…"."""
    if isinstance(value, str):
        value = value.encode("utf-8", "backslashreplace").decode()
        return value if len(value) <= 200 else value[:199] + "…"
    if isinstance(value, list):
        if depth == 0:
            return "…"
        items = cast("JsonArray", value)
        return [*(clip(item, depth - 1) for item in items[:10]), *(["…"] if len(items) > 10 else [])]
    if isinstance(value, dict):
        if depth == 0:
            return "…"
        pairs = list(cast("JsonObject", value).items())
        clipped = {str(clip(key)): clip(item, depth - 1) for key, item in pairs[:20]}
        return clipped | ({"…": "…"} if len(pairs) > 20 else {})
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no word for it
    # Python's own limit: str() of a huge integer raises, json.dumps with it.
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 4096:
        return "an integer of more than 1,200 digits"
    return value


Pointer = tuple[str, ...]


def split_pointer(pointer: str) -> Pointer:
    """Split a JSON pointer (RFC 6901) into its keys. Raises ValueError when it does not begin with "/"."""
    if pointer == "":
        return ()
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is not a JSON pointer")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/"))


def join_pointer(keys: Pointer) -> str:
    """Join keys into a JSON pointer (RFC 6901)."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def resolve(value: object, keys: Pointer) -> object:
    """Return what stands at a pointer, through objects only; `NOT_JSON` when nothing does."""
    for key in keys:
        if not isinstance(value, dict):
            return NOT_JSON
        value = cast("JsonObject", value).get(key, NOT_JSON)
    return value
