"""Finding the field that tells messages apart: their discriminator.

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
from collections.abc import Iterator, Sequence
from typing import cast

from ..json_text import JsonObject, Pointer, join_pointer, type_name

MAX_DEPTH = 3

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
IDENTIFIER = re.compile(r"\d{3}|[0-9a-fA-F-]{16}|[A-Za-z]+[-_]\d+$")
"""Found in text that is data, and no label."""


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
            if isinstance(leaf, str) and _LABEL.fullmatch(leaf) and not IDENTIFIER.search(leaf):
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
