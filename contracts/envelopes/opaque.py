"""The fallback: messages of which only the kind is known, labelled "text" and "binary"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from ...cassettes import Direction, Kind, Message
from .envelope import Payload
from .sample import Sample


def opaque_payload(message: Message) -> Payload:
    """Return the event of a message that is not JSON: the text itself, or nothing of a binary one."""
    if message.kind is Kind.TEXT:
        return Payload(label="text", value=message.text)
    return Payload(label="binary", value=None)


@dataclass(frozen=True, slots=True)
class OpaqueEnvelope:
    """Text and binary messages that are not looked into."""

    name: ClassVar[str] = "opaque"

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """Explain anything, with the least confidence."""
        return 0.01, cls()

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> Self:
        """There are no parameters."""
        return cls()

    def parameters(self) -> dict[str, object]:
        """Only the name."""
        return {"name": self.name}

    def open(self) -> Self:
        """Nothing is remembered, so the envelope is its own reading."""
        return self

    def read(self, message: Message) -> Sequence[Payload]:
        """One event a message."""
        return (opaque_payload(message),)

    def discriminator(self, direction: Direction) -> str | None:
        """The label does not stand in the payload."""
        return None

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """None."""
        return ()
