"""A session as the replayer reads it: events on one clock, cut into turns.

A **turn** is what a server sends on one connection between two client messages. Turn 0 comes before the first client
message; turn ``n`` follows the ``n``-th. Messages that only react to an event of the server, whenever it comes, begin
no turn and are not counted.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..cassettes import Connection, Direction, Kind, Message, Opened, Session
from ..contracts import Contract, Envelope, Event, EventReader

if TYPE_CHECKING:
    from .digest import Digest

DATA = frozenset((Kind.TEXT, Kind.BINARY))

LONG = 1000
"""Messages of a connection from which on they are not kept as events."""


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


class Trace:
    """One connection's data messages in order.

    They are read from the recording whenever they are asked for: read, a message takes ten times the memory that it
    takes in a recording. What is asked for again right after is kept, of short connections only, on a ``shelf`` that
    the connections of a session share. ``moments`` are all that there is of a trace that is no whole recording.
    A client's message of a ``reacting`` symbol begins no turn.
    """

    def __init__(
        self,
        connection: Connection,
        envelope: Envelope,
        *,
        shelf: _Shelf | None = None,
        moments: tuple[Moment, ...] | None = None,
        reacting: Collection[str] = (),
    ) -> None:
        self.connection = connection
        self._several = envelope
        self._shelf: _Shelf = {} if shelf is None else shelf
        self._given = moments
        self._reacting = reacting
        self.digests: dict[Contract, Digest] = {}  # what `digest` has made of it

    @property
    def envelope(self) -> Envelope:
        """What its events are read by."""
        return self._reader().envelope(self.connection.number)

    @property
    def moments(self) -> Iterable[Moment]:
        """Its messages. To be walked through once; asked for again, they come again."""
        if self._given is not None or len(self.connection.messages) > LONG:
            return self.read()
        if self not in self._shelf:
            self._shelf.clear()
            self._shelf[self] = tuple(self.read())
        return self._shelf[self]

    def read(self) -> Iterator[Moment]:
        """Read its messages one by one."""
        if self._given is not None:
            yield from self._given
            return
        reader = self._reader()
        index = turn = 0
        for message in self.connection.messages:
            events = reader.read(message)
            if message.kind in DATA:
                turn += message.direction is Direction.CLIENT and not self.reacts(events)
                yield Moment(index=index, message=message, events=events, turn=turn)
                index += 1

    @property
    def turns(self) -> Iterator[ServerTurn]:
        """The server's turns, one more than there are client messages that react to nothing."""
        began: Moment | None = None
        sent: list[Moment] = []
        for moment in self.read():
            if moment.message.direction is Direction.SERVER:
                sent.append(moment)
            elif not self.reacts(moment.events):
                yield ServerTurn(began=began, moments=tuple(sent))
                began, sent = moment, []
        yield ServerTurn(began=began, moments=tuple(sent))

    def reacts(self, events: Sequence[Event]) -> bool:
        """Tell whether a client's message that holds these events only reacts to an event of the server."""
        return len(events) == 1 and events[0].symbol in self._reacting

    @property
    def steps(self) -> int:
        """How many messages of the client react to nothing."""
        if self._reacting:
            client = (moment for moment in self.read() if moment.message.direction is Direction.CLIENT)
            return sum(not self.reacts(moment.events) for moment in client)
        messages = self.connection.messages
        return sum(message.direction is Direction.CLIENT and message.kind in DATA for message in messages)

    def each(self, direction: Direction | None = None) -> Iterator[Event]:
        """Yield all events, or those of one direction, in order."""
        for moment in self.moments:
            for event in moment.events:
                if direction is None or event.direction is direction:
                    yield event

    def events(self, direction: Direction | None = None) -> tuple[Event, ...]:
        """All events at once, or those of one direction, in order."""
        return tuple(self.each(direction))

    def _reader(self) -> EventReader:
        connection = self.connection
        reader = EventReader(self._several)
        opened = Opened(connection=connection.number, handshake=connection.handshake, at_ns=connection.opened_ns)
        reader.opened(opened)
        return reader


_Shelf = dict[Trace, tuple[Moment, ...]]  # the one connection of a session that was read last


def traces(session: Session, envelope: Envelope, reacting: Collection[str] = ()) -> tuple[Trace, ...]:
    """Return every connection of a session, in the order of their numbers.

    Client messages of ``reacting`` symbols begin no turn.
    """
    shelf: _Shelf = {}
    return tuple(Trace(connection, envelope, shelf=shelf, reacting=reacting) for connection in session.connections)


def in_time(timelines: Sequence[Trace]) -> Iterator[Moment]:
    """Yield all moments of all connections in the order in which they happened."""
    return heapq.merge(*(timeline.read() for timeline in timelines), key=lambda moment: moment.message.at_ns)
