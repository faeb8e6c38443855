"""Learning a contract from recordings: three passes over each, with memory that does not grow with their length.

The first pass reads the beginning of each recording to find the envelope, the second learns labels, payload shapes and
scopes, the third, knowing the scopes, the sequence rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..cassettes import Closed, Direction, Message, Note, Opened, Record
from .closing import ClosingReader, is_abandoned
from .contract import Contract, EventClaim, Learned, ScopeClaim
from .detection import find_envelopes
from .envelopes import Envelope
from .errors import ContractError
from .event import CONNECTION, Event
from .isolation import PrivacyFinder
from .json_text import resolve, split_pointer
from .pruning import Mined, mine
from .reading import EventReader
from .schema import to_schema
from .scopes import Scope, ScopeFinder, ScopeReader
from .shape import Shape
from .statistics import ScopeStatistics, Trace

MAX_LABELS = 1_000


@dataclass(slots=True)
class _Label:
    """What the second pass remembers of a label."""

    seen: int = 0
    kinds: set[str] = field(default_factory=set[str])
    shape: Shape = field(default_factory=Shape)
    discriminated: int = 0  # times the label stood at the envelope's pointer


def infer(cassettes: Iterable[Iterable[Record]], *, envelope: Envelope | str | None = None) -> Contract:
    """Return the contract that all the recordings keep.

    Each recording is iterated three times; one that is an iterator is gathered in memory first. Neither the
    order of the recordings nor the numbers of their connections matter. ``envelope`` is the one to read them with,
    or names it; otherwise it is found. Raises UsageError for an unknown envelope and ContractError when there is no
    event to learn from.
    """
    recordings = [list(records) if isinstance(records, Iterator) else records for records in cassettes]
    if envelope is None or isinstance(envelope, str):
        envelope = find_envelopes(recordings, () if envelope is None else (envelope,)).envelope
    survey = _Survey(envelope)
    for records in recordings:
        survey.read(records)
    if not survey.labels:
        raise ContractError(
            "contract", "", "the recordings hold no event to learn from", "record a session with messages in it"
        )
    scopes = survey.scopes.scopes()
    sequences = _Sequences(envelope, scopes)
    for records in recordings:
        sequences.read(records)
    return _contract(envelope, survey, scopes, sequences.statistics, len(recordings))


class _Survey:
    """The second pass."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self.labels: dict[str, _Label] = {}
        self.scopes = ScopeFinder()
        self.privacy = PrivacyFinder()
        self.closings: dict[Direction, Counter[str]] = {direction: Counter() for direction in Direction}
        self.connections = 0
        self.messages = 0
        self._pointers = {
            direction: None if pointer is None else split_pointer(pointer)
            for direction in Direction
            for pointer in (envelope.discriminator(direction),)
        }

    def read(self, records: Iterable[Record]) -> None:
        events, closings = EventReader(self._envelope), ClosingReader()
        open_: set[int] = set()
        for record in records:
            closing = None
            match record:
                case Opened():
                    open_.add(record.connection)
                    self.connections += record.handshake.status == 101
                    self.privacy.opened(record)
                    events.opened(record)
                case Message():
                    closing = closings.message(record)
                    read = events.read(record)
                    self.messages += bool(read)
                    for event in read:
                        self._event(event, events.envelope(record.connection))
                case Closed():
                    closing = closings.closed(record)
                    open_.discard(record.connection)
                    events.forget(record.connection)
                    self.scopes.close(record.connection)
                case _:
                    pass
            if closing is not None:
                direction, code = closing
                self.closings[direction][code] += 1
        for connection in sorted(open_):
            self.scopes.close(connection)
        self.privacy.end()

    def _event(self, event: Event, envelope: Envelope) -> None:
        label = self.labels.get(event.symbol)
        if label is None:
            if len(self.labels) >= MAX_LABELS:
                raise ContractError(
                    "contract",
                    "",
                    f"more than {MAX_LABELS} different labels, so the field they stand in holds data",
                    "choose another reading with --envelope opaque",
                )
            label = self.labels[event.symbol] = _Label()
        label.seen += 1
        label.kinds.add(event.kind.value)
        label.shape.observe(event.payload)
        pointer = self._pointers[event.direction]
        label.discriminated += pointer is not None and resolve(event.payload, pointer) == event.label
        self.privacy.add(event)
        self.scopes.add(event, envelope.identifiers(event.direction, event.label))


