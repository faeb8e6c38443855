"""Words and versions that never vary, and are not just what one client, or one build, made of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from .evidence import CONSTANT_SAMPLES
from .formats import is_id_key, looks_like_id
from .json_text import Pointer
from .schema import named_and_rest
from .shape import Shape

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_OF_BUILD = frozenset(
    (
        *("version", "build", "commit", "revision", "release", "model"),
        *("host", "hostname", "node", "region", "instance", "env", "environment"),
    )
)
"""Words in keys of what another build, or another place to run it, may change: constant in the recordings of one."""
_OF_FORMAT = frozenset(("protocol", "schema", "api", "spec", "format", "rpc"))


def constants_of(shape: Shape, said: Collection[str]) -> dict[Pointer, str]:
    """Return the places of fields that held one word or version all the time, which nobody else ``said``."""
    found: dict[Pointer, str] = {}
    _gather_constants(shape, (), said, found)
    return found


def _gather_constants(shape: Shape, place: Pointer, said: Collection[str], found: dict[Pointer, str]) -> None:
    if shape.types() == ["object"] and shape.object is not None:
        fields, _ = named_and_rest(shape.object.merged())
        for key, below in fields.items():
            _gather_constants(below, (*place, key), said, found)
    strings = shape.string
    if strings is None or not place or shape.types() != ["string"] or strings.count < CONSTANT_SAMPLES:
        return
    if strings.values is None or len(strings.values) != 1 or strings.formats or strings.prefix or is_id_key(place[-1]):
        return
    (value,) = strings.values
    if value not in said and not looks_like_id(value) and not _varies_with_build(place[-1]):
        found[place] = value


@lru_cache(maxsize=4096)
def _varies_with_build(key: str) -> bool:
    words = {word.lower() for word in _WORDS.findall(key)}
    return not words.isdisjoint(_OF_BUILD) and words.isdisjoint(_OF_FORMAT)


def words_in(shape: Shape) -> set[str]:
    """Return all words that are remembered of the strings in a shape."""
    words: set[str] = set()
    if shape.string is not None:
        words.update(shape.string.values or ())
    below = [] if shape.array is None else [shape.array.items]
    if shape.object is not None:
        merged = shape.object.merged()
        below += [*(merged.fields or {}).values(), *(merged.data_fields or {}).values(), merged.others, merged.data]
    return words.union(*map(words_in, below))
