"""Which parts of a contract some recordings exercise: what was never recorded was never tested.

Counted are events, optional fields, the values of enumerations, the branches of unions, transitions (for each rule that
orders two events: the second came after the first in one scope) and close codes. Streaming; of an open scope the events
that begin a transition are remembered, of a payload nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from jsonschema import Draft202012Validator

from ..cassettes import Closed, Direction, Header, Message, Opened, Record
from .closing import ClosingReader
from .contract import Contract
from .event import Event, ScopeKey, label_of
from .json_text import Pointer, excerpt, items, join_pointer, members, split_pointer
from .reading import EventReader
from .schema import Schema
from .unions import constant_of, is_tag, tag_of
from .validation import errors_of

KINDS = ("event", "optional field", "enum value", "union branch", "transition", "close code")

ORDERING = frozenset({"response", "precedence", "succession", "chain_response", "alternate_succession"})
"""Templates of rules that say of two events that one comes after the other."""

_Key = tuple[str, str, str, str]  # kind, where, path, what


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that a recording can exercise."""

    kind: str  # one of `KINDS`
    where: str  # an event's symbol, a scope's name, or who closed
    path: str  # JSON pointer into the payload, "*" for any item or key; "" elsewhere
    what: str  # the value, the branch, "a -> b" or the code; "" for events and fields
    count: int  # how often it was exercised

    def __str__(self) -> str:
        return " ".join(part for part in (self.where, self.path, self.what) if part)


class Coverage:
    """Takes the records of recordings, one recording after the other; `items` tells what they exercised."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._events = EventReader(contract.envelope)
        self._closings = ClosingReader()
        self._counts: dict[_Key, int] = {}
        self._after: dict[tuple[str, str], list[tuple[str, _Key]]] = {}  # scope and second event -> first events
        self._begins: set[tuple[str, str]] = set()  # scope and first event
        self._open: dict[int, dict[ScopeKey, set[str]]] = {}
        for symbol, claim in contract.events.items():
            self._expect("event", symbol)
            for key in _places(claim.payload or {}, claim.payload or {}, (), frozenset()):
                self._expect(key[0], symbol, *key[1:])
        for scope in contract.scopes:
            for rule in scope.rules:
                for target in rule.targets if rule.template in ORDERING else ():
                    key = self._expect("transition", scope.name, "", f"{label_of(rule.a)} -> {label_of(target)}")
                    if (rule.a, key) not in self._after.setdefault((scope.name, target), []):
                        self._after[scope.name, target].append((rule.a, key))
                    self._begins.add((scope.name, rule.a))
        for direction in Direction:
            for code in contract.closings.get(direction, {}):
                self._expect("close code", direction.value, "", code)

    def _expect(self, kind: str, where: str, path: str = "", what: str = "") -> _Key:
        key = (kind, where, path, what)
        self._counts.setdefault(key, 0)
        return key

    def _exercise(self, key: _Key) -> None:
        if key in self._counts:
            self._counts[key] += 1

    def record(self, record: Record) -> None:
        """Take the next record. A header begins a new recording, whose connections are its own."""
        closing = None
        match record:
            case Header():
                self._events = EventReader(self._contract.envelope)
                self._closings = ClosingReader()
                self._open = {}
            case Opened():
                self._events.opened(record)
            case Message():
                closing = self._closings.message(record)
                for event in self._events.read(record):
                    self._event(event)
            case Closed():
                closing = self._closings.closed(record)
                self._events.forget(record.connection)
                self._open.pop(record.connection, None)
            case _:
                pass
        if closing is not None:
            self._exercise(("close code", closing[0].value, "", closing[1]))

    def _event(self, event: Event) -> None:
        symbol = event.symbol
        claim = self._contract.events.get(symbol)
        if claim is None:
            return
        self._exercise(("event", symbol, "", ""))
        if claim.payload is not None:
            for kind, path, what in _met(claim.payload, claim.payload, event.payload, (), frozenset(), {}):
                self._exercise((kind, symbol, path, what))
        instances = self._open.setdefault(event.connection, {})
        for scope in self._contract.scope_keys(event):
            came = instances.get(scope, set[str]())
            for before, key in self._after.get((scope.name, symbol), ()):
                if before in came:
                    self._exercise(key)
            if (scope.name, symbol) in self._begins:
                instances.setdefault(scope, set()).add(symbol)

    def items(self) -> tuple[Item, ...]:
        """Return everything that the contract knows, by kind, in the contract's order."""
        order = {kind: number for number, kind in enumerate(KINDS)}
        return tuple(
            Item(kind=kind, where=where, path=path, what=what, count=count)
            for (kind, where, path, what), count in sorted(self._counts.items(), key=lambda entry: order[entry[0][0]])
        )


