"""A bounded sample of traffic, parsed once for all envelopes that try to explain it."""

from __future__ import annotations

from typing import cast

from ...cassettes import Direction, Kind, Message
from ..json_text import NOT_JSON, JsonObject, parse


class Sample:
    """Messages by direction: JSON values, and counts of what is not JSON. Order does not matter."""

    def __init__(self) -> None:
        self.values: dict[Direction, list[object]] = {Direction.CLIENT: [], Direction.SERVER: []}
        self.subprotocols: set[str] = set()
        self.messages = 0

    def add(self, message: Message) -> None:
        """Take a message; control frames and messages stored in part say nothing."""
        value = json_value(message)
        if message.kind in (Kind.TEXT, Kind.BINARY) and message.full_size is None:
            self.messages += 1
            if value is not NOT_JSON:
                self.values[message.direction].append(value)

    def objects(self, direction: Direction) -> list[JsonObject]:
        """The JSON objects of one direction."""
        return [cast("JsonObject", value) for value in self.values[direction] if isinstance(value, dict)]


def json_value(message: Message) -> object:
    """Return the JSON value of a message, or `NOT_JSON`.

    A binary message is JSON when it is a JSON object or array: a build that begins to send its JSON in binary
    frames must be recognised, while two bytes of audio that happen to read ``42`` must not.
    """
    if message.full_size is not None:
        return NOT_JSON
    if message.kind is Kind.TEXT:
        return parse(message.payload)
    if message.kind is Kind.BINARY and message.payload[:1] in (b"{", b"["):
        return parse(message.payload)
    return NOT_JSON
