"""Values to put two schemas to the test with: what one allows, chosen with an eye to where the other may not.

Nothing here is random, and nothing is claimed: whoever asks validates what comes. One value is varied at one place at a
time, so that the number of candidates grows with the size of the schema and not with its power.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from .box import Box, Boxes, boxes_of, kind_of
from .view import View, value_key

MAX_CANDIDATES = 400
_PER_PLACE = 16
_MAX_DEPTH = 12
_MAX_LENGTH = 4_096
"""Characters or items of a value that is made to break a bound; a bound beyond that is not tried."""

_FORMATS: dict[str, str] = {
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "date-time": "2026-01-31T12:00:00Z",
    "date": "2026-01-31",
    "time": "12:00:00Z",
    "email": "a@example.com",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
    "duration": "P1D",
}
_WORDS = ("", "a", "A1", "0", "-", "run_1", "\u00e9\u4e16", "a b", "true", *_FORMATS.values())
_NUMBERS: tuple[float, ...] = (0, 1, -1, 2, 7, 0.5, -1.5, 10**6, -(10**6), 10**30)
_ANYTHING: tuple[object, ...] = (None, False, 0, "a", 0.5, [], {})
_STRANGER = "x-unheard-of"


def candidates(view: View, other: View) -> Iterator[object]:
    """Yield values that ``view`` may allow, chosen with an eye to where ``other`` may not."""
    yield from _Maker().values(view, other, 0)[:MAX_CANDIDATES]


class _Maker:
    """Makes the values of one search; remembers on which places it is, so that recursive schemas end."""

    def __init__(self) -> None:
        self._made = 0

    def values(self, view: View, other: View | None, depth: int) -> list[object]:
        """Return values for a place, those that it accepts; all that were made when that cannot be told."""
        if depth > _MAX_DEPTH or self._made > 50 * MAX_CANDIDATES:
            return []
        if not view.schemas and (other is None or not other.schemas):
            return list(_ANYTHING)
        found: list[object] = []
        hints: Boxes = boxes_of(other) if other is not None else {}
        for kind, boxes in boxes_of(view).items():
            near = hints.get(kind, ())
            for box in boxes:
                found += self._of_box(view, box, other, near, depth)
        self._made += len(found)
        distinct = list({value_key(value): value for value in found}.values())
        try:
            accepted = [value for value in distinct if view.accepts(value)]
        except ValueError:
            accepted = distinct
        if depth == 0:
            return accepted
        if other is not None:
            # What the other side refuses here is what may tell the two apart, so it must survive the cut.
            with suppress(ValueError):
                accepted.sort(key=other.accepts)
        return _spread(accepted, _PER_PLACE)

    def _of_box(self, view: View, box: Box, other: View | None, near: Iterable[Box], depth: int) -> Iterable[object]:
        if box.values is not None:
            return box.values
        match box.kind:
            case "null":
                return (None,)
            case "boolean":
                return (False, True)
            case "number":
                return _numbers((box, *near))
            case "string":
                return _strings((box, *near))
            case "array":
                return self._arrays(view, box, other, tuple(near), depth)
            case _:
                return self._objects(view, box, other, tuple(near), depth)

    def _arrays(self, view: View, box: Box, other: View | None, near: tuple[Box, ...], depth: int) -> Iterator[object]:
        length = max((box.prefix, *(one.prefix for one in near)))
        places: list[int | None] = [*range(length), None]
        choices = {
            index: self.values(
                box.item(view, index), near[0].item(other, index) if near and other is not None else None, depth + 1
            )
            for index in places
        }
        lengths = {box.min_size, length, length + 1, length + 2, 1, 2, *_sizes((box, *near))}

        def first(size: int) -> list[object]:
            items = [(choices[index] or [None])[0] for index in range(min(length, size))]
            rest = choices[None]
            # Different items first: uniqueItems.
            return items + [rest[number % len(rest)] if rest else None for number in range(size - len(items))]

        for size in sorted(lengths):
            if size <= _MAX_LENGTH:
                yield first(size)
        for index in places:
            position = length if index is None else index
            for value in choices[index]:
                base = first(max(box.min_size, position + 1))
                yield [*base[:position], value, *base[position + 1 :]]
                yield [*base[:position], value, value]

    def _objects(self, view: View, box: Box, other: View | None, near: tuple[Box, ...], depth: int) -> Iterator[object]:
        named = sorted({*box.fields, *box.required, *(key for one in near for key in (*one.fields, *one.required))})
        choices: dict[str, list[object]] = {}
        for key in [*named, _STRANGER]:
            there = next((one.field(other, key) for one in near), None) if other is not None else None
            choices[key] = self.values(box.field(view, key), there, depth + 1) or []
        if any(not choices[key] for key in box.required):
            return
        base = {key: choices[key][0] for key in named if key in box.required}
        full = {key: choices[key][0] for key in named if choices[key] and (key in box.required or key in box.fields)}
        yield base
        yield full
        for key in named:
            if key not in box.required:
                yield {name: value for name, value in full.items() if name != key}
            for value in choices[key]:
                yield base | {key: value}
                yield full | {key: value}
        for value in (*choices[_STRANGER], *_ANYTHING):
            yield base | {_STRANGER: value}
        for size in _sizes((box, *near)):
            stranger = choices[_STRANGER][:1]
            more = {f"{_STRANGER}-{number}": value for number in range(min(size, 64)) for value in stranger}
            yield dict(list((full | more).items())[:size])
        for pattern in {*box.key_patterns, *(pattern for one in near for pattern in one.key_patterns)}:
            key = _literal(pattern)
            for value in (*self.values(box.field(view, key), None, depth + 1), *_ANYTHING):
                yield base | {key: value}


def _numbers(boxes: Iterable[Box]) -> Iterator[float]:
    for box in boxes:
        for bound in (box.low, box.high):
            if bound is not None:
                yield from (bound.value, bound.value - 1, bound.value + 1, bound.value + 0.5, bound.value - 0.5)
        for multiple in box.multiples:
            yield from (multiple, 2 * multiple, 3 * multiple, -multiple)
        yield from (value for value in box.values or () if isinstance(value, (int, float)))
    yield from _NUMBERS


def _strings(boxes: tuple[Box, ...]) -> Iterator[str]:
    listed = [value for box in boxes for value in box.values or () if isinstance(value, str)]
    prefixes = [_literal(pattern) for box in boxes for pattern in box.patterns]
    made = [_FORMATS[name] for box in boxes for name in sorted(box.formats) if name in _FORMATS]
    words = [*made, *listed, *prefixes, *(prefix + word for prefix in prefixes for word in ("1", "a", "_x")), *_WORDS]
    yield from words
    for size in _sizes(boxes):
        if size <= _MAX_LENGTH:
            for word in (*prefixes, "a", "1"):
                yield (word * (size // max(len(word), 1) + 1))[:size]
    yield from (f"{word}{tail}" for word in words[:6] for tail in ("1", "-", " "))


def _sizes(boxes: Iterable[Box]) -> list[int]:
    ends = [end for box in boxes for end in (box.min_size, box.max_size) if end is not None]
    return sorted({size for end in ends for size in (end - 1, end, end + 1) if 0 <= size <= _MAX_LENGTH})


def _literal(pattern: str) -> str:
    """Return a text that a plain pattern such as ``^run_`` or ``^[0-9]+$`` may be found in."""
    text, inside, number = "", False, 0
    body = pattern.removeprefix("^").removesuffix("$")
    while number < len(body):
        char = body[number]
        if inside:
            inside = char != "]"
        elif char == "[" and number + 1 < len(body):
            text += body[number + 1] if body[number + 1] != "^" else "~"
            inside = True
        elif char == "\\" and number + 1 < len(body):
            number += 1
            text += {"d": "1", "w": "a", "s": " "}.get(body[number], body[number])
        elif char not in "()?*+{}|":
            text += "a" if char == "." else char
        number += 1
    return text


def _spread(values: list[object], most: int) -> list[object]:
    """Return at most so many values, of every type some."""
    by_kind: dict[str, list[object]] = {}
    for value in values:
        by_kind.setdefault(kind_of(value), []).append(value)
    if not by_kind:
        return []
    share = max(2, most // len(by_kind))
    return [value for found in by_kind.values() for value in found[:share]]
