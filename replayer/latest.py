"""Values of the client that are the latest of a counter of the server: where it resumes, what it has seen. No I/O.

``{"type": "resume", "run_id": "r-1", "last_seq": 8}`` names no recorded event: it says how far the client has come. In
a replay the server counts differently, so what *this* build counted last is sent in its place. Found are places of the
client at which every value was the latest under one name that fits the client's own: of the events that share an
identifier with the client's, of its connection, or of one before it.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypeGuard

from ..cassettes.splicing import Scalar
from ..contracts import Event
from ..contracts.json_text import split_pointer
from .issued import Place, place_of
from .leaves import Path, at, is_scalar, last_key, leaves, pointer
from .naming import names_identifier, names_time, words

_MOST_SCOPES = 4096  # identifiers whose counters are remembered; the least recent are forgotten

_LONGEST = 256  # characters of a text that may be a counter's or an identifier

_COUNTERS = frozenset(("seq", "offset", "position", "pos", "cursor", "revision", "rev", "lsn", "s", "watermark"))
_SO_FAR = frozenset(("last", "latest", "since", "after", "ack", "acked", "seen", "resume"))
_AROUND = _SO_FAR | {"from", "up", "to", "received", "processed", "known"}

_WRITTEN = re.compile(r"the latest (?P<path>/.+) of (?:its (?P<name>\S+)|(?P<own>the connection)|a connection before)")

Kind = Literal["shared", "own", "before"]
_ORDER: tuple[Kind, ...] = ("shared", "own", "before")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What counts: a path in the server's events, and in which of them."""

    path: Path
    kind: Kind  # events that share an identifier, those of the same connection, those of one before it
    name: str = ""  # of the shared identifier

    def __str__(self) -> str:
        of = {"shared": f"its {self.name}", "own": "the connection", "before": "a connection before"}[self.kind]
        return f"the latest {pointer(self.path)} of {of}"

    @classmethod
    def parse(cls, text: str) -> Counter | None:
        """Read what `str` writes; None when it is something else."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            return None
        kind: Kind = "shared" if found["name"] else "own" if found["own"] else "before"
        return cls(path=split_pointer(found["path"]), kind=kind, name=found["name"] or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """A place in a client's message where the latest value of a counter is put."""

    event: int  # among the events of the message
    place: Place
    path: Path
    value: Scalar  # recorded
    counter: Counter
    connection: int  # whose counter it is, unless an identifier says
    shared: Path = ()  # of the identifier in the client's event
    identifier: Scalar = ""  # recorded

    @property
    def where(self) -> str:
        """The place in words."""
        return _where(self.place)

    def __str__(self) -> str:
        return f"{self.where} is {self.counter}"


@dataclass(slots=True)
class _Claim:
    """What one place of the client showed."""

    counters: set[Counter] | None = None  # that hold for every value so far; None: nothing seen
    values: set[Scalar] = field(default_factory=set[Scalar])
    jumped: bool = False  # it does not just count its own messages
    uses: list[tuple[tuple[int, int], dict[Counter, Latest]]] = field(
        default_factory=list[tuple[tuple[int, int], dict[Counter, Latest]]]
    )


