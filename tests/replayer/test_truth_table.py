"""The truth table of `docs/truth-table.md` in small: each build judged by contracts from 3 and from 10 recordings.

With a contract from one recording `test_verdicts` plays each build; ``python benchmarks/truth_table.py`` plays each ten
times with all three.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from agents import Build, converse_all, serving
from recording import recording
from truth import BREAKING, COMPATIBLE, Place

from wstape.cassettes import Secrets, Target, read_session
from wstape.contracts import Contract, Severity, infer
from wstape.replayer import Options, Plan, attempt, prepare

CHANCY = (
    *("sometimes-null", "late-start", "completed-too-early", "completed-before-executing", "identifier-wrong"),
    *("leak", "crash", "swapped-deltas", "sequential-tools", "one-chunk", "enum-grown"),
)
"""Builds of which chance, or what the connections do at the same time, decides what comes: each is played ten times."""

Verdict = tuple[str, int, list[Place]]
"""The build, the recordings that the contract was learned from, and the breaking findings."""


class Recorded:
    """Ten recordings of the service."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with ThreadPoolExecutor(4) as pool:
            self.cassettes = list(pool.map(self._record, range(10)))
        self.sessions = [read_session(cassette) for cassette in self.cassettes]
        self.secrets = Secrets.load((), [folder / "0.secrets"], {})
        self.contracts = {count: self._learned(count) for count in (3, 10)}

    def _record(self, number: int) -> Path:
        cassette, secrets = self._folder / f"{number}.cassette", self._folder / f"{number}.secrets"
        with serving() as target, recording(target, cassette, "--keep-secrets", str(secrets)) as recorder:
            asyncio.run(converse_all(recorder.http_url))
        assert recorder.status == 0, recorder.stderr
        return cassette

    def _learned(self, count: int) -> Contract:
        return infer([session.records() for session in self.sessions[:count]])

    def judge(self, variant: str, count: int) -> Verdict:
        """Replay the first recording against a build."""
        contract = self.contracts[count]
        (take,) = prepare([("0", self.sessions[0])], contract, self.secrets)
        with serving(Build(variant)) as target:
            options = Options(target=Target.parse(target), timeout_ns=2_000_000_000)
            outcome = attempt(take, Plan(contract=contract, options=options, version="0"))
        breaking = [one for one in outcome.findings if one.severity is Severity.BREAKING]
        return variant, count, [(one.id, one.label, one.path) for one in breaking]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return Recorded(tmp_path_factory.mktemp("truth"))


def wrong(verdicts: Iterable[Verdict]) -> list[Verdict]:
    return [one for one in verdicts if one[2] != ([BREAKING[one[0]]] if one[0] in BREAKING else [])]


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 10])
def test_each_build_is_judged_rightly(recorded: Recorded, count: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert wrong(pool.map(lambda variant: recorded.judge(variant, count), [*BREAKING, *COMPATIBLE])) == []


@pytest.mark.slow
def test_chance_changes_no_verdict(recorded: Recorded) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert wrong(pool.map(lambda variant: recorded.judge(variant, 10), CHANCY * 10)) == []
