"""Finding streams in traffic: which events carry pieces, in which scope they join, and who says the whole value.

Every text in a payload may be a piece. Pieces are gathered by each identifier that their event carries and by the
connection; when another event of the same group holds a text that is exactly what was gathered, the one is a
stream and the other its end. Two pieces or more that join exactly do so by no accident. Events that are called
deltas (chunks, tokens, …) are streams without an end that says the whole value, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from ..cassettes import Direction
from .event import CONNECTION, Event
from .formats import is_id_key
from .json_text import JsonObject, Pointer, join_pointer, split_pointer
from .scopes import identifier, scope_name
from .state import sequence
from .stream import Final, Form, Joined, Stream, base64_bytes, form_of
from .stream_tally import LEAST, StreamTally, is_hinted, numbering

MAX_EVENTS = 2_000
"""Events of a recording that are looked at: streams are many, or not worth finding."""
MAX_OPEN = 4_000
MAX_OPEN_SIZE = 8 << 20
"""Streams that are gathered at once, and their characters; beyond that, all are given up."""
MAX_PLACES = 500
MAX_GROUPS = 6
MAX_DEPTH = 3
MOST_SAME = 8
"""Times that a text may come without a change, from the first on, and still be a piece: silence sounds the same."""
MAX_LEAVES = 32

_Place = tuple[str, str]  # symbol, pointer
_Group = tuple[str, str]  # name of the identifier or "connection", its value
_Key = tuple[str, str, str]  # symbol, pointer, name of the group


class _Gathered(Joined):
    """The pieces of what may be a stream."""

    __slots__ = ("encoded", "filled")

    def __init__(self) -> None:
        super().__init__()
        self.filled = 0  # pieces that are not empty
        self.encoded = False  # the first piece is base64

    def add(self, piece: str) -> None:
        if not self.filled and piece:
            self.encoded = len(piece) % 4 == 0 and base64_bytes(piece) is not None
        self.filled += bool(piece)
        super().add(piece)


class _Ends:
    """What an event holds that a stream may end in."""

    def __init__(self, leaves: Sequence[tuple[Pointer, object]]) -> None:
        self.values = dict(leaves)
        self._texts: dict[int, list[tuple[Pointer, object]]] = {}  # by length, which tells most apart
        self._parsed: list[tuple[Pointer, object]] = []
        for keys, item in leaves:
            if isinstance(item, str):
                self._texts.setdefault(len(item), []).append((keys, item))
            elif not isinstance(item, int):
                self._parsed.append((keys, item))

    def match(self, joined: _Gathered) -> tuple[Pointer, Form] | None:
        """Return where the pieces' joined value stands, and in which form they join into it."""
        if joined.filled < 2 or not joined.whole:
            return None
        likely = self._texts.get(joined.size, ())
        if joined.encoded:
            # Encoded on its own, every piece may have two characters of padding.
            least = joined.size - 3 * len(joined.pieces)
            close = (entries for size, entries in self._texts.items() if least <= size <= joined.size)
            likely = [entry for entries in close for entry in entries]
        if self._parsed and joined.pieces[0][:1] in ("{", "["):
            likely = [*likely, *self._parsed]
        for keys, item in likely:
            form = form_of(joined.pieces, item)
            if form is not None:
                return keys, form
        return None