def share(items: Iterator[Item] | tuple[Item, ...]) -> float:
    """Return the percentage of items that were exercised; 100 of none."""
    counts = [item.count > 0 for item in items]
    return 100 * sum(counts) / len(counts) if counts else 100.0


def _places(schema: Schema, root: Schema, place: Pointer, above: frozenset[int]) -> Iterator[tuple[str, str, str]]:
    """Yield kind, path and value of all that a payload schema leaves open."""
    if id(schema) in above:
        return
    inside = above | {id(schema)}
    path = join_pointer(place)
    for value in items(schema.get("enum")):
        yield "enum value", path, excerpt(value, 40)
    required = items(schema.get("required"))
    for key, below in members(schema.get("properties")).items():
        if key not in required:
            yield "optional field", join_pointer((*place, key)), ""
        yield from _places(members(below), root, (*place, key), inside)
    for step, below in _below(schema):
        yield from _places(below, root, (*place, step), inside)
    for name, branch in _branches(schema):
        yield "union branch", path, name
        # A branch says more of fields that are listed beside it.
        listed = {join_pointer((*place, key)) for key in members(schema.get("properties"))}
        for found in _places(branch, root, place, inside):
            if found[0] != "optional field" or found[1] not in listed:
                yield found
    for below in _same_place(schema, root):
        yield from _places(below, root, place, inside)


def _met(
    schema: Schema,
    root: Schema,
    value: object,
    place: Pointer,
    above: frozenset[int],
    homes: Mapping[int, Pointer],
) -> Iterator[tuple[str, str, str]]:
    """Yield what of `_places` a value exercises, and more that is not among them.

    ``homes`` says where each definition was come to first: what it says of a place inside itself is told there.
    """
    if id(schema) in above:
        return

    def below(other: object, item: object, *keys: str) -> Iterator[tuple[str, str, str]]:
        return _met(members(other), root, item, (*place, *keys), frozenset(), homes)

    path = join_pointer(place)
    if "enum" in schema:
        yield "enum value", path, excerpt(value, 40)
    properties = members(schema.get("properties"))
    for key, item in members(value).items():
        if key in properties:
            yield "optional field", join_pointer((*place, key)), ""
            yield from below(properties[key], item, key)
        elif "additionalProperties" in schema:
            yield from below(schema["additionalProperties"], item, "*")
    first = items(schema.get("prefixItems"))
    for number, item in enumerate(items(value)):
        if number < len(first):
            yield from below(first[number], item, str(number))
        else:
            yield from below(schema.get("items"), item, "*")
    inside = above | {id(schema)}
    tag = tag_of(schema)
    for name, branch in _branches(schema):
        if _fits(branch, root, value) if tag is None else is_tag(constant_of(branch, tag), members(value).get(tag)):
            yield "union branch", path, name
            yield from _met(branch, root, value, place, inside, homes)
    for same in _same_place(schema, root):
        home = homes.get(id(same), place)
        yield from _met(same, root, value, home, inside, {**homes, id(same): home})


def _fits(branch: Schema, root: Schema, value: object) -> bool:
    schema = {**branch, "$defs": root["$defs"]} if "$defs" in root else branch
    return not errors_of(Draft202012Validator(schema), value)


def _branches(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield the branches of a union, named by their tag, or else by their number."""
    tag = tag_of(schema)
    for keyword in ("anyOf", "oneOf"):
        for number, branch in enumerate(items(schema.get(keyword)), 1):
            constant = constant_of(branch, tag) if tag is not None else None
            yield (f"{tag}={_word(constant)}" if constant is not None else f"{keyword} {number}"), members(branch)


def _word(constant: object) -> str:
    return constant if isinstance(constant, str) else excerpt(constant)


def _below(schema: Schema) -> Iterator[tuple[str, Schema]]:
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield "*", members(schema[keyword])
    for number, item in enumerate(items(schema.get("prefixItems"))):
        yield str(number), members(item)


def _same_place(schema: Schema, root: Schema) -> Iterator[Schema]:
    """Yield the schemas that speak of the same value: of ``allOf``, and where a local ``$ref`` leads."""
    yield from map(members, items(schema.get("allOf")))
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        target: object = root
        for key in split_pointer(reference[1:]) if reference[1:2] in ("", "/") else ():
            target = cast("Mapping[str, object]", target).get(key) if isinstance(target, dict) else None
        if isinstance(target, dict):
            yield cast("Schema", target)
