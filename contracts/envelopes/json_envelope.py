"""JSON messages that carry their label in a field, found by looking and not only by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, cast

from ...cassettes import Direction, Handshake, Message
from ...cassettes.splicing import Notation
from ..json_text import NOT_JSON, JsonArray, JsonObject, Pointer, resolve, split_pointer, type_name
from .discriminator import find_discriminators
from .envelope import Payload
from .key_shapes import KeyShape, Shapes, key_shape, label_by_shape, shapes_document, shapes_from
from .opaque import opaque_payload
from .sample import Sample, json_value
from .writing import Changes, write_json

MAX_LABEL = 200
MAX_NUMBER = 9999


@dataclass(frozen=True, slots=True)
class JsonEnvelope:
    """JSON with a discriminator at a pointer of its own for each direction.

    A word is the label itself, a number is written after its key, "op=2". A field beside the first may say more where
    there is something in it: "op=0/READY". Arrays have a place of their own for their label, of which a number is the
    label as it stands.

    An object without a label is labelled by the shape that its keys fit best, as an AsyncAPI document gives them; where
    there are none by its sorted keys, "{a,b}": at most eight, keys that are data written "*". JSON that is not an
    object is labelled by its type ("array"), text that is not JSON "text", the rest "binary".
    """

    name: ClassVar[str] = "json"
    client: str | None = None
    server: str | None = None
    shapes: Shapes = ()
    client_beside: str | None = None  # pointer of what a client's label goes on with
    server_beside: str | None = None
    client_array: str | None = None  # pointer of the label in the arrays that clients send
    server_array: str | None = None

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """Find the discriminators; the confidence grows with the share of messages that are objects and labelled."""
        objects: dict[Direction, list[JsonObject]] = {direction: [] for direction in Direction}
        arrays: dict[Direction, list[JsonArray]] = {direction: [] for direction in Direction}
        decoded = 0
        for message, value in sample.entries:
            read = cls.decoded(message, value)
            decoded += read is not value and isinstance(read, dict)
            if isinstance(read, dict):
                objects[message.direction].append(cast("JsonObject", read))
            elif isinstance(read, list):
                arrays[message.direction].append(cast("JsonArray", read))
        found, in_arrays = _found(objects), _found(arrays)
        total = sum(map(len, objects.values()))
        listed = sum(len(arrays[direction]) for direction, pointers in in_arrays.items() if pointers)
        # Without a message that needs its decoding, an encoding of JSON's values explains no more than JSON does.
        if not total + listed or (cls is not JsonEnvelope and not decoded):
            return 0.0, cls()
        labelled = sum(len(objects[direction]) for direction, pointers in found.items() if pointers)
        share = (total + labelled + 2 * listed) / 2 / len(sample.entries)
        (client, client_beside), (server, server_beside) = (found[side] for side in Direction)
        (client_array, _), (server_array, _) = (in_arrays[side] for side in Direction)
        return 0.1 + 0.8 * share, cls(
            client,
            server,
            client_beside=client_beside,
            server_beside=server_beside,
            client_array=client_array,
            server_array=server_array,
        )

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
        """Read "client" and "server", each a JSON pointer, two of them or null, "client_array" and so on, and "shapes".

        Raises ValueError with the reason.
        """
        pointers: list[str | None] = []
        for key in ("client", "server", "client_array", "server_array"):
            value = parameters.get(key)
            two = cast("list[object]", value) if isinstance(value, list) else [value, None]
            match two:
                case [str() | None as pointer, str() | None as beside] if pointer is not None or beside is None:
                    pointers += (pointer, beside)
                case _:
                    raise ValueError(f"{key} is neither a JSON pointer nor two of them nor null")
        for pointer in pointers:
            if pointer is not None:
                split_pointer(pointer)
        client, client_beside, server, server_beside, client_array, _, server_array, _ = pointers
        return cls(
            client,
            server,
            shapes_from(parameters.get("shapes")),
            client_beside,
            server_beside,
            client_array,
            server_array,
        )

    def parameters(self) -> dict[str, object]:
        """The name, the pointers, and the shapes where there are any."""
        found: dict[str, object] = {
            "name": self.name,
            "client": self.client if self.client_beside is None else [self.client, self.client_beside],
            "server": self.server if self.server_beside is None else [self.server, self.server_beside],
        }
        arrays = {"client_array": self.client_array, "server_array": self.server_array}
        found |= {key: pointer for key, pointer in arrays.items() if pointer is not None}
        return {**found, "shapes": shapes_document(self.shapes)} if self.shapes else found

    def open(self, handshake: Handshake | None = None) -> _JsonReading:
        """A reading with the pointers split once."""
        return _JsonReading(self)

    def discriminator(self, direction: Direction) -> str | None:
        """The direction's pointer."""
        return self.client if direction is Direction.CLIENT else self.server

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """None of its own: identifiers are found in the payloads."""
        return ()


