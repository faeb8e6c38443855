"""Events that came, went, changed their name or their sender, and the field that names them."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from ....cassettes import Direction
from ...contract import Contract
from ...event import label_of, side
from ...finding import Severity
from ..contract_pair import ContractPair
from ..inclusion import Effect
from ..pairs import EventPair
from ..rule import Change, Levels, rule
from ..view import Document

SUNSET = "x-wstape-sunset"
"""Annotation beside ``deprecated``: the day, as YYYY-MM-DD, from which something may be gone."""


@rule(
    "event-removed",
    ContractPair,
    Effect.NARROWS,
    old='{"events": {"D:started": {"payload": {"required": ["run_id"]}}}}',
    new='{"events": {}}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def event_removed(pair: ContractPair) -> Iterator[Change]:
    """A client that waits for the event waits for ever. Of an event that was rare in the recordings it is a warning.

    A client that still sends the event meets a service that no longer knows it.
    """
    for symbol in pair.gone:
        if sunset(pair.old, symbol) is None:
            rare = pair.is_rare(symbol)
            yield Change(
                direction=side(symbol),
                label=label_of(symbol),
                path=None,
                message=f"`{label_of(symbol)}` is gone" + ("; it was rare" if rare else ""),
                level=Severity.WARNING if rare else None,
                baseline=label_of(symbol),
                evidence=pair.evidence(symbol),
                # Its absence is what the other side was promised not to meet.
                effect=Effect.INCOMPARABLE,
            )


@rule(
    "event-added",
    ContractPair,
    Effect.NONE,
    old='{"events": {}}',
    new='{"events": {"D:started": {"payload": {"required": ["run_id"]}}}}',
    server=Levels(default=Severity.INFO, strict=Severity.WARNING),
    client=Severity.INFO,
)
def event_added(pair: ContractPair) -> Iterator[Change]:
    """Clients leave events alone that they do not know; one that switches over the labels without a default may not.

    The service takes one event more.
    """
    for symbol in pair.added:
        yield Change(
            direction=side(symbol),
            label=label_of(symbol),
            path=None,
            message=f"`{label_of(symbol)}` is new",
            candidate=label_of(symbol),
        )


@rule(
    "event-renamed",
    ContractPair,
    Effect.INCOMPARABLE,
    old='{"events": {"D:tool_started": {"payload": {"properties": {"call_id": {"type": "string"}}}}}}',
    new='{"events": {"D:tool_begun": {"payload": {"properties": {"call_id": {"type": "string"}}}}}}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def event_renamed(pair: ContractPair) -> Iterator[Change]:
    """Clients listen for the old label; one event went, and a new one carries nearly the same payload.

    Clients send the old label, and the service knows only the new one.
    """
    for old, new in pair.renamed.items():
        if old in pair.reshaped:
            continue
        yield Change(
            direction=side(old),
            label=label_of(old),
            path=None,
            message=f"`{label_of(old)}` is now called `{label_of(new)}`: nearly the same payload",
            baseline=label_of(old),
            candidate=label_of(new),
            evidence=pair.evidence(old),
        )


@rule(
    "event-direction-changed",
    ContractPair,
    Effect.INCOMPARABLE,
    old='{"events": {"server:status": {}, "client:progress": {}}}',
    new='{"events": {"client:status": {}, "server:progress": {}}}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def event_direction_changed(pair: ContractPair) -> Iterator[Change]:
    """What the service sent is now expected from the client.

    What the client sent is now sent by the service.
    """
    for symbol in pair.flipped:
        other = Direction.CLIENT if side(symbol) is Direction.SERVER else Direction.SERVER
        yield Change(
            direction=side(symbol),
            label=label_of(symbol),
            path=None,
            message=f"`{label_of(symbol)}` was sent by the {side(symbol).value}, now by the {other.value}",
            baseline=side(symbol).value,
            candidate=other.value,
            evidence=pair.evidence(symbol),
        )


@rule(
    "discriminator-changed",
    ContractPair,
    Effect.INCOMPARABLE,
    old='{"envelope": {"name": "json", "client": "/type", "server": "/type"}}',
    new='{"envelope": {"name": "json", "client": "/event", "server": "/event"}}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def discriminator_changed(pair: ContractPair) -> Iterator[Change]:
    """Clients tell events apart by a field that is no longer the one.

    The service tells events apart by another field than clients fill in.
    """
    if pair.old.envelope.name != pair.new.envelope.name:
        return  # the encoding has changed, which says it all
    for direction in Direction:
        was, is_ = (one.envelope.discriminator(direction) for one in (pair.old, pair.new))
        # Who told events apart by their fields can go on doing so.
        if was is not None and was != is_ and any(side(symbol) is direction for symbol in pair.old.events):
            yield Change(
                direction=direction,
                label=None,
                path=was,
                message=f"the label of what the {direction.value} sends stood in `{was}`, now in `{is_}`",
                baseline=was,
                candidate=is_,
            )


@rule(
    "deprecated",
    EventPair,
    Effect.NONE,
    old='{"events": {"D:started": {"payload": {"type": "object"}}}}',
    new='{"events": {"D:started": {"payload": {"type": "object", "deprecated": true}}}}',
    server=Severity.INFO,
    client=Severity.INFO,
)
def deprecated(pair: EventPair) -> Iterator[Change]:
    """The event is still sent; clients should stop relying on it.

    The event is still taken; clients should stop sending it.
    """
    was, is_ = (
        claim.payload is not None and Document(claim.payload).root.annotation("deprecated") is True
        for claim in (pair.old, pair.new)
    )
    if is_ and not was:
        yield pair.change(None, f"`{pair.label}` is deprecated", candidate="deprecated")


@rule(
    "removed-before-sunset",
    ContractPair,
    Effect.INCOMPARABLE,
    old='{"events": {"D:started": {"payload": {"deprecated": true, "x-wstape-sunset": "9999-12-31"}}}}',
    new='{"events": {}}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def removed_before_sunset(pair: ContractPair) -> Iterator[Change]:
    """Clients were given time, and it is not over.

    Clients were promised that the service takes the event until a day that has not come.
    """
    yield from _sunsets(pair, over=False)


@rule(
    "removed-after-sunset",
    ContractPair,
    Effect.NONE,
    old='{"events": {"D:started": {"payload": {"deprecated": true, "x-wstape-sunset": "2001-12-31"}}}}',
    new='{"events": {}}',
    server=Severity.INFO,
    client=Severity.INFO,
)
def removed_after_sunset(pair: ContractPair) -> Iterator[Change]:
    """Clients were told that the event would go, and when."""
    yield from _sunsets(pair, over=True)


def _sunsets(pair: ContractPair, *, over: bool) -> Iterator[Change]:
    for symbol in pair.gone:
        day = sunset(pair.old, symbol)
        if day is not None and (day <= pair.today) == over:
            yield Change(
                direction=side(symbol),
                label=label_of(symbol),
                path=None,
                message=f"`{label_of(symbol)}` is gone; it was to be kept until {day}",
                baseline=str(day),
            )


def sunset(contract: Contract, symbol: str) -> datetime.date | None:
    """Return the day from which a deprecated event may be gone; None when it has none."""
    payload = contract.events[symbol].payload
    return None if payload is None else day_of(Document(payload).root.annotation(SUNSET))


def day_of(value: object) -> datetime.date | None:
    """Return the day that an annotation names, or None when it names none."""
    try:
        return datetime.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
