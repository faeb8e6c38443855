"""Bindings: which values of the client came from the server, found by looking at one recording.

A value that the client sends and that the server had issued before, in a message, a response body or a header, is
not the client's own: replayed against another build, the one that *this* server issues must be sent in its place.
Found are whole scalars in the events of messages, whole tokens in request targets and headers, and redaction
placeholders as any part of a text. Only values that look like identifiers count (`issued`): that both sides say
"search" binds nothing. Where an envelope cannot write a value back, it is looked for in the text of the message.
"""

from __future__ import annotations

import heapq
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from ..cassettes import PLACEHOLDER, Direction, HttpExchange, Kind, Message, Session, plain_name
from ..cassettes.splicing import Scalar
from ..contracts import Envelope, Event
from ..contracts.envelopes import written
from ..contracts.json_text import split_pointer
from .issued import UUID, Doubt, NumberClaims, Place, looks_issued, may_be_issued, number_doubt, place_of
from .latest import Latest, LatestSearch
from .leaves import Path, is_scalar, last_key, leaves, pointer
from .naming import names_identifier
from .overrides import Overrides
from .timeline import Moment, Trace, in_time


class NamedNumber(int):
    """A whole number that stands under a name: room 1 is not user 1, though either is the number 1."""

    name: str

    def __new__(cls, number: int, name: str) -> NamedNumber:
        """Name a number."""
        named = super().__new__(cls, number)
        named.name = name
        return named

    def __eq__(self, other: object) -> bool:
        same = int(self) == other
        return same and self.name == other.name if isinstance(other, NamedNumber) else same

    # As that of the number: what a person says of a number holds under every name.
    __hash__ = int.__hash__


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """The value stood at ``path`` in an event that the server sent."""

    connection: int
    turn: int
    symbol: str
    path: Path
    payload: object  # of the recorded event, to find its like among several
    position: int = 0  # of the message; 0: not known

    @property
    def name(self) -> str:
        """The property that the value stood under."""
        return last_key(self.path)

    def __str__(self) -> str:
        return f"{self.symbol} {pointer(self.path)} (connection {self.connection})"


@dataclass(frozen=True, slots=True, kw_only=True)
class BodySource:
    """The value stood at ``path`` in the JSON body of an HTTP response."""

    exchange: int
    path: Path

    @property
    def name(self) -> str:
        """The property that the value stood under."""
        return last_key(self.path)

    def __str__(self) -> str:
        return f"response {self.exchange} {pointer(self.path)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderSource:
    """The value stood in a field of an HTTP response, between ``before`` and ``after``."""

    exchange: int
    name: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"response {self.exchange} header {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSource:
    """The client made the value up itself, under this property, and its service may be sent another one."""

    name: str

    def __str__(self) -> str:
        return "the client itself"


Source = EventSource | BodySource | HeaderSource | ClientSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One server-issued value, where it came from, and how its uses are told apart from others."""

    value: Scalar
    source: Source
    part: tuple[str, str] | None = None  # what stands before and after it in the source's text, if it is a part


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """A place in a client's message where a value is put. ``path`` leads to a scalar in the payload of an event."""

    path: Path
    value: Scalar
    text: str | None = None  # what stands there, when the value is a part of it; None: the value is all
    event: int = 0  # among the events of the message


@dataclass(frozen=True, slots=True, kw_only=True)
class Bindings:
    """What `find_bindings` found."""

    bindings: tuple[Binding, ...]
    holes: dict[tuple[int, int], tuple[Hole, ...]]  # by connection and index of the client's message
    tokens: dict[str, tuple[str, ...]]  # by place ("handshake 1", "exchange 2", "message 1 0"): texts to put values for
    secrets: tuple[str, ...]  # names of placeholders that nothing in the session issues
    latest: Mapping[tuple[int, int], tuple[Latest, ...]] = field(
        default_factory=dict[tuple[int, int], tuple[Latest, ...]]
    )  # like `holes`: where the latest value of a counter is put
    lone: Mapping[Place, int] = field(
        default_factory=dict[Place, int]
    )  # the only number of a place, too little to bind it


