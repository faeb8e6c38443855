"""Which identifiers make events belong together, found from the traffic.

Every string under a key that promises an identifier ("run_id"), every string that looks like one ("call_7f3a"), and
every integer under such a key is watched. A key is a scope when its values join at least two events of a
connection, most of them do, and some connection has several of them. A message's own id joins nothing, a user's id
is one for the whole connection, a chunk's number joins only events of one label: none of these is a scope.

A word under a key that names what clients subscribe to ("symbol", "room") is watched as well. That is a scope when
clients ask for its values before anything comes under them, which tells it from a word of the service's own ("final").

A scope is named after the key ("tool_call_id"), so that it is the same wherever the key stands; a bare "id" inside an
object is named with that object's key ("tool.id").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from ..cassettes import Direction
from .event import CONNECTION, Event, ScopeKey, side
from .formats import is_data_key, is_id_key, looks_like_id, names_work
from .json_text import JsonObject, Pointer, join_pointer, resolve, split_pointer
from .state import count, counter, mapping, ordered, sequence, text
from .statistics import ScopeStatistics, Trace

MAX_DEPTH = 4
MAX_LENGTH = 256
MAX_OPEN_VALUES = 20_000
"""Values of one key that are watched at once on one connection; beyond that, the one that came last
the longest time ago is judged as it stands."""
MAX_NAME = 64
"""Characters of a name such as "BTCUSDT"; longer texts are none."""
MAX_NAMES = 48
"""Names of identifiers that are remembered."""

_BARE = frozenset({"id", "ID", "Id", "uuid", "guid", "ref"})
_Place = tuple[str, Pointer]  # symbol, keys
_NO_NAMES: Mapping[Pointer, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """An identifier that joins events, and where it stands in each."""

    name: str
    paths: Mapping[str, tuple[str, ...]]  # symbol -> JSON pointers, the first that holds a value counts
    instances: int = 0
    events: int = 0


class ScopeReader:
    """Reads the scope keys of events.

    In a scope that was learned, under a key that does not promise an identifier only what looks like one counts, as
    it did when the scope was learned; one that a person wrote (without ``instances``) takes what stands there.
    """

    def __init__(self, scopes: Sequence[Scope]) -> None:
        self._places: dict[str, list[tuple[str, tuple[tuple[Pointer, bool], ...]]]] = {}
        for scope in scopes:
            for symbol, pointers in scope.paths.items():
                places = tuple(
                    (keys, not scope.instances or not keys or is_id_key(keys[-1]) or names_work(keys[-1]))
                    for keys in map(split_pointer, pointers)
                )
                self._places.setdefault(symbol, []).append((scope.name, places))

    def keys(self, event: Event) -> tuple[ScopeKey, ...]:
        """Return the scopes of an event in the order in which they were given, then the connection's."""
        found: list[ScopeKey] = []
        for name, places in self._places.get(event.symbol, ()):
            for keys, any_value in places:
                item = resolve(event.payload, keys)
                value = identifier(item)
                if value is not None and (any_value or (isinstance(item, str) and looks_like_id(item))):
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


class _Watched:
    """One value on one connection: what joined it, and the order in which it came."""

    __slots__ = ("asked", "events", "mixed", "place", "places", "symbol", "trace")

    def __init__(self, place: _Place, *, traced: bool) -> None:
        self.place = place
        self.asked = side(place[0]) is Direction.CLIENT
        self.events = 1
        self.mixed = False
        self.places: dict[_Place, int] | None = None  # None: `place` as often as there are events
        # The first event of a trace, which is only built when a second one comes: most identifiers join nothing.
        self.symbol: str | None = place[0] if traced else None
        self.trace: Trace | None = None

    def add(self, place: _Place, *, traced: bool) -> None:
        self.events += 1
        if place != self.place or self.places is not None:
            if self.places is None:
                self.places = {self.place: self.events - 1}
            self.places[place] = self.places.get(place, 0) + 1
            self.mixed = self.mixed or place[0] != self.place[0]
        if traced and self.symbol is not None:
            if self.trace is None:
                self.trace = Trace()
                self.trace.add(self.symbol)
            self.trace.add(place[0])


