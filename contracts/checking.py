"""Holding recordings against a contract: streaming, and one finding for each thing that is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..cassettes import Closed, Direction, Header, Kind, Message, Note, Opened, Record, counted
from .blame import Blame, evidence_words
from .closing import ABNORMAL, ClosingReader, is_abandoned
from .contract import Contract
from .event import Event, label_of, side
from .evidence import FIRM_SEEN, is_firm
from .finding import Cause, Finding, Severity, fold
from .json_text import NOT_JSON, parse
from .leaking import LeakChecker
from .payloads import PayloadChecker
from .reading import EventReader
from .rules import Rule
from .sequences import Pending, SequenceChecker, Violation
from .shape import Shape
from .similarity import RENAMED, shape_similarity
from .stream_checking import StreamChecker

MAX_UNKNOWN = 200
"""Unknown labels that are told apart; a service that invents more has data for a label."""


class _Unknown:
    """A label that the contract does not know."""

    __slots__ = ("count", "first", "shape")

    def __init__(self, first: Event) -> None:
        self.first = first
        self.count = 0
        self.shape = Shape()


class Checker:
    """Takes the records of a recording, or of several one after the other, in order; `finish` gives the findings."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._payloads = PayloadChecker(contract)
        self._sequences = SequenceChecker(contract)
        self._streams = StreamChecker(contract.streams)
        self._events = EventReader(contract.envelope)
        self._closings = ClosingReader()
        self._findings: list[Finding] = []
        self._seen: dict[str, int] = {}
        self._unknown: dict[str, _Unknown] = {}
        self._lossy: set[int | None] = set()
        self._connections: set[int] = set()
        self._leaks = LeakChecker(contract)

    @property
    def reader(self) -> EventReader:
        """What reads the messages of the recording that was begun last."""
        return self._events

    def record(self, record: Record, live: Message | None = None) -> tuple[Event, ...]:
        """Take the next record, return its events. A header begins a new recording, whose connections are its own.

        ``live`` is a message as it was before secrets were taken out of the record: its events are returned.
        """
        closing = None
        events: tuple[Event, ...] = ()
        match record:
            case Message():
                closing = self._closings.message(record)
                if closing is not None:
                    self._leaks.closed(record.connection)
                if record.full_size is not None:
                    self._lose(record.connection)
                checked = () if live is None else self._events.peek(record)
                events = self._events.read(record if live is None else live)
                for event in events if live is None else checked:
                    self._seen[event.symbol] = self._seen.get(event.symbol, 0) + 1
                    self._connections.add(event.connection)
                    self._check(self._leaks.event(event))
            case Opened():
                self._connections.add(record.connection)
                self._leaks.opened(record)
                self._events.opened(record)
            case Closed():
                closing = self._closings.closed(record)
                self._check(self._leaks.released(record.connection))
                self._leaks.closed(record.connection)
                lossy = record.connection in self._lossy or None in self._lossy
                self._sequences.close(record.connection, complete=not lossy and not is_abandoned(record))
                self._streams.close(record.connection)
                self._events.forget(record.connection)
            case Note(lost=True):
                self._lose(record.connection)
            case Header():
                self._end()
                self._streams = StreamChecker(self._contract.streams)
                self._events = EventReader(self._contract.envelope)
                self._closings = ClosingReader()
                self._lossy = set()
                self._connections = set()
                self._leaks = LeakChecker(self._contract)
            case _:
                pass
        if closing is not None and isinstance(record, (Message, Closed)):
            self._closing(record.connection, *closing)
        return events

    def pending(self, connection: int) -> tuple[Pending, ...]:
        """Return what is still to come in the identifier scopes of an open connection."""
        return self._sequences.pending(connection)

    def exceptions(self) -> Iterator[str]:
        """Yield what broke rules that were kept although recorded scopes broke them, each with its first place.

        To be asked after `finish`, of the recordings that the contract was learned from.
        """
        for one in self._sequences.violations():
            if one.rule.broken:
                place = f"connection {one.connection}, message {one.position}"
                yield f"{place}: {one.what} ({one.scope}); {evidence_words(one)}"

    def broken_rules(self) -> Counter[tuple[str, Rule]]:
        """Return the rules that were broken, with the names of their scopes, and how often. After `finish`."""
        broken: Counter[tuple[str, Rule]] = Counter()
        for one in self._sequences.violations():
            broken[one.scope.name, one.rule] += one.count
        return broken

    def finish(self) -> tuple[Finding, ...]:
        """Return the findings, folded, the worst first. Connections whose end was not seen owe nothing."""
        self._end()
        findings = [*_kinds_joined(self._findings), *self._payloads.findings()]
        switched = self._switched()
        if switched:
            return fold([*switched, *findings])
        blame = Blame(self._contract, self._sequences, self._payloads.lost_places())
        groups = blame.groups()
        renamed = dict(self._renames(groups))
        for symbol, unknown in self._unknown.items():
            if symbol not in {new for new, _ in renamed.values()}:
                findings.append(_unknown_label(symbol, unknown))
        for number, group in enumerate(groups):
            findings.append(renamed[number][1] if number in renamed else self._with_what_came(blame.finding(group)))
        return fold(findings)

    def _with_what_came(self, finding: Finding) -> Finding:
        """Name the new event that came on the connection where one is missing: what the server may now demand first."""
        if finding.cause is None or finding.cause.kind != "missing" or finding.direction is not Direction.SERVER:
            return finding
        ruled = {symbol for claim in self._contract.scopes for rule in claim.rules for symbol in rule.events}
        after = [
            unknown.first
            for symbol, unknown in self._unknown.items()
            if symbol not in ruled
            and unknown.first.direction is Direction.SERVER
            and unknown.first.connection == finding.connection
            and unknown.first.position > (finding.position or 0)
        ]
        if not after:
            return finding
        came = min(after, key=lambda event: event.position)
        return replace(finding, message=f"{finding.message}; `{came.label}`, which is new, came after it")

    def _lose(self, connection: int | None) -> None:
        # What the recorder missed must not pass for what never came.
        self._check(self._leaks.released(connection))
        for lost in list(self._connections) if connection is None else [connection]:
            self._sequences.close(lost, complete=False, lost=True)
            self._streams.close(lost)
        self._lossy.add(connection)

    def _end(self) -> None:
        """The recording is over."""
        self._check(self._leaks.released())
        self._sequences.finish()
        self._findings = list(fold([*self._leaks.findings, *self._findings]))
        self._leaks.findings = ()

    def _check(self, events: Iterable[Event]) -> None:
        for event in events:
            self._event(event)

    def _event(self, event: Event) -> None:
        """Check an event that is its connection's own."""
        symbol = event.symbol
        claim = self._contract.events.get(symbol)
        if claim is None:
            unknown = self._unknown.get(symbol)
            if unknown is None:
                if len(self._unknown) >= MAX_UNKNOWN:
                    return
                unknown = self._unknown[symbol] = _Unknown(event)
            unknown.count += 1
            unknown.shape.observe(event.payload)
        else:
            if claim.kind not in ("any", event.kind.value):
                self._findings.append(_kind_changed(event, claim.kind, self._evidence(event, claim.seen, claim.scopes)))
                self._findings = list(fold(self._findings))
            self._payloads.check(event)
        if not self._lossy or not (event.connection in self._lossy or None in self._lossy):
            keys = self._contract.scope_keys(event)
            self._sequences.event(event, keys)
            changed = list(self._streams.event(event, keys))
            if changed:
                self._findings = list(fold([*self._findings, *changed]))

    @staticmethod
    def _evidence(event: Event, seen: int | None, scopes: int) -> Severity:
        if event.direction is Direction.CLIENT or not is_firm(seen, scopes):
            return Severity.WARNING
        return Severity.BREAKING

    def _closing(self, connection: int, by: Direction, code: str) -> None:
        known = self._contract.closings.get(by, {})
        # A server may leave in good order at any time; how a client leaves is the recording's own doing.
        if by is Direction.CLIENT or code in known or code in ("1000", "1001", "1005"):
            return
        firm = self._contract.learned.connections >= FIRM_SEEN
        seen = ", ".join(sorted(known)) or "none"
        what = (
            "the server broke the connection off without closing it"
            if code == ABNORMAL
            else f"the server closed the connection with code {code}"
        )
        self._findings.append(
            Finding(
                id="close/abnormal" if code == ABNORMAL else "close/code",
                severity=Severity.BREAKING if firm else Severity.WARNING,
                direction=by,
                label=None,
                path=None,
                connection=connection,
                position=self._events.position(connection),
                message=f"{what}; on {self._contract.learned.connections} recorded connections it never did "
                f"(seen from the server: {seen})",
                baseline=sorted(known),
                candidate=code,
            )
        )

    def _switched(self) -> list[Finding]:
        """Return one finding for each side of which nothing can be read any more: another encoding altogether."""
        found: list[Finding] = []
        for direction in Direction:
            if any(side(symbol) is direction for symbol in self._seen if symbol in self._contract.events):
                continue
            known = [claim for symbol, claim in self._contract.events.items() if side(symbol) is direction]
            for label in ("binary", "text"):
                unknown = self._unknown.get(f"{direction.value}:{label}")
                if unknown is not None and known:
                    severity = self._evidence(
                        unknown.first, max(claim.seen or FIRM_SEEN for claim in known), max(c.scopes for c in known)
                    )
                    found.append(_kind_changed(unknown.first, self._contract.envelope.name, severity, unknown.count))
        return found

    def _renames(self, groups: Sequence[Sequence[Violation]]) -> Iterator[tuple[int, tuple[str, Finding]]]:
        """Return, by group, the events that never came while a new one with nearly the same payload did."""
        taken: set[str] = set()
        for number, group in enumerate(groups):
            gone = sorted(
                {
                    symbol
                    for violation in group
                    if violation.cause.kind == "missing"
                    for symbol in violation.cause.symbols
                    if symbol not in self._seen and symbol in self._contract.events
                }
            )
            candidates = [
                (shape_similarity(self._contract.events[old].payload or {}, unknown.shape), old, new)
                for old in gone
                for new, unknown in self._unknown.items()
                if new not in taken and side(new) is side(old)
            ]
            best = max(candidates, default=None, key=lambda entry: (entry[0], entry[1], entry[2]))
            if best is None or best[0] < RENAMED:
                continue
            _, old, new = best
            taken.add(new)
            unknown, claim = self._unknown[new], self._contract.events[old]
            yield (
                number,
                (
                    new,
                    Finding(
                        id="event/renamed",
                        severity=group[0].severity,
                        direction=side(old),
                        label=label_of(old),
                        path=None,
                        connection=unknown.first.connection,
                        position=unknown.first.position,
                        count=unknown.count,
                        message=f"`{label_of(old)}` never came; `{label_of(new)}`, which is new, came with nearly the "
                        f"same payload" + (f" (recorded {counted(claim.seen, 'time')})" if claim.seen else ""),
                        baseline=label_of(old),
                        candidate=label_of(new),
                        cause=Cause(kind="missing", symbols=frozenset((old,))),
                    ),
                ),
            )


