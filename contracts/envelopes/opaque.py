"""The fallback: messages of which only the kind is known, labelled "text" and "binary"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from ...cassettes import Handshake, Kind, Message
from ..json_text import NOT_JSON
from .envelope import Payload, Plain
from .sample import Sample
from .writing import Changes, write_text


def opaque_payload(message: Message) -> Payload:
    """Return the event of a message that is not JSON: the text itself, or nothing of a binary one."""
    if message.kind is Kind.TEXT:
        return Payload(label="text", value=message.text)
    return Payload(label="binary", value=None)


def unread_payload(message: Message, value: object) -> Payload:
    """Return the event of a message that a protocol does not provide for; "?" when it is JSON all the same."""
    return opaque_payload(message) if value is NOT_JSON else Payload(label="?", value=value)


class OpaqueEnvelope(Plain):
    """Text and binary messages that are not looked into."""

    name: ClassVar[str] = "opaque"

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """Explain anything, with the least confidence."""
        return 0.01, cls()

    def open(self, handshake: Handshake | None = None) -> Self:
        """Nothing is remembered, so the envelope is its own reading."""
        return self

    def read(self, message: Message) -> Sequence[Payload]:
        """One event a message."""
        return (opaque_payload(message),)

    def write(self, message: Message, changes: Sequence[Changes]) -> bytes | None:
        """Put another text in the place of a text."""
        return write_text(changes[0]) if len(changes) == 1 and message.kind is Kind.TEXT else None
