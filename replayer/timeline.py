"""A session as the replayer reads it: events on one clock, cut into turns.

A **turn** is what a server sends on one connection between two client messages. Turn 0 comes before the first client
message; turn ``n`` follows the ``n``-th.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..cassettes import Connection, Direction, Kind, Message, Session
from ..contracts import Envelope, Event, EventReader

DATA = frozenset((Kind.TEXT, Kind.BINARY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One data message with the events that the envelope reads in it."""

    index: int  # among the data messages of its connection, from 0
    message: Message
    events: tuple[Event, ...]
    turn: int  # for a client message: the turn that it begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One connection's data messages in order."""

    connection: Connection
    moments: tuple[Moment, ...]

    def turn(self, number: int) -> tuple[Moment, ...]:
        """The server's messages of one turn."""
        return tuple(
            moment for moment in self.moments if moment.turn == number and moment.message.direction is Direction.SERVER
        )

    def events(self, direction: Direction | None = None) -> tuple[Event, ...]:
        """All events, or those of one direction, in order."""
        return tuple(
            event
            for moment in self.moments
            for event in moment.events
            if direction is None or event.direction is direction
        )


def trace(connection: Connection, reader: EventReader) -> Trace:
    """Read one connection's messages."""
    moments: list[Moment] = []
    turn = 0
    for message in connection.messages:
        events = reader.read(message)
        if message.kind not in DATA:
            continue
        if message.direction is Direction.CLIENT:
            turn += 1
        moments.append(Moment(index=len(moments), message=message, events=events, turn=turn))
    return Trace(connection=connection, moments=tuple(moments))


def traces(session: Session, envelope: Envelope) -> tuple[Trace, ...]:
    """Read every connection of a session, in the order of their numbers."""
    reader = EventReader(envelope)
    return tuple(trace(connection, reader) for connection in session.connections)


def in_time(timelines: Sequence[Trace]) -> list[Moment]:
    """All moments of all connections in the order in which they happened."""
    return sorted(
        (moment for timeline in timelines for moment in timeline.moments),
        key=lambda moment: moment.message.at_ns,
    )
