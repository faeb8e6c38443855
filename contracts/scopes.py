"""Which identifiers make events belong together, found from the traffic.

Every string under a key that promises an identifier ("run_id"), every string that looks like one ("call_7f3a"), and
every integer under such a key is watched. A key is a scope when its values join at least two events of a
connection, most of them do, and some connection has several of them. A message's own id joins nothing, a user's id
is one for the whole connection, a chunk's number joins only events of one label: none of these is a scope.

A scope is named after the key ("tool_call_id"), so that it is the same wherever the key stands; a bare "id" inside an
object is named with that object's key ("tool.id").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from .event import CONNECTION, Event, ScopeKey
from .formats import is_id_key, looks_like_id
from .json_text import JsonObject, Pointer, join_pointer, resolve, split_pointer

MAX_DEPTH = 4
MAX_LENGTH = 256
MAX_OPEN_VALUES = 20_000
"""Values of one key that are watched at once on one connection; the oldest is judged as it stands beyond that."""

_BARE = frozenset({"id", "ID", "Id", "uuid", "guid", "ref"})
_Place = tuple[str, Pointer]  # symbol, keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """An identifier that joins events, and where it stands in each."""

    name: str
    paths: Mapping[str, tuple[str, ...]]  # symbol -> JSON pointers, the first that holds a value counts
    instances: int = 0
    events: int = 0


class ScopeReader:
    """Reads the scope keys of events."""

    def __init__(self, scopes: Sequence[Scope]) -> None:
        self._places: dict[str, list[tuple[str, tuple[Pointer, ...]]]] = {}
        for scope in scopes:
            for symbol, pointers in scope.paths.items():
                places = tuple(split_pointer(pointer) for pointer in pointers)
                self._places.setdefault(symbol, []).append((scope.name, places))

    def keys(self, event: Event) -> tuple[ScopeKey, ...]:
        """Return the scopes of an event in the order in which they were given, then the connection's."""
        found: list[ScopeKey] = []
        for name, places in self._places.get(event.symbol, ()):
            for keys in places:
                value = identifier(resolve(event.payload, keys))
                if value is not None:
                    found.append(ScopeKey(name=name, connection=event.connection, value=value))
                    break
        found.append(ScopeKey(name=CONNECTION, connection=event.connection, value=""))
        return tuple(found)


def identifier(value: object) -> str | None:
    """Return an identifier's value as text, or None when it is none: only strings and integers are."""
    if isinstance(value, str):
        return value if 0 < len(value) <= MAX_LENGTH else None
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 256:
        return str(value)
    return None


@dataclass(slots=True)
class _Watched:
    """One value on one connection."""

    events: int = 0
    symbols: set[str] = field(default_factory=set[str])
    places: dict[_Place, int] = field(default_factory=dict[_Place, int])
    integer: bool = False


@dataclass(slots=True)
class _Tally:
    """What a key's values did, over all connections."""

    instances: int = 0
    joined: int = 0  # instances with two events or more
    mixed: int = 0  # joined instances with events of two symbols or more
    events: int = 0  # in joined instances
    most: int = 0  # joined instances on one connection
    integers: int = 0
    places: dict[_Place, list[int]] = field(default_factory=dict[_Place, list[int]])  # values, joined values


