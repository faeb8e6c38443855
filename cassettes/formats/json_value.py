"""Plain data from untrusted files, narrowed once: what is not of the expected type reads as empty."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

Object = Mapping[str, object]


def member(value: object, *names: str) -> object:
    """Return what stands under the names, one inside the other; None where there is nothing."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = cast("dict[str, object]", value).get(name)
    return value


def text(value: object, *names: str) -> str:
    """Return the text under the names, empty when there is none."""
    found = member(value, *names)
    return well_formed(found) if isinstance(found, str) else ""


def well_formed(found: str) -> str:
    """Return a text that has a UTF-8: a lone surrogate, legal as an escape in JSON, reads as U+FFFD."""
    if found.isascii():
        return found
    try:
        found.encode("utf-8")
    except UnicodeEncodeError:
        return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return found


def number(value: object, *names: str) -> float | None:
    """Return the finite number under the names, None when there is none."""
    found = member(value, *names)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        return float(found) if math.isfinite(found) else None
    except OverflowError:
        return None


def whole(value: object, *names: str) -> int:
    """Return the whole number of at most 63 bits under the names, 0 when there is none."""
    found = member(value, *names)
    if isinstance(found, float) and math.isfinite(found):
        found = int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 1 << 63 else 0


def items(value: object, *names: str) -> list[object]:
    """Return the list under the names, empty when there is none."""
    found = member(value, *names)
    return cast("list[object]", found) if isinstance(found, list) else []


def fields(value: object, *names: str) -> Object:
    """Return the object under the names, empty when there is none."""
    found = member(value, *names)
    return cast("Object", found) if isinstance(found, dict) else {}
