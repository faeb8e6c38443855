"""Finding what tells messages apart: their discriminator, one field or two.

For each direction, every pointer (at most three keys deep) whose values look like labels is a candidate. It is
judged by how well its value explains the structure of the payloads: the normalised mutual information of label
and structure, which is 0 for a constant and for a value that tells the structure nothing, and falls for a value
that splits messages finer than their structure does. A well-known name adds to it, so that a small session, in
which nothing can be measured, is read the way a person would read it.

Small numbers can be labels: an ``op`` or another well-known name, and a number that explains nearly all. A field whose
messages still differ may have a second one beside it that says how: ``op`` and ``t``, ``event`` and ``channel``.
In arrays the places are the candidates, the first of them as a well-known name.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from ..json_text import JsonArray, JsonObject, Pointer, join_pointer, type_name

MAX_DEPTH = 3
MAX_ITEMS = 8
"""Places of an array that are looked at."""

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
_VAGUE = ("t", "name", "subject")
"""Known names that promise less than a type does."""
_NUMBERED = frozenset(KNOWN_NAMES) - {*_VAGUE, "event", "eventname"}
"""Known names whose values may be numbers."""
_SECONDS = frozenset(KNOWN_NAMES) - {"name", "kind"} | {"channel", "topic", "stream"}
"""Names that tell messages apart which a first field has not told apart."""
_OUTCOMES = frozenset(
    ("status", "state", "code", "statuscode", "success", "ok", "result", "outcome", "level", "severity", "version", "v")
)
"""Names of what came of something: with two values they tell its success from its failure, and no events apart."""

_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_.:/ -]{0,63}")
IDENTIFIER = re.compile(r"\d{3}|[0-9a-fA-F-]{16}|[A-Za-z]+[-_]\d+$")
"""Found in text that is data, and no label."""

_MOST_NUMBER, _MOST_UNNAMED = 9999, 255

Tag = str | int
"""What stands at a discriminator."""

_Column = list[Tag | None]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A pointer and its values, None where it has none."""

    keys: Pointer
    column: _Column
    pointer: str
    score: float


def find_discriminators(
    values: Sequence[JsonObject] | Sequence[JsonArray], other: str | None = None
) -> tuple[str, ...]:
    """Return the pointers whose values label the objects or arrays best: none, one, or one and a second beside it.

    ``other`` is the pointer found for the other direction, which wins a near tie.
    """
    columns: dict[Pointer, _Column] = {}
    known: dict[frozenset[Pointer], int] = {}
    structures: list[int] = []
    for number, value in enumerate(values):
        structure: set[Pointer] = set()
        for keys, leaf in _leaves(value):
            structure.add((*keys, type_name(leaf)))
            tag = tag_of(leaf)
            if tag is not None:
                column = columns.setdefault(keys, [])
                column.extend([None] * (number - len(column)))
                column.append(tag)
        structures.append(known.setdefault(frozenset(structure), len(known)))
    for column in columns.values():
        column.extend([None] * (len(structures) - len(column)))
    scored = [
        _Candidate(keys, column, pointer, score)
        for keys, column in columns.items()
        if (score := _score(keys, column, structures, pointer := join_pointer(keys), other)) is not None
    ]
    if not scored:
        return ()
    best = min(scored, key=lambda one: (-one.score, one.pointer.count("/"), one.pointer))
    pair = _pair(scored, columns, structures)
    return pair[1] if pair is not None and pair[0] > best.score + 0.05 else (best.pointer,)