def find_bindings(
    session: Session, timelines: Sequence[Trace], overrides: Overrides | None = None, *, own: bool = False
) -> Bindings:
    """Find the values of the client's messages, handshakes and requests that the server issued before.

    With ``own``, the identifiers that the client made up itself are bound as well, to a `ClientSource`.
    """
    search = _Search(overrides or Overrides(), own=own)
    exchanges = {exchange.number: exchange for exchange in session.exchanges}
    envelopes = {timeline.connection.number: timeline.envelope for timeline in timelines}
    # What happened, as (time, order, thing): a response or a server message issues, a request uses.
    others: list[tuple[int, int, object]] = [(one.connection.opened_ns, 0, one) for one in timelines]
    for exchange in exchanges.values():
        others.append((exchange.at_ns, 0, exchange))
        others.append((exchange.at_ns + exchange.took_ns, 2, exchange.number))
    others.sort(key=_when)
    messages = ((moment.message.at_ns, 1, moment) for moment in in_time(timelines))
    for _, _, thing in heapq.merge(messages, others, key=_when):
        match thing:
            case Moment() if thing.message.direction is Direction.SERVER:
                search.server_message(thing, envelopes[thing.message.connection])
            case Moment():
                search.client_message(thing, envelopes[thing.message.connection])
            case Trace():
                shake = thing.connection.handshake
                search.texts(
                    f"handshake {thing.connection.number}",
                    (shake.target, *(value for _, value in shake.request_headers)),
                )
            case HttpExchange():
                search.request(thing)
            case int():
                search.response(exchanges[thing])
            case _:
                raise AssertionError(thing)
    return search.result()


def _when(happening: tuple[int, int, object]) -> tuple[int, int]:
    return happening[:2]


def between(text: str, before: str, after: str) -> str | None:
    """Return the part of a live text that stands where, in the recorded one, the value stood between these two."""
    if not text.startswith(before):
        # Another host in a URL: what stands right before the value is enough to find it.
        near = before[before.rstrip("/").rfind("/") + 1 :] if "/" in before else ""
        found = text.find(near) if len(near) > 1 else -1
        if found < 0:
            return None
        text, before = text[found:], near
    rest = text[len(before) :]
    end = rest.find(after[:1]) if after else len(rest)
    return rest if end < 0 else rest[:end]


_TOKEN = re.compile(r"[^\s/?&=;,\"]+")
_PART = re.compile(r"[^\s/?&=;,:|#@\"]{8,}")
_SHORTEST_TOKEN = 8  # characters of a value that is looked for in a text without knowing its form
_LONGEST_JOINED = 2048  # characters of a text in whose parts identifiers are looked for
_MADE_UP = re.compile(r"[0-9A-Za-z_-]{8,}")