class LatestSearch:
    """Walks a recording in time and remembers how far the server has counted."""

    def __init__(
        self, never: frozenset[Scalar] = frozenset(), said: Mapping[str, Counter | None] | None = None
    ) -> None:
        """``never`` are no counters' values, and ``said`` has counters, or None for none, by places in words."""
        self._never = never
        self._said = said or {}
        self._connections: dict[int, dict[Path, Scalar]] = {}
        self._shared: OrderedDict[tuple[str, Scalar], dict[Path, Scalar]] = OrderedDict()
        self._claims: dict[Place, _Claim] = {}
        self._previous: dict[tuple[int, Path], int] = {}

    def server_event(self, event: Event, scalars: Iterable[tuple[Path, object]]) -> None:
        """Take what the server counts in an event, of which these are the leaves."""
        counted: dict[Path, Scalar] = {}
        scopes: list[tuple[str, Scalar]] = []
        for path, value in scalars:
            counts, identifies = _role(path)
            if (counts or identifies) and _may_tell(value):
                if counts:
                    counted[path] = value
                if identifies:
                    scopes.append((last_key(path), value))
        if not counted:
            return
        self._connections.setdefault(event.connection, {}).update(counted)
        for scope in scopes:
            self._shared.setdefault(scope, {}).update(counted)
            self._shared.move_to_end(scope)
        while len(self._shared) > _MOST_SCOPES:
            self._shared.popitem(last=False)

    def client_event(
        self, event: Event, number: int, message: tuple[int, int], writable: Callable[[Path, Scalar], bool]
    ) -> None:
        """Take what the client says of the counters in an event, which its envelope must be able to write."""
        scalars = list(_scalars(event.payload))
        for path, value in scalars:
            place = place_of(event.symbol, path)
            if _where(place) in self._said:
                counter = self._said[_where(place)]
                if counter is not None and writable(path, value):
                    told = _told(event, number, path, value, counter, scalars)
                    self._claims.setdefault(place, _Claim()).uses.append((message, {counter: told}))
                continue
            if value in (0, -1, "") or value in self._never:
                continue  # nothing seen yet
            claim = self._claims.setdefault(place, _Claim())
            if isinstance(value, int):
                before = self._previous.get((event.connection, path), 0)
                self._previous[event.connection, path] = value
                claim.jumped = claim.jumped or value - before != 1
            if claim.counters is not None and not claim.counters:
                continue
            found = {
                one.counter: one
                for one in self._matches(event, number, place, path, value, scalars)
                if claim.counters is None or one.counter in claim.counters
            }
            if found and not writable(path, value):
                found = {}
            claim.counters = set(found)
            if len(claim.values) < 3:
                claim.values.add(value)
            claim.uses.append((message, found))
            if not found:
                claim.uses.clear()

    def _matches(
        self, event: Event, number: int, place: Place, path: Path, value: Scalar, scalars: list[tuple[Path, Scalar]]
    ) -> Iterator[Latest]:
        """Yield the counters that stood at a value."""

        def matching(counted: Mapping[Path, Scalar]) -> Iterator[Path]:
            for at_path, latest in counted.items():
                if type(latest) is type(value) and latest == value:
                    yield at_path

        def latest(counter: Counter, connection: int, shared: Path = (), identifier: Scalar = "") -> Latest:
            return Latest(
                event=number,
                place=place,
                path=path,
                value=value,
                counter=counter,
                connection=connection,
                shared=shared,
                identifier=identifier,
            )

        for shared, identifier in scalars:
            name = last_key(shared)
            if shared != path and names_identifier(name):
                for counted in matching(self._shared.get((name, identifier), {})):
                    counter = Counter(path=counted, kind="shared", name=name)
                    yield latest(counter, event.connection, shared, identifier)
        for counted in matching(self._connections.get(event.connection, {})):
            yield latest(Counter(path=counted, kind="own"), event.connection)
        if not _SO_FAR.isdisjoint(words(last_key(path))):
            for connection in sorted(self._connections):
                if connection < event.connection:
                    for counted in matching(self._connections[connection]):
                        yield latest(Counter(path=counted, kind="before"), connection)

    def result(self) -> dict[tuple[int, int], tuple[Latest, ...]]:
        """Return what was found, by connection and index of the client's message."""
        # Where the client counts itself, it does so in all that it sends.
        own = {path for (_, path), claim in self._claims.items() if claim.counters == set()}
        found: dict[tuple[int, int], list[Latest]] = {}
        for place, claim in self._claims.items():
            path = place[1]
            said = self._said.get(_where(place))
            fitting = (
                [said]
                if said is not None
                else [counter for counter in claim.counters or () if _fits(path, counter, claim, path in own)]
            )
            if fitting:
                best = min(fitting, key=lambda one: (_ORDER.index(one.kind), len(one.path), str(one)))
                for message, counters in claim.uses:
                    found.setdefault(message, []).append(counters[best])
        return {message: tuple(some) for message, some in found.items()}


