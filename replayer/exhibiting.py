"""Findings with what they were met on: the recording and the build side by side, and the values that led to it.

Payload findings show the two payloads around their path, the others the two sequences of events, of the scope that
they name or of the connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..cassettes import Direction, Kind, Message, Session, printable
from ..contracts import CONNECTION, Contract, Event, Exhibit, Finding, Row, ScopeKey, Severity, label_of
from ..contracts.json_text import excerpt, split_pointer
from .bindings import Binding, Bindings, BodySource, EventSource, HeaderSource, find_bindings
from .comparison import pair_up
from .leaves import pointer
from .payload_rows import payload_rows
from .sequence_rows import at_place, lone_view, sequence_view
from .timeline import Trace, traces

MOST = 10
"""Findings of a report that are shown with both sides; who has more looks at the first ones first."""

VALUES = 3
"""Values of a client's message of which it is said where they came from."""

_SHOWN = 40  # characters of such a value
_SHOWN_ID = 12
_BYTES = 16  # of a binary message

Pairing = Mapping[int, Trace]
"""The recorded connection, by the number of the one that it is compared with."""


def exhibited(
    findings: Sequence[Finding], new: Sequence[Trace], old: Pairing, contract: Contract, session: Session | None = None
) -> tuple[Finding, ...]:
    """Return findings, the first `MOST` of those that are more than information with their exhibits.

    ``old`` is empty where there is no recording to compare with. With ``session``, that of the ``new`` traces, it is
    said where the values of the client's messages came from.
    """
    room = _Room(new, old, contract, session)
    chosen = {id(finding) for finding in worth_showing(findings)}
    return tuple(
        replace(finding, exhibit=room.exhibit(finding)) if id(finding) in chosen else finding for finding in findings
    )


def exhibited_recordings(
    findings: Sequence[Finding], baseline: Session, candidate: Session, contract: Contract
) -> tuple[Finding, ...]:
    """Return the findings of one recording held against another, with their exhibits."""
    if not worth_showing(findings):
        return tuple(findings)
    new = traces(candidate, contract.envelope)
    pairs, _, _ = pair_up(traces(baseline, contract.envelope), new)
    return exhibited(findings, new, {two.connection.number: one for one, two in pairs}, contract, candidate)