class _Search:
    """Walks the session in time and remembers who said a value first."""

    def __init__(self, overrides: Overrides, *, own: bool) -> None:
        self._overrides = overrides
        self._binds_own = own
        self._issued: dict[Scalar, list[tuple[str, Binding]]] = defaultdict(list)  # numbers without their names
        self._own: set[Scalar] = set()  # values that the client said before any server did
        self._found: dict[tuple[type, Scalar], Binding] = {}
        self._holes: dict[tuple[int, int], list[Hole]] = defaultdict(list)
        self._tokens: dict[str, list[str]] = defaultdict(list)
        self._secrets: dict[str, None] = {}
        self._numbers = NumberClaims(overrides.agreed)
        self._latest = LatestSearch(overrides.never, overrides.counters)
        self._doubts: dict[tuple[int, int], dict[tuple[int, Path], tuple[Place, Doubt]]] = {}

    def server_message(self, moment: Moment, envelope: Envelope) -> None:
        for event in moment.events:
            scalars = list(leaves(event.payload))
            self._latest.server_event(event, scalars)
            names = _own_names(event, envelope)
            for path, value in scalars:
                source = EventSource(
                    connection=event.connection,
                    turn=moment.turn,
                    symbol=event.symbol,
                    path=path,
                    payload=event.payload,
                    position=event.position,
                )
                self._issue(value, names.get(path) or last_key(path), source)

    def response(self, exchange: HttpExchange) -> None:
        for path, value in leaves(response_json(exchange.response_body) or {}):
            self._issue(value, last_key(path), BodySource(exchange=exchange.number, path=path))
        for name, value in exchange.response_headers:
            spans = [match.span() for match in PLACEHOLDER.finditer(value)]
            spans += [match.span() for match in _TOKEN.finditer(value)]
            for start, end in spans:
                source = HeaderSource(exchange=exchange.number, name=name, before=value[:start], after=value[end:])
                self._remember(value[start:end], name, Binding(value=value[start:end], source=source))

    def client_message(self, moment: Moment, envelope: Envelope) -> None:
        message = moment.message
        place = (message.connection, moment.index)
        found: list[Hole] = []
        for number, event in enumerate(moment.events):

            def writable(path: Path, value: Scalar, number: int = number) -> bool:
                return bool(
                    _writable([Hole(path=path, value=value, event=number)], message, len(moment.events), envelope)
                )

            self._latest.client_event(event, number, place, writable)
            names = _own_names(event, envelope)
            for path, value in leaves(event.payload):
                key = names.get(path) or last_key(path)
                bound = list(self._uses(value, key))
                found += [Hole(path=path, value=used, text=text, event=number) for used, text in bound]
                if isinstance(value, int) and not isinstance(value, bool):
                    claimed = place_of(event.symbol, path)
                    doubt = self._claim(claimed, key, bound[0][0] if bound else None)
                    if doubt:
                        self._doubts.setdefault(place, {})[number, path] = claimed, doubt
        fitting = _writable(found, message, len(moment.events), envelope)
        if fitting:
            self._holes[place] += fitting
        # What the envelope cannot put back stands in the text of the message, or nowhere.
        text = message.payload.decode("utf-8", "replace")
        filled = {hole.value for hole in fitting}
        others = [match for match in PLACEHOLDER.finditer(text) if match[0] not in filled]
        for match in others:
            self._use_placeholder(match[0], match[1])
        tokens = [match[0] for match in others]
        if message.kind is Kind.TEXT:
            left = (hole.value for hole in found if hole not in fitting and isinstance(hole.value, str))
            tokens += [value for value in left if len(value) >= _SHORTEST_TOKEN and value in text]
        if tokens:
            self._tokens[message_place(*place)] += tokens

    def _claim(self, place: Place, key: str, bound: Scalar | None) -> Doubt:
        """Note what a place of the client says of a number that is bound to something, or to nothing."""
        if not isinstance(bound, NamedNumber):
            self._numbers.own(place)
            return Doubt.NONE
        said = bound in self._overrides.sources
        doubt = Doubt.NONE if said else number_doubt(bound, bound.name, key) or Doubt.NONE
        self._numbers.issued(place, bound, doubt)
        return doubt

    def _uses(self, value: object, key: str) -> Iterator[tuple[Scalar, str | None]]:
        """Yield the bound values in a scalar, each with the scalar's text when it is a part of it only."""
        if isinstance(value, str) and (matches := list(PLACEHOLDER.finditer(value))):
            for match in matches:
                self._use_placeholder(match[0], match[1])
                yield match[0], None if match[0] == value else value
        elif (bound := self._use(value, key)) is not None:
            yield bound, None
        else:
            for part in _parts(value):
                if self._use(part[0], "") is not None:
                    yield part[0], part.string

    def request(self, exchange: HttpExchange) -> None:
        place = f"exchange {exchange.number}"
        body = exchange.request_body.decode("utf-8", "replace")
        self.texts(place, (exchange.target, *(value for _, value in exchange.request_headers)))
        for path, value in leaves(_json(exchange.request_body) or {}):
            if isinstance(value, str) and self._use(value, last_key(path)) is not None:
                self._tokens[place].append(value)
        self.texts(place, [match[0] for match in PLACEHOLDER.finditer(body)])

    def texts(self, place: str, texts: Sequence[str]) -> None:
        """Find values in request targets and header fields."""
        for text in texts:
            for match in PLACEHOLDER.finditer(text):
                self._use_placeholder(match[0], match[1])
                self._tokens[place].append(match[0])
            for token in _TOKEN.findall(PLACEHOLDER.sub(" ", text)):
                for form in (token, unquote(token)):
                    if self._use(form, "") is not None:
                        self._tokens[place].append(form)
                        break

    def result(self) -> Bindings:
        latest = self._latest.result()
        said = self._overrides.sources
        latest = {
            place: kept
            for place, some in latest.items()
            if (kept := tuple(one for one in some if one.value not in said))
        }
        holes = {
            place: kept
            for place, found in self._holes.items()
            if (kept := self._held(place, found, latest.get(place, ())))
        }
        used = {hole.value for some in holes.values() for hole in some} | {
            token for tokens in self._tokens.values() for token in tokens
        }
        unused = {hole.value for some in self._holes.values() for hole in some} - used
        return Bindings(
            bindings=tuple(one for one in self._found.values() if one.value not in unused),
            holes=holes,
            latest=latest,
            tokens={place: tuple(dict.fromkeys(tokens)) for place, tokens in self._tokens.items()},
            secrets=tuple(self._secrets),
            lone=self._numbers.lone(),
        )

    def _held(self, place: tuple[int, int], holes: Sequence[Hole], latest: Sequence[Latest]) -> tuple[Hole, ...]:
        """Return the holes of a message less those of counters and the numbers that its recording speaks against."""
        doubts = self._doubts.get(place, {})
        counters = {(one.event, one.path) for one in latest}
        return tuple(
            hole
            for hole in holes
            if (hole.event, hole.path) not in counters
            and ((doubt := doubts.get((hole.event, hole.path))) is None or self._numbers.hold(*doubt))
        )

    def _issue(self, value: object, key: str, source: Source) -> None:
        if not is_scalar(value):
            return
        if isinstance(value, int) and not may_be_issued(value, key) and value not in self._overrides.sources:
            return
        self._remember(value, key, Binding(value=_named(value, key), source=source))
        for part in _parts(value):
            self._remember(part[0], key, Binding(value=part[0], source=source, part=_around(part)))
        if isinstance(value, str) and "{{secret:" in value:
            for match in PLACEHOLDER.finditer(value):
                self._remember(match[0], key, Binding(value=match[0], source=source, part=_around(match)))

    def _remember(self, value: Scalar, key: str, binding: Binding) -> None:
        known = self._issued[value]
        # The first place of each name is enough: the choice between places is by name.
        own = _named(value, key) in self._own
        if not own and len(known) < 8 and all(name != key for name, _ in known):
            known.append((key, binding))

    def _use(self, value: object, key: str) -> Scalar | None:
        """Return the client's value as it is bound when the server had issued it, and keep its binding."""
        if not is_scalar(value):
            return None
        for name, binding in sorted(self._issued.get(value, ()), key=lambda known: known[0] != key):
            said = self._overrides.allows(value, str(binding.source))
            if said or (said is None and looks_issued(value, *((name, key) if key else (name,)))):
                self._found.setdefault((type(binding.value), binding.value), binding)
                return binding.value
        # The client's own from here on, though the number may have stood somewhere in what the server had said.
        self._own.add(_named(value, key))
        if (
            self._binds_own
            and isinstance(value, str)
            and _is_made_up(value, key)
            and value not in self._overrides.never
        ):
            self._found.setdefault((str, value), Binding(value=value, source=ClientSource(name=key)))
            return value
        return None

    def _use_placeholder(self, text: str, name: str) -> None:
        if self._use(text, "") is not None:
            return
        plain = plain_name(name)
        # What the server issued, in base64: made from what it issues now.
        if plain is None or self._use(f"{{{{secret:{plain}}}}}", "") is None:
            self._secrets[name] = None


