"""The contract document's bytes: the same content gives the same bytes, one claim a line where it fits."""

from __future__ import annotations

import json
from typing import cast

WIDTH = 100
FLAT_WIDTH = 160
"""For an object without objects in it, such as a rule: a claim that a reader compares with the next line's."""


def dumps(value: object) -> str:
    """Return a JSON text that ends with a line feed.

    A value that fits on its line (100 columns, 160 where it holds no other object) stays on it; another is broken, one
    entry a line. Keys keep their order: whoever builds the document sorts it.
    """
    lines: list[str] = []
    _write(value, "", "", "", lines)
    return "\n".join(lines) + "\n"


def _write(value: object, indent: str, before: str, after: str, lines: list[str]) -> None:
    inline = indent + before + _inline(value) + after
    width = FLAT_WIDTH if _is_flat(value) else WIDTH
    if len(inline) <= width or not isinstance(value, (dict, list)) or not value:
        lines.append(inline)
        return
    if isinstance(value, dict):
        entries = [(_inline(key) + ": ", item) for key, item in cast("dict[str, object]", value).items()]
        opening, closing = "{", "}"
    else:
        entries = [("", item) for item in cast("list[object]", value)]
        opening, closing = "[", "]"
    lines.append(indent + before + opening)
    for number, (start, item) in enumerate(entries):
        _write(item, indent + "  ", start, "," if number < len(entries) - 1 else "", lines)
    lines.append(indent + closing + after)


def _is_flat(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    items = cast("dict[str, object]", value).values()
    return not any(isinstance(item, dict) for item in items)


def _inline(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    # A lone surrogate cannot be written as UTF-8; escaped it can.
    return text if text.isascii() or _encodes(text) else json.dumps(value)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