class _Room:
    """Where exhibits are put together."""

    def __init__(self, new: Sequence[Trace], old: Pairing, contract: Contract, session: Session | None) -> None:
        self._new = {trace.connection.number: trace for trace in new}
        self._old = old
        self._contract = contract
        self._session = session
        self._known: Bindings | None = None

    def exhibit(self, finding: Finding) -> Exhibit | None:
        """Return what there is to see of a finding; None when it says all itself."""
        number = finding.connection
        trace = self._new.get(number) if number is not None else None
        if number is None or trace is None:
            return None
        if finding.id == "handshake/status":
            led = tuple(self._values("the handshake carried", self._tokens(f"handshake {number}")))
            return Exhibit(recorded=None, now=f"connection {number}", rows=(), led=led) if led else None
        event = _at_position(trace, finding)
        if finding.path is not None or finding.id == "message/kind-changed":
            return None if event is None else self._of_payload(finding, event, trace)
        return self._of_sequence(finding, trace, event) if finding.label is not None else None

    # --- payloads

    def _of_payload(self, finding: Finding, event: Event, trace: Trace) -> Exhibit:
        before = None if _has_no_counterpart(finding) else self._counterpart(finding, event, trace)
        if finding.id == "message/kind-changed":
            old = None if before is None else _shown_message(before, self._old[trace.connection.number])
            rows: tuple[Row, ...] = (Row(recorded=old, now=_shown_message(event, trace), marked=True),)
        else:
            payload = None if before is None else before.payload
            rows = payload_rows(finding, payload, event.payload, alone=before is None)
        return Exhibit(
            recorded=None if before is None else _place(before),
            now=_place(event),
            rows=rows,
            led=tuple(self._led(event, trace)),
        )

    def _counterpart(self, finding: Finding, event: Event, trace: Trace) -> Event | None:
        """The recorded event that stands where an event of the build does, or else one that is like it."""
        recorded = self._old.get(trace.connection.number)
        if recorded is None:
            return None
        turn, number = _turn(trace, event)
        same = [one for one in recorded.events() if one.symbol == event.symbol]
        beside = [one for one in same if _turn(recorded, one)[0] == turn]
        likely = [*beside[number : number + 1], *beside, *same]
        needed = split_pointer(finding.path or "")
        if finding.id != "payload/field-added" and "*" not in needed:
            likely.sort(key=lambda one: not _has(one.payload, needed))
        return next(iter(likely), None)

    # --- sequences

    def _of_sequence(self, finding: Finding, trace: Trace, event: Event | None) -> Exhibit | None:
        blamed = f"{finding.direction}:{finding.label}"
        scope = finding.scope
        if scope is not None and scope.name == CONNECTION:
            scope = None
        recorded = self._old.get(trace.connection.number)
        now = trace.events() if scope is None else _in_scope(trace, scope, self._contract)
        old = () if recorded is None else self._like(recorded, trace, scope, now, blamed)
        beside = finding.cause.symbols if finding.cause is not None else ()
        view = sequence_view(old, now, blamed, finding.position, beside) if old else lone_view(now, finding.position)
        if view is None:
            return None
        led: Iterator[str] = iter(())
        if event is not None:
            led = self._led(event, trace)
        elif view.parted is not None:
            led = self._led(view.parted, trace, itself=True)
        return Exhibit(
            recorded=self._where(old[0], scope) if old else None,
            now=self._where(now[0], scope) if now else f"connection {trace.connection.number}",
            rows=view.rows,
            led=tuple(led),
        )

    def _where(self, event: Event, scope: ScopeKey | None) -> str:
        if scope is None:
            return f"connection {event.connection}"
        key = next(key for key in self._contract.scope_keys(event) if key.name == scope.name)
        value = key.value if len(key.value) <= _SHOWN_ID else f"{key.value[:_SHOWN_ID]}…"
        return printable(f"{key.name}={value}")

    def _like(
        self, recorded: Trace, trace: Trace, scope: ScopeKey | None, now: Sequence[Event], blamed: str
    ) -> Sequence[Event]:
        """The recorded events of the scope that stands where one of the build does; a like one has the blamed event."""
        if scope is None:
            return recorded.events()
        if not now:
            return ()
        instances = list(_instances(recorded, scope.name, self._contract).values())
        mine = list(_instances(trace, scope.name, self._contract).items())
        turn = _turn(trace, now[0])[0]
        beside = [key for key, events in mine if _turn(trace, events[0])[0] == turn]
        number = next((number for number, key in enumerate(beside) if key == scope), 0)
        there = [events for events in instances if _turn(recorded, events[0])[0] == turn]
        likely = [*there[number : number + 1], *there, *instances]
        likely.sort(key=lambda events: not any(event.symbol == blamed for event in events))
        return next(iter(likely), ())

    # --- what led to it

    def _led(self, event: Event, trace: Trace, *, itself: bool = False) -> Iterator[str]:
        """The client's message before an event, or the event ``itself``, and where its values came from."""
        began = None
        for moment in trace.moments:
            if moment.message.direction is Direction.CLIENT:
                if any(one.position >= event.position + itself for one in moment.events):
                    break
                began = moment
        if began is None or not began.events:
            return
        said = f"after {at_place(began.events[0])}"
        found = self._bindings()
        carried: list[tuple[str, Binding]] = []
        if found is not None:
            by_value = {(type(one.value), one.value): one for one in found.bindings}
            for hole in found.holes.get((trace.connection.number, began.index), ()):
                binding = by_value.get((type(hole.value), hole.value))
                if binding is not None:
                    carried.append((f"{pointer(hole.path)} ", binding))
        values = list(self._values(f"{said} with", carried))
        yield from values or (said,)

    def _tokens(self, place: str) -> list[tuple[str, Binding]]:
        found = self._bindings()
        if found is None:
            return []
        known = {one.value: one for one in found.bindings}
        return [("", known[token]) for token in found.tokens.get(place, ()) if token in known]

    def _values(self, said: str, carried: Sequence[tuple[str, Binding]]) -> Iterator[str]:
        for number, (place, binding) in enumerate(carried[:VALUES]):
            source = self._source(binding)
            if source is not None:
                value = printable(excerpt(binding.value, _SHOWN))
                yield f"{'  and' if number else said} {printable(place)}{value} from {source}"

    def _source(self, binding: Binding) -> str | None:
        match binding.source:
            case EventSource() as source:
                trace = self._new.get(source.connection)
                events = () if trace is None else trace.events()
                event = next(
                    (one for one in events if (one.position, one.symbol) == (source.position, source.symbol)), None
                )
                said = at_place(event) if event is not None else printable(label_of(source.symbol))
                return f"{said} {printable(pointer(source.path))}"
            case BodySource() as source:
                return f"{self._answer(source.exchange)} {printable(pointer(source.path))}"
            case HeaderSource() as source:
                return f"{self._answer(source.exchange)} {printable(source.name)}"
            case _:
                return None

    def _answer(self, number: int) -> str:
        exchanges = () if self._session is None else self._session.exchanges
        exchange = next((one for one in exchanges if one.number == number), None)
        if exchange is None:
            return f"the answer to request {number}"
        return f"the answer to {exchange.method} {printable(exchange.target.partition('?')[0])}"

    def _bindings(self) -> Bindings | None:
        if self._known is None and self._session is not None:
            self._known = find_bindings(self._session, tuple(self._new.values()))
        return self._known


