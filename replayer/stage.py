"""What the connections and requests of one play share: the live values, what comes of it, and each other's news."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from ..contracts import Contract, EventReader, Finding, Severity
from .bindings import Scalar
from .breaking import breaking
from .ledger import Ledger
from .log import Log
from .options import Options
from .restart import TOGETHER_NS
from .script import ConnectionScript, Script
from .turn import Turn


class Line:
    """The state of one connection's play."""

    def __init__(self, script: ConnectionScript, turn: Turn) -> None:
        self.script = script
        self.turn = turn
        self.signal = asyncio.Event()  # something came
        self.opened_ns: int | None = None  # None: it has not opened
        self.closing = False  # by us
        self.closed = False
        self.closed_by_server = False
        self.closed_ns = 0
        self.received = 0
        self.last: str | None = None  # symbol of the last event in this turn


class Stage:
    """One play's shared state."""

    def __init__(self, script: Script, options: Options, log: Log, contract: Contract) -> None:
        self.options = options
        self.contract = contract
        self.dropped: set[int] = set()  # connections that the server ended early, as it is known to do
        self.spared: set[int] = set()  # those that it did not end, though it is known to do that and did when recorded
        self.log = log
        latest = chain.from_iterable(script.found.latest.values())
        self.ledger = Ledger(script.bindings, {**options.secrets, **options.renewed}, latest)
        self.refused: set[int] = set()  # requests that were not sent, or answered with another status
        self.lines: dict[int, Line] = {}
        self.wanting: set[Line] = set()  # those that wait for values

    @property
    def reader(self) -> EventReader:
        """What reads this play's messages."""
        return self.log.checker.reader

    def neighbours(self, line: Line) -> int:
        """Count the connections that were open when one ended, with itself."""
        earliest = line.closed_ns - TOGETHER_NS
        return sum(
            other.opened_ns is not None
            and other.opened_ns <= line.closed_ns
            and (not other.closed or other.closed_ns >= earliest)
            for other in self.lines.values()
        )

    def wake(self) -> None:
        """A value came that any connection may be waiting for."""
        for line in self.wanting:
            line.signal.set()

    def unbound(self, missing: Sequence[Scalar], what: str, connection: int | None) -> Finding | None:
        """Say which values never came; None when the requests that bring them were refused, which is told by itself."""
        if all(self.ledger.exchange(value) in self.refused for value in missing):
            return None
        sources = ", ".join(self.ledger.source(value) for value in missing)
        finding = breaking(
            "replay/unbound",
            f"{what} needs a value that the server did not issue; in the recording it came from {sources}",
            connection,
            baseline=[str(value) for value in missing],
        )
        if self.dropped and all(self.ledger.connection(value) in self.dropped for value in missing):
            return replace(
                finding,
                severity=Severity.WARNING,
                message=f"{what} was not sent: the server ended the connection that its value comes from ({sources})",
            )
        return finding
