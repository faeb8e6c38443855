"""Whether every value that one schema allows is allowed by another: yes, no or unknown.

A *yes* is proved by structure: each box of the one lies in a box of the other. A *no* has a witness: a value that
``jsonschema``, the reference, accepts for the one and refuses for the other. What is neither is *unknown*: differing
patterns, ``not``, a union that covers another only together. Recursive schemas are compared by coinduction, which is
sound because every JSON value is finite.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from .box import Bound, Box, boxes_of, matches
from .view import Document, View
from .witness import candidates

MAX_STEPS = 20_000
"""Places that are compared before the answer is unknown."""

_LITERAL_PREFIX = re.compile(r"\^([A-Za-z0-9_-]+)")


class Answer(StrEnum):
    """A three-valued answer."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Effect(StrEnum):
    """What an edit does to the set of allowed values."""

    NONE = "none"
    WIDENS = "widens"
    NARROWS = "narrows"
    INCOMPARABLE = "incomparable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Included:
    """The answer, with a value that proves a no."""

    answer: Answer
    witness: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two schemas held against each other, in both directions."""

    new_in_old: Included
    old_in_new: Included

    @property
    def effect(self) -> Effect:
        """What happened to the set of values on the way from the old schema to the new one."""
        match self.new_in_old.answer, self.old_in_new.answer:
            case Answer.YES, Answer.YES:
                return Effect.NONE
            case Answer.NO, Answer.YES:
                return Effect.WIDENS
            case Answer.YES, Answer.NO:
                return Effect.NARROWS
            case Answer.NO, Answer.NO:
                return Effect.INCOMPARABLE
            case _:
                return Effect.UNKNOWN


def compare_schemas(old: object, new: object) -> Comparison:
    """Compare two JSON Schemas (draft 2020-12, local references only)."""
    return compare_views(Document(old).root, Document(new).root)


def compare_views(old: View, new: View) -> Comparison:
    """Compare two places."""
    return Comparison(new_in_old=includes(old, new), old_in_new=includes(new, old))


def includes(big: View, small: View) -> Included:
    """Tell whether every value that ``small`` allows is allowed by ``big``."""
    try:
        proved = _Proof().holds(small, big)
    except (_TooFar, RecursionError):
        proved = False
    if proved:
        return Included(answer=Answer.YES)
    try:
        for value in candidates(small, big):
            if small.accepts(value) and not big.accepts(value):
                return Included(answer=Answer.NO, witness=value)
    except (ValueError, RecursionError):
        pass
    return Included(answer=Answer.UNKNOWN)


class _TooFar(Exception):
    """More places than anybody wants to wait for."""


class _Proof:
    """One attempt at a proof. What is being proved is assumed where it comes up again: recursion through values."""

    def __init__(self) -> None:
        self._assumed: set[tuple[object, object]] = set()
        self._refuted: set[tuple[object, object]] = set()
        self._steps = 0

    def holds(self, small: View, big: View) -> bool:
        if small.key == big.key or not big.schemas:
            return True
        key = (small.key, big.key)
        if key in self._assumed:
            return True
        if key in self._refuted:
            return False
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise _TooFar
        self._assumed.add(key)
        try:
            proved = self._node(small, big)
        finally:
            # Kept only while it is being proved: a proof that leans on a failed one must not outlive it.
            self._assumed.discard(key)
        if not proved:
            self._refuted.add(key)
        return proved

    def _node(self, small: View, big: View) -> bool:
        mine, others = boxes_of(small), boxes_of(big)
        for kind, boxes in mine.items():
            for box in boxes:
                if box.listed is not None:
                    if not _all_accepted(small, big, box.listed):
                        return False
                elif not any(self._box(small, box, big, other) for other in others.get(kind, ())):
                    return False
        return True

    def _box(self, small: View, a: Box, big: View, b: Box) -> bool:
        if b.values is not None or not b.opaque <= a.opaque:
            return False
        match a.kind:
            case "number":
                return _number_in(a, b)
            case "string":
                return _size_in(a, b) and b.formats <= a.formats and all(_pattern_in(a, p) for p in b.patterns)
            case "array":
                unique = a.unique or not b.unique or (a.max_size is not None and a.max_size <= 1)
                return unique and _size_in(a, b) and self._items(small, a, big, b)
            case _:
                return self._object(small, a, big, b)

    def _items(self, small: View, a: Box, big: View, b: Box) -> bool:
        length = max(a.prefix, b.prefix)
        places: list[int | None] = [*range(length), None]
        for index in places:
            first = length if index is None else index
            reached = a.max_size is None or first < a.max_size
            if reached and not self.holds(a.item(small, index), b.item(big, index)):
                return False
        return True

    def _object(self, small: View, a: Box, big: View, b: Box) -> bool:
        if not b.required <= a.required or not _properties_in(a, b):
            return False
        for names in b.names:
            wanted = View(big.document, (names, _STRINGS))
            if not any(self.holds(View(small.document, (own, _STRINGS)), wanted) for own in (*a.names, True)):
                return False
        for key in {*a.fields, *b.fields, *a.required}:
            field = a.field(small, key)
            if not self.holds(field, b.field(big, key)) and not (key not in a.required and _is_false(field)):
                return False
        return self._other_keys(small, a, big, b)

    def _other_keys(self, small: View, a: Box, big: View, b: Box) -> bool:
        if b.key_patterns and len(b.layers) > 1:
            return False  # a key may match a pattern of one layer and fall to the rest of another
        rest = a.rest(small)
        own = {pattern: a.key_pattern(small, pattern) for pattern in a.key_patterns}
        for pattern in b.key_patterns:
            wanted = b.key_pattern(big, pattern)
            if pattern in own and self.holds(own[pattern], wanted):
                continue
            if not all(self.holds(view, wanted) for view in (rest, *own.values())):
                return False
        strangers = [view for pattern, view in own.items() if pattern not in b.key_patterns]
        return all(self.holds(view, b.rest(big)) for view in (rest, *strangers))


_STRINGS: dict[str, object] = {"type": "string"}


def _all_accepted(small: View, big: View, values: tuple[object, ...]) -> bool:
    try:
        return all(big.accepts(value) for value in values if small.accepts(value))
    except ValueError:
        return False


def _is_false(view: View) -> bool:
    return not boxes_of(view)


def _number_in(a: Box, b: Box) -> bool:
    if b.integral and not a.integral:
        return False
    low = b.low is None or (a.low is not None and _at_least(a.low, b.low))
    high = b.high is None or (a.high is not None and _at_most(a.high, b.high))
    return low and high and all(_multiple_in(a, multiple) for multiple in b.multiples)


def _at_least(one: Bound, two: Bound) -> bool:
    return one.value > two.value or (one.value == two.value and (one.open or not two.open))


def _at_most(one: Bound, two: Bound) -> bool:
    return one.value < two.value or (one.value == two.value and (one.open or not two.open))


def _multiple_in(a: Box, multiple: float) -> bool:
    # Only whole numbers divide exactly; of fractions only the same one is taken.
    if multiple in a.multiples:
        return True
    return isinstance(multiple, int) and any(isinstance(own, int) and own % multiple == 0 for own in a.multiples)


def _size_in(a: Box, b: Box) -> bool:
    most = b.max_size is None or (a.max_size is not None and a.max_size <= b.max_size)
    return most and a.min_size >= b.min_size


def _properties_in(a: Box, b: Box) -> bool:
    most = b.max_size is None or (a.max_size is not None and a.max_size <= b.max_size)
    return most and max(a.min_size, len(a.required)) >= b.min_size


def _pattern_in(a: Box, pattern: str) -> bool:
    if pattern in a.patterns:
        return True
    wanted = _LITERAL_PREFIX.fullmatch(pattern)
    if wanted is None:
        return False
    owns = (_LITERAL_PREFIX.fullmatch(own) for own in a.patterns)
    return any(own is not None and matches(pattern, own[1]) for own in owns)