def _kind_changed(event: Event, baseline: str, severity: Severity, count: int = 1) -> Finding:
    was = f"a {baseline} message" if baseline in ("text", "binary") else f"wrapped as {baseline}"
    # Some envelopes, such as Socket.IO's, write no plain JSON.
    json = isinstance(event.payload, str) and parse(event.payload) is not NOT_JSON
    return Finding(
        id="message/kind-changed",
        severity=severity,
        direction=event.direction,
        label=event.label,
        path=None,
        connection=event.connection,
        position=event.position,
        count=count,
        message=f"what the {event.direction.value} sends was {was}, now `{event.label}` is a {event.kind.value} message"
        + ("" if event.kind is Kind.BINARY or baseline == "binary" else f" that is not{'' if json else ' JSON'}"),
        baseline=baseline,
        candidate=event.kind.value,
    )


def _kinds_joined(findings: Sequence[Finding]) -> list[Finding]:
    """Join the findings of a side that sends all its events in the other kind of message: that is one change."""
    joined: list[Finding] = []
    for direction in (*Direction, None):
        changed = [finding for finding in findings if finding.direction is direction]
        kinds = [finding for finding in changed if finding.id == "message/kind-changed"]
        if len(kinds) > 1:
            first = min(kinds, key=lambda finding: (finding.connection or 0, finding.position or 0))
            labels = ", ".join(f"`{finding.label}`" for finding in kinds)
            joined.append(
                replace(
                    first,
                    label=None,
                    count=sum(finding.count for finding in kinds),
                    severity=min((finding.severity for finding in kinds), key=lambda severity: severity.rank),
                    message=f"what the {direction} sends was {first.baseline}, now it is {first.candidate}: {labels}",
                )
            )
            changed = [finding for finding in changed if finding not in kinds]
        joined += changed
    return joined


def _unknown_label(symbol: str, unknown: _Unknown) -> Finding:
    return Finding(
        id="event/unknown-label",
        severity=Severity.INFO,
        direction=side(symbol),
        label=label_of(symbol),
        path=None,
        connection=unknown.first.connection,
        position=unknown.first.position,
        count=unknown.count,
        message=f"`{label_of(symbol)}` is new: the contract does not know it",
        candidate=label_of(symbol),
    )
