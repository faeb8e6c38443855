"""What the payload schemas of an AsyncAPI document say of telling messages apart: constants, fields, types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from .json_text import Pointer, join_pointer, type_name

MAX_DEPTH = 3
_MAX_CONSTANTS = 2_000
_UNIONS = ("oneOf", "anyOf")
_OBJECT_KEYWORDS = frozenset(("properties", "required", "additionalProperties", "patternProperties"))
_Object = dict[str, object]

Resolve = Callable[[str, str], tuple[str, object]]
"""From a reference and the place where it stands to the place that it leads to, and what stands there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What all values of a schema have in common."""

    constants: Mapping[Pointer, frozenset[str]] = field(default_factory=dict[Pointer, frozenset[str]])
    """The texts that a field may hold, where they are listed; the value itself at ``()``."""
    fields: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    types: frozenset[str] | None = None  # None: any

    @property
    def is_object(self) -> bool:
        """Whether objects are allowed."""
        return self.types is None or "object" in self.types


class Facting:
    """Gathers the facts of schemas, each schema once; one that leads back to itself adds nothing there."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._known: dict[tuple[int, int], tuple[object, Facts]] = {}  # with the schema, which keeps its address

    def facts(self, schema: object, place: str, depth: int = 0) -> Facts:
        """Return the facts of a schema. Raises ContractError for a reference that leads nowhere."""
        if not isinstance(schema, dict):
            return Facts()
        own = cast("_Object", schema)
        key = (id(own), depth)
        if key not in self._known:
            self._known[key] = own, Facts()
            self._known[key] = own, self._gather(own, place, depth)
        return self._known[key][1]

    def _gather(self, schema: _Object, place: str, depth: int) -> Facts:
        parts = [self._own(schema, place, depth)]
        reference = schema.get("$ref")
        if isinstance(reference, str):
            found, target = self._resolve(reference, place)
            parts.append(self.facts(target, found, depth))
        parts += self._each(schema, "allOf", place, depth)
        parts += [either(self._each(schema, keyword, place, depth)) for keyword in _UNIONS if keyword in schema]
        return _both(parts)

    def _each(self, schema: _Object, keyword: str, place: str, depth: int) -> list[Facts]:
        return [
            self.facts(branch, f"{place}/{keyword}/{number}", depth)
            for number, branch in enumerate(branches(schema, keyword))
        ]

    def _own(self, schema: _Object, place: str, depth: int) -> Facts:
        constants: dict[Pointer, frozenset[str]] = {}
        listed = branches(schema, "enum") if "enum" in schema else [schema["const"]] if "const" in schema else []
        if listed and all(isinstance(value, str) for value in listed):
            constants[()] = frozenset(cast("Sequence[str]", listed))
        properties = schema.get("properties")
        below = cast("_Object", properties) if isinstance(properties, dict) else {}
        for key, part in below.items() if depth < MAX_DEPTH else ():
            inside = self.facts(part, f"{place}/properties" + join_pointer((key,)), depth + 1).constants
            for keys, values in inside.items():
                if len(constants) < _MAX_CONSTANTS:
                    constants[(key, *keys)] = values
        named = schema.get("type")
        types = {named} if isinstance(named, str) else {name for name in branches(schema, "type") if name is not None}
        if not types and listed:
            types = {type_name(value) for value in listed}
        if not types and _OBJECT_KEYWORDS & schema.keys():
            types = {"object"}
        return Facts(
            constants=constants,
            fields=frozenset(below),
            required=frozenset(key for key in branches(schema, "required") if isinstance(key, str)),
            types=frozenset(cast("set[str]", types)) if types else None,
        )


def branches(schema: Mapping[str, object], keyword: str) -> Sequence[object]:
    """Return what a keyword lists; nothing when it is no list."""
    value = schema.get(keyword)
    return cast("list[object]", value) if isinstance(value, list) else []


def _both(parts: Iterable[Facts]) -> Facts:
    constants: dict[Pointer, frozenset[str]] = {}
    fields: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    types: frozenset[str] | None = None
    for part in parts:
        for keys, values in part.constants.items():
            constants[keys] = constants.get(keys, values) & values
        fields |= part.fields
        required |= part.required
        if part.types is not None:
            types = part.types if types is None else types & part.types or types
    return Facts(constants=constants, fields=fields, required=required, types=types)


def either(parts: Sequence[Facts]) -> Facts:
    """Return what the values of several schemas have in common; of constants, what their objects have."""
    if not parts:
        return Facts()
    objects = [part for part in parts if part.is_object] or parts
    common = frozenset[Pointer].intersection(*(frozenset(part.constants) for part in objects))
    types = [part.types for part in parts]
    known = [one for one in types if one is not None]
    return Facts(
        constants={keys: frozenset[str]().union(*(part.constants[keys] for part in objects)) for keys in common},
        fields=frozenset[str]().union(*(part.fields for part in objects)),
        required=frozenset[str].intersection(*(part.required for part in objects)),
        types=frozenset[str]().union(*known) if len(known) == len(types) else None,
    )
