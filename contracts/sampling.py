"""A bounded sample of traffic that merges: what the finding of envelopes needs of recordings that may be gone.

Of each recording the beginning is looked at. JSON messages are kept as skeletons: their structure and the short texts
that may be labels, without the numbers and the longer texts. Of the different ones, those with the least hashes stay
(a bottom-k sample), so that it does not matter how the recordings were shared out. `TrafficSample.records` gives
the sample back as a small recording.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import cast
from urllib.parse import parse_qsl

from ..cassettes import PLACEHOLDER, Direction, Handshake, Kind, Message, Opened, Record
from .detection import general_path
from .formats import is_data_key
from .json_text import JsonArray, JsonObject, parse
from .state import count, sequence, text

BEGINNING = 1_000
"""Messages of a recording that are looked at."""
KEPT = 256
"""Different messages of one direction that are kept, by path and subprotocol."""
LARGE = 2_048
"""Bytes from which a message counts as large."""
KEPT_LARGE = 4
MAX_SIZE = 32_768
"""Bytes beyond which a message is left out."""
MAX_PLACES = 24
"""Paths with subprotocols that are told apart; more of them hold data, and all are one."""
MAX_TIMES = 16
"""How often a message comes in `TrafficSample.records` at most."""

_ANYWHERE: tuple[str, str] = ("*", "")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.:/ -]{0,39}|[0-9]{1,2}(?:\.[0-9]{1,2}){0,2}")
_WIDTH = 8  # of arrays, in a skeleton
_DEPTH = 6
_Place = tuple[str, str]  # request target with "*" for data, subprotocol ("" for none)


@dataclass(slots=True)
class _Kept:
    """A message, and how often it came."""

    direction: Direction
    kind: Kind
    payload: bytes
    times: int = 0


class TrafficSample:
    """A monoid: `merge` is associative and commutative, a new one is its identity."""

    def __init__(self) -> None:
        self._places: dict[_Place, dict[bytes, _Kept]] = {}

    @classmethod
    def of(cls, records: Iterable[Record]) -> TrafficSample:
        """Return the sample of the beginning of a recording."""
        sample = cls()
        places: dict[int, _Place] = {}
        left = BEGINNING
        for record in records:
            if isinstance(record, Opened):
                place = (_general(record.handshake.target), record.handshake.subprotocol or "")
                places[record.connection] = place
                sample._places.setdefault(place, {})
            elif isinstance(record, Message) and record.kind in (Kind.TEXT, Kind.BINARY) and record.full_size is None:
                sample._add(places.get(record.connection, _ANYWHERE), record)
                left -= 1
                if not left:
                    break
        sample._bound()
        return sample

    def _add(self, place: _Place, message: Message) -> None:
        payload = _skeleton(message)
        if len(payload) <= MAX_SIZE:
            self._keep(place, _Kept(message.direction, message.kind, payload), 1)

    def _keep(self, place: _Place, message: _Kept, times: int) -> None:
        kept = self._places.setdefault(place, {})
        start = f"{message.direction.value} {message.kind.value} ".encode()
        key = blake2b(start + message.payload, digest_size=8).digest()
        kept.setdefault(key, _Kept(message.direction, message.kind, message.payload)).times += times

    def merge(self, other: TrafficSample) -> None:
        """Take into account all that another one has kept."""
        for place, kept in other._places.items():
            self._places.setdefault(place, {})
            for message in kept.values():
                self._keep(place, message, message.times)
        self._bound()

    def _bound(self) -> None:
        if len(self._places) > MAX_PLACES or _ANYWHERE in self._places:
            places, self._places = self._places, {_ANYWHERE: {}}
            for kept in places.values():
                for message in kept.values():
                    self._keep(_ANYWHERE, message, message.times)
        for place, kept in self._places.items():
            left = dict.fromkeys(((side, large) for side in Direction for large in (False, True)), KEPT)
            left |= {(side, True): KEPT_LARGE for side in Direction}
            fewer: dict[bytes, _Kept] = {}
            for key, message in sorted(kept.items()):
                group = (message.direction, len(message.payload) > LARGE)
                left[group] -= 1
                if left[group] >= 0:
                    fewer[key] = message
            self._places[place] = fewer

    def records(self) -> Iterator[Record]:
        """Return the sample as records, a connection for each place."""
        for connection, (place, kept) in enumerate(sorted(self._places.items()), 1):
            target, subprotocol = place
            headers = (("Sec-WebSocket-Protocol", subprotocol),) if subprotocol else ()
            handshake = Handshake(target=target, request_headers=(), status=101, reason="", response_headers=headers)
            if place != _ANYWHERE:
                yield Opened(connection=connection, handshake=handshake, at_ns=0)
            for _, message in sorted(kept.items()):
                for _ in range(min(message.times, MAX_TIMES)):
                    yield Message(
                        connection=connection,
                        direction=message.direction,
                        kind=message.kind,
                        payload=message.payload,
                        at_ns=0,
                    )

    def state(self) -> list[object]:
        """Return all of it as plain data; equal samples give equal data."""
        return [
            [*place, [[m.direction.value, m.kind.value, m.payload, m.times] for _, m in sorted(kept.items())]]
            for place, kept in sorted(self._places.items())
        ]

    @classmethod
    def from_state(cls, state: object) -> TrafficSample:
        """Return the sample that `state` described. Raises ValueError for other data."""
        sample = cls()
        for entry in sequence(state, lambda part: sequence(part, lambda item: item)):
            target, subprotocol, messages = entry
            place = (text(target), text(subprotocol))
            sample._places.setdefault(place, {})
            for message in sequence(messages, lambda part: sequence(part, lambda item: item)):
                direction, kind, payload, times = message
                if not isinstance(payload, bytes):
                    raise ValueError(f"{type(payload).__name__} where bytes belong")
                kept = _Kept(Direction(text(direction)), Kind(text(kind)), payload)
                sample._keep(place, kept, count(times))
        sample._bound()
        return sample


def _general(target: str) -> str:
    path, _, query = target.partition("?")
    general = general_path(path)
    pairs = [(key, "*" if _is_data(value) else value) for key, value in parse_qsl(query, keep_blank_values=True)]
    return general + ("?" + "&".join(f"{key}={value}" for key, value in sorted(pairs)) if pairs else "")


def _is_data(value: str) -> bool:
    if value.isdigit() and len(value) == 1:
        return False  # a version, such as EIO=4
    return len(value) > 40 or is_data_key(value) or PLACEHOLDER.search(value) is not None


def _skeleton(message: Message) -> bytes:
    """Return a JSON message without its data, another one as it is."""
    if message.kind is Kind.BINARY and message.payload[:1] not in (b"{", b"["):
        return message.payload
    value = parse(message.payload)
    if not isinstance(value, (dict, list)):
        return message.payload
    return json.dumps(_bones(cast("object", value), _DEPTH), separators=(",", ":")).encode()


def _bones(value: object, depth: int) -> object:
    match value:
        case str():
            if not _WORD.fullmatch(value) or is_data_key(value):
                return ""
            # What a person may have written is told apart from others, and not kept.
            return _stand_in(value) if " " in value else value
        case bool() | None:
            return value
        case int():
            return value if 0 <= value < 100 else 1000
        case float():
            return 0.5
        case list():
            return [_bones(item, depth - 1) for item in cast("JsonArray", value)[:_WIDTH]] if depth else []
        case _:
            if not depth:
                return {}
            return {key: _bones(item, depth - 1) for key, item in cast("JsonObject", value).items()}


def _stand_in(value: str) -> str:
    digest = blake2b(value.encode(), digest_size=5).digest()
    return "".join(chr(ord("a") + byte % 26) for byte in digest)
