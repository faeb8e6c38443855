"""A recording tried on a build as often as asked, beside a baseline where there is one, and judged less the noise."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import cast

from ..cassettes import Session, Target
from ..contracts import Contract, Finding, fold, verdict
from .comparison import Pair, pair_up
from .exhibiting import exhibited, worth_showing
from .judgement import Mode, judge_replay
from .latency import response_times, slower
from .noise import Noise, contract_noise, finding_key, learned_places
from .options import Options
from .player import Played, Player
from .take import Take, renewed_identifiers
from .timeline import Trace, traces


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a recording is tried."""

    contract: Contract
    options: Options
    version: str  # wstape's own, for the headers of new recordings
    mode: Mode = "contract"
    repeat: int = 1
    baseline: Target | None = None  # a build that is right by definition, run beside the one under test
    baseline_tls: ssl.SSLContext | None = None
    latency: float | None = None  # the ratio from which on a response time counts as slower
    noise: Noise = field(default_factory=Noise)  # what is known to be noise beforehand


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a trial."""

    sessions: tuple[Session, ...]  # one for each run against the build under test
    findings: tuple[Finding, ...]
    noise: Noise  # what was left out


def noise_of(recordings: Sequence[Session], contract: Contract) -> Noise:
    """Learn from several recordings of the same what differs between them."""
    found = contract_noise(contract)
    if len(recordings) > 1:
        first = traces(recordings[0], contract.envelope)
        for other in recordings[1:]:
            pairs, _, _ = pair_up(first, traces(other, contract.envelope))
            found = found.union(learned_places(pairs))
    return found


def attempt(take: Take, plan: Plan) -> Outcome:
    """Play a recording against the build, and the baseline, and judge. Raises UnreachableError.

    What came is redacted as the recording was.
    """
    noise = plan.noise
    reference = take.session
    baselines: list[Played] = []
    if plan.baseline is not None:
        options = replace(plan.options, target=plan.baseline, tls=plan.baseline_tls)
        baselines = [_play(take, plan, options) for _ in range(2)]
        one, two = (played.session for played in baselines)
        if plan.mode == "exact":
            noise = noise.union(learned_places(_pairs(one, two, plan.contract)))
            reference = one
        against = (finding for played in baselines for finding in _judged(plan, reference, played, noise))
        noise = noise.union(Noise(findings=frozenset(finding_key(finding) for finding in against)))
    played = [_play(take, plan, plan.options) for _ in range(plan.repeat)]
    if plan.mode == "exact":
        for other in played[1:]:
            noise = noise.union(learned_places(_pairs(played[0].session, other.session, plan.contract)))
    judged = [noise.without_known(_judged(plan, reference, one, noise)) for one in played]
    if plan.mode == "exact" and len(judged) > 1:
        # What one run of the build shows and another does not is noise of its own.
        keys = [frozenset(map(finding_key, one)) for one in judged]
        noise = noise.union(Noise(findings=frozenset[tuple[object, ...]]().union(*keys) - keys[0].intersection(*keys)))
        judged = [noise.without_known(one) for one in judged]
    findings = [
        finding for one, run in zip(judged, played, strict=True) for finding in _shown(plan, reference, run, one)
    ]
    if plan.latency is not None:
        before = [_read(one.session, plan) for one in baselines] or [_read(take.session, plan)]
        now = [_read(one.session, plan) for one in played]
        findings += slower(response_times(before), response_times(now), plan.latency)
    return Outcome(sessions=tuple(one.session for one in played), findings=fold(findings), noise=noise)


def attempt_all(
    takes: Sequence[Take],
    plan: Plan,
    *,
    jobs: int = 1,
    fail_fast: bool = False,
    done: Callable[[Take, Outcome], None] | None = None,
) -> list[Outcome | None]:
    """Try recordings, ``jobs`` at a time; None for those that ``fail_fast`` left out after a breaking one.

    ``done`` is told each outcome as it comes, one at a time. Raises UnreachableError.
    """
    outcomes: list[Outcome | None] = [None] * len(takes)
    failed = threading.Event()

    def one(take: Take) -> Outcome | None:
        if failed.is_set():
            return None
        outcome = attempt(take, plan)
        if fail_fast and verdict(outcome.findings) == "breaking":
            failed.set()
        return outcome

    def ended(number: int, outcome: Outcome | None) -> None:
        outcomes[number] = outcome
        if done is not None and outcome is not None:
            done(takes[number], outcome)

    if jobs == 1 or len(takes) == 1:
        # In the thread that Ctrl-C reaches.
        for number, take in enumerate(takes):
            ended(number, one(take))
        return outcomes
    _PLAYS.begin()
    with ThreadPoolExecutor(max_workers=min(jobs, len(takes))) as pool:
        try:
            waiting = {pool.submit(one, take): number for number, take in enumerate(takes)}
            for future in as_completed(waiting):
                ended(waiting[future], future.result())
        except BaseException:
            failed.set()
            pool.shutdown(wait=False, cancel_futures=True)
            _PLAYS.cancel()
            raise
    return outcomes


class _Plays:
    """The plays that are going on, in whichever thread, so that Ctrl-C can end them."""

    def __init__(self) -> None:
        self._tasks: set[tuple[asyncio.AbstractEventLoop, asyncio.Task[object]]] = set()
        self._ended = False

    def begin(self) -> None:
        """Let plays begin again."""
        self._ended = False

    async def run(self, play: Coroutine[object, object, Played]) -> Played:
        """Run one."""
        task = asyncio.ensure_future(play)
        entry = (asyncio.get_running_loop(), cast("asyncio.Task[object]", task))
        self._tasks.add(entry)
        if self._ended:  # after the entry: whoever ends them all meanwhile finds it there
            task.cancel()
        try:
            return await task
        finally:
            self._tasks.discard(entry)

    def cancel(self) -> None:
        """End them all, and those that are about to begin."""
        self._ended = True
        for loop, task in tuple(self._tasks):
            with suppress(RuntimeError):  # its loop has ended meanwhile
                loop.call_soon_threadsafe(task.cancel)


_PLAYS = _Plays()


def _play(take: Take, plan: Plan, options: Options) -> Played:
    # A recording that was made without redaction is compared without it.
    redact = bool(take.session.header.redaction)
    chosen = replace(options, secrets=take.secrets, renewed=renewed_identifiers(take.script), redact=redact)
    return asyncio.run(_PLAYS.run(Player(take.script, take.session, plan.contract, chosen, plan.version).play()))


def _judged(plan: Plan, reference: Session, played: Played, noise: Noise) -> tuple[Finding, ...]:
    return judge_replay(
        reference,
        played.session,
        plan.contract,
        checker=played.checker,
        found=played.findings,
        stopped=played.stopped,
        mode=plan.mode,
        allowed=plan.options.allowed,
        noise=noise,
    )


def _shown(plan: Plan, reference: Session, played: Played, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    if not worth_showing(findings):
        return tuple(findings)
    old = {trace.connection.number: trace for trace in _read(reference, plan)}
    return exhibited(findings, _read(played.session, plan), old, plan.contract, played.session)


def _read(session: Session, plan: Plan) -> tuple[Trace, ...]:
    return traces(session, plan.contract.envelope)


def _pairs(one: Session, two: Session, contract: Contract) -> list[Pair]:
    first = {trace.connection.number: trace for trace in traces(one, contract.envelope)}
    second = traces(two, contract.envelope)
    return [(first[trace.connection.number], trace) for trace in second if trace.connection.number in first]