class _Sequences:
    """The third pass."""

    def __init__(self, envelope: Envelope, scopes: tuple[Scope, ...]) -> None:
        self._envelope = envelope
        self._reader = ScopeReader(scopes)
        self.statistics = {name: ScopeStatistics() for name in (*(scope.name for scope in scopes), CONNECTION)}

    def read(self, records: Iterable[Record]) -> None:
        events = EventReader(self._envelope)
        traces: dict[int, dict[tuple[str, str], Trace]] = {}
        lossy: set[int | None] = set()
        for record in records:
            match record:
                case Opened():
                    events.opened(record)
                case Message():
                    if record.full_size is not None:
                        self._fold(traces, record.connection, complete=False)
                        lossy.add(record.connection)
                    for event in events.read(record):
                        if not (record.connection in lossy or None in lossy):
                            self._event(event, traces.setdefault(event.connection, {}))
                case Note(lost=True):
                    # What the recorder missed must not pass for what never came.
                    for connection in [record.connection] if record.connection is not None else list(traces):
                        self._fold(traces, connection, complete=False)
                    lossy.add(record.connection)
                case Closed():
                    self._fold(traces, record.connection, complete=not is_abandoned(record))
                    events.forget(record.connection)
                case _:
                    pass
        for connection in list(traces):
            self._fold(traces, connection, complete=False)

    def _event(self, event: Event, traces: dict[tuple[str, str], Trace]) -> None:
        symbol = event.symbol
        for key in self._reader.keys(event):
            trace = traces.get((key.name, key.value))
            if trace is None:
                trace = traces[key.name, key.value] = Trace()
            trace.add(symbol)

    def _fold(self, traces: dict[int, dict[tuple[str, str], Trace]], connection: int, *, complete: bool) -> None:
        for (name, _), trace in traces.pop(connection, {}).items():
            self.statistics[name].fold(trace, complete=complete)


def _contract(
    envelope: Envelope,
    survey: _Survey,
    scopes: tuple[Scope, ...],
    statistics: dict[str, ScopeStatistics],
    cassettes: int,
) -> Contract:
    def covers(scope: Scope) -> Mined:
        return Mined(
            scope=scope,
            statistics=statistics[scope.name],
            covers=lambda symbol: survey.scopes.covers(scope, symbol),
        )

    mined = [
        *map(covers, scopes),
        Mined(scope=None, statistics=statistics[CONNECTION], covers=lambda symbol: True),
    ]
    rules = mine(mined)
    connection = Scope(name=CONNECTION, paths={})
    claims = tuple(ScopeClaim(scope=scope, rules=of) for scope, of in zip((*scopes, connection), rules, strict=True))
    events: dict[str, EventClaim] = {}
    for symbol, label in sorted(survey.labels.items()):
        finest = next((entry for entry in mined if entry.covers(symbol)), mined[-1])
        direction, _, name = symbol.partition(":")
        pointer = envelope.discriminator(Direction(direction))
        constants = {split_pointer(pointer): name} if pointer and label.discriminated == label.seen else {}
        events[symbol] = EventClaim(
            kind=next(iter(label.kinds)) if len(label.kinds) == 1 else "any",
            seen=label.seen,
            scopes=finest.statistics.traces[symbol],
            payload=None if label.shape.nulls == label.seen else to_schema(label.shape, constants=constants),
        )
    return Contract(
        envelope=envelope,
        learned=Learned(cassettes=cassettes, connections=survey.connections, messages=survey.messages),
        events=events,
        scopes=claims,
        private=survey.privacy.claims(),
        closings=survey.closings,
    )
