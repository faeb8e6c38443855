"""Two payloads side by side, around the place that a finding is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from ..cassettes import printable
from ..contracts import SKIPPED, Finding, Row
from ..contracts.json_text import clip, excerpt, split_pointer
from .leaves import Path, at

AROUND = 1
"""Lines of the same object that are shown before and after a marked one."""

MAX_PLACES = 1_000
"""Items of arrays and maps among which the one that is meant is looked for."""

_SHOWN = 200  # characters of a value; a renderer cuts further
_NOTHING = object()


def payload_rows(finding: Finding, old: object, new: object, *, alone: bool = False) -> tuple[Row, ...]:
    """Return the lines of two payloads around the finding's path; those of the new one when it is ``alone``."""
    place = split_pointer(finding.path or "")
    now = place
    if finding.id == "payload/field-renamed" and isinstance(finding.candidate, str):
        now = split_pointer(finding.candidate)
    here = _meant(finding, new, now)
    there = (*here[: len(place) - 1], *place[-1:]) if len(here) == len(place) else here
    left = _NOTHING if alone else old
    if not here:
        return (Row(recorded=_text(left), now=_text(new), marked=True),)
    return tuple(_level(left, new, there, here, ""))


def _meant(finding: Finding, value: object, place: Sequence[str]) -> Path:
    """Return the path that a place with "*" in it means: where the payload is as the finding says."""
    paths = list(_paths(value, place))
    lacks = finding.id == "payload/field-missing"
    for path in paths:
        stands = _at(value, path)
        if (stands is _NOTHING) if lacks else (stands is not _NOTHING and clip(stands) == finding.candidate):
            return path
    return next((path for path in paths if _at(value, path) is not _NOTHING), paths[0] if paths else ())


def _paths(value: object, place: Sequence[str]) -> Iterator[Path]:
    """Yield the paths of a value that a place stands for, also where at their end nothing stands."""
    waiting: list[tuple[Path, object, Sequence[str]]] = [((), value, place)]
    for _ in range(MAX_PLACES):
        if not waiting:
            return
        path, here, rest = waiting.pop()
        if not rest or here is _NOTHING:
            yield path
            continue
        own = _own_keys(here)
        key: str | int = int(rest[0]) if isinstance(own, range) and rest[0].isdecimal() else rest[0]
        keys = own[:MAX_PLACES] if key == "*" and "*" not in own else (key,)
        waiting.extend(((*path, key), _at(here, (key,)), rest[1:]) for key in reversed(keys))


def _at(value: object, path: Path) -> object:
    try:
        return at(value, path)
    except LookupError:
        return _NOTHING


def _level(old: object, new: object, there: Path, here: Path, indent: str) -> Iterator[Row]:
    """Yield the lines of one object or array: those near the key that leads on, and what stands below it."""
    gone, come = there[0], here[0]
    keys = _keys(old, new, gone, come)
    place = keys.index(come)
    first, last = max(place - AROUND, 0), min(place + AROUND, len(keys) - 1)
    if first > 0:
        yield SKIPPED
    for key in keys[first : last + 1]:
        left, right = _line(old, gone if key == come else key, indent), _line(new, key, indent)
        if key != come:
            yield Row(recorded=left, now=right)
            continue
        below = _at(old, (gone,)), _at(new, (come,))
        if len(here) == 1 or not any(isinstance(value, dict | list) for value in below):
            yield Row(recorded=left, now=right, marked=True)
        else:
            yield Row(recorded=_opening(below[0], gone, indent), now=_opening(below[1], come, indent))
            yield from _level(*below, there[1:], here[1:], f"{indent}  ")
    if last < len(keys) - 1:
        yield SKIPPED


def _keys(old: object, new: object, gone: str | int, come: str | int) -> list[str | int]:
    """The keys of both sides, in the order of the new one; ``come`` stands for ``gone`` as well."""
    keys = list(_own_keys(new))
    before: str | int | None = None
    for key in _own_keys(old):
        named = come if key == gone else key
        if named not in keys:
            keys.insert(keys.index(before) + 1 if before in keys else 0, named)
        before = named
    if come not in keys:
        keys.append(come)
    return keys


def _own_keys(value: object) -> Sequence[str | int]:
    if isinstance(value, dict):
        return tuple(cast("dict[str, object]", value))
    return range(len(cast("list[object]", value))) if isinstance(value, list) else ()


def _line(value: object, key: str | int, indent: str) -> str | None:
    item = _at(value, (key,))
    return None if item is _NOTHING else f"{_named(key, indent)} {_text(item)}"


def _opening(value: object, key: str | int, indent: str) -> str | None:
    if value is _NOTHING:
        return None
    if not isinstance(value, dict | list):
        return f"{_named(key, indent)} {_text(value)}"
    return f"{_named(key, indent)} {'{' if isinstance(value, dict) else '['}"


def _named(key: str | int, indent: str) -> str:
    return f"{indent}[{key}]" if isinstance(key, int) else printable(f"{indent}{excerpt(key)}:")


def _text(value: object) -> str | None:
    return None if value is _NOTHING else printable(excerpt(value, _SHOWN))
