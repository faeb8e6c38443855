"""What the strings at one place have in common: formats, a prefix of identifiers, few words."""

from __future__ import annotations

import re

from .formats import ALL_FORMATS, formats_of, id_prefix
from .state import count, mapping, optional, ordered, sequence, text, texts
from .tagging import WORD

MAX_VALUES = 16
NO_PREFIX = ""

_TOLD = re.compile(rf"{WORD.pattern}|v?[0-9]{{1,4}}(?:\.[0-9]{{1,4}}){{1,3}}")
"""Words, and versions such as "2.0": what is kept to see whether there are few."""


class StringShape:
    """What the strings at one place have in common."""

    __slots__ = ("count", "formats", "last", "prefix", "values")

    def __init__(self) -> None:
        self.count = 0
        self.formats = ALL_FORMATS  # that all of them are of
        self.prefix: str | None = None  # that all identifiers share; NO_PREFIX when they do not; None before the first
        self.values: dict[str, int] | None = {}  # None: too many, or no words

        self.last: str | None = None  # identifiers mostly come again and again: saves looking at them anew

    def observe(self, text: str) -> None:
        self.count += 1
        if text == self.last:
            if self.values is not None:
                self.values[text] += 1
            return
        self.last = text
        if self.formats:
            self.formats = formats_of(text, self.formats)
        if self.prefix != NO_PREFIX:
            prefix = id_prefix(text) or NO_PREFIX
            self.prefix = prefix if self.prefix is None or self.prefix == prefix else NO_PREFIX
        if self.values is not None:
            if text in self.values:
                self.values[text] += 1
            elif len(self.values) >= MAX_VALUES or not _TOLD.fullmatch(text):
                self.values = None
            else:
                self.values[text] = 1

    def words(self) -> dict[str, int] | None:
        """Return how often each value came, None unless they are few and all words."""
        return None if self.values is None or not all(map(WORD.fullmatch, self.values)) else self.values

    def absorb(self, other: StringShape) -> None:
        self.count += other.count
        self.formats &= other.formats
        if other.prefix is not None:
            self.prefix = other.prefix if self.prefix in (None, other.prefix) else NO_PREFIX
        if self.values is not None:
            if other.values is None:
                self.values = None
            else:
                for text, count in other.values.items():
                    self.values[text] = self.values.get(text, 0) + count
                if len(self.values) > MAX_VALUES:
                    self.values = None

    def state(self) -> list[object]:
        values = None if self.values is None else ordered(self.values)
        return [self.count, sorted(self.formats), self.prefix, values]

    @classmethod
    def from_state(cls, state: object) -> StringShape:
        shape = cls()
        seen, formats, prefix, values = sequence(state, lambda part: part)
        shape.count = count(seen)
        shape.formats = ALL_FORMATS & texts(formats)
        shape.prefix = optional(prefix, text)
        shape.values = optional(values, lambda part: mapping(part, count))
        return shape

    def key(self) -> tuple[object, ...]:
        values = None if self.values is None else frozenset(self.values.items())
        return (self.count, self.formats, self.prefix, values)
