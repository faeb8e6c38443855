"""What an envelope must be able to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from ...cassettes import Direction, Message
from .sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One event in a message: its label and its JSON payload."""

    label: str
    value: object


class Reading(Protocol):
    """An envelope at work on one connection; it may remember what went before."""

    def read(self, message: Message) -> Sequence[Payload]:
        """Return the events in a TEXT or BINARY message. Never raises."""
        ...


class Envelope(Protocol):
    """A way of wrapping events in messages, with its parameters."""

    name: ClassVar[str]

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """Return the confidence, from 0 to 1, that the sample is so wrapped, and the envelope fitted to it."""
        ...

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> Self:
        """Return the envelope from its part of a document. Raises ValueError with the reason."""
        ...

    def parameters(self) -> dict[str, object]:
        """Return the envelope's part of a document, "name" first."""
        ...

    def open(self) -> Reading:
        """Return a reading of one connection."""
        ...

    def discriminator(self, direction: Direction) -> str | None:
        """Return the pointer to the label in a payload, or None when the label stands elsewhere."""
        ...

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """Return the envelope's own identifiers of an event: pairs of scope name and pointer."""
        ...
