"""What all connections of a served cassette share: values, findings, counts, and the answers to plain requests.

No I/O and no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...cassettes import PLACEHOLDER, Direction, Faults, Headers, HttpExchange, Session, Target, session_texts
from ...contracts import Contract, Finding, Severity
from ..wire import Response
from .conversation import Manner
from .likeness import Echo, Knowledge
from .part import Part
from .programme import Choice, Miss, Programme
from .request import UNSENT, Request, compare_requests
from .values import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What serving came to."""

    findings: tuple[Finding, ...] = ()
    connections: int = 0
    messages: int = 0  # said and heard
    exchanges: int = 0
    never_asked: tuple[str, ...] = ()  # in words, what nobody asked for


@dataclass(slots=True)
class Tally:
    """What has happened so far."""

    findings: list[Finding] = field(default_factory=list[Finding])
    connections: int = 0
    messages: int = 0
    exchanges: int = 0


class Desk:
    """Knows the recording, and keeps what the connections of its clients share."""

    def __init__(
        self,
        session: Session,
        contract: Contract,
        manner: Callable[[frozenset[object]], Manner],
        *,
        secrets: Mapping[str, str] | None = None,
        faults: Faults | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> None:
        """``manner`` is called with what the recorded server had issued, ``tell`` with a line for a person.

        ``secrets`` gives values to placeholder texts, ``faults`` are put into the traffic.
        """
        self._origin = Target.parse(session.header.target).origin
        self._programme = Programme(session, contract)
        self.manner = manner(self._programme.issued)
        self.values = Values()
        self.values.learn_all(Echo(recorded=text, live=value, key="") for text, value in (secrets or {}).items())
        self.faults = faults or Faults(())
        self.tally = Tally()
        self.tell = tell

    def outcome(self) -> Outcome:
        """Return what serving has come to."""
        return Outcome(
            findings=tuple(self.tally.findings),
            connections=self.tally.connections,
            messages=self.tally.messages,
            exchanges=self.tally.exchanges,
            never_asked=tuple(self._programme.never_asked()),
        )

    @property
    def knowledge(self) -> Knowledge:
        """What is known of recorded values outside of any connection."""
        return Knowledge(
            issued=lambda value: (type(value), value) in self.manner.issued,
            expected=self.values.live,
        )

    def found(self, finding: Finding) -> None:
        """Take a finding, and say at once what is wrong."""
        self.tally.findings.append(finding)
        if finding.severity is Severity.BREAKING:
            where = f"connection {finding.connection}: " if finding.connection is not None else ""
            self.tell(f"{where}{finding.message}")

    def _missed(self, what: str, id: str, miss: Miss) -> Finding:
        """Make the finding of a request that is not in the recording."""
        if miss.nearest is None:
            text = f"{what} came; nothing of the kind was recorded"
        else:
            differs = "; ".join(map(str, miss.differences[:3]))
            text = f"{what} is not in the recording; the nearest is {miss.nearest}" + (
                f": {differs}" if differs else ""
            )
        redactor = self.manner.redactor
        return Finding(
            id=id,
            severity=Severity.INFO if self.manner.mode == "lenient" else Severity.BREAKING,
            direction=Direction.CLIENT,
            label=None,
            path=None,
            connection=None,
            position=None,
            message=text if redactor is None else redactor.text(text),
        )

    def handshake(self, live: Request, offered: Sequence[str]) -> Choice | Finding:
        """Return the recorded handshake for a live one, or, having told of it, why there is none."""
        self.tally.connections += 1
        choice = self._programme.handshake(live, offered, self.knowledge)
        if isinstance(choice, Choice):
            return choice
        id = "handshake/subprotocol" if choice.differences else "handshake/status"
        finding = replace(self._missed(f"a handshake for {live.path}", id, choice), connection=self.tally.connections)
        self.found(finding)
        return finding

    def recast(self, before: Part, after: Part) -> None:
        """A connection turned out to be another one than it was taken for."""
        self._programme.recast(before, after)

    def response(self, live: Request, own: str) -> Response:
        """Answer a plain request; ``own`` is the origin that the client knows us by."""
        answer = self._programme.exchange(live, self.knowledge)
        if isinstance(answer, Miss):
            finding = self._missed(f"{live.method} {live.path}", "http/unexpected", answer)
            self.found(finding)
            plain = (("Content-Type", "text/plain; charset=utf-8"),)
            return Response(status=501, reason="Not Recorded", headers=plain, body=finding.message.encode())
        exchange, recorded = answer
        self.values.learn_all(compare_requests(recorded, live, self.knowledge).echoes)
        self.tally.exchanges += 1
        return Response(
            status=exchange.status,
            reason=exchange.reason,
            headers=self._headers(exchange, own),
            body=self._body(exchange),
        )

    def _body(self, exchange: HttpExchange) -> bytes:
        if self.manner.freshness is not None:
            self.values.refresh(exchange.response_body, self.manner.freshness)
        return self.values.fill(exchange.response_body)

    def _headers(self, exchange: HttpExchange, own: str) -> Headers:
        return tuple(
            (name, self.values.fill_text(_at_home(name, value, self._origin, own)))
            for name, value in exchange.response_headers
            if name.lower() not in UNSENT
        )


def placeholders(session: Session) -> tuple[str, ...]:
    """Return the names of the redaction placeholders in a session."""
    return tuple(dict.fromkeys(found[1] for text in session_texts(session) for found in PLACEHOLDER.finditer(text)))


def _at_home(name: str, value: str, recorded: str, own: str) -> str:
    """Return a response's field with what names the recorded service naming this one."""
    if name.lower() == "location" and value.startswith(recorded):
        return own + value[len(recorded) :]
    if name.lower() == "set-cookie":
        parts = [part for part in value.split(";") if not part.strip().lower().startswith("domain=")]
        return ";".join(parts)
    return value
