"""JSON types at a place: more of them, fewer of them, others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from ....cassettes import Direction
from ...evidence import FIRM_INTEGER_SEEN, INTEGER_SEEN, SHAPE_SEEN
from ...finding import Severity
from ..box import Boxes
from ..inclusion import Answer, Effect
from ..pairs import ValuePair, match
from ..rule import Change, rule

_VALUE = '{"events": {"D:e": {"payload": {"properties": {"v": %s}}}}}'


@rule(
    "type-widened",
    ValuePair,
    Effect.WIDENS,
    old=_VALUE % '{"type": "integer"}',
    new=_VALUE % '{"type": ["integer", "null"]}',
    server=Severity.BREAKING,
    client=Severity.INFO,
)
def type_widened(pair: ValuePair) -> Iterator[Change]:
    """A client meets a type that it never had to handle: null, a fraction, another kind of object.

    The service takes more than it did.
    """
    more, fewer = _differing(pair.a, pair.b)
    if more and not fewer:
        server = pair.event.direction is Direction.SERVER
        fractions = more == ["number"]
        thin = fractions and pair.evidence.seen is not None and pair.evidence.seen < FIRM_INTEGER_SEEN
        # A learned number is called an integer only after some samples: fewer say nothing of fractions.
        unsaid = fractions and pair.new.seen is not None and pair.new.seen < INTEGER_SEEN
        yield pair.change(
            f"{pair.named} may now be {_words(more)}",
            baseline=_types(pair.a),
            candidate=_types(pair.b),
            level=Severity.WARNING if server and (thin or unsaid) else None,
            effect=Effect.UNKNOWN if unsaid else None,
        )
    elif not more and not fewer and _alternatives(pair)[1] and pair.new_in_old.answer is not Answer.YES:
        yield pair.change(f"{pair.named} may now have another shape", **_shapes(pair, Direction.SERVER))


@rule(
    "type-narrowed",
    ValuePair,
    Effect.NARROWS,
    old=_VALUE % '{"type": ["integer", "null"]}',
    new=_VALUE % '{"type": "integer"}',
    server=Severity.INFO,
    client=Severity.BREAKING,
)
def type_narrowed(pair: ValuePair) -> Iterator[Change]:
    """Clients are sent fewer types than they handle.

    A client may send what the service no longer takes.
    """
    more, fewer = _differing(pair.a, pair.b)
    if fewer and not more:
        client = pair.event.direction is Direction.CLIENT
        fractions = fewer == ["number"]
        thin = fractions and pair.evidence.seen is not None and pair.evidence.seen < FIRM_INTEGER_SEEN
        # The old contract may only have been learned from too little to call the number an integer.
        unsaid = fractions and pair.old.seen is not None and pair.old.seen < INTEGER_SEEN
        yield pair.change(
            f"{pair.named} may no longer be {_words(fewer)}",
            baseline=_types(pair.a),
            candidate=_types(pair.b),
            level=Severity.WARNING if client and (thin or unsaid) else None,
            effect=Effect.UNKNOWN if client and unsaid else None,
        )
    elif not more and not fewer and _alternatives(pair)[0] and pair.old_in_new.answer is not Answer.YES:
        yield pair.change(f"{pair.named} may no longer have one of its shapes", **_shapes(pair, Direction.CLIENT))


@rule(
    "type-changed",
    ValuePair,
    Effect.INCOMPARABLE,
    old=_VALUE % '{"type": "string"}',
    new=_VALUE % '{"type": "integer"}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def type_changed(pair: ValuePair) -> Iterator[Change]:
    """A client that reads the old type fails on the new one.

    A client that sends the old type is refused.
    """
    more, fewer = _differing(pair.a, pair.b)
    if more and fewer and not pair.linked:
        yield pair.change(
            f"{pair.named} was {_words(fewer)}, now {_words(more)}", baseline=_types(pair.a), candidate=_types(pair.b)
        )


@rule(
    "number-written-as-fraction",
    ValuePair,
    Effect.NONE,
    old=_VALUE % '{"type": "integer"}',
    new=_VALUE % '{"type": "number", "multipleOf": 1}',
    server=Severity.INFO,
    client=Severity.INFO,
)
def number_written_as_fraction(pair: ValuePair) -> Iterator[Change]:
    """JSON has one type of number: 1.0 is 1. A client whose language has two may notice."""
    if pair.both("number") is None or not all(box.integral for box in (*pair.a["number"], *pair.b["number"])):
        return
    if _called(pair.old.annotation("type")) == "integer" and _called(pair.new.annotation("type")) == "number":
        yield pair.change(f"{pair.named} was called an integer, now a number that is whole", baseline="integer")


def _called(named: object) -> str | None:
    names = cast("list[object]", named) if isinstance(named, list) else [named]
    return next((name for name in names if isinstance(name, str) and name in ("integer", "number")), None)


def _types(boxes: Boxes) -> list[str]:
    integral = all(box.integral for box in boxes.get("number", ()))
    return ["integer" if kind == "number" and integral else kind for kind in boxes]


def _differing(a: Boxes, b: Boxes) -> tuple[list[str], list[str]]:
    """Return the types that came and those that went; of integer and number only the fractions did."""
    old, new = _types(a), _types(b)
    more = [name for name in new if name not in old and not (name == "integer" and "number" in old)]
    fewer = [name for name in old if name not in new and not (name == "integer" and "number" in new)]
    return more, fewer


def _words(types: Sequence[str]) -> str:
    return " or ".join(name if name == "null" else f"{'an' if name[0] in 'aio' else 'a'} {name}" for name in types)


def _alternatives(pair: ValuePair) -> tuple[bool, bool]:
    """Tell whether alternatives of objects went, and whether some came."""
    old, new = pair.a.get("object", ()), pair.b.get("object", ())
    matched = len(match(pair.old, pair.new, old, new))
    return len(old) > matched, len(new) > matched


def _shapes(pair: ValuePair, harmed: Direction) -> dict[str, object]:
    thin = pair.evidence.seen is not None and pair.evidence.seen < SHAPE_SEEN
    return {
        "baseline": len(pair.a.get("object", ())),
        "candidate": len(pair.b.get("object", ())),
        "level": Severity.WARNING if thin and pair.event.direction is harmed else None,
    }
