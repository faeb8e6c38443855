"""Values that a server makes up on each run, made up anew: identifiers and times. The caller gives chance and clock."""

from __future__ import annotations

import random
import re
import string
import uuid
from datetime import UTC, datetime

from ...cassettes import PLACEHOLDER
from ..issued import UUID
from ..naming import names_identifier

_MADE_UP = re.compile(r"(?P<prefix>(?:[A-Za-z][A-Za-z0-9]{0,15}[_-])*)(?P<rest>[0-9A-Za-z]{6,})")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
_YEAR = 366 * 86_400
_UNITS = (1, 1_000, 1_000_000, 1_000_000_000)
"""Ticks in a second of the clocks that services count from 1970 by."""


class FreshIdentifiers:
    """Gives a new identifier of the same form: the prefix stays, digits stay digits."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def fresh(self, value: object, key: str) -> object:
        """Return a new identifier for text that looks like one: a UUID anywhere, another under a telling name."""
        if not isinstance(value, str) or PLACEHOLDER.search(value):
            return value
        if UUID.fullmatch(value):
            new = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
            return new.upper() if value.isupper() else new
        found = _MADE_UP.fullmatch(value) if names_identifier(key) else None
        if found is None or not any(character.isdigit() for character in found["rest"]):
            return value
        hexadecimal = all(character in string.hexdigits for character in found["rest"])
        return found["prefix"] + "".join(self._character(old, hexadecimal) for old in found["rest"])

    def _character(self, old: str, hexadecimal: bool) -> str:
        if old.isdigit():
            return self._chance.choice(string.digits)
        letters = "abcdef" if hexadecimal else string.ascii_lowercase
        new = self._chance.choice(letters)
        return new.upper() if old.isupper() else new


class ShiftedTimes:
    """Moves times that lie about the recording's own to now, in the form in which they were written."""

    def __init__(self, recorded: datetime, now: datetime) -> None:
        self._recorded = recorded
        self._shift = now - recorded

    def fresh(self, value: object, key: str) -> object:
        """Return a time as far from now as the value is from the recording; other values as they are."""
        if isinstance(value, str):
            found = _TIME.fullmatch(value)
            return value if found is None else self._text(found)
        if isinstance(value, int) and not isinstance(value, bool):
            for unit in _UNITS:
                if abs(value / unit - self._recorded.timestamp()) < _YEAR:
                    return value + int(self._shift.total_seconds() * unit)
        return value

    def _text(self, found: re.Match[str]) -> str:
        clock, fraction, zone = found.groups()
        separator = clock[10]
        try:
            moment = datetime.fromisoformat(clock).replace(tzinfo=UTC) + self._shift
        except (ValueError, OverflowError):  # no such day, or out of the calendar
            return found[0]
        return f"{moment:%Y-%m-%d}{separator}{moment:%H:%M:%S}{fraction or ''}{zone or ''}"


class Together:
    """Several kinds of freshness at once; the first that changes a value counts."""

    def __init__(self, *kinds: FreshIdentifiers | ShiftedTimes) -> None:
        self._kinds = kinds

    def fresh(self, value: object, key: str) -> object:
        """Return the first new value, or the same one."""
        return next((new for kind in self._kinds if (new := kind.fresh(value, key)) != value), value)


def freshness(*, identifiers: bool, seed: int | None, recorded: str, now: datetime | None) -> Together | None:
    """Return what the options ask for, None when they ask for nothing.

    ``recorded`` is the cassette's time in ISO 8601; ``now`` moves times to it. A ``seed`` makes identifiers repeatable.
    """
    kinds: list[FreshIdentifiers | ShiftedTimes] = []
    if identifiers:
        kinds.append(FreshIdentifiers(random.Random(seed)))
    if now is not None:
        try:
            created = datetime.fromisoformat(recorded)
        except ValueError:
            created = now
        if created.tzinfo is None:
            created = created.replace(tzinfo=UTC)
        kinds.append(ShiftedTimes(created, now))
    return Together(*kinds) if kinds else None
