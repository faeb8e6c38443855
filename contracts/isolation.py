"""Private identifiers: values that one connection's server events carried and no other connection ever saw.

Several users are at work at once, and none may see another's events. A name such as ``run_id`` is **private** when,
in every recording, none of its values came from the server on two connections, though several connections had some. A
value that the client of a connection itself sent, in a message or in the target of its handshake, is no secret to it:
a client that resumes a thread, or joins a room, asked for what it gets. When it names what a connection that is over
had, it has come back for that work: what came with it there, such as the run's tool calls, is no secret to it either.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, cast
from urllib.parse import unquote

from ..cassettes import Direction, Opened
from .event import Event
from .json_text import JsonObject, Pointer
from .scopes import identifiers, is_made, scope_name
from .state import count, mapping, sequence, texts

MIN_LENGTH = 6
"""Characters; shorter values meet by chance."""
MAX_VALUES = 200_000
"""Values of a recording that are watched; beyond that, new ones are left out."""
MAX_BESIDE = 4
"""Identifiers that are remembered beside one."""

_TOKEN = re.compile(r"[^\s/?&=;,#]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Privacy:
    """A claim: the values under this name are private to a connection."""

    name: str  # as a scope is named: "run_id"
    values: int | None  # different values seen; None: written by a person
    connections: int  # connections that had some
    pinned: bool = False


class Sighting(NamedTuple):
    """An identifier in an event that the server sent."""

    name: str
    value: str
    path: Pointer
    owner: int  # the connection that it belongs to: the one that had it first
    new: bool  # it had never come before
    asked: bool  # the client of the event's connection had named it, or the work that it is a part of


class Owners:
    """Which connection had a value first. One recording; values are told apart by name."""

    def __init__(self) -> None:
        self._owners: dict[tuple[str, str], int] = {}
        self._asked: set[tuple[int, str]] = set()
        self._beside: dict[tuple[str, str], tuple[str, ...]] = {}  # the other identifiers of the event that it came in
        self._over: set[int] = set()

    def closed(self, connection: int) -> None:
        """Take note that a connection is over: work that it leaves may be taken up on another one."""
        self._over.add(connection)

    def opened(self, record: Opened) -> None:
        """Take what the client names in its request target."""
        for token in _TOKEN.findall(record.handshake.target):
            self._asked.add((record.connection, unquote(token)))

    def event(
        self,
        event: Event,
        names: Collection[str] | None = None,
        found: Iterable[tuple[Pointer, object]] | None = None,
    ) -> Iterator[Sighting]:
        """Take an event; yield each identifier that the server sent.

        Only the ``names`` are looked at, if given; ``found`` are the event's `identifiers`, where they are known.
        """
        if not isinstance(event.payload, dict):
            return
        made: list[tuple[Pointer, str]] = []
        for path, value in identifiers(cast("JsonObject", event.payload)) if found is None else found:
            if not isinstance(value, str) or len(value) < MIN_LENGTH:
                continue
            if event.direction is Direction.SERVER:
                if scope_name(path) in names if names is not None else is_made(path, value):
                    made.append((path, value))
            elif len(self._asked) < MAX_VALUES:
                self._asked.add((event.connection, value))
        for path, value in made:
            key = (scope_name(path), value)
            new = key not in self._owners
            if new:
                if len(self._owners) >= MAX_VALUES:
                    continue
                self._beside[key] = tuple(other for _, other in made if other != value)[:MAX_BESIDE]
            owner = self._owners.setdefault(key, event.connection)
            yield Sighting(*key, path, owner, new, self._is_asked(event.connection, key, owner))

    def _is_asked(self, connection: int, key: tuple[str, str], owner: int) -> bool:
        if (connection, key[1]) in self._asked:
            return True
        return owner in self._over and any((connection, other) in self._asked for other in self._beside[key])

    def give(self, name: str, value: str, connection: int) -> None:
        """Let a value be another connection's, as it turned out."""
        self._owners[name, value] = connection


class PrivacyFinder:
    """Learns which names are private. Sums over recordings, so that their order does not matter."""

    def __init__(self) -> None:
        self._owners = Owners()
        self._values: dict[str, dict[int, set[str]]] = {}  # of this recording: name -> connection -> values
        self._crossed: set[str] = set()
        self._totals: dict[str, tuple[int, int]] = {}  # name -> values, connections, of recordings with several

    def opened(self, record: Opened) -> None:
        """Take a handshake."""
        self._owners.opened(record)

    def closed(self, connection: int) -> None:
        """Take note that a connection is over."""
        self._owners.closed(connection)

    def add(self, event: Event, found: Iterable[tuple[Pointer, object]] | None = None) -> None:
        """Take an event; ``found`` are its `identifiers`, where they are known."""
        for one in self._owners.event(event, found=found):
            if one.owner != event.connection and not one.asked:
                self._crossed.add(one.name)
            self._values.setdefault(one.name, {}).setdefault(event.connection, set()).add(one.value)

    def end(self) -> None:
        """The recording is over: the next one has connections of its own."""
        for name, connections in self._values.items():
            if len(connections) >= 2:  # one connection alone cannot show that nothing crosses
                values, many = self._totals.get(name, (0, 0))
                own = sum(len(found) for found in connections.values())
                self._totals[name] = (values + own, many + len(connections))
        self._owners = Owners()
        self._values = {}

    @property
    def crossed(self) -> frozenset[str]:
        """The names of which a value crossed connections."""
        return frozenset(self._crossed)

    def merge(self, other: PrivacyFinder) -> None:
        """Take into account the recordings that another one has seen to their end."""
        self._crossed |= other._crossed
        for name, (values, many) in other._totals.items():
            own_values, own_many = self._totals.get(name, (0, 0))
            self._totals[name] = (own_values + values, own_many + many)

    def state(self) -> dict[str, object]:
        """Return all of it as plain data; equal content gives equal data."""
        return {"crossed": sorted(self._crossed), "totals": {n: list(self._totals[n]) for n in sorted(self._totals)}}

    @classmethod
    def from_state(cls, state: object) -> PrivacyFinder:
        """Return the finder that `state` described. Raises ValueError for other data."""
        parts = mapping(state, lambda part: part)
        finder = cls()
        finder._crossed = texts(parts.get("crossed"))
        for name, pair in mapping(parts.get("totals"), lambda counts: sequence(counts, count)).items():
            values, connections = pair
            finder._totals[name] = (values, connections)
        return finder

    def claims(self) -> tuple[Privacy, ...]:
        """Return what is private, by name."""
        return tuple(
            Privacy(name=name, values=values, connections=connections)
            for name, (values, connections) in sorted(self._totals.items())
            if name not in self._crossed
        )