class _Tally:
    """What a name's values did, over all connections."""

    def __init__(self) -> None:
        self.instances = 0
        self.joined = 0  # instances with two events or more
        self.mixed = 0  # joined instances with events of two symbols or more
        self.asked = 0  # joined instances that a client began
        self.events = 0  # in joined instances
        self.most = 0  # joined instances on one connection
        self.places: dict[_Place, list[int]] = {}  # values, joined values
        self.statistics = ScopeStatistics()  # of traces of two events or more
        self.singles: dict[tuple[str, bool], int] = {}  # traces of one event: symbol, whether complete

    def merge(self, other: _Tally) -> None:
        self.instances += other.instances
        self.joined += other.joined
        self.mixed += other.mixed
        self.asked += other.asked
        self.events += other.events
        self.most = max(self.most, other.most)
        for place, (values, joined) in other.places.items():
            sums = self.places.setdefault(place, [0, 0])
            sums[0] += values
            sums[1] += joined
        self.statistics.merge(other.statistics)
        for single, times in other.singles.items():
            self.singles[single] = self.singles.get(single, 0) + times

    def joined_symbols(self) -> set[str]:
        return {symbol for (symbol, _), (_, joined) in self.places.items() if joined}

    def state(self) -> list[object]:
        return [
            [self.instances, self.joined, self.mixed, self.events, self.most, self.asked],
            [[symbol, join_pointer(keys), *sums] for (symbol, keys), sums in sorted(self.places.items())],
            [[symbol, int(complete), times] for (symbol, complete), times in sorted(self.singles.items())],
            self.statistics.state(),
        ]

    @classmethod
    def from_state(cls, state: object) -> _Tally:
        counts, places, singles, statistics = sequence(state, lambda part: part)
        tally = cls()
        tally.instances, tally.joined, tally.mixed, tally.events, tally.most, *asked = sequence(counts, count)
        tally.asked = asked[0] if asked else 0  # older states do not have it
        for place in sequence(places, lambda part: sequence(part, lambda item: item)):
            symbol, pointer, *sums = place
            values, joined = map(count, sums)
            tally.places[text(symbol), split_pointer(text(pointer))] = [values, joined]
        for single in sequence(singles, lambda part: sequence(part, lambda item: item)):
            symbol, complete, times = single
            tally.singles[text(symbol), bool(count(complete))] = count(times)
        tally.statistics = ScopeStatistics.from_state(mapping(statistics, lambda value: value))
        return tally


