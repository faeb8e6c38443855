"""A served cassette, a recorder and a replay for a test that names them itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

from ..cassettes import CassetteError, Direction, Kind, Message, Redactor, Secrets, Session, Target, read_session
from ..contracts import Contract, EventReader, fold, infer
from ..recorder import Recorder, Settings
from ..replayer import Options, Plan, attempt, gap, noise_of, prepare
from ..replayer.serving import Desk, Manner, Mode, Outcome, Service, contract_of, freshness
from ..reports import Report
from .assertions import hold
from .event_loop import LoopThread


class ServedCassette:
    """A cassette that is served until the block ends. Raises AssertionError then, when a client did something else."""

    def __init__(
        self,
        path: Path,
        loop: LoopThread,
        *,
        match: Mode = "strict",
        allow: Iterable[str] = (),
        fresh_ids: bool = False,
    ) -> None:
        self.path = path
        self.told: list[str] = []
        self.session, contract = _loaded(path, path.stat().st_mtime_ns) if path.exists() else _read(path)
        self._loop = loop
        self._envelope = contract.envelope
        self._paths = {connection.handshake.target.partition("?")[0] for connection in self.session.connections}
        self._paths |= {exchange.target.partition("?")[0] for exchange in self.session.exchanges}
        fresh = freshness(identifiers=fresh_ids, seed=None, recorded=self.session.header.created, now=None)
        allowed = frozenset(allow)

        def manner(issued: frozenset[object]) -> Manner:
            return Manner(
                contract=contract,
                issued=issued,
                mode=match,
                allowed=allowed,
                freshness=fresh,
                redactor=Redactor(),
            )

        self._service = Service(Desk(self.session, contract, manner, tell=self.told.append))
        self.port = 0

    @property
    def url(self) -> str:
        """Where WebSocket clients connect."""
        return f"ws://127.0.0.1:{self.port}"

    @property
    def http_url(self) -> str:
        """Where HTTP clients connect."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def busy(self) -> bool:
        """Whether a client's WebSocket is open."""
        return self._service.busy

    def knows(self, path: str) -> bool:
        """Tell whether anything was recorded at a path."""
        return path in self._paths

    def labels(self, payloads: Sequence[str | bytes]) -> list[str]:
        """Return what messages of the server are called."""
        reader = EventReader(self._envelope)
        messages = (
            Message(
                connection=1,
                direction=Direction.SERVER,
                kind=Kind.BINARY if isinstance(payload, bytes) else Kind.TEXT,
                payload=payload if isinstance(payload, bytes) else payload.encode(),
                at_ns=0,
            )
            for payload in payloads
        )
        return [event.label for message in messages for event in reader.read(message)]

    def start(self) -> None:
        """Listen on a free loopback port."""
        self.port = self._loop.run(self._service.start())

    def stop(self) -> Outcome:
        """Stop serving and return what came of it."""
        return self._loop.run(self._service.stop())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        outcome = self.stop()
        if kind is None:
            hold(
                Report(
                    title=f"clients of {self.path.name}",
                    findings=fold(outcome.findings),
                    connections=outcome.connections,
                    messages=outcome.messages,
                )
            )


def _read(path: Path) -> tuple[Session, Contract]:
    session = read_session(path)
    return session, contract_of(session)


@lru_cache(maxsize=64)
def _loaded(path: Path, _changed_ns: int) -> tuple[Session, Contract]:
    """Read a cassette and what its labels are, once for all tests that use it."""
    return _read(path)


class RecordedService:
    """A recorder before a service until the block ends. Raises CassetteError then, when something is missing."""

    def __init__(self, target: str, path: Path, loop: LoopThread) -> None:
        self.path = path
        self._loop = loop
        self._recorder = Recorder(Settings(target=Target.parse(target), output=path, force=True))

    @property
    def url(self) -> str:
        """Where WebSocket clients connect."""
        return self._recorder.url

    @property
    def http_url(self) -> str:
        """Where HTTP clients connect."""
        return self._recorder.http_url

    def __enter__(self) -> Self:
        self._loop.run(self._recorder.start())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        summary = self._loop.run(self._recorder.stop(grace=1.0))
        problems = (*summary.problems, *summary.unsafe)
        if kind is None and problems:
            raise CassetteError(f"{self.path}: {'; '.join(problems)}")


def replayed(path: Path, target: str, contract: Path | None, secrets: Secrets) -> Report:
    """Replay a cassette against a build and judge it. Raises what the reading of files, and the dialling, raise."""
    session = read_session(path)
    loaded = Contract.load(contract) if contract is not None else infer([session.records()])
    aim = Target.parse(target)
    (take,) = prepare([(str(path), session)], loaded, secrets)
    plan = Plan(
        contract=loaded,
        options=Options(target=aim, tls=aim.tls_context()),
        version=version("wstape"),
        noise=noise_of([session], loaded),
    )
    outcome = attempt(take, plan)
    return Report(
        title=f"{path.name} against {target}",
        findings=outcome.findings,
        connections=sum(len(came.connections) for came in outcome.sessions),
        messages=sum(len(one.messages) for came in outcome.sessions for one in came.connections),
        complete=not gap(session),
    )
