"""Whether a value looks like one that a service made up, by its form and by the names that it stands under.

Numbers meet by chance, and both sides know counts, prices, versions and codes of operations. A number is taken for
issued by how much stands behind it: names that identify, its length, that the client sends nothing else in its place,
and that it is another one each time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Set as AbstractSet
from enum import IntEnum
from functools import lru_cache

from ..cassettes import PLACEHOLDER
from .leaves import Path, is_scalar
from .naming import names_identifier, names_time, words

Place = tuple[str, Path]
"""Where a client says something: symbol and path, with 0 for every index of a list."""

UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""The form of a UUID, of any version (RFC 9562)."""
_LONG = 100_000
"""A number with as many significant digits as this one is no small number."""

_SHORT_NAMES = re.compile(r"[acd-z]id|sub|subscription|chan|channel|account|user|room")
_KNOWN_TO_BOTH = frozenset({"version", "code"})  # they identify as texts, as numbers they are agreed upon
_MEASURES = re.compile(
    "price|px|bid|ask|amount|amt|qty|quantity|volume|value|balance|budget|weight|size|total|count|num|n|limit|max|min|"
    "bytes|length|len|width|height|rows|lines|offset|seq|sequence|position|index|page|version|op|opcode|status|port|"
    "score|rate|tokens|level|flags|mask|permissions|color"
)


class Doubt(IntEnum):
    """What must be so for a number to be bound."""

    NONE = 0
    UNLESS_CONTRADICTED = 1  # the client sends nothing there that the server had not issued
    UNLESS_LONE = 2  # that, and it sends several numbers there, in one recording or in several


@lru_cache(maxsize=4096)
def _identifies_number(name: str) -> bool:
    last = words(name)[-1:]
    return bool(last) and (
        (names_identifier(name) and last[0] not in _KNOWN_TO_BOTH) or bool(_SHORT_NAMES.fullmatch(last[0]))
    )


@lru_cache(maxsize=4096)
def _measures(name: str) -> bool:
    return names_time(name) or any(map(_MEASURES.fullmatch, words(name)))


def is_long(number: int) -> bool:
    """Tell whether a number is too long to be on both sides by chance: not a round one, and not by powers of two."""
    number = abs(number)
    if number < _LONG or number & (number - 1) == 0 or number & (number + 1) == 0:
        return False
    while number % 10 == 0:
        number //= 10
    return number >= _LONG


def may_be_issued(number: int, name: str) -> bool:
    """Tell whether a number that the server says under a name is worth remembering."""
    return _identifies_number(name) or (is_long(number) and not _measures(name))


def number_doubt(number: int, issued: str, said: str) -> Doubt | None:
    """Say what more must be so for a number, issued under one name and said under another, to be bound.

    None: it is not to be bound.
    """
    identify = _identifies_number(issued) and _identifies_number(said)
    if issued != said:
        return Doubt.NONE if identify and is_long(number) else None
    if not identify:
        return Doubt.UNLESS_CONTRADICTED if is_long(number) and not _measures(said) else None
    if is_long(number):
        return Doubt.NONE
    if not names_identifier(said):
        return Doubt.UNLESS_LONE
    # Both sides may number their own messages so.
    return Doubt.UNLESS_CONTRADICTED if words(said) == ["id"] else Doubt.NONE


def looks_issued(value: object, *keys: str) -> bool:
    """Tell whether a value looks like one that a service made up, standing under these property names.

    Text does when it is long and has no blanks, has letters and digits and eight characters, or stands under an
    identifying name. For whole numbers, `number_doubt` says what more is needed.
    """
    if not is_scalar(value):
        return False
    if isinstance(value, int):
        return number_doubt(value, keys[0], keys[-1]) is not None
    if not value or len(value) > 4096 or any(character.isspace() for character in value):
        return False
    if PLACEHOLDER.fullmatch(value) or len(value) >= 20:
        return True
    if len(value) >= 8 and any(c.isdigit() for c in value) and any(c.isalpha() for c in value):
        return True
    return len(value) >= 2 and any(names_identifier(key) for key in keys)


class NumberClaims:
    """What the client's places showed of the numbers that it sends there."""

    def __init__(self, agreed: AbstractSet[Place] = frozenset()) -> None:
        """At the ``agreed`` places several recordings show another number each."""
        self._agreed = agreed
        self._own: set[Place] = set()
        self._issued: dict[Place, set[int]] = defaultdict(set)
        self._alone: set[Place] = set()

    def own(self, place: Place) -> None:
        """Note a number that the server had not issued."""
        self._own.add(place)

    def issued(self, place: Place, number: int, doubt: Doubt) -> None:
        """Note a number that the server had issued."""
        if doubt is Doubt.UNLESS_LONE:
            self._alone.add(place)
        if len(self._issued[place]) < 2:
            self._issued[place].add(number)

    def hold(self, place: Place, doubt: Doubt) -> bool:
        """Tell whether nothing that was seen at a place speaks against binding its numbers."""
        if doubt is Doubt.NONE:
            return True
        several = len(self._issued[place]) > 1 or place in self._agreed
        return place not in self._own and (several or doubt is not Doubt.UNLESS_LONE)

    def lone(self) -> dict[Place, int]:
        """Return the places whose number would be bound if it were not the only one, and the number."""
        return {
            place: next(iter(self._issued[place]))
            for place in sorted(self._alone - self._own, key=str)
            if len(self._issued[place]) == 1
        }


def place_of(symbol: str, path: Path) -> Place:
    """Return the place of a client's value."""
    return symbol, tuple(0 if isinstance(step, int) else step for step in path)
