"""JSON messages that carry their label in a field, found by looking and not only by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, cast

from ...cassettes import Direction, Handshake, Message
from ...cassettes.splicing import Notation
from ..json_text import NOT_JSON, JsonObject, Pointer, resolve, split_pointer, type_name
from .discriminator import find_discriminator
from .envelope import Payload
from .key_shapes import KeyShape, Shapes, key_shape, label_by_shape, shapes_document, shapes_from
from .opaque import opaque_payload
from .sample import Sample, json_value
from .writing import Changes, write_json

MAX_LABEL = 200


@dataclass(frozen=True, slots=True)
class JsonEnvelope:
    """JSON with a discriminator at a pointer of its own for each direction.

    A message without it is labelled by the shape that its keys fit best, as an AsyncAPI document gives them; where
    there are none by its sorted keys, "{a,b}": at most eight, keys that are data written "*". JSON that is not an
    object is labelled by its type ("array"), text that is not JSON "text", the rest "binary".
    """

    name: ClassVar[str] = "json"
    client: str | None = None
    server: str | None = None
    shapes: Shapes = ()

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """Find the discriminators; the confidence grows with the share of messages that are objects and labelled."""
        objects: dict[Direction, list[JsonObject]] = {direction: [] for direction in Direction}
        decoded = 0
        for message, value in sample.entries:
            read = cls.decoded(message, value)
            decoded += read is not value and isinstance(read, dict)
            if isinstance(read, dict):
                objects[message.direction].append(cast("JsonObject", read))
        found: dict[Direction, str | None] = {}
        # The direction with more messages is measured first; the other leans towards the same place.
        for direction in sorted(Direction, key=lambda side: (-len(objects[side]), side)):
            other = next((pointer for pointer in found.values() if pointer is not None), None)
            found[direction] = find_discriminator(objects[direction], other)
        total = sum(map(len, objects.values()))
        # Without a message that needs its decoding, an encoding of JSON's values explains no more than JSON does.
        if not total or (cls is not JsonEnvelope and not decoded):
            return 0.0, cls()
        labelled = sum(len(objects[direction]) for direction, pointer in found.items() if pointer is not None)
        share = (total + labelled) / 2 / len(sample.entries)
        return 0.1 + 0.8 * share, cls(found[Direction.CLIENT], found[Direction.SERVER])

    @staticmethod
    def decoded(message: Message, value: object) -> object:
        """Return what a message holds, given its JSON value or `NOT_JSON`; `NOT_JSON` when it cannot be read."""
        return value

    def write(self, message: Message, changes: Sequence[Changes]) -> bytes | None:
        """Put values into the message, however its value is encoded."""
        return write_json(message, changes[0], self.notation()) if len(changes) == 1 else None

    @staticmethod
    def notation() -> Notation | None:
        """Return how a message that is no JSON is encoded."""
        return None

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> Self:
        """Read "client" and "server", each a JSON pointer or null, and "shapes"."""
        pointers: list[str | None] = []
        for key in ("client", "server"):
            pointer = parameters.get(key)
            if pointer is not None and not isinstance(pointer, str):
                raise ValueError(f"{key} is neither a JSON pointer nor null")
            if pointer is not None:
                split_pointer(pointer)
            pointers.append(pointer)
        return cls(pointers[0], pointers[1], shapes_from(parameters.get("shapes")))

    def parameters(self) -> dict[str, object]:
        """The name, both pointers, and the shapes where there are any."""
        pointers = {"name": self.name, "client": self.client, "server": self.server}
        return {**pointers, "shapes": shapes_document(self.shapes)} if self.shapes else {**pointers}

    def open(self, handshake: Handshake | None = None) -> _JsonReading:
        """A reading with the pointers split once."""
        return _JsonReading(self)

    def discriminator(self, direction: Direction) -> str | None:
        """The direction's pointer."""
        return self.client if direction is Direction.CLIENT else self.server

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """None of its own: identifiers are found in the payloads."""
        return ()


class _JsonReading:
    def __init__(self, envelope: JsonEnvelope) -> None:
        self._decoded = envelope.decoded
        self._shapes: Mapping[Direction, Sequence[KeyShape]] = dict(envelope.shapes)
        self._keys: dict[Direction, Pointer | None] = {}
        for direction in Direction:
            pointer = envelope.discriminator(direction)
            self._keys[direction] = None if pointer is None else split_pointer(pointer)

    def read(self, message: Message) -> Sequence[Payload]:
        value = self._decoded(message, json_value(message))
        if value is NOT_JSON:
            return (opaque_payload(message),)
        if not isinstance(value, dict):
            return (Payload(label=type_name(value), value=value),)
        keys = self._keys[message.direction]
        if keys is not None:
            label = resolve(cast("JsonObject", value), keys)
            if isinstance(label, str) and len(label) <= MAX_LABEL:
                return (Payload(label=label, value=cast("JsonObject", value)),)
        entry = cast("JsonObject", value)
        fitting = label_by_shape(entry.keys(), self._shapes.get(message.direction, ()))
        return (Payload(label=fitting or key_shape(entry), value=entry),)
