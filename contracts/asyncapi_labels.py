"""Which labels the messages of an AsyncAPI document have, and which part of its payload belongs to each.

A field that tells the messages of a side apart by constants gives the label, as it does in traffic; a payload that is a
union of such parts is as many events. A message without such a field is called by its name, and told by its fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from ..cassettes import Direction
from .asyncapi_facts import Facting, Facts, Resolve, branches, either
from .envelopes.discriminator import KNOWN_NAMES
from .json_text import Pointer, join_pointer, split_pointer

_Object = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A message of a document."""

    direction: Direction
    place: str
    name: str
    label: str | None = None  # where the document states it
    event: object = None  # what the document keeps of the event's claim
    schema: object = None  # None: any payload
    where: str = ""  # the schema's place
    plain_text: bool = False  # by its content type
    asked: tuple[Described, ...] = ()  # for a reply: the messages that it answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a message holds under one label."""

    label: str
    message: Described
    schema: object
    whole: bool  # the schema stands in the document just so


class Labelling:
    """Finds the envelope of a document and the labels of its messages."""

    def __init__(self, resolve: Resolve, messages: Sequence[Described]) -> None:
        self._resolve = resolve
        self._facting = Facting(resolve)
        self._messages = messages
        self._parts: dict[
            tuple[int, Pointer, str], tuple[object, object]
        ] = {}  # with the schema, which keeps its address

    def envelope(self) -> _Object:
        """Return the envelope's part of a contract. Raises ContractError for a broken reference."""
        facts = [self._facts(message) for message in self._messages]
        if facts and all(found.constants.get(("jsonrpc",)) == frozenset(("2.0",)) for found in facts):
            return {"name": "json-rpc"}
        pointers: dict[str, str | None] = {}
        shapes: _Object = {}
        for direction in Direction:
            own = [
                (message.name, found)
                for message, found in zip(self._messages, facts, strict=True)
                if message.direction is direction and found.is_object and not message.plain_text
            ]
            keys = _discriminator([found for _, found in own])
            pointers[direction.value] = None if keys is None else join_pointer(keys)
            named: dict[str, list[Facts]] = {}
            for name, found in own:
                if keys not in found.constants:
                    named.setdefault(name, []).append(found)
            distinct: dict[tuple[str, ...], str] = {}  # what nothing tells apart is one event
            for name, several in named.items():
                distinct.setdefault(tuple(_fields(either(several))), name)
            if distinct:
                shapes[direction.value] = {name: list(fields) for fields, name in distinct.items()}
        return {"name": "json", **pointers, **({"shapes": shapes} if shapes else {})}

    def parts(self, envelope: Mapping[str, object]) -> Iterator[Part]:
        """Yield every message under each of its labels."""
        for message in self._messages:
            if message.label is not None:
                yield Part(label=message.label, message=message, schema=message.schema, whole=True)
                continue
            facts = self._facts(message)
            pointer = envelope.get(message.direction.value) if envelope.get("name") == "json" else None
            keys = split_pointer(pointer) if isinstance(pointer, str) else None
            labels = sorted(facts.constants.get(keys, ())) if keys is not None else []
            if labels and keys is not None:
                for label in labels:
                    schema = self._part(message.schema, message.where, keys, label)
                    yield Part(label=label, message=message, schema=schema, whole=schema is message.schema)
            elif envelope.get("name") == "json-rpc":
                for label in self._rpc_labels(message, facts):
                    yield Part(label=label, message=message, schema=message.schema, whole=True)
            else:
                label = _label_in(envelope, message, facts)
                yield Part(label=label, message=message, schema=message.schema, whole=True)

    def _facts(self, message: Described) -> Facts:
        return self._facting.facts(message.schema, message.where)

    def _part(self, schema: object, place: str, keys: Pointer, label: str) -> object:
        """Return what a schema says of the values with a label; the schema itself when it is of no others."""
        labels = self._labels(schema, place, keys)
        if labels is None or labels == frozenset((label,)):
            return schema
        key = (id(schema), keys, label)
        if key not in self._parts:
            self._parts[key] = schema, schema  # where it leads back to itself
            self._parts[key] = schema, self._narrowed(cast("_Object", schema), place, keys, label)
        return self._parts[key][1]

    def _narrowed(self, own: _Object, place: str, keys: Pointer, label: str) -> object:
        reference = own.get("$ref")
        if isinstance(reference, str):
            found, target = self._resolve(reference, place)
            rest = {key: value for key, value in own.items() if key != "$ref"}
            narrowed = self._part(target, found, keys, label)
            if not rest:
                return narrowed
            own = {**rest, "allOf": [*branches(rest, "allOf"), narrowed]}
        parts = dict(own)
        if not keys and "enum" in own:
            del parts["enum"]
            parts["const"] = label
        properties = own.get("properties")
        if keys and isinstance(properties, dict) and keys[0] in properties:
            below = cast("_Object", properties)
            where = f"{place}/properties" + join_pointer(keys[:1])
            parts["properties"] = {**below, keys[0]: self._part(below[keys[0]], where, keys[1:], label)}
        for keyword in ("oneOf", "anyOf"):
            fitting = [
                self._part(branch, where, keys, label)
                for number, branch in enumerate(branches(own, keyword))
                if label in (self._labels(branch, where := f"{place}/{keyword}/{number}", keys) or (label,))
            ]
            if len(fitting) == 1:
                del parts[keyword]
                parts["allOf"] = [*branches(parts, "allOf"), *fitting]
            elif fitting:
                parts[keyword] = fitting
        known = branches(own, "allOf")
        if known:
            narrowed = [self._part(part, f"{place}/allOf/{number}", keys, label) for number, part in enumerate(known)]
            parts["allOf"] = [*narrowed, *branches(parts, "allOf")[len(known) :]]
        if len(self._labels(parts, place, keys) or ()) > 1:
            parts = {"allOf": [parts, _holding(keys, label)]}
        return parts

    def _labels(self, schema: object, place: str, keys: Pointer) -> frozenset[str] | None:
        return self._facting.facts(schema, place).constants.get(keys)

    def _rpc_labels(self, message: Described, facts: Facts) -> Sequence[str]:
        methods = facts.constants.get(("method",))
        if methods:
            return sorted(methods)
        outcome = "result" if "result" in facts.fields else "error" if "error" in facts.fields else None
        asked = {method for one in message.asked for method in self._facts(one).constants.get(("method",), ())}
        return sorted(f"{method}:{outcome}" for method in asked) if outcome and asked else [message.name]


