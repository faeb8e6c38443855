"""What a recording holds near its findings, for one that may be larger than memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ..cassettes import Connection, Direction, Message, Opened, Record
from ..contracts import Contract, EventReader, Finding
from .timeline import DATA, Moment, Trace

BEFORE = 500
"""Data messages of a connection that are kept before the place of a finding."""

AFTER = 20

_LONG = 16 << 10
"""Bytes of a message from which on it is kept only where a finding is."""


@dataclass(slots=True)
class _Near:
    """One connection that findings name."""

    opened: Opened
    places: frozenset[int]  # positions
    recent: deque[Moment] = field(default_factory=lambda: deque(maxlen=BEFORE))
    kept: dict[int, Moment] = field(default_factory=dict[int, Moment])  # by index
    read: int = 0  # data messages
    turns: int = 0
    after: int = 0  # messages that are still to be kept


def traces_near(records: Iterable[Record], findings: Sequence[Finding], contract: Contract) -> tuple[Trace, ...]:
    """Return what is around the places of findings, a trace for each connection that they name.

    A trace lacks what is far from them; places in it are those of the recording.
    """
    places: dict[int, set[int]] = {}
    for finding in findings:
        if finding.connection is not None and finding.position is not None:
            places.setdefault(finding.connection, set()).add(finding.position)
    reader = EventReader(contract.envelope)
    near: dict[int, _Near] = {}
    waiting = set(places)
    for record in records:
        if not waiting:
            break
        if isinstance(record, Opened) and record.connection in places:
            reader.opened(record)
            near[record.connection] = _Near(record, frozenset(places[record.connection]))
        elif isinstance(record, Message) and record.connection in near:
            one = near[record.connection]
            _take(one, record, reader)
            if not one.after and reader.position(record.connection) >= max(one.places):
                waiting.discard(record.connection)
    return tuple(_trace(one, reader) for _, one in sorted(near.items()))


def _take(near: _Near, message: Message, reader: EventReader) -> None:
    events = reader.read(message)
    here = reader.position(message.connection) in near.places
    if message.kind not in DATA:
        return
    near.turns += message.direction is Direction.CLIENT
    if len(message.payload) > _LONG and not here:
        message = replace(message, payload=b"")
        events = tuple(replace(event, payload=None) for event in events)
    moment = Moment(index=near.read, message=message, events=events, turn=near.turns)
    near.read += 1
    near.recent.append(moment)
    if here:
        near.kept.update((one.index, one) for one in near.recent)
        near.after = AFTER
    elif near.after:
        near.kept[moment.index] = moment
        near.after -= 1


def _trace(near: _Near, reader: EventReader) -> Trace:
    opened = near.opened
    bare = Connection(
        number=opened.connection, handshake=opened.handshake, opened_ns=opened.at_ns, messages=(), closed=None
    )
    moments = tuple(near.kept[index] for index in sorted(near.kept))
    return Trace(bare, reader.envelope(opened.connection), moments=moments)