def _named(value: Scalar, key: str) -> Scalar:
    return NamedNumber(value, key) if isinstance(value, int) else value


def _own_names(event: Event, envelope: Envelope) -> dict[Path, str]:
    """Return what the envelope's own identifiers are called: the number of a side's request is none of the other's."""
    pairs = envelope.identifiers(event.direction, event.label)
    return {split_pointer(at): name.replace(" ", "_") for name, at in pairs}


def _writable(holes: list[Hole], message: Message, events: int, envelope: Envelope) -> list[Hole]:
    """Return the holes that the envelope can fill: with what stands in them they give the message as it is."""

    def fits(some: list[Hole]) -> bool:
        changes: list[dict[Path, Scalar]] = [{} for _ in range(events)]
        for hole in some:
            changes[hole.event][hole.path] = hole.value if hole.text is None else hole.text
        return written(envelope, message, changes) == message.payload

    return holes if not holes or fits(holes) else [hole for hole in holes if fits([hole])]


def _parts(value: object) -> Iterator[re.Match[str]]:
    """Yield the parts of a joined text, a URL or ``a:b``, that look issued by themselves."""
    if isinstance(value, str) and len(value) <= _LONGEST_JOINED and "{{secret:" not in value:
        for part in _PART.finditer(value):
            if part[0] != value and looks_issued(part[0]) and any(character.isdigit() for character in part[0]):
                yield part


def _around(part: re.Match[str]) -> tuple[str, str]:
    return part.string[: part.start()], part.string[part.end() :]


def _is_made_up(value: str, key: str) -> bool:
    """Tell whether a value of the client is an identifier that it made up: a UUID, or another under a telling name."""
    if UUID.fullmatch(value):
        return True
    return names_identifier(key) and bool(_MADE_UP.fullmatch(value)) and any(c.isdigit() for c in value)


def message_place(connection: int, index: int) -> str:
    """Name a client message in `Bindings.tokens`."""
    return f"message {connection} {index}"


def response_json(body: bytes) -> object:
    """Return the JSON object or array that the body of a response is, or None.

    Engine.IO writes a digit before it, the type of its packet, when it opens a session by HTTP: ``0{"sid":"…"}``
    (https://github.com/socketio/engine.io-protocol).
    """
    return _json(body[1:] if body[:1].isdigit() else body)


def _json(body: bytes) -> object:
    """Return the JSON object or array that a body is, or None."""
    if body[:1] not in (b"{", b"["):
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
