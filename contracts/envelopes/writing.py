"""Other values put into a message in place of those that are there: reading, the other way round.

A replay puts the values that this build issues where the recorded client sent those of another build. An envelope that
can do so has a `write` beside its reading; what it gives differs from the message in these values only, and in what
counts their bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from ...cassettes import Kind, Message
from ...cassettes.splicing import Json, Notation, Path, Value, splice
from ..json_text import MAX_JSON, NOT_JSON
from .envelope import Envelope
from .sample import json_value

Changes = Mapping[Path, Value]
"""New values by their place in the payload of an event."""


@runtime_checkable
class Writing(Protocol):
    """What an envelope may offer beside reading."""

    def write(self, message: Message, changes: Sequence[Changes]) -> bytes | None:
        """Return the payload of a message with other values in it; None where one cannot be put there. Never raises.

        ``changes`` has a mapping for each event that is read in the message, in their order; the last may be left out.
        """
        ...


def written(envelope: Envelope, message: Message, changes: Sequence[Changes]) -> bytes | None:
    """Return the payload of a message with other values in it, None where the envelope cannot put them there."""
    if not any(changes):
        return message.payload
    return envelope.write(message, changes) if isinstance(envelope, Writing) else None


class WholeJson:
    """Writing for envelopes whose one payload is the JSON value that a message is, or its text when it is no JSON."""

    def write(self, message: Message, changes: Sequence[Changes]) -> bytes | None:
        """Put values into JSON, or another text in the place of a text."""
        return write_json(message, changes[0]) if len(changes) == 1 else None


def write_json(message: Message, changes: Changes, notation: Notation | None = None) -> bytes | None:
    """Return a message with other values in its JSON, in another ``notation`` when it is no JSON, or in its text."""
    if json_value(message) is not NOT_JSON:
        return splice(message.payload, changes, Json())
    if message.kind is Kind.TEXT:
        return write_text(changes)
    return splice(message.payload, changes, notation) if notation and len(message.payload) <= MAX_JSON else None


def write_text(changes: Changes) -> bytes | None:
    """Return the text that takes the place of another."""
    new = changes.get(()) if len(changes) == 1 else None
    return str(new).encode("utf-8", "surrogatepass") if new is not None else None


def moved(changes: Changes, old: Path, new: Path) -> dict[Path, Value]:
    """Return the changes below one place as those below another, without all others."""
    return {new + path[len(old) :]: value for path, value in changes.items() if path[: len(old)] == old}


def placed(changes: Changes, members: Mapping[str, int]) -> dict[Path, Value]:
    """Return the changes of an object as those of the array that it was, by the index of each member.

    A member that has no index keeps its path, at which an array has nothing.
    """
    return {(members.get(str(path[0]), path[0]), *path[1:]) if path else path: new for path, new in changes.items()}
