"""Listed values: enums, constants, defaults."""

from __future__ import annotations

from collections.abc import Iterator

from ....cassettes import Direction
from ...evidence import CONSTANT_SAMPLES, MISSED_BY_CHANCE
from ...finding import Severity
from ...json_text import clip, excerpt
from ..box import Box
from ..inclusion import Effect
from ..pairs import ValuePair
from ..rule import Change, Levels, rule
from ..view import value_key

_VALUE = '{"events": {"D:e": {"payload": {"properties": {"v": %s}}}}}'
_Values = dict[str, object]


@rule(
    "enum-value-added",
    ValuePair,
    Effect.WIDENS,
    old=_VALUE % '{"enum": ["ok", "failed"]}',
    new=_VALUE % '{"enum": ["ok", "failed", "skipped"]}',
    server=Levels(default=Severity.WARNING, lenient=Severity.INFO),
    client=Severity.INFO,
)
def enum_value_added(pair: ValuePair) -> Iterator[Change]:
    """A client that handled every old value meets one it does not know: breaking where a person wrote the list.

    The service takes one value more.
    """
    for old, new in _lists(pair):
        if len(old) == len(new) == 1:
            continue
        closed = pair.evidence.seen is None and pair.event.direction is Direction.SERVER
        for key in sorted(new.keys() - old.keys()):
            yield pair.change(
                f"{pair.named} may now be {excerpt(new[key])}",
                baseline=clip(list(old.values())),
                candidate=clip(new[key]),
                level=Severity.BREAKING if closed else None,
            )


@rule(
    "enum-value-removed",
    ValuePair,
    Effect.NARROWS,
    old=_VALUE % '{"enum": ["ok", "failed", "skipped"]}',
    new=_VALUE % '{"enum": ["ok", "failed"]}',
    server=Severity.INFO,
    client=Severity.BREAKING,
)
def enum_value_removed(pair: ValuePair) -> Iterator[Change]:
    """Clients are sent fewer values than they handle; one that was common in the recordings is missed, a warning.

    A client may send a value that the service no longer takes. One that may only not have been recorded is a warning.
    """
    for old, new in _lists(pair):
        if len(old) == len(new) == 1:
            continue
        seen, server = pair.evidence.seen, pair.event.direction is Direction.SERVER
        common = server and seen is not None and pair.evidence.firm
        # Of so many values one that is half as common as the others may not have come.
        missed = not server and seen is not None and (1 - 1 / (2 * len(old))) ** seen > MISSED_BY_CHANCE
        for key in sorted(old.keys() - new.keys()):
            yield pair.change(
                f"{pair.named} is no longer {excerpt(old[key])}",
                baseline=clip(old[key]),
                candidate=clip(list(new.values())),
                level=Severity.WARNING if common or missed else None,
            )


@rule(
    "constant-changed",
    ValuePair,
    Effect.INCOMPARABLE,
    old=_VALUE % '{"const": "v1"}',
    new=_VALUE % '{"const": "v2"}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def constant_changed(pair: ValuePair) -> Iterator[Change]:
    """A client that compares with the old constant no longer finds it: a warning where it was only learned.

    A client that sends the old constant is refused.
    """
    learned = pair.evidence.seen is not None and pair.event.direction is Direction.SERVER
    for old, new in _lists(pair):
        if len(old) == len(new) == 1 and old.keys() != new.keys():
            was, is_ = next(iter(old.values())), next(iter(new.values()))
            yield pair.change(
                f"{pair.named} was {excerpt(was)}, now {excerpt(is_)}",
                baseline=clip(was),
                candidate=clip(is_),
                level=Severity.WARNING if learned else None,
            )


@rule(
    "values-closed",
    ValuePair,
    Effect.NARROWS,
    old=_VALUE % '{"type": "string"}',
    new=_VALUE % '{"type": "string", "enum": ["ok", "failed"]}',
    server=Severity.INFO,
    client=Severity.BREAKING,
)
def values_closed(pair: ValuePair) -> Iterator[Change]:
    """Clients are sent a few of the values that they handle.

    A client may send a value that is not on the list. Of a list that was only learned it is a warning.
    """
    for kind, boxes in pair.b.items():
        if kind in pair.a and kind != "null" and _listed(pair.a[kind]) is None and (new := _listed(boxes)) is not None:
            values = list(new.values())
            learned = pair.evidence.seen is not None and pair.event.direction is Direction.CLIENT
            message = f"{pair.named} was any {kind}, now one of {excerpt(values)}"
            yield pair.change(message, candidate=clip(values), level=Severity.WARNING if learned else None)


@rule(
    "values-opened",
    ValuePair,
    Effect.WIDENS,
    old=_VALUE % '{"type": "string", "enum": ["ok", "failed"]}',
    new=_VALUE % '{"type": "string"}',
    server=Severity.BREAKING,
    client=Severity.INFO,
)
def values_opened(pair: ValuePair) -> Iterator[Change]:
    """A client that handled every listed value meets any. Of a list that was only learned it is a warning.

    The service takes any value.
    """
    for kind, boxes in pair.a.items():
        if kind in pair.b and kind != "null" and _listed(pair.b[kind]) is None and (old := _listed(boxes)) is not None:
            values = list(old.values())
            learned = pair.evidence.seen is not None and pair.event.direction is Direction.SERVER
            seen = pair.new.seen
            # A constant is learned from more samples than anything else: fewer say nothing against it.
            unsaid = learned and len(values) == 1 and seen is not None and seen < CONSTANT_SAMPLES
            was = excerpt(values[0]) if len(values) == 1 else f"one of {excerpt(values)}"
            yield pair.change(
                f"{pair.named} was {was}, now any {kind}"
                + ("; the new contract saw too little to tell" if unsaid else ""),
                baseline=clip(values),
                level=Severity.INFO if unsaid else Severity.WARNING if learned else None,
                effect=Effect.UNKNOWN if unsaid else None,
            )


@rule(
    "default-changed",
    ValuePair,
    Effect.NONE,
    old=_VALUE % '{"type": "integer", "default": 10}',
    new=_VALUE % '{"type": "integer", "default": 20}',
    client=Severity.WARNING,
    alone="a default says what a service assumes of a field that a client left out; it says nothing of what is sent",
)
def default_changed(pair: ValuePair) -> Iterator[Change]:
    """A client that left the field out now means something else."""
    was, is_ = pair.old.annotation("default"), pair.new.annotation("default")
    if was is not None and value_key(was) != value_key(is_):
        now = "now has none" if is_ is None else f"now {excerpt(is_)}"
        yield pair.change(
            f"{pair.named} had the default {excerpt(was)}, {now}", baseline=clip(was), candidate=clip(is_)
        )


def _lists(pair: ValuePair) -> Iterator[tuple[_Values, _Values]]:
    """Yield the listed values of each type that both contracts list."""
    for kind, boxes in pair.a.items():
        if kind in pair.b and kind != "null":
            old, new = _listed(boxes), _listed(pair.b[kind])
            if old is not None and new is not None:
                yield old, new


def _listed(boxes: tuple[Box, ...]) -> _Values | None:
    found: _Values = {}
    for box in boxes:
        values = (False, True) if box.kind == "boolean" and box.values is None else box.values
        if values is None:
            return None
        found |= {value_key(value): value for value in values}
    return found
