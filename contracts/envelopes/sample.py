"""A bounded sample of traffic, parsed once for all envelopes that try to explain it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from ...cassettes import Direction, Handshake, Kind, Message
from ..json_text import NOT_JSON, JsonObject, parse

MAX_SIZE = 1 << 20
"""Bytes beyond which a message is counted but not looked into."""


class Sample:
    """Messages with their JSON values, and what the handshakes said. Order does not matter."""

    def __init__(self) -> None:
        self.entries: list[tuple[Message, object]] = []  # with the JSON value, or `NOT_JSON`
        self.values: dict[Direction, list[object]] = {Direction.CLIENT: [], Direction.SERVER: []}
        self.subprotocols: set[str] = set()
        self.targets: set[str] = set()  # request targets of the handshakes, path and query
        self.messages = 0

    def add(self, message: Message) -> None:
        """Take a message; control frames and messages stored in part say nothing."""
        if message.kind not in (Kind.TEXT, Kind.BINARY) or message.full_size is not None:
            return
        self.messages += 1
        if len(message.payload) > MAX_SIZE:
            return
        value = json_value(message)
        self.entries.append((message, value))
        if value is not NOT_JSON:
            self.values[message.direction].append(value)

    def opened(self, handshake: Handshake) -> None:
        """Take a handshake."""
        self.targets.add(handshake.target)
        if handshake.subprotocol is not None:
            self.subprotocols.add(handshake.subprotocol)

    def include(self, other: Sample) -> None:
        """Take all of another sample."""
        self.entries += other.entries
        for direction, values in other.values.items():
            self.values[direction] += values
        self.subprotocols |= other.subprotocols
        self.targets |= other.targets
        self.messages += other.messages

    def objects(self, direction: Direction) -> list[JsonObject]:
        """The JSON objects of one direction."""
        return [cast("JsonObject", value) for value in self.values[direction] if isinstance(value, dict)]

    def share(self, conforms: Callable[[Message, object], bool]) -> float:
        """Return the share of messages that a rule about message and JSON value fits."""
        return sum(conforms(*entry) for entry in self.entries) / len(self.entries) if self.entries else 0.0

    def confidence(self, share: float, *, told: bool = False) -> float:
        """Return the confidence in a named protocol.

        ``share`` of the messages have its form; ``told`` says that a subprotocol or a path named it. Traffic alone
        gives up to 0.95, a name alone 0.5, and a name does not help a protocol that most messages contradict.
        """
        if not self.entries:
            return 0.5 if told else 0.0
        if share >= 0.8:
            return 0.9 + 0.05 * share + (0.05 if told else 0.0)
        return 0.5 + share / 2 if told and share >= 0.5 else 0.0


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