class ScopeFinder:
    """Watches the identifiers in events and traces what each joins.

    A monoid once its connections are closed: `merge` is associative and commutative. Memory is bounded by what is
    open, and small once a connection has ended. An event counts for one value of a name: the one that stands
    highest, of two equally high ones the one whose pointer sorts first.
    """

    def __init__(self) -> None:
        self._open: dict[int, dict[str, dict[str, _Watched]]] = {}  # connection -> name -> value
        self._traces: dict[int, Trace] = {}  # connection -> all its events
        self._lost: set[int] = set()
        self._joined: dict[int, dict[str, int]] = {}
        self._tallies: dict[str, _Tally] = {}
        self._symbols: Counter[str] = Counter()
        self._connection = ScopeStatistics()

    def add(
        self,
        event: Event,
        own: Mapping[Pointer, str] = _NO_NAMES,
        found: Iterable[tuple[Pointer, object]] | None = None,
    ) -> None:
        """Take an event; ``own`` names the envelope's own identifiers by place, ``found`` are its `identifiers`."""
        symbol, connection = event.symbol, event.connection
        self._symbols[symbol] += 1
        traced = connection not in self._lost
        if traced:
            trace = self._traces.get(connection)
            if trace is None:
                trace = self._traces[connection] = Trace()
            trace.add(symbol)
        if not isinstance(event.payload, dict):
            return
        names = self._open.setdefault(connection, {})
        if found is None:
            found = identifiers(cast("JsonObject", event.payload))
        for name, (keys, value) in _by_name(found, own).items():
            values = names.setdefault(name, {})
            watched = values.pop(value, None)
            if watched is not None:
                watched.add((symbol, keys), traced=traced)
                values[value] = watched  # the last one now
                continue
            if len(values) >= MAX_OPEN_VALUES:
                self._judge(connection, name, values.pop(next(iter(values))), complete=False)
            values[value] = _Watched((symbol, keys), traced=traced)

    def lose(self, connection: int) -> None:
        """Trace a connection no further: what was lost must not pass for what never came."""
        if connection in self._lost:
            return
        self._lost.add(connection)
        self._connection.fold(self._traces.pop(connection, Trace()), complete=False)
        for name, values in self._open.get(connection, {}).items():
            for watched in values.values():
                self._fold(self._tally(name), watched, complete=False)
                watched.symbol = watched.trace = None

    def close(self, connection: int, *, complete: bool = False) -> None:
        """Judge the values of a connection that has ended; unless ``complete``, more could have come."""
        self._lost.discard(connection)
        self._connection.fold(self._traces.pop(connection, Trace()), complete=complete)
        for name, values in self._open.pop(connection, {}).items():
            for watched in values.values():
                self._judge(connection, name, watched, complete=complete)
        for name, joined in self._joined.pop(connection, {}).items():
            tally = self._tally(name)
            tally.most = max(tally.most, joined)

    def close_all(self) -> None:
        """The recording is over: judge what is still open as it stands."""
        for connection in {*self._open, *self._traces}:
            self.close(connection)
        self._lost.clear()

    def _tally(self, name: str) -> _Tally:
        tally = self._tallies.get(name)
        if tally is None:
            tally = self._tallies[name] = _Tally()
        return tally

    def _judge(self, connection: int, name: str, watched: _Watched, *, complete: bool) -> None:
        tally = self._tally(name)
        tally.instances += 1
        joined = watched.events >= 2
        if joined:
            tally.joined += 1
            tally.mixed += watched.mixed
            tally.asked += watched.asked
            tally.events += watched.events
            per_name = self._joined.setdefault(connection, {})
            per_name[name] = per_name.get(name, 0) + 1
        for place, times in (watched.places or {watched.place: watched.events}).items():
            sums = tally.places.setdefault(place, [0, 0])
            sums[0] += times
            sums[1] += times if joined else 0
        self._fold(tally, watched, complete=complete)

    @staticmethod
    def _fold(tally: _Tally, watched: _Watched, *, complete: bool) -> None:
        if watched.trace is not None:
            tally.statistics.fold(watched.trace, complete=complete)
        elif watched.symbol is not None:
            single = (watched.symbol, complete)
            tally.singles[single] = tally.singles.get(single, 0) + 1

    def merge(self, other: ScopeFinder) -> None:
        """Take into account all that another one has seen on connections that are closed."""
        self._symbols.update(other._symbols)
        self._connection.merge(other._connection)
        for name, tally in other._tallies.items():
            self._tally(name).merge(tally)
        self._bound()

    def _bound(self) -> None:
        # The names that stay depend on no count, so that it does not matter when the others are dropped.
        if len(self._tallies) > MAX_NAMES:
            kept = sorted(self._tallies, key=_promise)[:MAX_NAMES]
            self._tallies = {name: self._tallies[name] for name in kept}

    def state(self) -> dict[str, object]:
        """Return all of it as plain data; equal content gives equal data. Nothing may be open."""
        self._bound()
        return {
            "symbols": ordered(self._symbols),
            "connection": self._connection.state(),
            "names": {name: tally.state() for name, tally in sorted(self._tallies.items())},
        }

    @classmethod
    def from_state(cls, state: object) -> ScopeFinder:
        """Return the finder that `state` described. Raises ValueError for other data."""
        parts = mapping(state, lambda part: part)
        finder = cls()
        finder._symbols = counter(parts.get("symbols"))
        finder._connection = ScopeStatistics.from_state(mapping(parts.get("connection"), lambda value: value))
        finder._tallies = mapping(parts.get("names"), _Tally.from_state)
        return finder

    def scopes(self) -> tuple[Scope, ...]:
        """Judge what is still open and return the scopes, finest first: fewest events an instance."""
        self.close_all()
        self._bound()
        found: list[Scope] = []
        for name, tally in self._tallies.items():
            if not self._is_scope(tally) or (names_work(name) and not self._is_asked_for(tally)):
                continue
            joined = tally.joined_symbols()
            by_symbol: dict[str, list[Pointer]] = {}
            for symbol, keys in tally.places:
                if symbol in joined:
                    by_symbol.setdefault(symbol, []).append(keys)
            paths = {
                symbol: tuple(join_pointer(keys) for keys in sorted(places, key=_height))
                for symbol, places in sorted(by_symbol.items())
            }
            found.append(Scope(name=name, paths=paths, instances=tally.joined, events=tally.events))
        return tuple(sorted(found, key=lambda scope: (scope.events / scope.instances, scope.name)))

    @staticmethod
    def _is_scope(tally: _Tally) -> bool:
        return tally.most >= 2 and tally.joined * 2 >= tally.instances and tally.mixed * 2 >= tally.joined

    @staticmethod
    def _is_asked_for(tally: _Tally) -> bool:
        return tally.asked == tally.joined

    def covers(self, scope: Scope, symbol: str) -> bool:
        """Tell whether every event of a symbol carried the scope's identifier, so far as was seen."""
        tally = self._tallies.get(scope.name)
        if tally is None or symbol not in scope.paths:
            return False
        return sum(sums[0] for (name, _), sums in tally.places.items() if name == symbol) >= self._symbols[symbol]

    def statistics(self, scope: Scope | None) -> ScopeStatistics:
        """Return what the traces of a scope showed; of connections for None."""
        whole = ScopeStatistics()
        tally = None if scope is None else self._tallies[scope.name]
        whole.merge(self._connection if tally is None else tally.statistics)
        for (symbol, complete), times in () if tally is None else sorted(tally.singles.items()):
            # An event whose identifier never joined it with another is no event of the scope.
            if scope is not None and symbol in scope.paths:
                trace = Trace()
                trace.add(symbol)
                whole.fold(trace, complete=complete, times=times)
        # Read back from plain data: in one order, whatever the order in which the events came.
        return ScopeStatistics.from_state(whole.state())


