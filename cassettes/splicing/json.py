"""JSON (RFC 8259), as Python reads it: NaN and Infinity are taken as many services send them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

from .splice import Leaf, Path, Step, Value

_TOKEN = re.compile(
    rb"[ \t\r\n]*+(?:"
    rb'(?P<string>"(?:[^"\\\x00-\x1f]|\\.)*+")'
    rb"|(?P<integer>-?(?:0|[1-9][0-9]*+)(?![.eE0-9]))"
    rb"|(?P<fraction>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++(?:[eE][+-]?[0-9]++)?+|[eE][+-]?[0-9]++))"
    rb"|(?P<other>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+|true|false|null|NaN|-?Infinity)"
    rb"|(?P<mark>[\[\]{},:]))"
)
_BLANK = re.compile(rb"[ \t\r\n]*+")
_NOT_ASCII = re.compile(rb"\\u(?!00[0-7])", re.IGNORECASE)


class Json:
    """JSON in UTF-8."""

    def leaves(self, data: bytes) -> Sequence[Leaf]:
        """Return where strings and numbers stand."""
        found: list[Leaf] = []
        path: list[Step] = []  # of the value that comes next; its last step is that of the innermost container
        closers: list[bytes] = []
        at, wanted = 0, "value"  # or "first" after "[", "key", "first key" after "{", "more" after a value
        while closers or wanted != "more":
            match = _TOKEN.match(data, at)
            if match is None:
                raise ValueError("not JSON")
            at = match.end()
            kind, text = match.lastgroup, match[match.lastgroup or 0]
            if wanted in ("value", "first") and kind != "mark":
                if kind != "other":
                    found.append(Leaf(tuple(path), match.start(str(kind)), at))
                wanted = "more"
            elif wanted in ("value", "first") and text in (b"[", b"{"):
                closers.append(b"]" if text == b"[" else b"}")
                path.append(0 if text == b"[" else "")
                wanted = "first" if text == b"[" else "first key"
            elif wanted in ("key", "first key") and kind == "string":
                path[-1] = str(json.loads(text))
                colon = _TOKEN.match(data, at)
                if colon is None or colon["mark"] != b":":
                    raise ValueError("not JSON")
                at, wanted = colon.end(), "value"
            elif wanted in ("more", "first", "first key") and closers and text == closers[-1]:
                closers.pop()
                path.pop()
                wanted = "more"
            elif wanted == "more" and closers and text == b",":
                step = path[-1]
                wanted = "key" if isinstance(step, str) else "value"
                if isinstance(step, int):
                    path[-1] = step + 1
            else:
                raise ValueError("not JSON")
        if _BLANK.fullmatch(data, at) is None:
            raise ValueError("more than one JSON value")
        return found

    def value(self, raw: bytes) -> Value:
        """Return the string or number."""
        value: object = json.loads(raw)
        if not isinstance(value, str | int | float):
            raise ValueError("neither a string nor a number")
        return value

    def written(self, new: Value, raw: bytes) -> bytes:
        """Return the JSON of a value, with the escapes that were used."""
        text = json.dumps(new, ensure_ascii=_NOT_ASCII.search(raw) is not None)
        if rb"\/" in raw:
            text = text.replace("/", r"\/")
        return text.encode("utf-8")

    def shortcut(self, data: bytes, changes: Mapping[Path, Value]) -> bytes | None:
        """Replace texts that stand in the data once: without escapes, each stands there as it is written."""
        if b"\\" in data:
            return None
        value: object = json.loads(data)
        for path, new in changes.items():
            old = _at(value, path)
            written = b'"%s"' % old.encode("utf-8") if isinstance(old, str) else b""
            if not written or data.count(written) != 1:
                return None
            data = data.replace(written, json.dumps(new, ensure_ascii=False).encode("utf-8"))
        return data


def _at(value: object, path: Path) -> object:
    """Return what stands at a path, None when nothing does."""
    for step in path:
        if isinstance(value, dict):
            value = cast("dict[object, object]", value).get(step)
        elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(cast("list[object]", value)):
            value = cast("list[object]", value)[step]
        else:
            return None
    return value
