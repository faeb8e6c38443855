"""Where the scalars of encoded data stand, and the data with others in their place."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

Step = str | int
"""A property's name, or an index of an array."""

Path = tuple[Step, ...]
"""Keys and indexes from the root, as RFC 6901 would walk them."""

Scalar = str | int
"""A value that can be put in another's place. ``True`` is no integer here; bytes are their base64 text."""

Value = Scalar | float
"""A value that can be put in another's place where the notation has numbers with a fraction in its text."""

MAX_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Leaf:
    """A text, whole number or byte string: where it stands in the value, and from where to where in the data."""

    path: Path
    start: int
    end: int


class Notation(Protocol):
    """A way of writing values as bytes."""

    def leaves(self, data: bytes) -> Sequence[Leaf]:
        """Return the scalars that can be replaced, in order. Raises ValueError for data that is not so written.

        Of a repeated key the last value counts, as it does for readers.
        """
        ...

    def value(self, raw: bytes) -> Value:
        """Return the value of a leaf's bytes."""
        ...

    def written(self, new: Value, raw: bytes) -> bytes:
        """Return the bytes of another value, written like a leaf's. Raises ValueError when that cannot be."""
        ...

    def shortcut(self, data: bytes, changes: Mapping[Path, Value]) -> bytes | None:
        """Return what `splice` does without going over all of the data; None where that may not be right.

        Raises ValueError for data that is not so written.
        """
        ...


def splice(data: bytes, changes: Mapping[Path, Value], notation: Notation) -> bytes | None:
    """Return the data with the values at some paths changed; None where one cannot be put there.

    A value that is there already keeps its bytes.
    """
    if not changes:
        return data
    try:
        short = notation.shortcut(data, changes)
        if short is not None:
            return short
        found = {leaf.path: leaf for leaf in notation.leaves(data) if leaf.path in changes}
        if len(found) < len(changes):
            return None
        pieces: list[bytes] = []
        end = 0
        for leaf in sorted(found.values(), key=lambda leaf: leaf.start):
            raw, new = data[leaf.start : leaf.end], changes[leaf.path]
            old = notation.value(raw)
            pieces += (data[end : leaf.start], raw if old == new else notation.written(new, raw))
            end = leaf.end
    except (ValueError, RecursionError):
        return None
    return b"".join((*pieces, data[end:]))


class Walk:
    """One pass over binary data that gathers its leaves; a notation says how to read one value."""

    def __init__(self, data: bytes, key: Callable[[object], str]) -> None:
        self.data = data
        self.key = key  # names keys that are not text
        self.at: int = 0
        self.found: list[Leaf] = []

    def value(self, path: Path, depth: int) -> None:
        """Go over one value. Raises ValueError."""
        raise NotImplementedError

    def leaves(self) -> Sequence[Leaf]:
        """Go over the one value that the data is. Raises ValueError."""
        self.value((), 0)
        if self.at != len(self.data):
            raise ValueError("more than one value")
        return self.found

    def key_bytes(self, depth: int) -> bytes:
        """Go over a map's key, whose parts are no leaves, and return its bytes."""
        start, known = self.at, len(self.found)
        self.value((), depth + 1)
        del self.found[known:]
        return self.data[start : self.at]

    def skip(self, size: int) -> None:
        """Go over some bytes. Raises ValueError when there are fewer."""
        self.at += size
        if self.at > len(self.data):
            raise ValueError("cut short")


def key_text(key: object) -> str:
    """Return a map's key as a property's name: text as it is, all else as JSON."""
    return key if isinstance(key, str) else json.dumps(key, sort_keys=True, default=str)