def _discriminator(facts: Sequence[Facts]) -> Pointer | None:
    """Return where the messages of a side have their label: in all of them, else in most."""
    candidates: list[tuple[bool, bool, bool, int, Pointer]] = []
    for keys in {keys for found in facts for keys in found.constants if keys}:
        values = [found.constants[keys] for found in facts if keys in found.constants]
        distinct = len(frozenset[str]().union(*values))
        known = keys[-1].replace("_", "").replace("-", "").lower() in KNOWN_NAMES
        everywhere = len(values) == len(facts)
        repeated = distinct < sum(map(len, values))
        if everywhere:
            telling = distinct > 1 or (known and len(facts) == 1)
        elif known and len(keys) == 1:
            telling = 2 * len(values) >= len(facts)
        else:
            telling = not repeated and len(values) > 1 and 3 * len(values) >= 2 * len(facts)
        if telling:
            candidates.append((not everywhere, repeated, not known, len(keys), keys))
    return min(candidates)[-1] if candidates else None


def _fields(facts: Facts) -> list[str]:
    return sorted((*facts.required, *(f"{key}?" for key in facts.fields - facts.required)))


def _label_in(envelope: Mapping[str, object], message: Described, facts: Facts) -> str:
    """Return the label of a message without one in its payload, as the envelope will read it."""
    if message.plain_text:
        return "text"
    if not facts.is_object:
        return min(facts.types or ("null",), key=lambda name: (name == "null", name))
    shapes = envelope.get("shapes")
    own = cast("_Object", shapes).get(message.direction.value) if isinstance(shapes, dict) else None
    if isinstance(own, dict):
        fields = _fields(facts)
        return next((label for label, known in cast("_Object", own).items() if known == fields), message.name)
    return message.name


def _holding(keys: Pointer, label: str) -> _Object:
    schema: _Object = {"const": label}
    for key in reversed(keys):
        schema = {"properties": {key: schema}}
    return schema
