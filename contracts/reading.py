"""From messages to events: one reader a session."""

from __future__ import annotations

from ..cassettes import Kind, Message
from .envelopes import Envelope, Reading
from .event import Event


class EventReader:
    """Reads a session's messages in order; keeps what an envelope must remember for each connection."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._readings: dict[int, Reading] = {}
        self._positions: dict[int, int] = {}

    def read(self, message: Message) -> tuple[Event, ...]:
        """Return the events in a message; none in a control frame or a message that was stored in part."""
        position = self._positions.get(message.connection, 0) + 1
        self._positions[message.connection] = position
        if message.kind not in (Kind.TEXT, Kind.BINARY) or message.full_size is not None:
            return ()
        reading = self._readings.get(message.connection)
        if reading is None:
            reading = self._readings[message.connection] = self._envelope.open()
        return tuple(
            Event(
                connection=message.connection,
                direction=message.direction,
                label=payload.label,
                payload=payload.value,
                kind=message.kind,
                position=position,
                at_ns=message.at_ns,
            )
            for payload in reading.read(message)
        )

    def position(self, connection: int) -> int:
        """Return how many messages of a connection were read."""
        return self._positions.get(connection, 0)

    def forget(self, connection: int) -> None:
        """Drop what is remembered of a connection that has ended."""
        self._readings.pop(connection, None)
