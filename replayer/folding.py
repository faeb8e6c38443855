"""Streams as one event each, so that where a build cuts them is no difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..contracts import Contract, Event, Stream
from ..contracts.json_text import NOT_JSON, resolve, split_pointer
from .leaves import replaced


@dataclass(slots=True)
class _Open:
    """A stream that has begun."""

    place: int  # of its first piece among the events that are kept
    pieces: dict[str, list[str]] = field(default_factory=dict[str, list[str]])  # by pointer


def folded(events: Sequence[Event], contract: Contract) -> tuple[Event, ...]:
    """Return events in which every stream is one, its first piece, with the joined value in its place."""
    streams: dict[str, list[Stream]] = {}
    ends: dict[str, list[Stream]] = {}
    for stream in contract.streams:
        streams.setdefault(stream.of, []).append(stream)
        if stream.final is not None:
            ends.setdefault(stream.final.event, []).append(stream)
    if not streams:
        return tuple(events)
    kept: list[Event] = []
    open_: dict[tuple[str, str, int], _Open] = {}  # by symbol, scope instance and connection
    for event in events:
        claims = streams.get(event.symbol, ())
        ended = ends.get(event.symbol, ())
        if not claims and not ended:
            kept.append(event)
            continue
        values = {key.name: key.value for key in contract.scope_keys(event)}
        for stream in ended:
            _close(kept, open_.pop((stream.of, values.get(stream.scope, ""), event.connection), None))
        if not claims or claims[0].scope not in values:
            kept.append(event)
            continue
        key = (event.symbol, values[claims[0].scope], event.connection)
        # Without an end that says the value, a new stream is known by its first number.
        if key in open_ and any(_begins(event, stream) for stream in claims):
            _close(kept, open_.pop(key))
        if key not in open_:
            open_[key] = _Open(len(kept))
            kept.append(event)
        for stream in claims:
            piece = resolve(event.payload, split_pointer(stream.path))
            if isinstance(piece, str):
                open_[key].pieces.setdefault(stream.path, []).append(piece)
    for stream in open_.values():
        _close(kept, stream)
    return tuple(kept)


def _begins(event: Event, stream: Stream) -> bool:
    if stream.final is not None or stream.index is None:
        return False
    return resolve(event.payload, split_pointer(stream.index)) == stream.start


def _close(kept: list[Event], stream: _Open | None) -> None:
    if stream is None:
        return
    event = kept[stream.place]
    payload = event.payload
    for pointer, pieces in stream.pieces.items():
        keys = split_pointer(pointer)
        if resolve(payload, keys) is not NOT_JSON:
            payload = replaced(payload, keys, "".join(pieces))
    kept[stream.place] = replace(event, payload=payload)
