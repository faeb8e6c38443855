"""Labels for JSON objects by the fields that they have, where no field holds a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Self, cast

from ...cassettes import Direction
from ..json_text import JsonObject
from .discriminator import IDENTIFIER

MAX_KEYS = 8


@dataclass(frozen=True, slots=True)
class KeyShape:
    """The fields of the objects that a label stands for."""

    label: str
    required: frozenset[str]
    optional: frozenset[str] = frozenset()

    @classmethod
    def from_fields(cls, label: str, fields: Sequence[str]) -> Self:
        """Read them as a document lists them: an optional one ends with "?"."""
        optional = frozenset(field[:-1] for field in fields if field.endswith("?"))
        return cls(label, frozenset(field for field in fields if not field.endswith("?")), optional)

    def fields(self) -> list[str]:
        """Return the fields as a document lists them."""
        return sorted((*self.required, *(f"{field}?" for field in self.optional)))

    def likeness(self, keys: Set[str]) -> tuple[bool, int, int]:
        """Return how well an object's keys fit: any of them at all, then all that is required, then the most."""
        known = len(keys & self.required) + len(keys & self.optional)
        return known > 0, -len(self.required - keys), known


Shapes = tuple[tuple[Direction, tuple[KeyShape, ...]], ...]


def shapes_from(value: object) -> Shapes:
    """Read an envelope's "shapes": for each direction labels with their fields. Raises ValueError with the reason."""
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise ValueError("shapes is not an object")
    found: list[tuple[Direction, tuple[KeyShape, ...]]] = []
    for direction in Direction:
        by_label = cast("JsonObject", value).get(direction.value)
        if by_label is None:
            continue
        if not isinstance(by_label, dict):
            raise ValueError(f"shapes of {direction.value} are not labels with their fields")
        shapes: list[KeyShape] = []
        for label, fields in cast("JsonObject", by_label).items():
            names = cast("list[object]", fields) if isinstance(fields, list) else [None]
            if not label or not all(isinstance(name, str) for name in names):
                raise ValueError(f"the fields of {label!r} are not a list of names")
            shapes.append(KeyShape.from_fields(label, cast("list[str]", names)))
        found.append((direction, tuple(shapes)))
    return tuple(found)


def shapes_document(shapes: Shapes) -> Mapping[str, object]:
    """Return an envelope's "shapes" as a document has them."""
    return {direction.value: {shape.label: shape.fields() for shape in of} for direction, of in shapes}


def label_by_shape(keys: Set[str], shapes: Sequence[KeyShape]) -> str | None:
    """Return the label whose fields fit best, the first of equals; None when none has any of the keys.

    A label of which no field is known takes what no other does.
    """
    best = max(shapes, key=lambda shape: shape.likeness(keys), default=None)
    if best is not None and best.likeness(keys)[0]:
        return best.label
    return next((shape.label for shape in shapes if not shape.required and not shape.optional), None)


def key_shape(value: Mapping[str, object]) -> str:
    """Return the label of an object that has no other: "{a,b}"."""
    keys = sorted({"*" if IDENTIFIER.search(key) or len(key) > 40 or not key else key for key in value})
    return "{" + ",".join(keys[:MAX_KEYS]) + (",…" if len(keys) > MAX_KEYS else "") + "}"
