"""Which identifiers make events belong together, found from the traffic.

Every string under a key that promises an identifier ("run_id"), every string that looks like one ("call_7f3a"), and
every integer under such a key is watched. A key is a scope when its values join at least two events of a
connection, most of them do, and some connection has several of them. A message's own id joins nothing, a user's id
is one for the whole connection, a chunk's number joins only events of one label: none of these is a scope. What each
connection has one of is a scope where the client asks for it and only some events carry it: the room that it joins.

Work may outlive its connection: a client comes back and takes up a thread again. A value of a connection that has ended
and comes on a later one goes on there, if what connections send first when they take work up is not what they send when
they begin it: who joins a room a second time has just joined it again.

A word under a key that names what clients subscribe to ("symbol", "room") is watched as well. That is a scope when
clients ask for its values before anything comes under them, which tells it from a word of the service's own ("final").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import cast
from zlib import crc32

from ..cassettes import Direction
from .event import Event, side
from .formats import is_data_key, names_work
from .json_text import JsonObject, Pointer, join_pointer
from .scope_tally import Place, Tally, Work, trace_of
from .scopes import Scope, identifier, identifiers, scope_name
from .state import counter, mapping, ordered
from .statistics import ScopeStatistics, Trace

MAX_OPEN_VALUES = 20_000
"""Values of one key that are watched at once on one connection; beyond that, the one that came last
the longest time ago is judged as it stands."""
MAX_RESTING = 5_000
"""Values of connections that have ended that are remembered, in case another connection takes one up again."""
MAX_NAMES = 48
"""Names of identifiers that are remembered."""

_NO_NAMES: Mapping[Pointer, str] = {}


class _Watched:
    """One value on one connection: what joined it, and the order in which it came."""

    __slots__ = ("events", "mixed", "place", "places", "symbol", "trace", "work")

    def __init__(self, place: Place, *, traced: bool, work: Work | None = None) -> None:
        self.place = place
        self.work = work  # what other connections had done of it before
        self.events = 1
        self.mixed = False
        self.places: dict[Place, int] | None = None  # None: `place` as often as there are events
        # The first event of a trace, which is only built when a second one comes: most identifiers join nothing.
        self.symbol: str | None = place[0] if traced else None
        self.trace: Trace | None = None
        self._go_on(place)

    def add(self, place: Place, *, traced: bool) -> None:
        self.events += 1
        if place != self.place or self.places is not None:
            if self.places is None:
                self.places = {self.place: self.events - 1}
            self.places[place] = self.places.get(place, 0) + 1
            self.mixed = self.mixed or place[0] != self.place[0]
        if traced and self.symbol is not None:
            if self.trace is None:
                self.trace = trace_of(self.symbol)
            self.trace.add(place[0])
        self._go_on(place)

    def _go_on(self, place: Place) -> None:
        if self.work is not None and self.work.whole is not None:
            self.work.whole.add(place[0])

    def rest(self, *, complete: bool) -> Work | None:
        """Return all that is known of its order, now that the connection has ended; None when nothing is."""
        if self.symbol is None:
            return None
        work = self.work or Work()
        work.parts.append((self.trace or self.symbol, complete))
        work.single = self.place if self.events == 1 and len(work.parts) == 1 else None
        return work


class ScopeFinder:
    """Watches the identifiers in events and traces what each joins.

    A monoid once its connections are closed: `merge` is associative and commutative. Memory is bounded by what is
    open, and small once a connection has ended. An event counts for one value of a name: the one that stands
    highest, of two equally high ones the one whose pointer sorts first.
    """

    def __init__(self, named: Iterable[str] = ()) -> None:
        self.named = frozenset(named)  # scopes because a person says so
        self._open: dict[int, dict[str, dict[str, _Watched]]] = {}  # connection -> name -> value
        self._resting: dict[tuple[str, str], Work] = {}  # name, value; of connections that have ended
        self._traces: dict[int, Trace] = {}  # connection -> all its events
        self._lost: set[int] = set()
        self._joined: dict[int, dict[str, int]] = {}
        self._tallies: dict[str, Tally] = {}
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
                oldest = values.pop(next(iter(values)))
                self._count(connection, name, oldest)
                self._settle(name, oldest.rest(complete=False))
            values[value] = _Watched((symbol, keys), traced=traced, work=self._resumed(name, value) if traced else None)

    def _resumed(self, name: str, value: str) -> Work | None:
        """Return what connections that have ended had done under a value, which another one now takes up again."""
        work = self._resting.pop((name, value), None)
        if work is not None:
            work.resume()
            if work.single is not None:
                self._tally(name).places[work.single][1] += 1
        return work

    def lose(self, connection: int) -> None:
        """Trace a connection no further: what was lost must not pass for what never came."""
        if connection in self._lost:
            return
        self._lost.add(connection)
        self._connection.fold(self._traces.pop(connection, Trace()), complete=False)
        for name, values in self._open.get(connection, {}).items():
            for watched in values.values():
                self._settle(name, watched.rest(complete=False))
                watched.symbol = watched.trace = watched.work = None

    def close(self, connection: int, *, complete: bool = False) -> None:
        """Judge the values of a connection that has ended; unless ``complete``, more could have come."""
        self._lost.discard(connection)
        trace = self._traces.pop(connection, Trace())
        self._connection.fold(trace, complete=complete)
        for name, values in self._open.pop(connection, {}).items():
            tally = self._tally(name)
            for value, watched in values.items():
                self._count(connection, name, watched)
                if len(values) == 1 and watched.events > 1:
                    tally.wide += 4 * watched.events >= 3 * trace.length
                    tally.know((crc32(value.encode(errors="surrogatepass")),))
                self._rest(name, value, watched.rest(complete=complete))
        for name, joined in self._joined.pop(connection, {}).items():
            tally = self._tally(name)
            tally.most = max(tally.most, joined)

    def close_all(self) -> None:
        """The recording is over: judge what is still open as it stands."""
        for connection in {*self._open, *self._traces}:
            self.close(connection)
        self._lost.clear()
        for (name, _), work in self._resting.items():
            self._settle(name, work)
        self._resting.clear()

    def _rest(self, name: str, value: str, work: Work | None) -> None:
        """Keep work for a while: another connection may take it up again."""
        if work is None:
            return
        self._settle(name, self._resting.pop((name, value), None))
        if len(self._resting) >= MAX_RESTING:
            oldest = next(iter(self._resting))
            self._settle(oldest[0], self._resting.pop(oldest))
        self._resting[name, value] = work

    def _settle(self, name: str, work: Work | None) -> None:
        if work is not None:
            self._tally(name).fold(work)

    def _tally(self, name: str) -> Tally:
        tally = self._tallies.get(name)
        if tally is None:
            tally = self._tallies[name] = Tally()
        return tally

    def _count(self, connection: int, name: str, watched: _Watched) -> None:
        tally, work = self._tally(name), watched.work
        tally.instances += work is None
        joined = watched.events >= 2 or work is not None
        if joined:
            per_name = self._joined.setdefault(connection, {})
            per_name[name] = per_name.get(name, 0) + 1
            tally.events += watched.events
        if joined and (work is None or work.single is not None):  # else it was counted where it began
            first, alone = (watched.place, 0) if work is None or work.single is None else (work.single, 1)
            tally.joined += 1
            tally.mixed += watched.mixed or first[0] != watched.place[0]
            tally.asked += side(first[0]) is Direction.CLIENT
            tally.events += alone
        for place, times in (watched.places or {watched.place: watched.events}).items():
            sums = tally.places.setdefault(place, [0, 0])
            sums[0] += times
            sums[1] += times if joined else 0

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
            kept = sorted(self._tallies, key=lambda name: (name not in self.named, *_promise(name)))[:MAX_NAMES]
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
        finder._tallies = mapping(parts.get("names"), Tally.from_state)
        return finder

    def scopes(self) -> tuple[Scope, ...]:
        """Judge what is still open and return the scopes, finest first: fewest events an instance."""
        self.close_all()
        self._bound()
        found: list[Scope] = []
        for name, tally in self._tallies.items():
            named = name in self.named and tally.joined > 0
            if not named and (not tally.is_scope or (names_work(name) and not self._is_asked_for(tally))):
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
            found.append(
                Scope(
                    name=name,
                    paths=paths,
                    instances=tally.joined,
                    events=tally.events,
                    named=named,
                    spans=tally.spans,
                )
            )
        return tuple(sorted(found, key=lambda scope: (scope.events / scope.instances, scope.name)))

    @staticmethod
    def _is_asked_for(tally: Tally) -> bool:
        return tally.asked == tally.joined

    def covers(self, scope: Scope, symbol: str) -> bool:
        """Tell whether every event of a symbol carried the scope's identifier, so far as was seen."""
        tally = self._tallies.get(scope.name)
        if tally is None or symbol not in scope.paths:
            return False
        return sum(sums[0] for (name, _), sums in tally.places.items() if name == symbol) >= self._symbols[symbol]

    def statistics(self, scope: Scope | None) -> ScopeStatistics:
        """Return what the traces of a scope showed; of connections for None."""
        whole = self._connection if scope is None else self._tallies.get(scope.name, Tally()).traces(scope.paths)
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
    return (is_data_key(name), len(name), name)