class ScopeFinder:
    """Watches the identifiers in events; memory is bounded by what is open, and small once a connection has ended."""

    def __init__(self) -> None:
        self._open: dict[int, dict[str, dict[str, _Watched]]] = {}  # connection -> name -> value
        self._joined: dict[int, dict[str, int]] = {}
        self._tallies: dict[str, _Tally] = {}
        self._symbols: dict[str, int] = {}

    def add(self, event: Event, own: Sequence[tuple[str, str]] = ()) -> None:
        """Take an event; ``own`` are the envelope's own identifiers, which are not looked for elsewhere."""
        symbol = event.symbol
        self._symbols[symbol] = self._symbols.get(symbol, 0) + 1
        if not isinstance(event.payload, dict):
            return
        payload = cast("JsonObject", event.payload)
        names = self._open.setdefault(event.connection, {})
        own_places = {split_pointer(pointer): name for name, pointer in own}
        met: set[tuple[str, str]] = set()
        for keys, value in identifiers(payload):
            text = identifier(value)
            if text is None:
                continue
            name = own_places.get(keys) or scope_name(keys)
            values = names.setdefault(name, {})
            watched = values.get(text)
            if watched is None:
                if len(values) >= MAX_OPEN_VALUES:
                    oldest = next(iter(values))
                    self._judge(event.connection, name, values.pop(oldest))
                watched = values[text] = _Watched(integer=isinstance(value, int))
            if (name, text) not in met:
                met.add((name, text))
                watched.events += 1
            watched.symbols.add(symbol)
            place = (symbol, keys)
            watched.places[place] = watched.places.get(place, 0) + 1

    def close(self, connection: int) -> None:
        """Judge the values of a connection that has ended."""
        for name, values in self._open.pop(connection, {}).items():
            for watched in values.values():
                self._judge(connection, name, watched)
        for name, joined in self._joined.pop(connection, {}).items():
            tally = self._tallies[name]
            tally.most = max(tally.most, joined)

    def _judge(self, connection: int, name: str, watched: _Watched) -> None:
        tally = self._tallies.setdefault(name, _Tally())
        tally.instances += 1
        tally.integers += watched.integer
        joined = watched.events >= 2
        if joined:
            tally.joined += 1
            tally.mixed += len(watched.symbols) >= 2
            tally.events += watched.events
            per_name = self._joined.setdefault(connection, {})
            per_name[name] = per_name.get(name, 0) + 1
        for place, count in watched.places.items():
            sums = tally.places.setdefault(place, [0, 0])
            sums[0] += count
            sums[1] += count if joined else 0

    def scopes(self) -> tuple[Scope, ...]:
        """Judge what is still open and return the scopes, finest first: fewest events an instance."""
        for connection in list(self._open):
            self.close(connection)
        found: list[Scope] = []
        for name, tally in self._tallies.items():
            if not self._is_scope(tally):
                continue
            by_symbol: dict[str, list[tuple[float, Pointer]]] = {}
            for (symbol, keys), (values, joined) in tally.places.items():
                if joined:
                    by_symbol.setdefault(symbol, []).append((-joined / values, keys))
            paths = {
                symbol: tuple(
                    join_pointer(keys) for _, keys in sorted(places, key=lambda pair: (pair[0], len(pair[1]), pair[1]))
                )
                for symbol, places in sorted(by_symbol.items())
            }
            found.append(Scope(name=name, paths=paths, instances=tally.joined, events=tally.events))
        return tuple(sorted(found, key=lambda scope: (scope.events / scope.instances, scope.name)))

    @staticmethod
    def _is_scope(tally: _Tally) -> bool:
        return tally.most >= 2 and tally.joined * 2 >= tally.instances and tally.mixed * 2 >= tally.joined

    def covers(self, scope: Scope, symbol: str) -> bool:
        """Tell whether every event of a symbol carried the scope's identifier, so far as was seen."""
        tally = self._tallies.get(scope.name)
        if tally is None or symbol not in scope.paths:
            return False
        most = max((sums[0] for (name, _), sums in tally.places.items() if name == symbol), default=0)
        return most >= self._symbols.get(symbol, 0)


def scope_name(keys: Pointer) -> str:
    """Return the name of the scope of an identifier at a place: its last key, a bare "id" with its object's key."""
    *around, key = keys
    return f"{around[-1]}.{key}" if key in _BARE and around else key


def identifiers(value: JsonObject, before: Pointer = ()) -> Iterator[tuple[Pointer, object]]:
    """Yield the place and value of everything in a payload that promises or looks like an identifier."""
    for key, item in value.items():
        keys = (*before, key)
        if isinstance(item, dict):
            if len(keys) < MAX_DEPTH:
                yield from identifiers(cast("JsonObject", item), keys)
        elif isinstance(item, str):
            if (is_id_key(key) or looks_like_id(item)) and item:
                yield keys, item
        elif isinstance(item, int) and not isinstance(item, bool) and is_id_key(key):
            yield keys, item
