"""What comes of a play, as it comes: records on the play's own clock, redacted and held against the contract."""

from __future__ import annotations

import time
from dataclasses import replace

from ..cassettes import Closed, Direction, Ending, Header, Message, Record, Redactor, Session
from ..contracts import Checker, Contract, Event, Finding
from .options import Options
from .restart import Drop


class Log:
    """The record of one play. Its clock begins when it is made."""

    def __init__(self, recorded: Header, contract: Contract, options: Options, version: str) -> None:
        known = {text.removeprefix("{{secret:").removesuffix("}}"): value for text, value in options.secrets.items()}
        self._redactor = Redactor(known=known, rules=options.rules) if options.redact else None
        self._records: list[Record] = []
        self._begun_ns = time.monotonic_ns()
        self.checker = Checker(contract)  # has seen every record
        self.findings: list[Finding] = []  # of the play itself
        self.stopped: dict[int, int] = {}  # connection -> the turn in which its play was given up
        self.drops: list[Drop] = []  # connections that the server ended early
        self.record(
            Header(
                target=options.target.url,
                created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                wstape=version,
                redaction=self._redactor.rules if self._redactor else (),
                notes={"replayed": recorded.target},
            )
        )

    def now_ns(self) -> int:
        """Nanoseconds since the play began."""
        return time.monotonic_ns() - self._begun_ns

    def record(self, record: Record) -> tuple[Event, ...]:
        """Keep what was sent or came; return the events in it, as they were before secrets were taken out."""
        kept = record if self._redactor is None else self._redactor.record(record)
        self._records.append(kept)
        return self.checker.record(kept, record if isinstance(record, Message) and kept is not record else None)

    def close(self, connection: int, ending: Ending, by: Direction | None, *, stopped: bool = False) -> None:
        """Keep the end of a connection, which is ``stopped`` when its play was given up."""
        closed = Closed(connection=connection, ending=ending, by=by, at_ns=self.now_ns())
        self._records.append(closed)
        # Where the play was given up, that is the finding: what then never came is not owed as well.
        self.checker.record(replace(closed, ending=Ending.CUT) if stopped else closed)

    def tell(self, finding: Finding | None) -> None:
        """Keep what the play itself found; None is nothing new."""
        if finding is not None:
            self.findings.append(finding)

    def session(self) -> Session:
        """Gather what was kept."""
        return Session.gather(self._records, complete=not self.stopped)