def _has_no_counterpart(finding: Finding) -> bool:
    # Another connection's event, and a piece of a stream, stand nowhere in particular in the recording.
    return finding.id in ("isolation/leak", "payload/stream-changed")


def _at_position(trace: Trace, finding: Finding) -> Event | None:
    here = [event for event in trace.events() if event.position == finding.position]
    return next((event for event in here if event.label == finding.label), here[0] if here else None)


def _place(event: Event) -> str:
    return f"connection {event.connection}, message {event.position}"


def _turn(trace: Trace, event: Event) -> tuple[int, int]:
    """The turn in which an event came, and how many of its label had come in it."""
    number = 0
    for moment in trace.moments:
        for one in moment.events:
            if one.position == event.position and one == event:
                return moment.turn, number
            number += one.symbol == event.symbol
        if moment.message.direction is Direction.CLIENT:
            number = 0
    return 0, 0


def _instances(trace: Trace, name: str, contract: Contract) -> dict[ScopeKey, list[Event]]:
    """The events of each scope of a name on a connection, in the order in which the scopes begin."""
    found: dict[ScopeKey, list[Event]] = {}
    for event in trace.events():
        for key in contract.scope_keys(event):
            if key.name == name:
                found.setdefault(key, []).append(event)
    return found


def _in_scope(trace: Trace, scope: ScopeKey, contract: Contract) -> Sequence[Event]:
    return _instances(trace, scope.name, contract).get(scope, ())


def _has(payload: object, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(payload, dict) or key not in payload:
            return False
        payload = payload[key]  # pyright: ignore[reportUnknownVariableType]
    return True


def _shown_message(event: Event, trace: Trace) -> str:
    moment = next(moment for moment in trace.moments if event in moment.events)
    return _binary(moment.message) if event.kind is Kind.BINARY else printable(excerpt(event.payload, 200))


def _binary(message: Message) -> str:
    head = message.payload[:_BYTES].hex(" ")
    return f"{len(message.payload):,} bytes: {head}{' …' if len(message.payload) > _BYTES else ''}"


def worth_showing(findings: Sequence[Finding]) -> list[Finding]:
    """Return those of which both sides are shown."""
    return [finding for finding in findings if finding.severity is not Severity.INFO][:MOST]
