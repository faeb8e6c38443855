"""Events that reach another connection than their own, told while a recording is read.

Connections are read one after the other, so what was sent a moment earlier on another one may be read a moment
later. Whose a value is, is therefore not always said by where it came first: an event that does not begin its scope,
though one always does, is held back until the connection goes on with the scope. When the scope begins on another
connection meanwhile, the event was that one's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..cassettes import Direction, Opened
from .contract import Contract
from .event import Event
from .evidence import FIRM_PRIVATE_CONNECTIONS, FIRM_SEEN
from .finding import Cause, Finding, Severity, fold
from .isolation import Owners, Privacy, Sighting
from .json_text import join_pointer


@dataclass(frozen=True, slots=True)
class _Held:
    """An event that may be another connection's, and its identifier that says so."""

    event: Event
    sighting: Sighting
    values: frozenset[tuple[str, str]]  # names and values of all its identifiers


class LeakChecker:
    """Takes the events of a recording and gives back those that are their connection's own, in order."""

    def __init__(self, contract: Contract) -> None:
        self._private = {claim.name: claim for claim in contract.private}
        self._begins = {
            claim.name: frozenset(rule.events)
            for claim in contract.scopes
            if claim.name in self._private
            for rule in claim.rules
            if rule.template == "init" and not rule.broken
        }
        self._owners = Owners()
        self._held: dict[int, _Held] = {}  # by connection
        self.findings: tuple[Finding, ...] = ()

    def opened(self, record: Opened) -> None:
        """Take what the client names in its request target."""
        self._owners.opened(record)

    def closed(self, connection: int) -> None:
        """Take note that a connection is over."""
        self._owners.closed(connection)

    def event(self, event: Event) -> Sequence[Event]:
        """Take the next event; return those that are to be checked now, none when it is another connection's."""
        if not self._private:
            return (event,)
        held = self._held.get(event.connection)
        sightings = list(self._owners.event(event, self._private))
        goes_on = event.direction is Direction.CLIENT or any(
            held is not None and (one.name, one.value) in held.values for one in sightings
        )
        before = self.released(event.connection) if goes_on else ()
        for one in sightings:
            foreign = one.owner != event.connection and not one.asked
            if foreign and not self._takes_back(event, one):
                self._leak(event, one, one.owner)
                for other in sightings:
                    if self._goes_on(event, other):  # what it goes on with is its owner's too
                        self._owners.give(other.name, other.value, one.owner)
                return before
        doubtful = self._doubtful(event, sightings)
        if doubtful is None or event.connection in self._held:
            return (*before, event)
        values = frozenset((one.name, one.value) for one in sightings)
        self._held[event.connection] = _Held(event, doubtful, values)
        return before

    def _doubtful(self, event: Event, sightings: Sequence[Sighting]) -> Sighting | None:
        """The identifier of an event that may be another connection's; None where one is known to be its own."""
        if not all(one.new and not one.asked for one in sightings):
            return None
        return next((one for one in sightings if self._goes_on(event, one)), None)

    def _goes_on(self, event: Event, sighting: Sighting) -> bool:
        """Tell whether an event is the first of a scope that another event always begins."""
        begins = self._begins.get(sighting.name)
        return sighting.new and begins is not None and event.symbol not in begins

    def released(self, connection: int | None = None) -> Sequence[Event]:
        """Give back the event that was held of a connection that goes on or ends, or those of all."""
        if connection is None:
            return [event for number in list(self._held) for event in self.released(number)]
        held = self._held.pop(connection, None)
        return () if held is None else (held.event,)

    def _takes_back(self, event: Event, sighting: Sighting) -> bool:
        """Tell whether a scope begins here, of which another connection had an event that is held; that one leaked."""
        if event.symbol not in self._begins.get(sighting.name, ()):
            return False
        for number, held in self._held.items():
            if _same(held.sighting, sighting):
                del self._held[number]
                self._owners.give(sighting.name, sighting.value, event.connection)
                self._leak(held.event, held.sighting, event.connection)
                return True
        return False

    def _leak(self, event: Event, sighting: Sighting, owner: int) -> None:
        claim = self._private[sighting.name]
        firm = claim.values is None or (claim.values >= FIRM_SEEN and claim.connections >= FIRM_PRIVATE_CONNECTIONS)
        finding = Finding(
            id="isolation/leak",
            severity=Severity.BREAKING if firm or claim.pinned else Severity.WARNING,
            direction=event.direction,
            label=event.label,
            path=join_pointer(sighting.path),
            connection=event.connection,
            position=event.position,
            message=f"`{event.label}` of connection {owner} ({sighting.name}={sighting.value}) "
            f"came on connection {event.connection}; {_known(claim)}",
            baseline=f"connection {owner}",
            candidate=f"connection {event.connection}",
            # Sent to another connection it is missed on its own.
            cause=Cause(kind="missing", symbols=frozenset((event.symbol,))),
        )
        self.findings = fold([*self.findings, finding])


def _known(claim: Privacy) -> str:
    if claim.values is None:
        return "the contract forbids it"
    return f"none of {claim.values} recorded values did on {claim.connections} connections"


def _same(one: Sighting, other: Sighting) -> bool:
    return (one.name, one.value) == (other.name, other.value)
