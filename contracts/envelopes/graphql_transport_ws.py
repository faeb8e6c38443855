"""GraphQL over WebSocket: what comes of an operation is labelled by the operation's name.

The protocol ``graphql-transport-ws``: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. Operations are
found in documents as in the GraphQL specification (October 2021), sections 2.1 and 2.3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import ClassVar, Self, cast

from ...cassettes import Direction, Handshake, Message
from ..json_text import JsonObject
from .envelope import Payload, Plain
from .opaque import unread_payload
from .requests import OpenRequests
from .sample import Sample, json_value
from .writing import WholeJson

MAX_TOKENS = 10_000
"""Tokens of a GraphQL document that are looked through for the operation's name."""

# Possessive, and a text that never ends is one token: the time is linear whatever a document holds.
_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.?|"(?!""))*+(?:""")?|"(?:[^"\\\n]|\\.?)*+"?|#[^\n]*|[_A-Za-z][_0-9A-Za-z]*|[{}():]', re.DOTALL
)
_OPERATIONS = ("query", "mutation", "subscription")


class GraphqlTransportWsEnvelope(WholeJson, Plain):
    """``subscribe`` by the operation's name, what answers it as ``NAME:next``, ``NAME:error``, ``NAME:complete``.

    The name is ``operationName``, else that of the first operation in the document, else its first field. The
    connection's own messages are labelled by their type; ``ping`` and ``pong`` are no events. The payload is the whole
    object.
    """

    name: ClassVar[str] = "graphql-transport-ws"
    subprotocol: ClassVar[str] = "graphql-transport-ws"
    begins: ClassVar[str] = "subscribe"
    answers: ClassVar[frozenset[str]] = frozenset(("next", "error", "complete"))
    heartbeats: ClassVar[frozenset[str]] = frozenset(("ping", "pong"))
    others: ClassVar[frozenset[str]] = frozenset(("connection_init", "connection_ack"))

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """The share of messages of the protocol's types, one of which only it has, and the subprotocol."""
        told = cls.subprotocol in sample.subprotocols
        types = {*cls.answers, *cls.heartbeats, *cls.others, cls.begins}
        own = any(cls._is_own(value) for _, value in sample.entries)
        share = sample.share(lambda _, value: _type(value) in types)
        return sample.confidence(share, told=told) if own or told else 0.0, cls()

    @classmethod
    def _is_own(cls, value: object) -> bool:
        type_ = _type(value)
        if type_ == cls.begins:
            payload = cast("JsonObject", value).get("payload")
            return isinstance(payload, dict) and "query" in payload
        return type_ in ("connection_init", "connection_ack")

    def open(self, handshake: Handshake | None = None) -> _GraphqlReading:
        """A reading that remembers the operations that run."""
        return _GraphqlReading(self)

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """The operation's id."""
        return (("id", "/id"),)


class _GraphqlReading:
    def __init__(self, envelope: GraphqlTransportWsEnvelope) -> None:
        self._envelope = envelope
        self._open = OpenRequests()

    def read(self, message: Message) -> Sequence[Payload]:
        value = json_value(message)
        type_ = _type(value)
        if type_ is None:
            return (unread_payload(message, value),)
        entry, envelope = cast("JsonObject", value), self._envelope
        id_ = entry.get("id")
        if type_ in envelope.heartbeats:
            return ()
        if type_ == envelope.begins:
            name = operation_name(entry.get("payload")) or type_
            self._open.ask(Direction.CLIENT, id_, name)
            return (Payload(label=name, value=entry),)
        if type_ in envelope.answers and "id" in entry:
            # Even after its end an operation keeps its name: results may be under way when the client ends it.
            return (Payload(label=f"{self._open.label(Direction.CLIENT, id_)}:{type_}", value=entry),)
        return (Payload(label=type_, value=entry),)


def operation_name(payload: object) -> str | None:
    """Return the name of the operation that a client asks for, of its first field when it has none, or None."""
    if not isinstance(payload, dict):
        return None
    request = cast("JsonObject", payload)
    name, document = request.get("operationName"), request.get("query")
    if isinstance(name, str) and name:
        return name[:200]
    if not isinstance(document, str):
        return None
    found = islice(_TOKEN.finditer(document), MAX_TOKENS)
    tokens = [text for match in found if (text := match[0])[0] not in '"#']
    depth = 0
    for number, token in enumerate(tokens):
        if token in "{(":
            if token == "{" and depth == 0 and (number == 0 or tokens[number - 1] == "}"):
                return _first_field(tokens[number:])  # a document that is only a selection
            depth += 1
        elif token in "})":
            depth -= 1
        elif depth == 0 and token in _OPERATIONS and (number == 0 or tokens[number - 1] in "})"):
            after = tokens[number + 1] if number + 1 < len(tokens) else ""
            return after[:200] if after[:1].isidentifier() else _first_field(tokens[number:])
    return None


def _first_field(tokens: Sequence[str]) -> str | None:
    depth = 0
    for number, token in enumerate(tokens):
        if token in "()":
            depth += 1 if token == "(" else -1
        elif token == "{" and depth == 0:
            field = tokens[number + 1 : number + 4]
            if field[1:2] == [":"]:
                field = field[2:]  # an alias stands before the field's own name
            return field[0][:200] if field and field[0][:1].isidentifier() else None
    return None


def _type(value: object) -> str | None:
    type_ = cast("JsonObject", value).get("type") if isinstance(value, dict) else None
    return type_ if isinstance(type_, str) else None
