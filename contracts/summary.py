"""What learning remembers of recordings: a monoid, so that a contract is a fold over cassettes wherever they lie.

A contract is a function of a summary alone (`inference.contract_of`): recordings may be summarised in any order, in one
go, in parts or in parallel, and give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from ..cassettes import Closed, Direction, Message, Note, Opened, Record
from .closing import ClosingReader, is_abandoned
from .envelopes import Envelope, envelope_from
from .errors import ContractError
from .event import Event
from .isolation import PrivacyFinder
from .json_text import JsonObject, Pointer, resolve, split_pointer
from .reading import EventReader
from .sampling import TrafficSample
from .scope_finder import ScopeFinder
from .scopes import identifiers
from .shape import Shape
from .shape_state import shape_from_state, shape_state
from .state import count, counter, mapping, ordered, sequence, text, texts
from .stream_finder import StreamFinder

MAX_LABELS = 1_000
NOTHING_NAMED: Mapping[str, str] = {}


@dataclass(slots=True)
class LabelSummary:
    """What is remembered of an event."""

    seen: int = 0
    kinds: set[str] = field(default_factory=set[str])
    shape: Shape = field(default_factory=Shape)
    discriminated: int = 0  # times the label stood at the envelope's pointer

    def absorb(self, other: LabelSummary) -> None:
        """Take into account all that another one has seen."""
        self.seen += other.seen
        self.kinds |= other.kinds
        self.shape.absorb(other.shape)
        self.discriminated += other.discriminated

    def state(self) -> list[object]:
        """Return all of it as plain data."""
        return [self.seen, self.discriminated, sorted(self.kinds), shape_state(self.shape)]

    @classmethod
    def from_state(cls, state: object) -> LabelSummary:
        """Return what `state` described. Raises ValueError for other data."""
        seen, discriminated, kinds, shape = sequence(state, lambda part: part)
        return cls(count(seen), texts(kinds), shape_from_state(shape), count(discriminated))


class Summary:
    """All that is remembered of some recordings, read under one envelope."""

    def __init__(self, envelope: Envelope, named: Mapping[str, str] = NOTHING_NAMED) -> None:
        self.envelope = envelope
        self.named = dict(named)  # scopes that a person names: name -> JSON pointer; "": wherever the key stands
        self.traffic = TrafficSample()
        self.cassettes = 0
        self.connections = 0
        self.messages = 0
        self.labels: dict[str, LabelSummary] = {}
        self.scopes = ScopeFinder(self.named)
        self.streams = StreamFinder()
        self.privacy = PrivacyFinder()
        self.closings: dict[Direction, Counter[str]] = {direction: Counter() for direction in Direction}

    @classmethod
    def of(cls, records: Iterable[Record], envelope: Envelope, named: Mapping[str, str] = NOTHING_NAMED) -> Summary:
        """Return the summary of one recording, in one pass.

        Its ``traffic`` stays empty: that is what the envelope was found in, before. Raises ContractError when the
        labels are data.
        """
        summary = cls(envelope, named)
        _Reader(summary).read(records)
        return summary

    def label(self, symbol: str) -> LabelSummary:
        """Return what is remembered of an event, nothing at first."""
        label = self.labels.get(symbol)
        if label is None:
            if len(self.labels) >= MAX_LABELS:
                raise ContractError(
                    "contract",
                    "",
                    f"more than {MAX_LABELS} different labels, so the field they stand in holds data",
                    "choose another reading with --envelope opaque",
                )
            label = self.labels[symbol] = LabelSummary()
        return label

    def merge(self, other: Summary) -> None:
        """Take into account all that another one remembers. Raises ContractError when it was read otherwise."""
        if not other.reads_like(self.envelope):
            if self.labels and self.reads_like(other.envelope):
                self.envelope = other.envelope
            else:
                raise self._read_otherwise(other)
        self.traffic.merge(other.traffic)
        self.cassettes += other.cassettes
        self.connections += other.connections
        self.messages += other.messages
        for symbol, label in other.labels.items():
            self.label(symbol).absorb(label)
        self.name_scopes(other.named)
        self.scopes.merge(other.scopes)
        self.streams.merge(other.streams)
        self.privacy.merge(other.privacy)
        for direction, codes in other.closings.items():
            self.closings[direction].update(codes)

    def name_scopes(self, named: Mapping[str, str]) -> None:
        """Take identifiers for scopes because a person says so."""
        self.named |= named
        self.scopes.named = frozenset(self.named)

    def _read_otherwise(self, other: Summary) -> ContractError:
        return ContractError(
            "contract",
            "",
            f"some recordings were read as {_words(other.envelope)}, and all together are {_words(self.envelope)}",
            "learn from all of them in one go",
        )

    def reads_like(self, envelope: Envelope) -> bool:
        """Tell whether what is remembered would be the same, had it been read under another envelope."""
        mine, other = self.envelope.parameters(), envelope.parameters()
        if mine == other or not self.labels:
            return True
        # A label's place in what a side sends says nothing of recordings in which it sent nothing.
        silent = {
            direction.value
            for direction in Direction
            if not any(symbol.startswith(f"{direction.value}:") for symbol in self.labels)
        }
        return mine.keys() == other.keys() and all(mine[key] == other[key] for key in mine if key not in silent)

    def state(self) -> dict[str, object]:
        """Return all of it as plain data; equal content gives equal data."""
        return {
            "envelope": self.envelope.parameters(),
            **({"named": ordered(self.named)} if self.named else {}),
            "traffic": self.traffic.state(),
            "counts": [self.cassettes, self.connections, self.messages],
            "labels": {symbol: self.labels[symbol].state() for symbol in sorted(self.labels)},
            "scopes": self.scopes.state(),
            "streams": self.streams.state(),
            "privacy": self.privacy.state(),
            "closings": [ordered(self.closings[direction]) for direction in Direction],
        }

    @classmethod
    def from_state(cls, state: object) -> Summary:
        """Return the summary that `state` described. Raises ValueError for other data."""
        parts = mapping(state, lambda part: part)
        summary = cls(envelope_from(mapping(parts.get("envelope"), lambda value: value)))
        summary.traffic = TrafficSample.from_state(parts.get("traffic"))
        summary.cassettes, summary.connections, summary.messages = sequence(parts.get("counts"), count)
        summary.labels = mapping(parts.get("labels"), LabelSummary.from_state)
        summary.scopes = ScopeFinder.from_state(parts.get("scopes"))
        summary.name_scopes(mapping(parts.get("named", {}), text))
        summary.streams = StreamFinder.from_state(parts.get("streams", []))
        summary.privacy = PrivacyFinder.from_state(parts.get("privacy"))
        closings = sequence(parts.get("closings"), counter)
        summary.closings = dict(zip(Direction, closings, strict=True))
        return summary


class _Reader:
    """Reads one recording into a summary."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._events = EventReader(summary.envelope)
        self._closings = ClosingReader()
        self._connections: set[int] = set()
        self._all_lost = False
        self._own: dict[tuple[str, Envelope], dict[Pointer, str]] = {}
        self._keys = frozenset(name for name, pointer in summary.named.items() if not pointer)
        self._places = {split_pointer(pointer): name for name, pointer in summary.named.items() if pointer}
        self._pointers: dict[Direction, Pointer | None] = {}
        for direction in Direction:
            discriminator = summary.envelope.discriminator(direction)
            self._pointers[direction] = None if discriminator is None else split_pointer(discriminator)

    def read(self, records: Iterable[Record]) -> None:
        summary = self._summary
        summary.cassettes += 1
        for record in records:
            closing = None
            match record:
                case Message():
                    closing = self._closings.message(record)
                    if closing is not None:
                        summary.privacy.closed(record.connection)
                    if record.full_size is not None:
                        self._lose(record.connection)
                    read = self._events.read(record)
                    summary.messages += bool(read)
                    for event in read:
                        self._event(event)
                case Opened():
                    self._connections.add(record.connection)
                    summary.connections += record.handshake.status == 101
                    summary.privacy.opened(record)
                    self._events.opened(record)
                case Closed():
                    closing = self._closings.closed(record)
                    summary.privacy.closed(record.connection)
                    summary.scopes.close(record.connection, complete=not is_abandoned(record))
                    summary.streams.close(record.connection)
                    self._events.forget(record.connection)
                    self._connections.discard(record.connection)
                case Note(lost=True):
                    # What the recorder missed must not pass for what never came.
                    self._lose(record.connection)
                case _:
                    pass
            if closing is not None:
                direction, code = closing
                summary.closings[direction][code] += 1
        summary.scopes.close_all()
        summary.streams.end()
        summary.privacy.end()

    def _lose(self, connection: int | None) -> None:
        self._all_lost = self._all_lost or connection is None
        for lost in [connection] if connection is not None else list(self._connections):
            self._summary.scopes.lose(lost)
            self._summary.streams.lose(lost)

    def _event(self, event: Event) -> None:
        summary = self._summary
        symbol = event.symbol
        if self._all_lost or event.connection not in self._connections:
            self._connections.add(event.connection)
            if self._all_lost:
                summary.scopes.lose(event.connection)
        label = summary.label(symbol)
        label.seen += 1
        label.kinds.add(event.kind.value)
        label.shape.observe(event.payload)
        pointer = self._pointers[event.direction]
        label.discriminated += pointer is not None and resolve(event.payload, pointer) == event.label
        envelope = self._events.envelope(event.connection)
        own = self._own.get((symbol, envelope))
        if own is None:
            places = envelope.identifiers(event.direction, event.label)
            own = {split_pointer(pointer): name for name, pointer in places} | self._places
            self._own[symbol, envelope] = own
        found = list(identifiers(cast("JsonObject", event.payload))) if isinstance(event.payload, dict) else []
        summary.privacy.add(event, found)
        summary.scopes.add(event, own, self._with_named(event, found) if summary.named else found)
        if not self._all_lost:
            summary.streams.add(event, own, found)

    def _with_named(self, event: Event, found: Sequence[tuple[Pointer, object]]) -> Sequence[tuple[Pointer, object]]:
        """Return the identifiers of an event, with those that only a person takes for some."""
        if not isinstance(event.payload, dict):
            return found
        payload = cast("JsonObject", event.payload)
        named = identifiers(payload, named=self._keys) if self._keys else found
        return list((dict(named) | {keys: resolve(payload, keys) for keys in self._places}).items())


def _words(envelope: Envelope) -> str:
    parameters = envelope.parameters()
    rest = ", ".join(f"{key} {value}" for key, value in parameters.items() if key != "name")
    return f"{parameters['name']} ({rest})" if rest else str(parameters["name"])
