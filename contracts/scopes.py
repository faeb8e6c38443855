"""Identifiers in events, and the scopes that they make.

A scope is named after the key ("tool_call_id"), so that it is the same wherever the key stands; a bare "id" inside an
object is named with that object's key ("tool_id" for {"tool": {"id": …}}), as other events name the same identifier.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from .event import CONNECTION, Event, ScopeKey
from .formats import is_id_key, looks_like_id, names_work
from .json_text import JsonObject, Pointer, resolve, split_pointer

MAX_DEPTH = 4
MAX_LENGTH = 256
MAX_NAME = 64
"""Characters of a name such as "BTCUSDT"; longer texts are none."""

_BARE = frozenset({"id", "ID", "Id", "uuid", "guid", "ref"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """An identifier that joins events, and where it stands in each."""

    name: str
    paths: Mapping[str, tuple[str, ...]]  # symbol -> JSON pointers, the first that holds a value counts
    instances: int = 0
    events: int = 0
    named: bool = False  # a person named it
    spans: tuple[str, ...] = ()  # symbols with which connections take up work that others began; none: they never do


class ScopeReader:
    """Reads the scope keys of events.

    In a scope that was learned, under a key that does not promise an identifier only what looks like one counts, as
    it did when the scope was learned; one that a person named or wrote (without ``instances``) takes what stands there.
    """

    def __init__(self, scopes: Sequence[Scope]) -> None:
        self._places: dict[str, list[tuple[str, tuple[tuple[Pointer, bool], ...]]]] = {}
        for scope in scopes:
            for symbol, pointers in scope.paths.items():
                places = tuple(
                    (
                        keys,
                        scope.named or not scope.instances or not keys or is_id_key(keys[-1]) or names_work(keys[-1]),
                    )
                    for keys in map(split_pointer, pointers)
                )
                self._places.setdefault(symbol, []).append((scope.name, places))

    def keys(self, event: Event) -> tuple[ScopeKey, ...]:
        """Return the scopes of an event in the order in which they were given, then the connection's."""
        found: list[ScopeKey] = []
        for name, places in self._places.get(event.symbol, ()):
            for keys, any_value in places:
                item = resolve(event.payload, keys)
                value = identifier(item)
                if value is not None and (any_value or (isinstance(item, str) and looks_like_id(item))):
                    found.append(ScopeKey(name=name, connection=event.connection, value=value))
                    break
        found.append(ScopeKey(name=CONNECTION, connection=event.connection, value=""))
        return tuple(found)


def identifier(value: object) -> str | None:
    """Return an identifier's value as text, or None when it is none: only strings and integers are."""
    if isinstance(value, str):
        return value if 0 < len(value) <= MAX_LENGTH else None
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 256:
        return str(value)
    return None


def scope_name(keys: Pointer) -> str:
    """Return the name of the scope of an identifier at a place: its last key, a bare "id" with its object's key."""
    *around, key = keys
    return f"{around[-1]}_{key.lower()}" if key in _BARE and around else key


def is_made(keys: Pointer, value: object) -> bool:
    """Tell whether what `identifiers` gave is an identifier that a machine made, and not a name such as "BTCUSDT"."""
    return not names_work(keys[-1]) or (isinstance(value, str) and looks_like_id(value))


def _is_name(text: str) -> bool:
    return len(text) <= MAX_NAME and not any(character.isspace() for character in text)


def identifiers(
    value: JsonObject, before: Pointer = (), named: Container[str] = ()
) -> Iterator[tuple[Pointer, object]]:
    """Yield the place and value of everything in a payload that promises or looks like an identifier, or names work.

    Under the ``named`` keys, whatever may be an identifier is.
    """
    for key, item in value.items():
        keys = (*before, key)
        if isinstance(item, dict):
            if len(keys) < MAX_DEPTH:
                yield from identifiers(cast("JsonObject", item), keys, named)
        elif isinstance(item, str):
            if item and (is_id_key(key) or looks_like_id(item) or key in named or (names_work(key) and _is_name(item))):
                yield keys, item
        elif isinstance(item, int) and not isinstance(item, bool) and (is_id_key(key) or key in named):
            yield keys, item
