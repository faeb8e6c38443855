"""Identifiers that the server echoes: what always carried a value that the client had sent must still do so.

A place in a server's event is linked to a place in a client's when, in the whole baseline, every value at the first had
been sent at the second on the same connection, whether the client had made it up or got it from the server.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..cassettes import Direction
from ..contracts import Finding, Severity, label_of
from .bindings import Scalar
from .breaking import breaking
from .comparison import Pair
from .issued import looks_issued
from .leaves import Path, leaves, pointer
from .timeline import Trace

MIN_LENGTH = 8
"""Characters of a text that is not on both sides by chance; others are no links."""

_Place = tuple[str, Path]  # symbol, path


@dataclass(slots=True)
class _Link:
    """What one place of the server's events showed."""

    sources: set[_Place] | None = None  # the client's places that hold for every value so far; None: nothing seen
    seen: int = 0
    first: object = None  # value
    various: bool = False  # there were others


@dataclass(slots=True)
class _Sent:
    """What the client of one connection has sent so far, by place."""

    values: dict[_Place, set[Scalar]] = field(default_factory=lambda: defaultdict[_Place, set[Scalar]](set))


def lost_links(pairs: Sequence[Pair]) -> Iterator[Finding]:
    """Yield the places at which the candidate's server no longer echoes what the client sent, the first of each.

    One value alone, such as a session's, may have been no echo of this but a constant: where it still comes as well, a
    place that has another one now and then is a warning.
    """
    links = _learn(baseline for baseline, _ in pairs)
    if not any(link.sources for link in links.values()):
        return
    lost: dict[_Place, Finding] = {}
    echoed: set[_Place] = set()
    for _, candidate in pairs:
        for place, value, sent, position in _server_values(candidate):
            link = links.get(place)
            if link is None or not link.sources or not _is_identifier(value):
                continue
            known = [sent.values[source] for source in link.sources]
            if any(value in values for values in known):
                echoed.add(place)
                continue
            # Before the client has said anything there, nothing of it can be echoed: a greeting that came earlier now.
            if place in lost or not any(known):
                continue
            symbol, path = place
            source = min(link.sources, key=lambda one: (one[0], pointer(one[1])))
            expected = sorted(map(str, sent.values[source]))
            where = f"`{label_of(source[0])}` {pointer(source[1])}"
            lost[place] = breaking(
                "link/lost",
                f"`{pointer(path)}` is none of the values that the client sent in {where}; in the recording it was, "
                f"{link.seen} of {link.seen} times",
                candidate.connection.number,
                label=label_of(symbol),
                path=pointer(path),
                position=position,
                baseline=expected[-1] if expected else None,
                candidate=value,
            )
    for place, finding in lost.items():
        yield replace(finding, severity=Severity.WARNING) if place in echoed and not links[place].various else finding


def _learn(traces: Iterable[Trace]) -> dict[_Place, _Link]:
    links: dict[_Place, _Link] = defaultdict(_Link)
    for trace in traces:
        for place, value, sent, _ in _server_values(trace):
            link = links[place]
            link.first = link.first if link.seen else value
            link.various = link.various or value != link.first
            link.seen += 1
            if link.sources is not None and not link.sources:
                continue
            held = (
                {source for source, values in sent.values.items() if value in values}
                if _is_identifier(value)
                else set[_Place]()
            )
            link.sources = held if link.sources is None else link.sources & held
    return links


def _server_values(trace: Trace) -> Iterator[tuple[_Place, object, _Sent, int]]:
    """Yield the values in the server's events, each with what the client had sent by then."""
    sent = _Sent()
    for moment in trace.moments:
        for event in moment.events:
            for path, value in leaves(event.payload):
                if any(isinstance(step, int) for step in path):
                    continue  # an item of a list has no place of its own
                if event.direction is Direction.SERVER:
                    if value is not None:
                        yield (event.symbol, path), value, sent, event.position
                elif isinstance(value, str) and _is_identifier(value):
                    sent.values[event.symbol, path].add(value)


def _is_identifier(value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) >= MIN_LENGTH
        and any(character.isdigit() for character in value)
        and looks_issued(value)
    )
