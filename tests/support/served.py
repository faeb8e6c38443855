"""A session that is served in a thread on a free loopback port, for clients of any library."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from wstape.cassettes import Fault, Faults, Redactor, Session
from wstape.contracts import Finding, infer
from wstape.replayer.serving import Desk, Manner, Outcome, Service, freshness

PATIENCE = 20.0


class Served:
    """A running service. ``outcome`` is there once it has stopped."""

    def __init__(self, port: int, told: list[str]) -> None:
        self.url = f"ws://127.0.0.1:{port}"
        self.http_url = f"http://127.0.0.1:{port}"
        self.told = told
        self._outcome: Outcome | None = None

    @property
    def outcome(self) -> Outcome:
        assert self._outcome is not None
        return self._outcome

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.outcome.findings

    @property
    def ids(self) -> list[str]:
        return [finding.id for finding in self.findings]

    def stopped(self, outcome: Outcome) -> None:
        self._outcome = outcome


@contextmanager
def served(
    session: Session,
    *,
    fresh_ids: bool = False,
    now: datetime | None = None,
    patience: float = 60.0,
    faults: Sequence[str] = (),
    **manner: Any,
) -> Generator[Served]:
    """Serve a session; ``manner`` as in `Manner`."""
    contract = infer([session.records()])
    fresh = freshness(identifiers=fresh_ids, seed=1, recorded=session.header.created, now=now)
    told: list[str] = []
    desk = Desk(
        session,
        contract,
        lambda issued: Manner(contract=contract, issued=issued, freshness=fresh, redactor=Redactor(), **manner),
        faults=Faults([Fault.parse(text) for text in faults], seed=1),
        tell=told.append,
    )
    service = Service(desk, patience=patience)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def call(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(PATIENCE)

    running = Served(call(service.start()), told)
    try:
        yield running
    finally:
        running.stopped(call(service.stop()))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


NOW = datetime(2027, 5, 1, 12, 0, 0, tzinfo=UTC)
