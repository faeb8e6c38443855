"""MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) in binary messages, labelled like JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...cassettes import Kind, Message
from ...cassettes.splicing import MessagePack, Notation
from ..json_text import NOT_JSON
from .binary_value import key_name, unpack_messagepack
from .json_envelope import JsonEnvelope


@dataclass(frozen=True, slots=True)
class MessagePackEnvelope(JsonEnvelope):
    """One MessagePack object a binary message, with its label in a field; text messages are read as JSON.

    In the payload bytes are base64 text and moments are date-times.
    """

    name: ClassVar[str] = "msgpack"

    @staticmethod
    def decoded(message: Message, value: object) -> object:
        """Return the value of a binary message, else its JSON value."""
        if value is NOT_JSON and message.kind is Kind.BINARY:
            return unpack_messagepack(message.payload)
        return value

    @staticmethod
    def notation() -> Notation:
        """MessagePack."""
        return MessagePack(key_name)
