"""Fields of objects: gone, new, renamed, required or not, and whether others are allowed."""

from __future__ import annotations

from collections.abc import Iterator

from ....cassettes import Direction
from ...finding import Severity
from ...json_text import clip
from ..box import boxes_of
from ..inclusion import Answer, Effect, includes
from ..pairs import ObjectPair
from ..rule import Change, Levels, rule
from ..view import View
from .events import SUNSET, day_of

_OBJECT = '{"events": {"D:e": {"payload": {"type": "object", %s}}}}'
_AB = '"properties": {"a": {"type": "integer"}, "b": {"type": "string"}}'
_A = '"properties": {"a": {"type": "integer"}}'


@rule(
    "required-property-removed",
    ObjectPair,
    Effect.WIDENS,
    old=_OBJECT % f'{_AB}, "required": ["b"]',
    new=_OBJECT % _A,
    server=Severity.BREAKING,
    client=Severity.INFO,
)
def required_property_removed(pair: ObjectPair) -> Iterator[Change]:
    """Clients read a field that was always there.

    The service ignores what it no longer knows; a warning where it now forbids other fields.
    """
    for key in _gone(pair, required=True):
        refused = pair.event.direction is Direction.CLIENT and pair.closed[1]
        yield pair.change(
            key,
            f"`{pair.path(key)}` was always there, now gone" + (" and refused" if refused else ""),
            baseline=_said(pair.a.field(pair.old, key)),
            level=Severity.WARNING if refused else None,
            effect=Effect.NARROWS if refused else None,
        )


@rule(
    "optional-property-removed",
    ObjectPair,
    Effect.WIDENS,
    old=_OBJECT % _AB,
    new=_OBJECT % _A,
    server=Levels(default=Severity.WARNING, lenient=Severity.INFO),
    client=Severity.INFO,
)
def optional_property_removed(pair: ObjectPair) -> Iterator[Change]:
    """A client that reads the field finds it never again. Pin the field where clients read it.

    The service ignores what it no longer knows; breaking where it now forbids other fields.
    """
    for key in _gone(pair, required=False):
        refused = pair.event.direction is Direction.CLIENT and pair.closed[1]
        yield pair.change(
            key,
            f"`{pair.path(key)}` was there at times, now gone" + (" and refused" if refused else ""),
            baseline=_said(pair.a.field(pair.old, key)),
            level=Severity.BREAKING if refused else None,
            effect=Effect.NARROWS if refused else None,
        )


@rule(
    "property-became-optional",
    ObjectPair,
    Effect.WIDENS,
    old=_OBJECT % f'{_A}, "required": ["a"]',
    new=_OBJECT % _A,
    server=Severity.BREAKING,
    client=Severity.INFO,
)
def property_became_optional(pair: ObjectPair) -> Iterator[Change]:
    """Clients read a field that was always there, and it may be missing now.

    Clients may leave the field out.
    """
    for key in sorted(pair.a.required - pair.b.required):
        if key in pair.b.fields:
            yield pair.change(key, f"`{pair.path(key)}` was always there, now it may be missing")


@rule(
    "property-became-required",
    ObjectPair,
    Effect.NARROWS,
    old=_OBJECT % _A,
    new=_OBJECT % f'{_A}, "required": ["a"]',
    server=Severity.INFO,
    client=Severity.BREAKING,
)
def property_became_required(pair: ObjectPair) -> Iterator[Change]:
    """The field is always there now.

    A client that leaves the field out is refused.
    """
    for key in sorted(pair.b.required - pair.a.required):
        if key in pair.a.fields:
            yield pair.change(key, f"`{pair.path(key)}` might be missing, now it must be there")


@rule(
    "required-property-added",
    ObjectPair,
    Effect.NARROWS,
    old=_OBJECT % _A,
    new=_OBJECT % f'{_AB}, "required": ["b"]',
    server=Severity.INFO,
    client=Severity.BREAKING,
)
def required_property_added(pair: ObjectPair) -> Iterator[Change]:
    """The field is new and always there; where other fields were forbidden a client may refuse it.

    A client that does not know the field is refused. A default does not help: the service asks for it.
    """
    for key in pair.added:
        if key in pair.b.required:
            yield pair.change(key, f"`{pair.path(key)}` is new and always there", **_news(pair, key))


@rule(
    "optional-property-added",
    ObjectPair,
    Effect.NARROWS,
    old=_OBJECT % _A,
    new=_OBJECT % _AB,
    server=Levels(default=Severity.INFO, strict=Severity.BREAKING),
    client=Severity.INFO,
)
def optional_property_added(pair: ObjectPair) -> Iterator[Change]:
    """Clients leave fields alone that they do not know; where other fields were forbidden a client may refuse it.

    Clients need not send it. A warning where they could send such a field before, with values that no longer fit.
    """
    for key in pair.added:
        if key not in pair.b.required:
            rest = pair.a.rest(pair.old)
            clash = (
                pair.event.direction is Direction.CLIENT
                and bool(rest.schemas)
                and False not in rest.schemas
                and includes(pair.b.field(pair.new, key), rest).answer is not Answer.YES
            )
            more = _news(pair, key) | ({"level": Severity.WARNING} if clash else {})
            yield pair.change(key, f"`{pair.path(key)}` is new and there at times", **more)


