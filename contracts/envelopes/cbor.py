"""CBOR (RFC 8949) in binary messages, labelled like JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...cassettes import Kind, Message
from ...cassettes.splicing import Cbor, Notation
from ..json_text import NOT_JSON
from .binary_value import key_name, unpack_cbor
from .json_envelope import JsonEnvelope


@dataclass(frozen=True, slots=True)
class CborEnvelope(JsonEnvelope):
    """One CBOR data item a binary message, with its label in a field; text messages are read as JSON.

    In the payload bytes are base64 text and moments are date-times; a tag that is not known is an object.
    """

    name: ClassVar[str] = "cbor"

    @staticmethod
    def decoded(message: Message, value: object) -> object:
        """Return the value of a binary message, else its JSON value."""
        if value is NOT_JSON and message.kind is Kind.BINARY:
            return unpack_cbor(message.payload)
        return value

    @staticmethod
    def notation() -> Notation:
        """CBOR."""
        return Cbor(key_name)
