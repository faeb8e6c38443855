"""Findings with what they were met on: the recording and the build side by side, and the values that led to it.

Payload findings show the two payloads around their path, the others the two sequences of events, of the scope that
they name or of the connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ..cassettes import Kind, Message, Session, printable
from ..contracts import CONNECTION, Contract, Event, Exhibit, Finding, Row, ScopeKey, Severity, label_of
from ..contracts.json_text import excerpt, split_pointer
from .bindings import Binding, Bindings, BodySource, EventSource, HeaderSource, find_bindings
from .comparison import pair_up
from .leaves import pointer
from .payload_rows import payload_rows
from .sequence_rows import at_place, lone_view, sequence_view
from .timeline import Trace, traces
from .transcript import Entry, Transcript, slim

MOST = 10
"""Findings of a report that are shown with both sides; who has more looks at the first ones first."""

VALUES = 3
"""Values of a client's message of which it is said where they came from."""

LIKELY = 20
"""Recorded events of the same label among which one is looked for that has what is missed."""

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
    shown = worth_showing(findings)
    room = _Room(shown, new, old, contract, session)
    chosen = {id(finding) for finding in shown}
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

    def __init__(
        self,
        findings: Sequence[Finding],
        new: Sequence[Trace],
        old: Pairing,
        contract: Contract,
        session: Session | None,
    ) -> None:
        self._new = {trace.connection.number: trace for trace in new}
        self._old = old
        self._contract = contract
        self._session = session
        self._known: Bindings | None = None
        self._transcripts: dict[tuple[str, int], Transcript] = {}
        self._scopes = {one.scope.name for one in findings if one.scope is not None} - {CONNECTION}
        self._positions: dict[int, set[int]] = {}
        for one in findings:
            if one.connection is not None and one.position is not None:
                self._positions.setdefault(one.connection, set()).add(one.position)

    def _now(self, number: int) -> Transcript:
        key = ("now", number)
        if key not in self._transcripts:
            self._transcripts[key] = Transcript(
                self._new[number], self._contract, scopes=self._scopes, positions=self._positions.get(number, ())
            )
        return self._transcripts[key]

    def _recorded(self, number: int) -> Transcript | None:
        if number not in self._old:
            return None
        key = ("recorded", number)
        if key not in self._transcripts:
            self._transcripts[key] = Transcript(self._old[number], self._contract, scopes=self._scopes)
        return self._transcripts[key]

    def exhibit(self, finding: Finding) -> Exhibit | None:
        """Return what there is to see of a finding; None when it says all itself."""
        number = finding.connection
        if number is None or number not in self._new:
            return None
        if finding.id == "handshake/status":
            led = tuple(self._values("the handshake carried", self._tokens(f"handshake {number}")))
            return Exhibit(recorded=None, now=f"connection {number}", rows=(), led=led) if led else None
        entry = self._now(number).at(finding.position, finding.label)
        if finding.path is not None or finding.id == "message/kind-changed":
            return None if entry is None else self._of_payload(finding, entry, number)
        return self._of_sequence(finding, entry, number) if finding.label is not None else None

    # --- payloads

    def _of_payload(self, finding: Finding, entry: Entry, number: int) -> Exhibit | None:
        met = self._now(number).whole([entry])
        if not met:
            return None
        (event, message) = met[0]
        before = None if _has_no_counterpart(finding) else self._counterpart(finding, entry, number)
        if finding.id == "message/kind-changed":
            old = None if before is None else _shown_message(*before)
            rows: tuple[Row, ...] = (Row(recorded=old, now=_shown_message(event, message), marked=True),)
        else:
            payload = None if before is None else before[0].payload
            rows = payload_rows(finding, payload, event.payload, alone=before is None)
        return Exhibit(
            recorded=None if before is None else _place(before[0]),
            now=_place(event),
            rows=rows,
            led=tuple(self._led(event.position, number)),
        )

    def _counterpart(self, finding: Finding, entry: Entry, number: int) -> tuple[Event, Message] | None:
        """The recorded event that stands where an event of the build does, or else one that is like it."""
        recorded = self._recorded(number)
        if recorded is None:
            return None
        same = [one for one in recorded.entries if one.event.symbol == entry.event.symbol]
        beside = [one for one in same if one.turn == entry.turn]
        likely = list(dict.fromkeys([*beside[entry.number : entry.number + 1], *beside[:LIKELY], *same[:LIKELY]]))
        found = recorded.whole(likely)
        needed = split_pointer(finding.path or "")
        if finding.id != "payload/field-added" and "*" not in needed:
            found.sort(key=lambda one: not _has(one[0].payload, needed))
        return next(iter(found), None)

    # --- sequences

    def _of_sequence(self, finding: Finding, entry: Entry | None, number: int) -> Exhibit | None:
        blamed = f"{finding.direction}:{finding.label}"
        scope = finding.scope
        if scope is not None and scope.name == CONNECTION:
            scope = None
        transcript, recorded = self._now(number), self._recorded(number)
        here = transcript.entries if scope is None else transcript.instances.get(scope, [])
        key, there = (None, []) if recorded is None else self._like(recorded, transcript, scope, here, blamed)
        old, now = slim(there), slim(here)
        beside = finding.cause.symbols if finding.cause is not None else ()
        view = sequence_view(old, now, blamed, finding.position, beside) if old else lone_view(now, finding.position)
        if view is None:
            return None
        led: Iterator[str] = iter(())
        if entry is not None:
            led = self._led(entry.event.position, number)
        elif view.parted is not None:
            led = self._led(view.parted.position + 1, number)
        return Exhibit(
            recorded=_where(key, old[0].connection) if old else None,
            now=_where(scope, number),
            rows=view.rows,
            led=tuple(led),
        )

    def _like(
        self, recorded: Transcript, transcript: Transcript, scope: ScopeKey | None, here: Sequence[Entry], blamed: str
    ) -> tuple[ScopeKey | None, list[Entry]]:
        """The recorded events of the scope that stands where one of the build does; a like one has the blamed event."""
        if scope is None:
            return None, recorded.entries
        if not here:
            return None, []
        instances = [(key, entries) for key, entries in recorded.instances.items() if key.name == scope.name]
        turn = here[0].turn
        mine = [
            key for key, entries in transcript.instances.items() if key.name == scope.name and entries[0].turn == turn
        ]
        number = mine.index(scope)
        there = [(key, entries) for key, entries in instances if entries[0].turn == turn]
        likely = [*there[number : number + 1], *there, *instances]
        likely.sort(key=lambda one: not any(entry.event.symbol == blamed for entry in one[1]))
        return likely[0] if likely else (None, [])

    # --- what led to it

    def _led(self, position: int, number: int) -> Iterator[str]:
        """The client's message before a position, and where its values came from."""
        began = self._now(number).before(position)
        if began is None:
            return
        said = f"after {at_place(began.event)}"
        found = self._bindings()
        carried: list[tuple[str, Binding]] = []
        if found is not None:
            by_value = {(type(one.value), one.value): one for one in found.bindings}
            for hole in found.holes.get((number, began.index), ()):
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
                place = f"<- {source.position} {printable(label_of(source.symbol))}"
                return f"{place} {printable(pointer(source.path))}"
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


def _place(event: Event) -> str:
    return f"connection {event.connection}, message {event.position}"


def _where(scope: ScopeKey | None, connection: int) -> str:
    if scope is None:
        return f"connection {connection}"
    value = scope.value if len(scope.value) <= _SHOWN_ID else f"{scope.value[:_SHOWN_ID]}…"
    return printable(f"{scope.name}={value}")


def _has(payload: object, keys: Sequence[str]) -> bool:
    for key in keys:
        if not isinstance(payload, dict) or key not in payload:
            return False
        payload = payload[key]  # pyright: ignore[reportUnknownVariableType]
    return True


def _shown_message(event: Event, message: Message) -> str:
    return _binary(message) if event.kind is Kind.BINARY else printable(excerpt(event.payload, 200))


def _binary(message: Message) -> str:
    head = message.payload[:_BYTES].hex(" ")
    return f"{len(message.payload):,} bytes: {head}{' …' if len(message.payload) > _BYTES else ''}"


def worth_showing(findings: Sequence[Finding]) -> list[Finding]:
    """Return those of which both sides are shown."""
    return [finding for finding in findings if finding.severity is not Severity.INFO][:MOST]