def _by_name(found: Iterable[tuple[Pointer, object]], own: Mapping[Pointer, str]) -> dict[str, tuple[Pointer, str]]:
    named: dict[str, tuple[Pointer, str]] = {}
    for keys, item in found:
        value = identifier(item)
        if value is None:
            continue
        name = own.get(keys) or scope_name(keys)
        known = named.get(name)
        if known is None or _height(keys) < _height(known[0]):
            named[name] = (keys, value)
    return named


def _height(keys: Pointer) -> tuple[int, Pointer]:
    return (len(keys), keys)


def _promise(name: str) -> tuple[bool, int, str]:
    return ("." in name or is_data_key(name), len(name), name)


def scope_name(keys: Pointer) -> str:
    """Return the name of the scope of an identifier at a place: its last key, a bare "id" with its object's key."""
    *around, key = keys
    return f"{around[-1]}.{key}" if key in _BARE and around else key


def is_made(keys: Pointer, value: object) -> bool:
    """Tell whether what `identifiers` gave is an identifier that a machine made, and not a name such as "BTCUSDT"."""
    return not names_work(keys[-1]) or (isinstance(value, str) and looks_like_id(value))


def _is_name(text: str) -> bool:
    return len(text) <= MAX_NAME and not any(character.isspace() for character in text)


def identifiers(value: JsonObject, before: Pointer = ()) -> Iterator[tuple[Pointer, object]]:
    """Yield the place and value of everything in a payload that promises or looks like an identifier, or names work."""
    for key, item in value.items():
        keys = (*before, key)
        if isinstance(item, dict):
            if len(keys) < MAX_DEPTH:
                yield from identifiers(cast("JsonObject", item), keys)
        elif isinstance(item, str):
            if item and (is_id_key(key) or looks_like_id(item) or (names_work(key) and _is_name(item))):
                yield keys, item
        elif isinstance(item, int) and not isinstance(item, bool) and is_id_key(key):
            yield keys, item
