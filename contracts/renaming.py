"""A field that went missing and a new one that took its place: one rename, and not two findings."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .json_text import JsonObject
from .schema import to_schema
from .shape import Shape
from .similarity import types_of

MAX_ADDED = 50
"""New fields of one object that are looked at."""


@dataclass(slots=True)
class Parent:
    """Which fields went missing from, and came new to, the objects at one place."""

    missing: dict[str, int] = field(default_factory=dict[str, int])
    added: dict[str, int] = field(default_factory=dict[str, int])
    both: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    shapes: dict[str, Shape] = field(default_factory=dict[str, Shape])
    required: dict[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])

    def remember(self, missing: Sequence[str], added: JsonObject) -> None:
        """Take one more object, with the fields that it lacks and those that are new in it."""
        for key in missing:
            self.missing[key] = self.missing.get(key, 0) + 1
        for key, value in list(added.items())[:MAX_ADDED]:
            self.added[key] = self.added.get(key, 0) + 1
            self.shapes.setdefault(key, Shape()).observe(value)
            for gone in missing:
                self.both[gone, key] = self.both.get((gone, key), 0) + 1


def renames(parent: Parent) -> Iterator[tuple[str, str]]:
    """Pair fields that went with fields that came, in exactly the same objects and of a type that fits."""
    pairs: list[tuple[float, str, str]] = []
    for (gone, new), together in parent.both.items():
        if not together == parent.missing[gone] == parent.added[new]:
            continue
        old, now = parent.required.get(gone, {}), to_schema(parent.shapes[new])
        old_types, new_types = types_of(old) - {"integer"}, types_of(now) - {"integer"}
        if old_types and not new_types <= old_types | {"null"}:
            continue
        if "format" in old and now.get("format") != old["format"]:
            continue
        alike = difflib.SequenceMatcher(None, gone.lower(), new.lower(), autojunk=False).ratio()
        pairs.append((-alike, gone, new))
    used: set[str] = set()
    for _, gone, new in sorted(pairs):
        if gone not in used and new not in used:
            used |= {gone, new}
            yield gone, new
