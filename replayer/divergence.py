"""The first place at which a session leaves its recording, with the values that led to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..cassettes import Direction, Session, printable
from ..contracts import CONNECTION, Contract, Event, Finding, Severity
from ..contracts.json_text import excerpt
from .timeline import Trace, traces

_SHOWN = 60
"""Characters of a payload that are shown."""


def first_divergence(session: Session, contract: Contract, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Say where the first breaking finding with a place was met; nothing when there is none.

    Told are the client's message that began the turn, the event before it in the same scope, and the event itself.
    """
    timelines = {trace.connection.number: trace for trace in traces(session, contract.envelope)}
    places: list[tuple[int, Finding, Event, Trace]] = []
    for finding in findings:
        trace = timelines.get(finding.connection or 0)
        if finding.severity is not Severity.BREAKING or trace is None or finding.position is None:
            continue
        event = next((event for event in trace.each() if event.position == finding.position), None)
        if event is not None:
            places.append((event.at_ns, finding, event, trace))
    if not places:
        return ()
    _, finding, event, trace = min(places, key=lambda place: place[0])
    return tuple(_lines(finding, event, trace, contract))


def _lines(finding: Finding, event: Event, trace: Trace, contract: Contract) -> Iterator[str]:
    yield f"first divergence: {finding.id}, connection {event.connection}, message {event.position}"
    before: Event | None = None
    began: Event | None = None
    keys = set(contract.scope_keys(event))
    inner = {key for key in keys if key.name != CONNECTION} or keys
    for other in trace.each():
        if other.position >= event.position:
            break
        if other.direction is Direction.CLIENT:
            began = other
        if inner.intersection(contract.scope_keys(other)):
            before = other
    if began is not None:
        yield _said(began)
    if before is not None and before is not began:
        yield _said(before)
    yield _said(event)


def _said(event: Event) -> str:
    arrow = "->" if event.direction is Direction.CLIENT else "<-"
    return f"  {arrow} {event.position} {printable(event.label)} {printable(excerpt(event.payload, _SHOWN))}"
