"""Which of an object's fields may be a tag that tells variants apart: ``{"type": "text"}`` from ``{"type": "image"}``.

Of the names that usually hold a tag, the two most telling that were met at a place count, each as long as its values
stay few: words, small numbers (``{"op": 10}``), truth values (``{"ok": false}``). What counts depends on which objects
were met and never on their order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .json_text import JsonObject
from .state import mapping, optional, ordered, sequence, texts

# In order of preference: what says how an object turned out splits finer than what it is.
TAGS = (
    *("status", "role", "kind", "type", "op", "action", "event", "method"),
    *("__typename", "object", "variant", "tag", "state", "ok", "success"),
)
MAX_TAGS = 2
MAX_VALUES = 8
MAX_NUMBER = 99

WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,39}")
"""What a value of an enumeration, or of a tag, looks like."""

Combination = tuple[tuple[str, str], ...]
"""Names of tags with their values as `written`."""

NAMES = frozenset(TAGS)


def written(value: object) -> str | None:
    """Return a tag's value as a text, so that ``1`` and ``true`` differ from words; None for what is no tag's value."""
    if isinstance(value, str):
        return value if WORD.fullmatch(value) else None
    # Words begin with a letter, so nothing is written like another thing.
    if isinstance(value, bool):
        return "=true" if value else "=false"
    return f"={value}" if isinstance(value, int) and 0 <= value <= MAX_NUMBER else None


def read(text: str) -> str | int | bool:
    """Return the value that was `written`."""
    if text in ("=true", "=false"):
        return text == "=true"
    return int(text[1:]) if text.startswith("=") else text


class Tags:
    """The tags at one place."""

    __slots__ = ("met", "values")

    def __init__(self) -> None:
        self.met: set[str] = set()
        self.values: dict[str, set[str] | None] = {}  # of the names that count; None: data, or too many

    def of(self, value: JsonObject) -> tuple[Combination, bool]:
        """Return the tags of an object, and whether one that counted before counts no more."""
        names = NAMES.intersection(value)
        changed = not names <= self.met and self._meet(names)
        found: list[tuple[str, str]] = []
        for name, known in self.values.items():
            if known is None or (item := value.get(name)) is None:
                continue
            text = item if isinstance(item, str) and item in known else written(item)
            if text is None or text not in known:
                if text is None or len(known) >= MAX_VALUES:
                    self.values[name] = None
                    changed = True
                    continue
                known.add(text)
            found.append((name, text))
        return tuple(found), changed

    def _meet(self, names: set[str] | frozenset[str]) -> bool:
        self.met |= names
        counting = [name for name in TAGS if name in self.met][:MAX_TAGS]
        before = self.values
        self.values = {name: before.get(name, set()) for name in counting}
        return not before.keys() <= self.values.keys()

    def absorb(self, other: Tags) -> None:
        """Take into account all that another place's have met."""
        self._meet(other.met)
        for name, known in self.values.items():
            if name not in other.values or known is None:
                continue
            more = other.values[name]
            both = None if more is None else known | more
            self.values[name] = None if both is None or len(both) > MAX_VALUES else both

    def reduced(self, combination: Combination) -> Combination:
        """Return a combination without the tags that count no more."""
        return tuple(pair for pair in combination if self.values.get(pair[0]) is not None)

    def state(self) -> list[object]:
        """Return all of it as plain data."""
        values = {name: None if known is None else sorted(known) for name, known in self.values.items()}
        return [sorted(self.met), ordered(values)]

    @classmethod
    def from_state(cls, state: object) -> Tags:
        """Return what `state` described. Raises ValueError for other data."""
        met, values = sequence(state, lambda part: part)
        tags = cls()
        tags._meet(NAMES & texts(met))
        read: Mapping[str, set[str] | None] = mapping(values, lambda known: optional(known, texts))
        for name in tags.values:
            tags.values[name] = read.get(name)
        return tags

    def key(self) -> tuple[object, ...]:
        """Return everything as one comparable value."""
        values = {name: None if known is None else frozenset(known) for name, known in self.values.items()}
        return (frozenset(self.met), frozenset(values.items()))
