"""Bounds, items, and every other constraint that structure or a witness can decide."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ...finding import Severity
from ...json_text import excerpt
from ..box import Bound, Box
from ..inclusion import Answer, Effect
from ..pairs import ValuePair
from ..rule import Change, rule
from ..view import View

_VALUE = '{"events": {"D:e": {"payload": {"properties": {"v": %s}}}}}'
_SIZES = {"string": "characters", "array": "items", "object": "fields"}


@rule(
    "upper-bound-raised",
    ValuePair,
    Effect.WIDENS,
    old=_VALUE % '{"type": "string", "maxLength": 20}',
    new=_VALUE % '{"type": "string", "maxLength": 80}',
    server=Severity.BREAKING,
    client=Severity.INFO,
)
def upper_bound_raised(pair: ValuePair) -> Iterator[Change]:
    """A client that made room for the old bound meets more. Taking the bound away raises it as well.

    The service takes more.
    """
    for old, new, what in _ends(pair, upper=True, loosened=True):
        yield pair.change(_moved(pair, "at most", old, new, what), baseline=_plain(old), candidate=_plain(new))


@rule(
    "upper-bound-lowered",
    ValuePair,
    Effect.NARROWS,
    old=_VALUE % '{"type": "string", "maxLength": 80}',
    new=_VALUE % '{"type": "string", "maxLength": 20}',
    server=Severity.INFO,
    client=Severity.BREAKING,
)
def upper_bound_lowered(pair: ValuePair) -> Iterator[Change]:
    """Clients are sent less than they made room for.

    A client may send more than the service takes.
    """
    for old, new, what in _ends(pair, upper=True, loosened=False):
        yield pair.change(_moved(pair, "at most", old, new, what), baseline=_plain(old), candidate=_plain(new))


@rule(
    "lower-bound-lowered",
    ValuePair,
    Effect.WIDENS,
    old=_VALUE % '{"type": "integer", "minimum": 1}',
    new=_VALUE % '{"type": "integer", "minimum": 0}',
    server=Severity.BREAKING,
    client=Severity.INFO,
)
def lower_bound_lowered(pair: ValuePair) -> Iterator[Change]:
    """A client that relied on the old bound meets less: an empty list, a zero.

    The service takes less.
    """
    for old, new, what in _ends(pair, upper=False, loosened=True):
        yield pair.change(_moved(pair, "at least", old, new, what), baseline=_plain(old), candidate=_plain(new))


@rule(
    "lower-bound-raised",
    ValuePair,
    Effect.NARROWS,
    old=_VALUE % '{"type": "integer", "minimum": 0}',
    new=_VALUE % '{"type": "integer", "minimum": 1}',
    server=Severity.INFO,
    client=Severity.BREAKING,
)
def lower_bound_raised(pair: ValuePair) -> Iterator[Change]:
    """Clients are always sent more than they relied on.

    A client may send less than the service takes.
    """
    for old, new, what in _ends(pair, upper=False, loosened=False):
        yield pair.change(_moved(pair, "at least", old, new, what), baseline=_plain(old), candidate=_plain(new))


@rule(
    "items-loosened",
    ValuePair,
    Effect.WIDENS,
    old=_VALUE % '{"type": "array", "uniqueItems": true}',
    new=_VALUE % '{"type": "array"}',
    server=Severity.BREAKING,
    client=Severity.INFO,
)
def items_loosened(pair: ValuePair) -> Iterator[Change]:
    """A client that relied on items being different meets one twice.

    The service takes an item twice.
    """
    for old, new in _arrays(pair):
        if old.unique and not new.unique:
            yield pair.change(f"the items of {pair.named} were all different, now they need not be")


@rule(
    "items-tightened",
    ValuePair,
    Effect.NARROWS,
    old=_VALUE % '{"type": "array"}',
    new=_VALUE % '{"type": "array", "uniqueItems": true}',
    server=Severity.INFO,
    client=Severity.BREAKING,
)
def items_tightened(pair: ValuePair) -> Iterator[Change]:
    """Clients are sent no item twice.

    A client that sends an item twice is refused.
    """
    for old, new in _arrays(pair):
        if new.unique and not old.unique:
            yield pair.change(f"the items of {pair.named} must now all be different")


@rule(
    "tuple-changed",
    ValuePair,
    Effect.INCOMPARABLE,
    old=_VALUE % '{"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}',
    new=_VALUE % '{"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def tuple_changed(pair: ValuePair) -> Iterator[Change]:
    """A client reads items by their place, and other ones stand there: the same in another order.

    A client sends items by their place, and the service reads others there.
    """
    for old, new in _arrays(pair):
        was, is_ = ([box.item(view, n).text for n in range(box.prefix)] for box, view in _sides(pair, old, new))
        if was != is_ and sorted(was) == sorted(is_):
            yield pair.change(f"the items of {pair.named} stand in another order")


@rule(
    "constraint-loosened",
    ValuePair,
    Effect.WIDENS,
    old=_VALUE % '{"type": "integer", "multipleOf": 10}',
    new=_VALUE % '{"type": "integer", "multipleOf": 5}',
    server=Severity.BREAKING,
    client=Severity.INFO,
)
def constraint_loosened(pair: ValuePair) -> Iterator[Change]:
    """A value is now possible that was not: the finding shows one.

    The service takes a value that it did not.
    """
    if _residue_changed(pair):
        new_in_old, old_in_new = pair.new_in_old, pair.old_in_new
        if new_in_old.answer is Answer.NO and old_in_new.answer is not Answer.NO:
            yield pair.change(f"{pair.named} may now be {excerpt(new_in_old.witness)}", candidate=new_in_old.witness)


@rule(
    "constraint-tightened",
    ValuePair,
    Effect.NARROWS,
    old=_VALUE % '{"type": "integer", "multipleOf": 5}',
    new=_VALUE % '{"type": "integer", "multipleOf": 10}',
    server=Severity.INFO,
    client=Severity.BREAKING,
)
def constraint_tightened(pair: ValuePair) -> Iterator[Change]:
    """A value is no longer possible that was.

    A client may send a value that is now refused: the finding shows one.
    """
    if _residue_changed(pair):
        new_in_old, old_in_new = pair.new_in_old, pair.old_in_new
        if old_in_new.answer is Answer.NO and new_in_old.answer is not Answer.NO:
            yield pair.change(
                f"{pair.named} may no longer be {excerpt(old_in_new.witness)}", baseline=old_in_new.witness
            )


@rule(
    "constraint-changed",
    ValuePair,
    Effect.INCOMPARABLE,
    old=_VALUE % '{"type": "integer", "multipleOf": 2}',
    new=_VALUE % '{"type": "integer", "multipleOf": 3}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def constraint_changed(pair: ValuePair) -> Iterator[Change]:
    """A value is now possible that was not: the finding shows one.

    A client may send a value that is now refused: the finding shows one.
    """
    if _residue_changed(pair):
        came, went = pair.new_in_old, pair.old_in_new
        if came.answer is Answer.NO and went.answer is Answer.NO:
            yield pair.change(
                f"{pair.named} may now be {excerpt(came.witness)}, and no longer {excerpt(went.witness)}",
                baseline=went.witness,
                candidate=came.witness,
            )


@rule(
    "constraint-undecided",
    ValuePair,
    Effect.UNKNOWN,
    old=_VALUE % '{"not": {"type": "string", "pattern": "^[a-z]+x$"}}',
    new=_VALUE % '{"not": {"type": "string", "pattern": "^[a-z]+y$"}}',
    server=Severity.WARNING,
    client=Severity.WARNING,
)
def constraint_undecided(pair: ValuePair) -> Iterator[Change]:
    """A constraint has changed of which nobody can tell here whether it allows more or less: look at both."""
    if _residue_changed(pair):
        answers = {pair.new_in_old.answer, pair.old_in_new.answer}
        if Answer.UNKNOWN in answers and Answer.NO not in answers:
            yield pair.change(f"what {pair.named} may be has changed in a way that cannot be decided")


def _ends(pair: ValuePair, *, upper: bool, loosened: bool) -> Iterator[tuple[Bound | None, Bound | None, str]]:
    """Yield both ends of each range whose end has moved outwards, or inwards; an end that is gone is far out."""
    for kind in ("number", *_SIZES):
        boxes = pair.both(kind)
        if boxes is None or any(box.values is not None for box in boxes):
            continue
        if kind == "number":
            old, new = (box.high if upper else box.low for box in boxes)
        elif upper:
            old, new = (None if box.max_size is None else Bound(box.max_size) for box in boxes)
        else:
            old, new = (Bound(box.min_size) if box.min_size else None for box in boxes)
        if old != new and (_reach(new, upper=upper) > _reach(old, upper=upper)) == loosened:
            yield old, new, "" if kind == "number" else f" {_SIZES[kind]}"


def _reach(bound: Bound | None, *, upper: bool) -> tuple[float, bool]:
    """Return how far out an end is; one that is itself in reaches further than one that is not."""
    if bound is None:
        return math.inf, True
    return bound.value if upper else -bound.value, not bound.open


def _moved(pair: ValuePair, words: str, old: Bound | None, new: Bound | None, what: str) -> str:
    was = "without a bound" if old is None else f"{words} {_shown(old)}{what}"
    now = "without a bound" if new is None else f"{words} {_shown(new)}{what}"
    return f"{pair.named} was {was}, now {now}"


def _shown(bound: Bound) -> str:
    return f"{bound.value:g}" + (" (not that itself)" if bound.open else "")


def _plain(bound: Bound | None) -> float | None:
    return None if bound is None else bound.value


def _arrays(pair: ValuePair) -> Iterator[tuple[Box, Box]]:
    boxes = pair.both("array")
    if boxes is not None:
        yield boxes


def _sides(pair: ValuePair, old: Box, new: Box) -> tuple[tuple[Box, View], ...]:
    return (old, pair.old), (new, pair.new)


def _residue_changed(pair: ValuePair) -> bool:
    """Tell whether something differs of a type that both have and that no other rule looks at."""
    if pair.linked:
        return False
    for kind, boxes in pair.a.items():
        others = pair.b.get(kind, ())
        if not others:
            continue
        if len(boxes) == len(others) == 1 or kind == "object":
            old, new = ({_residue(view, box) for box in side} for view, side in ((pair.old, boxes), (pair.new, others)))
            if old != new:
                return True
        elif any(box.values is None for box in (*boxes, *others)):
            return pair.old.text != pair.new.text
    return False


def _residue(view: View, box: Box) -> tuple[object, ...]:
    names = frozenset(view.document.text(schema) for schema in box.names)
    keys = tuple((pattern, box.key_pattern(view, pattern).text) for pattern in box.key_patterns)
    return box.opaque, box.multiples, names, keys, box.prefix