def tag_of(value: object) -> Tag | None:
    """Return a value that could be a label, a word or a number that is not large, else None."""
    if isinstance(value, str):
        return value if _LABEL.fullmatch(value) and not IDENTIFIER.search(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_NUMBER else None


def _leaves(value: JsonObject | JsonArray, before: Pointer = ()) -> Iterator[tuple[Pointer, object]]:
    pairs = list(value.items())[:64] if isinstance(value, dict) else enumerate(value[:MAX_ITEMS])
    for key, item in pairs:
        keys = (*before, str(key))
        yield keys, item
        if isinstance(item, dict) and len(keys) < MAX_DEPTH:
            yield from _leaves(cast("JsonObject", item), keys)


def _name(keys: Pointer) -> str:
    return re.sub(r"[_-]", "", keys[-1]).lower()


def _score(keys: Pointer, column: _Column, structures: Sequence[int], pointer: str, other: str | None) -> float | None:
    total = len(structures)
    labels = [label for label in column if label is not None]
    distinct = len(set(labels))
    name = _name(keys)
    known = name in KNOWN_NAMES or keys == ("0",)
    if len(labels) < total * (0.6 if known and len(keys) == 1 else 0.9):
        return None
    if total >= 20 and distinct > total / 4:
        return None
    # The pointer itself stands in every structure, so it explains nothing by being there.
    explained = _explained(column, structures)
    if any(isinstance(label, int) for label in labels):
        if not _numbers_label(name, labels, explained, alike=pointer == other, first=keys == ("0",)):
            return None
    elif keys == ("0",) and explained < (0.3 if total >= 10 else 0.01):
        return None  # a pair of a word and a number is data as well
    elif name in _OUTCOMES and (distinct < 3 or explained < 0.9):
        return None
    if not known and (total < 10 or distinct < 2 or explained < 0.5):
        return None
    if known and len(keys) > 1 and distinct < 2 and pointer != other:
        return None
    score = explained - 0.05 * (len(keys) - 1)
    if known:
        # A name that promises less than a type must show more.
        score += 0.3 - 0.01 * (KNOWN_NAMES.index(name) if name in KNOWN_NAMES else 0)
        if name in _VAGUE and total >= 10 and explained < 0.5:
            return None
    return score + (0.15 if pointer == other else 0.0)


def _numbers_label(name: str, labels: Sequence[Tag], explained: float, *, alike: bool, first: bool) -> bool:
    """Tell whether numbers are labels: not when they count, identify or measure."""
    distinct = len(set(labels))
    if name in _NUMBERED:
        return alike or name in ("op", "opcode") or (distinct >= 2 and (len(labels) < 10 or explained >= 0.3))
    if max(label for label in labels if isinstance(label, int)) > _MOST_UNNAMED or name in _OUTCOMES:
        return False
    if first:
        return distinct >= 2 and explained >= 0.5 and (len(labels) > distinct or len(labels) < 3)
    return len(labels) >= 20 and distinct >= 2 and explained >= 0.8


def _pair(
    scored: Sequence[_Candidate], columns: dict[Pointer, _Column], structures: Sequence[int]
) -> tuple[float, tuple[str, str]] | None:
    """Return the best two pointers and their score: a field of all messages, and one beside it that some have."""
    total = len(structures)
    if total < 10:
        return None
    found: list[tuple[float, tuple[str, str]]] = []
    for first in scored:
        if len(set(first.column)) < 2 or None in first.column:
            continue
        alone = _explained(first.column, structures)
        for keys, column in columns.items():
            if keys == first.keys or keys[:-1] != first.keys[:-1] or _name(keys) not in _SECONDS:
                continue
            both = list(zip(first.column, column, strict=True))
            if len(set(both)) > max(total / 4, 10) or len({two for _, two in both if two is not None}) < 2:
                continue
            gain = _explained(both, structures) - alone
            if gain >= 0.1:
                found.append((first.score + gain - 0.05, (first.pointer, join_pointer(keys))))
    return min(found, key=lambda pair: (-pair[0], pair[1])) if found else None


def _explained(labels: Sequence[Hashable], structures: Sequence[int]) -> float:
    """Return the mutual information of two columns over the greater of their entropies, from 0 to 1."""
    one, two = _entropy(Counter(labels)), _entropy(Counter(structures))
    both = _entropy(Counter(zip(labels, structures, strict=True)))
    greater = max(one, two)
    return (one + two - both) / greater if greater else 0.0


def _entropy(counts: Counter[Hashable] | Counter[int] | Counter[tuple[Hashable, int]]) -> float:
    total = sum(counts.values())
    return -sum(count / total * math.log2(count / total) for count in counts.values())