class Seen:
    """How far the server under test has counted."""

    def __init__(self, latest: Iterable[Latest]) -> None:
        wanted = list(latest)
        self._paths = {one.counter.path for one in wanted}
        self._names = {one.counter.name for one in wanted if one.counter.kind == "shared"}
        self._connections: dict[tuple[int, Path], Scalar] = {}
        self._shared: dict[tuple[str, Scalar, Path], Scalar] = {}

    def receive_event(self, event: Event) -> None:
        """Take an event of the server."""
        for path in self._paths:
            try:
                value = at(event.payload, path)
            except LookupError:
                continue
            if not is_scalar(value):
                continue
            self._connections[event.connection, path] = value
            if self._names:
                for where, identifier in _scalars(event.payload):
                    if last_key(where) in self._names:
                        self._shared[last_key(where), identifier, path] = value

    def value(self, one: Latest, changes: Mapping[Path, Scalar]) -> Scalar | None:
        """Return what is to be sent, in an event with these changes; None when nothing has been counted."""
        if one.counter.kind != "shared":
            return self._connections.get((one.connection, one.counter.path))
        identifier = changes.get(one.shared, one.identifier)
        return self._shared.get((one.counter.name, identifier, one.counter.path))


def _where(place: Place) -> str:
    return f"{place[0]} {pointer(place[1])}"


def _told(
    event: Event, number: int, path: Path, value: Scalar, counter: Counter, scalars: Iterable[tuple[Path, Scalar]]
) -> Latest:
    """Return what a person says of a place."""
    shared, identifier = next((one for one in scalars if last_key(one[0]) == counter.name), ((), ""))
    return Latest(
        event=number,
        place=place_of(event.symbol, path),
        path=path,
        value=value,
        counter=counter,
        connection=event.connection - (counter.kind == "before"),
        shared=shared,
        identifier=identifier,
    )


def _scalars(payload: object) -> Iterator[tuple[Path, Scalar]]:
    """Yield the texts and whole numbers that have a place of their own: no items of lists, no secrets."""
    for path, value in leaves(payload):
        if _may_tell(value) and not any(isinstance(step, int) for step in path):
            yield path, value


def _may_tell(value: object) -> TypeGuard[Scalar]:
    if isinstance(value, str):
        return len(value) <= _LONGEST and "{{secret:" not in value
    return is_scalar(value)


@lru_cache(maxsize=4096)
def _role(path: Path) -> tuple[bool, bool]:
    """Tell whether a place of the server's may count, and whether it identifies what its event is about."""
    if any(isinstance(step, int) for step in path):
        return False, False
    return _counts(last_key(path)), names_identifier(last_key(path))


@lru_cache(maxsize=4096)
def _plain(name: str) -> tuple[str, ...]:
    """The words of a name, a sequence number by one word."""
    found = ("seq" if re.fullmatch("seq(uence|no|num)?", word) else word for word in words(name))
    return tuple(word for word in found if word not in ("no", "num", "number"))


def _counts(name: str) -> bool:
    """Tell whether what the server says under a name may be a counter, or say how far it has come."""
    plain = _plain(name)
    if not plain or plain[-1] in ("version", "code", "token"):
        return False
    return plain[-1] in _COUNTERS or names_identifier(name) or names_time(name)


def _fits(path: Path, counter: Counter, claim: _Claim, own: bool) -> bool:
    """Tell whether the names on both sides, or else the values, say that a place tells of a counter."""
    said, counted = _plain(last_key(path)), _plain(last_key(counter.path))
    numbers = all(isinstance(value, int) for value in claim.values)
    rest = tuple(word for word in said if word not in _AROUND)
    so_far = not _SO_FAR.isdisjoint(said)
    if so_far and not rest:
        return True
    same = bool(rest) and (counted[-len(rest) :] == rest or rest[-len(counted) :] == counted)
    if same and (so_far or (len(rest) < len(said) and rest[-1] in _COUNTERS)):
        return True
    if not numbers or own or not claim.jumped or counted[-1] not in _COUNTERS:
        return False
    return same or len(claim.values) > 2
