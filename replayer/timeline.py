"""A session as the replayer reads it: events on one clock, cut into turns.

A **turn** is what a server sends on one connection between two client messages. Turn 0 comes before the first client
message; turn ``n`` follows the ``n``-th.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..cassettes import Connection, Direction, Kind, Message, Opened, Session
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
class ServerTurn:
    """What the server sent in one turn, and the client's message that began it; None for the turn before the first."""

    began: Moment | None
    moments: tuple[Moment, ...]

    @property
    def beginning(self) -> str:
        """The symbols of the client's message; empty for the turn before the first one."""
        return " ".join(event.symbol for event in self.began.events) if self.began is not None else ""

    @property
    def events(self) -> tuple[Event, ...]:
        """The server's events."""
        return tuple(event for moment in self.moments for event in moment.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One connection's data messages in order."""

    connection: Connection
    moments: tuple[Moment, ...]
    turns: tuple[ServerTurn, ...]  # one more than there are client messages
    envelope: Envelope  # that its events were read by

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
    opened = Opened(connection=connection.number, handshake=connection.handshake, at_ns=connection.opened_ns)
    reader.opened(opened)
    moments: list[Moment] = []
    turns: list[tuple[Moment | None, list[Moment]]] = [(None, [])]
    for message in connection.messages:
        events = reader.read(message)
        if message.kind not in DATA:
            continue
        client = message.direction is Direction.CLIENT
        moment = Moment(index=len(moments), message=message, events=events, turn=len(turns) - (not client))
        moments.append(moment)
        if client:
            turns.append((moment, []))
        else:
            turns[-1][1].append(moment)
    return Trace(
        connection=connection,
        moments=tuple(moments),
        turns=tuple(ServerTurn(began=began, moments=tuple(sent)) for began, sent in turns),
        envelope=reader.envelope(connection.number),
    )


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
