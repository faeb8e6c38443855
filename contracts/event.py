"""An event: what an envelope reads out of a message, and the scopes that it belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from ..cassettes import Direction, Kind, Message

SYMBOL = re.compile(r"(?:client|server):.+", re.DOTALL)
"""What an event is called in rules and documents."""

_SIDES = {direction: f"{direction.value}:" for direction in Direction}

CONNECTION = "connection"
"""Name of the scope that every event of a connection belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. A JSON-RPC batch gives several, all at the position of their message."""

    connection: int
    direction: Direction  # who sent it
    label: str  # "agent_started"; JSON-RPC: "initialize", "initialize:result", "initialize:error"
    payload: object  # parsed JSON; the text itself of a text that is not JSON; None for binary
    kind: Kind  # TEXT or BINARY
    position: int  # number of the message in its connection, from 1, counting every recorded message
    at_ns: int  # since the session began

    @property
    def symbol(self) -> str:
        """The event's name in rules and documents: "server:agent_started"."""
        return _SIDES[self.direction] + self.label


@dataclass(slots=True)
class _Draft:
    """An `Event` that is being made: the same slots, not frozen."""

    connection: int
    direction: Direction
    label: str
    payload: object
    kind: Kind
    position: int
    at_ns: int


def make_event(message: Message, label: str, payload: object, position: int) -> Event:
    """Make the event of a message in a fifth of the time that `Event` itself takes (see `cassettes.make_message`)."""
    draft = _Draft(message.connection, message.direction, label, payload, message.kind, position, message.at_ns)
    draft.__class__ = Event  # pyright: ignore[reportAttributeAccessIssue]  # both have the same slots
    return cast("Event", draft)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeKey:
    """One instance of a scope, on one connection: its events there that carry one identifier's value.

    The connection's own scope has the name "connection" and an empty value.
    """

    name: str
    connection: int
    value: str

    def __str__(self) -> str:
        return f"connection {self.connection}" if self.name == CONNECTION else f"{self.name}={self.value}"


def side(symbol: str) -> Direction:
    """Return who sends the events of a symbol."""
    return Direction.CLIENT if symbol.startswith("client:") else Direction.SERVER


def label_of(symbol: str) -> str:
    """Return a symbol without its direction."""
    return symbol.partition(":")[2]
