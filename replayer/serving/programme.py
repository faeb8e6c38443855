"""A cassette as what a server can answer: which recorded connection or exchange a live request gets. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ...cassettes import Connection, HttpExchange, Session
from ...contracts import Contract, ContractError, detect, infer
from ..bindings import find_bindings
from ..timeline import traces
from .likeness import Difference, Knowledge
from .part import Part, compile_part
from .request import Request, compare_requests, kinship


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A recorded handshake, and the server's part when it was accepted."""

    connection: Connection
    request: Request
    part: Part | None  # None: refused

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server selected."""
        return self.connection.handshake.subprotocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a handshake gets: a recorded one, and others that the client may turn out to mean."""

    invitation: Invitation
    others: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A request that is not in the recording: what is nearest to it, if anything is, and how it differs."""

    nearest: str | None
    differences: tuple[Difference, ...] = ()


class Programme:
    """Knows what was recorded, and counts what was asked for."""

    def __init__(self, session: Session, contract: Contract) -> None:
        timelines = traces(session, contract.envelope)
        found = find_bindings(session, timelines)
        values = [binding.value for binding in found.bindings]
        self.issued = frozenset[object]((int if isinstance(value, int) else str, value) for value in values)
        self.invitations = tuple(
            Invitation(
                connection=trace.connection,
                request=Request(
                    method="GET",
                    target=trace.connection.handshake.target,
                    headers=trace.connection.handshake.request_headers,
                ),
                part=compile_part(trace, contract) if trace.connection.handshake.status == 101 else None,
            )
            for trace in timelines
            if trace.connection.handshake.status
        )
        self.exchanges = tuple(exchange for exchange in session.exchanges if exchange.status)
        self.connections_asked: Counter[int] = Counter()
        self.exchanges_asked: Counter[int] = Counter()

    def handshake(self, live: Request, offered: Sequence[str], knowledge: Knowledge) -> Choice | Miss:
        """Return the recorded handshake for a live one: of the likest, the one that was asked for least often.

        ``offered`` are the subprotocols that the client offers.
        """
        on_path = [
            invitation
            for invitation in self.invitations
            if not any(
                difference.path == "path"
                for difference in compare_requests(invitation.request, live, knowledge).differences
            )
        ]
        if not on_path:
            return Miss(nearest=self.invitations[0].request.path if self.invitations else None)
        speaking = [entry for entry in on_path if entry.subprotocol is None or entry.subprotocol in offered]
        if not speaking:
            difference = Difference(
                path="Sec-WebSocket-Protocol", recorded=on_path[0].subprotocol, live=", ".join(offered)
            )
            return Miss(nearest=on_path[0].request.path, differences=(difference,))
        scores = {id(entry): kinship(entry.request, live, knowledge) for entry in speaking}
        best = max(scores.values())
        alike = [entry for entry in speaking if scores[id(entry)] == best]
        chosen = min(
            alike, key=lambda entry: (self.connections_asked[entry.connection.number], entry.connection.number)
        )
        self.connections_asked[chosen.connection.number] += 1
        others = tuple(entry.part for entry in speaking if entry.part is not None and entry is not chosen)
        return Choice(invitation=chosen, others=others if chosen.part is not None else ())

    def recast(self, before: Part, after: Part) -> None:
        """A connection turned out to be another one than it was taken for."""
        self.connections_asked[before.number] -= 1
        self.connections_asked[after.number] += 1

    def exchange(self, live: Request, knowledge: Knowledge) -> tuple[HttpExchange, Request] | Miss:
        """Return the recorded exchange for a live request: of those that it matches, the one asked for least often."""
        nearest: tuple[int, HttpExchange, tuple[Difference, ...]] | None = None
        matching: list[tuple[HttpExchange, Request]] = []
        for exchange in self.exchanges:
            recorded = Request(
                method=exchange.method,
                target=exchange.target,
                headers=exchange.request_headers,
                body=exchange.request_body,
            )
            likeness = compare_requests(recorded, live, knowledge)
            if likeness.same:
                matching.append((exchange, recorded))
            else:
                distance = len(likeness.differences) + 10 * any(d.path == "path" for d in likeness.differences)
                if nearest is None or distance < nearest[0]:
                    nearest = distance, exchange, tuple(likeness.differences)
        if matching:
            chosen = min(matching, key=lambda pair: (self.exchanges_asked[pair[0].number], pair[0].number))
            self.exchanges_asked[chosen[0].number] += 1
            return chosen
        if nearest is None:
            return Miss(nearest=None)
        _, exchange, differences = nearest
        return Miss(nearest=f"{exchange.method} {exchange.target}", differences=differences)

    def never_asked(self) -> list[str]:
        """Say in words which connections and exchanges of the recording nobody asked for."""
        connections = [
            f"connection {entry.connection.number} to {entry.request.path}"
            for entry in self.invitations
            if not self.connections_asked[entry.connection.number]
        ]
        exchanges = [
            f"{exchange.method} {exchange.target}"
            for exchange in self.exchanges
            if not self.exchanges_asked[exchange.number]
        ]
        return connections + exchanges


def contract_of(session: Session) -> Contract:
    """Return what a recording says of its own labels and scopes; nothing where no event is in it."""
    try:
        return infer([session.records()])
    except ContractError:
        return Contract(envelope=detect(()), events={}, scopes=())
