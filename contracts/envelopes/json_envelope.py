"""JSON messages that carry their label in a field, found by looking and not only by name.

For each direction, every pointer (at most three keys deep) whose values look like labels is a candidate. It is
judged by how well its value explains the structure of the payloads: the normalised mutual information of label
and structure, which is 0 for a constant and for a value that tells the structure nothing, and falls for a value
that splits messages finer than their structure does. A well-known name adds to it, so that a small session, in
which nothing can be measured, is read the way a person would read it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, cast

from ...cassettes import Direction, Message
from ..json_text import NOT_JSON, JsonObject, Pointer, join_pointer, resolve, split_pointer, type_name
from .envelope import Payload
from .opaque import opaque_payload
from .sample import Sample, json_value

MAX_DEPTH = 3
MAX_KEYS = 8
MAX_LABEL = 200

# Spelled without case, "_" and "-". The order is the order of preference between equals.
KNOWN_NAMES = (
    "type",
    "event",
    "msgtype",
    "messagetype",
    "eventtype",
    "action",
    "op",
    "kind",
    "method",
    "command",
    "cmd",
    "opcode",
    "eventname",
    "t",
    "name",
    "subject",
)
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_.:/ -]{0,63}")
_IDENTIFIER = re.compile(r"\d{3}|[0-9a-fA-F-]{16}|[A-Za-z]+[-_]\d+$")


@dataclass(frozen=True, slots=True)
class JsonEnvelope:
    """JSON with a discriminator at a pointer of its own for each direction.

    A message without it is labelled by its sorted keys, "{a,b}": at most eight, keys that are data written "*".
    JSON that is not an object is labelled by its type ("array"), text that is not JSON "text", the rest "binary".
    """

    name: ClassVar[str] = "json"
    client: str | None = None
    server: str | None = None

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """Find the discriminators; the confidence grows with the share of messages that are JSON objects."""
        objects = {direction: sample.objects(direction) for direction in Direction}
        found: dict[Direction, str | None] = {}
        # The direction with more messages is measured first; the other leans towards the same place.
        for direction in sorted(Direction, key=lambda side: (-len(objects[side]), side)):
            other = next((pointer for pointer in found.values() if pointer is not None), None)
            found[direction] = find_discriminator(objects[direction], other)
        share = sum(map(len, objects.values())) / sample.messages if sample.messages else 0.0
        confidence = 0.1 + 0.8 * share if share else 0.0
        return confidence, cls(found[Direction.CLIENT], found[Direction.SERVER])

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> Self:
        """Read "client" and "server", each a JSON pointer or null."""
        pointers: list[str | None] = []
        for key in ("client", "server"):
            pointer = parameters.get(key)
            if pointer is not None and not isinstance(pointer, str):
                raise ValueError(f"{key} is neither a JSON pointer nor null")
            if pointer is not None:
                split_pointer(pointer)
            pointers.append(pointer)
        return cls(*pointers)

    def parameters(self) -> dict[str, object]:
        """The name and both pointers."""
        return {"name": self.name, "client": self.client, "server": self.server}

    def open(self) -> _JsonReading:
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
        self._keys: dict[Direction, Pointer | None] = {}
        for direction in Direction:
            pointer = envelope.discriminator(direction)
            self._keys[direction] = None if pointer is None else split_pointer(pointer)

    def read(self, message: Message) -> Sequence[Payload]:
        value = json_value(message)
        if value is NOT_JSON:
            return (opaque_payload(message),)
        if not isinstance(value, dict):
            return (Payload(label=type_name(value), value=value),)
        keys = self._keys[message.direction]
        if keys is not None:
            label = resolve(cast("JsonObject", value), keys)
            if isinstance(label, str) and len(label) <= MAX_LABEL:
                return (Payload(label=label, value=cast("JsonObject", value)),)
        return (Payload(label=key_shape(cast("JsonObject", value)), value=cast("JsonObject", value)),)


def key_shape(value: JsonObject) -> str:
    """Return the label of an object without a discriminator: "{a,b}"."""
    keys = sorted({"*" if _IDENTIFIER.search(key) or len(key) > 40 or not key else key for key in value})
    return "{" + ",".join(keys[:MAX_KEYS]) + (",…" if len(keys) > MAX_KEYS else "") + "}"


def find_discriminator(objects: Sequence[JsonObject], other: str | None = None) -> str | None:
    """Return the pointer whose value labels the objects best, or None when none does.

    ``other`` is the pointer found for the other direction, which wins a near tie.
    """
    values: dict[Pointer, list[str | None]] = {}
    structures: list[frozenset[Pointer]] = []
    for number, value in enumerate(objects):
        structure: set[Pointer] = set()
        for keys, leaf in _leaves(value):
            structure.add((*keys, type_name(leaf)))
            if isinstance(leaf, str) and _LABEL.fullmatch(leaf) and not _IDENTIFIER.search(leaf):
                column = values.setdefault(keys, [])
                column.extend([None] * (number - len(column)))
                column.append(leaf)
        structures.append(frozenset(structure))
    scored = [
        (score, pointer)
        for keys, column in values.items()
        if (score := _score(keys, column, structures, pointer := join_pointer(keys), other)) is not None
    ]
    return min(scored, key=lambda pair: (-pair[0], pair[1].count("/"), pair[1]))[1] if scored else None


def _leaves(value: JsonObject, before: Pointer = ()) -> Iterator[tuple[Pointer, object]]:
    for key, item in list(value.items())[:64]:
        keys = (*before, key)
        yield keys, item
        if isinstance(item, dict) and len(keys) < MAX_DEPTH:
            yield from _leaves(cast("JsonObject", item), keys)


def _score(
    keys: Pointer, column: list[str | None], structures: list[frozenset[Pointer]], pointer: str, other: str | None
) -> float | None:
    total = len(structures)
    labels = [label for label in column if label is not None]
    distinct = len(set(labels))
    name = re.sub(r"[_-]", "", keys[-1]).lower()
    known = name in KNOWN_NAMES
    if len(labels) < total * (0.6 if known and len(keys) == 1 else 0.9):
        return None
    if total >= 20 and distinct > total / 4:
        return None
    # The pointer itself stands in every structure, so it explains nothing by being there.
    explained = _mutual_information(column, structures)
    if not known and (total < 10 or distinct < 2 or explained < 0.5):
        return None
    if known and len(keys) > 1 and distinct < 2 and pointer != other:
        return None
    score = explained - 0.05 * (len(keys) - 1)
    if known:
        # A name that promises less than a type must show more.
        score += 0.3 - 0.01 * KNOWN_NAMES.index(name)
        if name in ("t", "name", "subject") and total >= 10 and explained < 0.5:
            return None
    return score + (0.15 if pointer == other else 0.0)


def _mutual_information(labels: list[str | None], structures: list[frozenset[Pointer]]) -> float:
    """Return the mutual information of two columns over the greater of their entropies, from 0 to 1."""
    padded = [*labels, *([None] * (len(structures) - len(labels)))]
    one, two = _entropy(Counter(padded)), _entropy(Counter(structures))
    both = _entropy(Counter(zip(padded, structures, strict=True)))
    greater = max(one, two)
    return (one + two - both) / greater if greater else 0.0


def _entropy(
    counts: Counter[object]
    | Counter[str | None]
    | Counter[frozenset[Pointer]]
    | Counter[tuple[str | None, frozenset[Pointer]]],
) -> float:
    total = sum(counts.values())
    return -sum(count / total * math.log2(count / total) for count in counts.values())
