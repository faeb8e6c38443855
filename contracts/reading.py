"""From messages to events: one reader a session."""

from __future__ import annotations

import copy

from ..cassettes import Handshake, Kind, Message, Opened
from .envelopes import Envelope, Reading, SeveralEnvelopes
from .event import Event, make_event

_DATA = frozenset((Kind.TEXT, Kind.BINARY))


class EventReader:
    """Reads a session's messages in order; keeps what an envelope must remember for each connection."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._handshakes: dict[int, Handshake] = {}
        self._readings: dict[int, Reading] = {}
        self._positions: dict[int, int] = {}

    def opened(self, record: Opened) -> None:
        """Take a handshake, which may tell how the connection's messages are to be read."""
        self._handshakes[record.connection] = record.handshake
        self._readings.pop(record.connection, None)

    def read(self, message: Message) -> tuple[Event, ...]:
        """Return the events in a message; none in a control frame or a message that was stored in part."""
        position = self._positions.get(message.connection, 0) + 1
        self._positions[message.connection] = position
        if message.kind not in _DATA or message.full_size is not None:
            return ()
        return _events(self._reading(message.connection), message, position)

    def peek(self, message: Message) -> tuple[Event, ...]:
        """Return what `read` would, without taking the message."""
        if message.kind not in _DATA or message.full_size is not None:
            return ()
        reading = copy.deepcopy(self._reading(message.connection))
        return _events(reading, message, self._positions.get(message.connection, 0) + 1)

    def _reading(self, connection: int) -> Reading:
        reading = self._readings.get(connection)
        if reading is None:
            reading = self._readings[connection] = self._envelope.open(self._handshakes.get(connection))
        return reading

    def envelope(self, connection: int) -> Envelope:
        """Return the envelope by which a connection is read."""
        if isinstance(self._envelope, SeveralEnvelopes):
            return self._envelope.at(self._handshakes.get(connection))
        return self._envelope

    def position(self, connection: int) -> int:
        """Return how many messages of a connection were read."""
        return self._positions.get(connection, 0)

    def forget(self, connection: int) -> None:
        """Drop what is remembered of a connection that has ended."""
        self._readings.pop(connection, None)
        self._handshakes.pop(connection, None)


def _events(reading: Reading, message: Message, position: int) -> tuple[Event, ...]:
    return tuple([make_event(message, payload.label, payload.value, position) for payload in reading.read(message)])