def _found(
    values: Mapping[Direction, Sequence[JsonObject]] | Mapping[Direction, Sequence[JsonArray]],
) -> dict[Direction, tuple[str | None, str | None]]:
    """Return the pointers by which each direction labels its objects, or its arrays."""
    found: dict[Direction, tuple[str | None, str | None]] = {}
    # The direction with more messages is measured first; the other leans towards the same place.
    for direction in sorted(Direction, key=lambda side: (-len(values[side]), side)):
        other = next((pointer for pointer, _ in found.values() if pointer is not None), None)
        pointer, beside, *_ = (*find_discriminators(values[direction], other), None, None)
        found[direction] = (pointer, beside)
    return found


class _JsonReading:
    def __init__(self, envelope: JsonEnvelope) -> None:
        self._decoded = envelope.decoded
        self._shapes: Mapping[Direction, Sequence[KeyShape]] = dict(envelope.shapes)
        self._keys = {
            Direction.CLIENT: _split(envelope.client, envelope.client_beside),
            Direction.SERVER: _split(envelope.server, envelope.server_beside),
        }
        self._places = {
            Direction.CLIENT: _split(envelope.client_array),
            Direction.SERVER: _split(envelope.server_array),
        }

    def read(self, message: Message) -> Sequence[Payload]:
        value = self._decoded(message, json_value(message))
        if value is NOT_JSON:
            return (opaque_payload(message),)
        if isinstance(value, list):
            array = cast("JsonArray", value)
            label = next((_part(_item(array, keys), "") for keys in self._places[message.direction]), "")
            return (Payload(label=label or "array", value=array),)
        if not isinstance(value, dict):
            return (Payload(label=type_name(value), value=value),)
        entry = cast("JsonObject", value)
        shapes = self._shapes.get(message.direction, ())
        label = ""
        for keys in self._keys[message.direction]:
            part = resolve(entry, keys)
            # Where shapes give the labels of what has none, a number is none.
            part = "" if shapes and isinstance(part, int) else _part(part, keys[-1])
            if not part:
                break
            label = f"{label}/{part}" if label else part
        return (Payload(label=label or label_by_shape(entry.keys(), shapes) or key_shape(entry), value=entry),)


def _split(*pointers: str | None) -> list[Pointer]:
    return [split_pointer(pointer) for pointer in pointers if pointer]


def _part(value: object, key: str) -> str:
    """Return what a value adds to a label, nothing when it is neither a word nor a number."""
    if isinstance(value, str):
        return value if len(value) <= MAX_LABEL else ""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER:
        return f"{key}={value}" if key else str(value)
    return ""


def _item(array: JsonArray, keys: Pointer) -> object:
    """Return what stands in an array at a pointer, `NOT_JSON` when nothing does."""
    place = int(keys[0]) if keys and keys[0].isdecimal() and len(keys[0]) < 4 else len(array)
    return resolve(array[place], keys[1:]) if place < len(array) else NOT_JSON