class StreamFinder:
    """Gathers streams. Sums over recordings, so that their order does not matter."""

    def __init__(self) -> None:
        self._tallies: dict[_Key, StreamTally] = {}
        self._open: dict[int, dict[_Group, dict[_Place, _Gathered]]] = {}
        self._hit: set[tuple[int, _Group, _Key]] = set()
        self._lost: set[int] = set()
        self._live: dict[str, bool] = {}  # whether a symbol's texts are gathered
        self._previous: dict[tuple[int, Direction], tuple[Event, list[_Group]]] = {}
        self._same: dict[tuple[str, Pointer], tuple[str, int]] = {}  # a text that never varied, and how often it came
        self._events = self._count = self._size = 0

    def add(self, event: Event, own: Mapping[Pointer, str], found: Sequence[tuple[Pointer, object]]) -> None:
        """Take an event; ``own`` names the envelope's own identifiers by their place, ``found`` are all there are."""
        if self._events >= MAX_EVENTS or event.connection in self._lost or not isinstance(event.payload, dict):
            return
        self._events += 1
        groups = _groups(found, own)
        symbol, line = event.symbol, (event.connection, event.direction)
        previous = self._previous.get(line)
        self._previous[line] = (event, groups)
        live = self._live.get(symbol)
        if live is None:
            live = self._live[symbol] = is_hinted(symbol, "")
        # Other events may be pieces once two have come one after the other; the first of them counts as well.
        begun = not live and previous is not None and previous[0].symbol == symbol
        inside = self._open.setdefault(event.connection, {})
        gathered = [(group, inside[group]) for group in groups if group in inside]
        if not (live or begun or gathered):
            return
        leaves = list(_leaves(cast("JsonObject", event.payload)))
        ends = _Ends(leaves)
        for group, places in gathered:
            self._final(event, group, places, ends)
        if begun and previous is not None:
            self._live[symbol] = True
            self._pieces(previous[0], previous[1], inside, list(_leaves(cast("JsonObject", previous[0].payload))))
        if live or begun:
            self._pieces(event, groups, inside, leaves)
        if self._count > MAX_OPEN or self._size > MAX_OPEN_SIZE:
            for connection in list(self._open):
                self.close(connection)

    def _pieces(
        self,
        event: Event,
        groups: Sequence[_Group],
        inside: dict[_Group, dict[_Place, _Gathered]],
        leaves: Sequence[tuple[Pointer, object]],
    ) -> None:
        numbers = [(keys, item) for keys, item in leaves if isinstance(item, int)]
        for keys, item in leaves:
            if isinstance(item, str) and not self._is_constant(event.symbol, keys, item):
                for group in groups:
                    self._piece(event, group, inside.setdefault(group, {}), keys, item, numbers)

    def _is_constant(self, symbol: str, keys: Pointer, item: str) -> bool:
        """Tell whether a text has never varied: it is a label or a name, and no piece."""
        first, times = self._same.get((symbol, keys), (item, 0))
        if times < 0 or first != item:
            self._same[symbol, keys] = (first, -1)
            return False
        self._same[symbol, keys] = (first, times + 1)
        return times >= MOST_SAME

    def _piece(
        self,
        event: Event,
        group: _Group,
        gathered: dict[_Place, _Gathered],
        keys: Pointer,
        piece: str,
        numbers: Sequence[tuple[Pointer, object]],
    ) -> None:
        place = (event.symbol, join_pointer(keys))
        joined = gathered.get(place)
        if joined is None:
            joined = gathered[place] = _Gathered()
            self._count += 1
            joined.numbers = {at: (cast("int", number), cast("int", number), True) for at, number in numbers}
        else:
            found = dict(numbers)
            for at, (first, last, fine) in joined.numbers.items():
                number = found.get(at)
                fine = fine and isinstance(number, int) and number == last + 1
                joined.numbers[at] = (first, number if isinstance(number, int) else last, fine)
        tally = self._tally(place, group)
        if tally is not None:
            tally.pieces += 1
            tally.varied += piece != joined.last
        joined.add(piece)
        self._size += len(piece)

    def _final(
        self,
        event: Event,
        group: _Group,
        gathered: dict[_Place, _Gathered],
        ends: _Ends,
    ) -> None:
        for place, joined in list(gathered.items()):
            if place[0] == event.symbol:
                continue
            found = ends.match(joined)
            tally = self._tallies.get((*place, group[0]))
            if tally is None or (found is None and not tally.finals):
                continue
            ended = False
            if found is not None:
                keys, form = found
                counts = tally.finals.setdefault((event.symbol, join_pointer(keys), form), [0, 0, 0])
                counts[0] += 1
                key = (event.connection, group, (*place, group[0]))
                counts[2] += key not in self._hit
                self._hit.add(key)
                ended = True
            else:
                for (symbol, path, form), counts in tally.finals.items():
                    if symbol != event.symbol or not joined.whole:
                        continue
                    value = ends.values.get(split_pointer(path))
                    hit = value is not None and form_of(joined.pieces, value) == form
                    counts[0 if hit else 1] += 1
                    ended = True
            if ended:
                self._end(place, group, gathered.pop(place))

    def _tally(self, place: _Place, group: _Group) -> StreamTally | None:
        key = (*place, group[0])
        tally = self._tallies.get(key)
        if tally is None and len(self._tallies) < MAX_PLACES:
            tally = self._tallies[key] = StreamTally()
        return tally

    def _end(self, place: _Place, group: _Group, joined: Joined) -> None:
        self._count -= 1
        self._size -= joined.size
        tally = self._tally(place, group)
        if tally is None or len(joined.pieces) < 2:
            return
        tally.several += 1
        for keys, (first, _, fine) in joined.numbers.items():
            if fine and first in (0, 1):
                tally.numbered[f"{join_pointer(keys)} {first}"] += 1
            else:
                tally.unnumbered[join_pointer(keys)] += 1

    def lose(self, connection: int) -> None:
        """Not all that came on a connection is known from here on."""
        self._open.pop(connection, None)
        self._lost.add(connection)

    def close(self, connection: int) -> None:
        """A connection has ended."""
        for group, gathered in self._open.pop(connection, {}).items():
            for place, joined in gathered.items():
                self._end(place, group, joined)

    def end(self) -> None:
        """The recording is over: only what may be a stream is kept of it."""
        for connection in list(self._open):
            self.close(connection)
        self._hit.clear()
        self._lost.clear()
        self._live.clear()
        self._same.clear()
        self._previous.clear()
        self._events = 0
        self._tallies = {
            key: tally
            for key, tally in self._tallies.items()
            if tally.finals or (tally.several and tally.varied * 2 >= tally.pieces and is_hinted(key[0], key[1]))
        }

    def merge(self, other: StreamFinder) -> None:
        """Take into account the recordings that another one has seen to their end."""
        for key, tally in other._tallies.items():
            self._tallies.setdefault(key, StreamTally()).merge(tally)

    def state(self) -> list[object]:
        """Return all of it as plain data; equal content gives equal data."""
        return [[*key, tally.state()] for key, tally in sorted(self._tallies.items())]

    @classmethod
    def from_state(cls, state: object) -> StreamFinder:
        """Return the finder that `state` described. Raises ValueError for other data."""
        finder = cls()
        for entry in sequence(state, lambda part: sequence(part, lambda item: item)):
            symbol, path, name, tally = entry
            finder._tallies[str(symbol), str(path), str(name)] = StreamTally.from_state(tally)
        return finder

    def claims(self, scopes: Sequence[str]) -> tuple[Stream, ...]:
        """Return the streams, by event and path; ``scopes`` are names, the finest first, without the connection."""
        names = [*scopes, CONNECTION]
        places: dict[_Place, dict[str, StreamTally]] = {}
        for (symbol, path, name), tally in sorted(self._tallies.items()):
            if name in names:
                places.setdefault((symbol, path), {})[name] = tally
        found = [self._claim(place, tallies, names) for place, tallies in places.items()]
        said = {stream.of for stream in found if stream is not None and stream.final is not None}
        kept = [
            stream for stream in found if stream is not None and (stream.final is not None or stream.of not in said)
        ]
        without = Counter(stream.of for stream in kept if stream.final is None)
        # Of several texts in a delta that nothing joins, none is known to be the piece.
        return tuple(stream for stream in kept if stream.final is not None or without[stream.of] == 1)

    @staticmethod
    def _claim(place: _Place, tallies: Mapping[str, StreamTally], names: Sequence[str]) -> Stream | None:
        symbol, path = place
        most = max((counts[0] for tally in tallies.values() for counts in tally.finals.values()), default=0)
        for name in names:
            tally = tallies.get(name)
            if tally is None:
                continue
            best = max(tally.finals.items(), key=lambda entry: (entry[1][0], -entry[1][1], entry[0]), default=None)
            if best is None or best[1][0] < LEAST or best[1][0] * 10 < most * 9 or best[1][1] * 50 > best[1][0]:
                continue
            (event, at, form), (hits, _, groups) = best
            index, start = numbering(tally)
            final = Final(event=event, path=at)
            return Stream(
                of=symbol,
                path=path,
                scope=name,
                form=form,
                final=final,
                index=index,
                start=start,
                seen=hits,
                scopes=groups,
            )
        for name in names:
            tally = tallies.get(name)
            if tally is not None and tally.several >= LEAST and is_hinted(symbol, path):
                index, start = numbering(tally)
                return Stream(
                    of=symbol, path=path, scope=name, index=index, start=start, seen=tally.several, scopes=tally.several
                )
        return None


def _groups(all_of_it: Sequence[tuple[Pointer, object]], own: Mapping[Pointer, str]) -> list[_Group]:
    found: dict[str, str] = {}
    for keys, item in all_of_it:
        value = identifier(item)
        if value is not None and (keys in own or is_id_key(keys[-1])):
            found.setdefault(own.get(keys) or scope_name(keys), value)
            if len(found) >= MAX_GROUPS:
                break
    return [*found.items(), (CONNECTION, "")]


def _leaves(payload: JsonObject) -> Iterator[tuple[Pointer, object]]:
    left = MAX_LEAVES
    waiting: list[tuple[Pointer, object]] = [((key,), item) for key, item in payload.items()]
    while waiting and left:
        keys, item = waiting.pop()
        if is_id_key(keys[-1]):
            continue
        left -= 1
        if isinstance(item, (str, list)) or (isinstance(item, int) and not isinstance(item, bool)):
            yield keys, cast("object", item)
        elif isinstance(item, dict):
            yield keys, cast("JsonObject", item)
            if len(keys) < MAX_DEPTH:
                waiting += [((*keys, key), inner) for key, inner in cast("JsonObject", item).items()]
