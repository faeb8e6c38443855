"""One connection's events in their order, without the payloads, for looking up what stands where.

A payload takes ten times the memory that it takes in a recording, so only those that are asked for are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from ..cassettes import Direction, Message
from ..contracts import Contract, Event, ScopeKey
from .timeline import Trace


@dataclass(frozen=True, slots=True)
class Entry:
    """An event without its payload, and its place in the conversation."""

    event: Event
    index: int  # of its message, among the data messages
    turn: int
    number: int  # among the events of its label in its turn, from 0


class Transcript:
    """What one connection said, read once; payloads are read again when they are asked for."""

    def __init__(
        self, trace: Trace, contract: Contract, *, scopes: Collection[str] = (), positions: Collection[int] = ()
    ) -> None:
        """Keep which events belong to the ``scopes`` of these names, and the payloads at these ``positions``."""
        self._trace = trace
        self.entries: list[Entry] = []
        self.instances: dict[ScopeKey, list[Entry]] = {}  # in the order in which they begin
        self._full: dict[tuple[int, str], tuple[Event, Message]] = {}
        counts: dict[str, int] = {}
        for moment in trace.read():
            if moment.message.direction is Direction.CLIENT:
                counts = {}
            for event in moment.events:
                number = counts.get(event.symbol, 0)
                counts[event.symbol] = number + 1
                if event.position in positions:
                    self._full[event.position, event.symbol] = (event, moment.message)
                entry = Entry(replace(event, payload=None), moment.index, moment.turn, number)
                self.entries.append(entry)
                for key in contract.scope_keys(event) if scopes else ():
                    if key.name in scopes:
                        self.instances.setdefault(key, []).append(entry)

    def at(self, position: int | None, label: str | None) -> Entry | None:
        """The event at a position, the one with a label when there are several."""
        here = [entry for entry in self.entries if entry.event.position == position]
        return next((entry for entry in here if entry.event.label == label), here[0] if here else None)

    def of(self, name: str) -> list[tuple[ScopeKey, list[Entry]]]:
        """The scopes of a name with their events, in the order in which they begin."""
        return [(key, entries) for key, entries in self.instances.items() if key.name == name]

    def before(self, position: int) -> Entry | None:
        """The client's last event before a position."""
        client = (
            entry
            for entry in reversed(self.entries)
            if entry.event.position < position and entry.event.direction is Direction.CLIENT
        )
        return next(client, None)

    def whole(self, entries: Sequence[Entry]) -> list[tuple[Event, Message]]:
        """The events of entries with their payloads, and the messages that they came in."""
        places = [(entry.event.position, entry.event.symbol) for entry in entries]
        missing = set(places) - self._full.keys()
        if missing:
            for moment in self._trace.read():
                for event in moment.events:
                    if (event.position, event.symbol) in missing:
                        self._full[event.position, event.symbol] = (event, moment.message)
        return [self._full[place] for place in places if place in self._full]


def slim(entries: Iterable[Entry]) -> list[Event]:
    """The events of entries, without their payloads."""
    return [entry.event for entry in entries]
