"""What an envelope must be able to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from ...cassettes import Direction, Handshake, Message
from .sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One event in a message: its label and its JSON payload."""

    label: str
    value: object


class Reading(Protocol):
    """An envelope at work on one connection; it may remember what went before."""

    def read(self, message: Message) -> Sequence[Payload]:
        """Return the events in a TEXT or BINARY message; none for a heartbeat. Never raises."""
        ...


class Envelope(Protocol):
    """A way of wrapping events in messages, with its parameters."""

    name: ClassVar[str]

    def parameters(self) -> dict[str, object]:
        """Return the envelope's part of a document, "name" first."""
        ...

    def open(self, handshake: Handshake | None = None) -> Reading:
        """Return a reading of one connection; ``handshake`` is None when it is not known."""
        ...

    def discriminator(self, direction: Direction) -> str | None:
        """Return the pointer to the label in a payload, or None when the label stands elsewhere."""
        ...

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """Return the envelope's own identifiers of an event: pairs of scope name and pointer."""
        ...


class Detectable(Envelope, Protocol):
    """An envelope that can be found by looking: its class, as the registry holds it."""

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """Return the confidence, from 0 to 1, that the sample is so wrapped, and the envelope fitted to it."""
        ...

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> Self:
        """Return the envelope from its part of a document. Raises ValueError with the reason."""
        ...


class Plain:
    """What most envelopes have in common: no parameters, no label in the payload, no identifiers of their own."""

    name: ClassVar[str]

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> Self:
        """There are no parameters."""
        return cls()

    def parameters(self) -> dict[str, object]:
        """Only the name."""
        return {"name": self.name}

    def discriminator(self, direction: Direction) -> str | None:
        """The label does not stand in the payload."""
        return None

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """None."""
        return ()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(self.name)