@rule(
    "property-renamed",
    ObjectPair,
    Effect.INCOMPARABLE,
    old=_OBJECT % '"properties": {"tool_call_id": {"type": "string"}}, "required": ["tool_call_id"]',
    new=_OBJECT % '"properties": {"call_id": {"type": "string"}}, "required": ["call_id"]',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def property_renamed(pair: ObjectPair) -> Iterator[Change]:
    """Clients read the old name; one field went, and a new one of its type took its place.

    Clients send the old name.
    """
    for old, new in pair.renamed.items():
        yield pair.change(
            old,
            f"`{pair.path(old)}` is now called `{pair.path(new)}`",
            baseline=pair.path(old),
            candidate=pair.path(new),
        )


@rule(
    "additional-properties-closed",
    ObjectPair,
    Effect.NARROWS,
    old=_OBJECT % _A,
    new=_OBJECT % f'{_A}, "additionalProperties": false',
    server=Severity.INFO,
    client=Severity.BREAKING,
)
def additional_properties_closed(pair: ObjectPair) -> Iterator[Change]:
    """Clients are sent no fields but those that are listed.

    A client that sends another field is refused.
    """
    if pair.closed == (False, True):
        yield pair.change(None, f"{_named(pair)} takes no other fields any more")


@rule(
    "additional-properties-opened",
    ObjectPair,
    Effect.WIDENS,
    old=_OBJECT % f'{_A}, "additionalProperties": false',
    new=_OBJECT % _A,
    server=Severity.WARNING,
    client=Severity.INFO,
)
def additional_properties_opened(pair: ObjectPair) -> Iterator[Change]:
    """A client that takes only what is listed may meet other fields.

    Clients may send other fields.
    """
    if pair.closed == (True, False):
        yield pair.change(None, f"{_named(pair)} may now have other fields")


@rule(
    "property-deprecated",
    ObjectPair,
    Effect.NONE,
    old=_OBJECT % _A,
    new=_OBJECT % '"properties": {"a": {"type": "integer", "deprecated": true}}',
    server=Severity.INFO,
    client=Severity.INFO,
)
def property_deprecated(pair: ObjectPair) -> Iterator[Change]:
    """The field is still sent; clients should stop reading it.

    The field is still taken; clients should stop sending it.
    """
    for key in sorted({*pair.a.fields} & {*pair.b.fields}):
        was, is_ = (view.annotation("deprecated") is True for view in _fields(pair, key))
        if is_ and not was:
            yield pair.change(key, f"`{pair.path(key)}` is deprecated", candidate="deprecated")


@rule(
    "property-removed-before-sunset",
    ObjectPair,
    Effect.INCOMPARABLE,
    old=_OBJECT % '"properties": {"a": {"deprecated": true, "x-wstape-sunset": "9999-12-31"}}',
    new=_OBJECT % '"properties": {}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def property_removed_before_sunset(pair: ObjectPair) -> Iterator[Change]:
    """Clients were given time, and it is not over.

    Clients were promised that the service takes the field until a day that has not come.
    """
    yield from _sunsets(pair, over=False)


@rule(
    "property-removed-after-sunset",
    ObjectPair,
    Effect.NONE,
    old=_OBJECT % '"properties": {"a": {"deprecated": true, "x-wstape-sunset": "2001-12-31"}}',
    new=_OBJECT % '"properties": {}',
    server=Severity.INFO,
    client=Severity.INFO,
)
def property_removed_after_sunset(pair: ObjectPair) -> Iterator[Change]:
    """Clients were told that the field would go, and when."""
    yield from _sunsets(pair, over=True)


def _gone(pair: ObjectPair, *, required: bool) -> Iterator[str]:
    """Yield the fields that went without a day set for it, less identifiers: a lost link is told as one."""
    for key in pair.gone:
        if (
            (key in pair.a.required) == required
            and day_of(pair.a.field(pair.old, key).annotation(SUNSET)) is None
            and pair.path(key) not in pair.event.old_links
        ):
            yield key


def _sunsets(pair: ObjectPair, *, over: bool) -> Iterator[Change]:
    for key in pair.gone:
        day = day_of(pair.a.field(pair.old, key).annotation(SUNSET))
        if day is not None and (day <= pair.event.contracts.today) == over:
            message = f"`{pair.path(key)}` is gone; it was to be kept until {day}"
            yield pair.change(key, message, baseline=str(day), agreed=over)


def _news(pair: ObjectPair, key: str) -> dict[str, object]:
    more: dict[str, object] = {"candidate": _said(pair.b.field(pair.new, key))}
    if pair.closed[0] and pair.event.direction is Direction.SERVER:
        return more | {"level": Severity.BREAKING, "effect": Effect.WIDENS}
    return more


def _fields(pair: ObjectPair, key: str) -> tuple[View, View]:
    return pair.a.field(pair.old, key), pair.b.field(pair.new, key)


def _said(view: View) -> object:
    """What a field's values are, in a word or two."""
    return clip(list(boxes_of(view)) if view.schemas else "anything")


def _named(pair: ObjectPair) -> str:
    return f"`{'/' + '/'.join(pair.keys)}`" if pair.keys else "the payload"
