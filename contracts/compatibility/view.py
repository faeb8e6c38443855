"""A place in a schema: what must hold there, with the document that its references lead into."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing.exceptions import Unresolvable

from ..json_text import split_pointer
from ..schema import PINNED, SEEN

if TYPE_CHECKING:
    from .box import Box

ANNOTATIONS = frozenset(
    {"title", "description", "$comment", "examples", "default", "deprecated", "readOnly", "writeOnly", "$schema"}
    | {"$id", "$anchor", "$defs", "definitions", "contentEncoding", "contentMediaType", "contentSchema"}
)
"""Keywords that say nothing of which values are allowed; so do all that begin with ``x-``."""

_INLINED = 6
"""References that are followed inside one another when two subschemas are compared as text."""


class Document:
    """A schema document: the root that every ``$ref`` in it is resolved against."""

    __slots__ = ("_root", "_validator", "_validators", "boxes")

    def __init__(self, root: object) -> None:
        self._root = root
        self._validators: dict[object, Draft202012Validator] = {}
        self.boxes: dict[object, Mapping[str, tuple[Box, ...]]] = {}  # by a view's key: what `box.boxes_of` has found
        self._validator = Draft202012Validator(
            cast("Mapping[str, object]", root if isinstance(root, (dict, bool)) else True),
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )

    @property
    def root(self) -> View:
        """The whole document as a place."""
        return View(self, (self._root,))

    def follow(self, reference: object) -> object | None:
        """Return what a local reference leads to, or None when it leads nowhere: only JSON pointers are followed."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        from urllib.parse import unquote

        try:
            keys = split_pointer(unquote(reference[1:]))
        except ValueError:
            return None
        value = self._root
        for key in keys:
            if isinstance(value, dict):
                value = cast("dict[str, object]", value).get(key)
            elif isinstance(value, list) and key.isdigit() and int(key) < len(cast("list[object]", value)):
                value = cast("list[object]", value)[int(key)]
            else:
                return None
        return cast("object", value) if isinstance(value, (dict, bool)) else None

    def accepts(self, schema: object, value: object) -> bool:
        """Tell what ``jsonschema``, the reference, says of a value. Formats count.

        Raises ValueError when a subschema cannot be put to the test: a reference that leads nowhere, or away.
        """
        try:
            validator = self._validators.get(_identity(schema))
            if validator is None:
                # Made once a place: making it costs more than using it.
                made: object = self._validator.evolve(schema=schema)  # pyright: ignore[reportUnknownMemberType]
                validator = cast("Draft202012Validator", made)
                self._validators[_identity(schema)] = validator
            return validator.is_valid(value)  # pyright: ignore[reportArgumentType, reportUnknownMemberType]
        except (Unresolvable, SchemaError, ValidationError, RecursionError, OverflowError) as error:
            raise ValueError(str(error)) from error

    def text(self, schema: object) -> str:
        """Return a text that is the same for subschemas that say the same, whatever their ``$defs`` are called."""
        return json.dumps(self._plain(schema, _INLINED), sort_keys=True)

    def _plain(self, value: object, depth: int) -> object:
        if isinstance(value, list):
            return [self._plain(item, depth) for item in cast("list[object]", value)]
        if not isinstance(value, dict):
            return value
        schema = cast("dict[str, object]", value)
        target = self.follow(schema.get("$ref")) if depth else None
        plain: dict[str, object] = {}
        for key, item in schema.items():
            if key in ANNOTATIONS or key.startswith("x-"):
                continue
            if key == "$ref" and target is not None:
                plain[key] = self._plain(target, depth - 1)
            elif key == "$ref":
                plain[key] = [id(self), item]  # the same only in the same document
            elif key in ("const", "enum"):
                plain[key] = item
            elif key in ("properties", "patternProperties", "dependentSchemas") and isinstance(item, dict):
                below = cast("dict[str, object]", item)
                plain[key] = {name: self._plain(entry, depth) for name, entry in below.items()}
            else:
                plain[key] = self._plain(item, depth)
        return plain


class View:
    """A place: the subschemas that all hold there."""

    __slots__ = ("document", "key", "schemas")

    def __init__(self, document: Document, schemas: tuple[object, ...]) -> None:
        distinct = {_identity(schema): schema for schema in schemas if schema is not True}
        self.document = document
        self.key = (id(document), frozenset(distinct))
        self.schemas = tuple(distinct.values())

    def accepts(self, value: object) -> bool:
        """Tell whether every subschema here accepts a value. Raises ValueError when that cannot be told."""
        return all(self.document.accepts(schema, value) for schema in self.schemas)

    @property
    def text(self) -> tuple[str, ...]:
        """What holds here as text, for comparing places of one or of two documents."""
        return tuple(sorted({self.document.text(schema) for schema in self.schemas}))

    def annotation(self, name: str) -> object:
        """Return the first value of an annotation here, through references, or None."""
        for schema in self.schemas:
            for _ in range(_INLINED):
                if not isinstance(schema, dict):
                    break
                claim = cast("dict[str, object]", schema)
                if name in claim:
                    return claim[name]
                schema = self.document.follow(claim.get("$ref"))
        return None

    @property
    def seen(self) -> int | None:
        """How many values were seen here; None when a person wrote what holds here."""
        seen = self.annotation(SEEN)
        return seen if isinstance(seen, int) else None

    @property
    def pinned(self) -> bool:
        """Whether a person has pinned what holds here."""
        return self.annotation(PINNED) is True


def _identity(schema: object) -> object:
    # The documents keep their parts alive, so an address stands for a part. Truth values have no address of their own.
    return schema if isinstance(schema, bool) else id(schema)


def value_key(value: object) -> str:
    """Return a text that is the same for values that JSON Schema holds equal."""
    return json.dumps(_equal_numbers(value), sort_keys=True)


def _equal_numbers(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_equal_numbers(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {key: _equal_numbers(item) for key, item in cast("dict[str, object]", value).items()}
    return value
