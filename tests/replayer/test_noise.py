"""What differs between runs of one build, learned in three ways, and response times."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
from sessions import MS, connection, session
from upstreams import in_thread
from websockets.sync.server import ServerConnection

from wstape.cassettes import Direction, Session, write_records
from wstape.cli import run
from wstape.contracts import Contract, Finding, detect, infer
from wstape.replayer import Trace, marked, noise_of, traces
from wstape.replayer.latency import response_times, slower
from wstape.replayer.noise import Noise


def recorded(*answers: dict) -> Session:
    said: list[tuple[str, object]] = []
    for answer in answers:
        said += [(">", {"type": "ask"}), ("<", {"type": "answer", **answer})]
    return session(connection(*said))


def places(noise: Noise) -> set[tuple[str, str]]:
    return {(symbol, "/".join(steps)) for symbol, steps in noise.places}


def test_several_recordings_show_what_varies() -> None:
    one = recorded({"score": 1, "items": [{"n": 1}, {"n": 2}], "word": "a"})
    two = recorded({"score": 2, "items": [{"n": 1}, {"n": 3}], "word": "a"})
    contract = infer([one.records(), two.records()])
    assert places(noise_of([one], contract)) == set()
    assert places(noise_of([one, two], contract)) == {("server:answer", "score"), ("server:answer", "items/*/n")}


def test_a_place_covers_what_lies_below_it() -> None:
    noise = Noise(places=frozenset({("server:answer", ("items", "*", "n")), ("server:answer", ("meta",))}))
    assert noise.covers("server:answer", ("items", 7, "n"))
    assert noise.covers("server:answer", ("meta", "deep", 0))
    assert not noise.covers("server:answer", ("items", 7))
    assert not noise.covers("server:question", ("meta",))


def test_noise_is_written_into_a_contract_and_read_from_it() -> None:
    one, two = recorded({"score": 1}), recorded({"score": 2})
    contract = infer([one.records()])
    written, added = marked(contract, noise_of([one, two], contract))
    assert (added, written.volatile("server:answer")) == (1, ("/score",))
    assert places(noise_of([one], written)) == {("server:answer", "score")}
    assert marked(written, noise_of([one, two], written))[1] == 0


def answering(*scores: int, extra: bool = False):
    """Answers with the scores in turn, over all connections."""
    given = itertools.cycle(scores)

    def handler(ws: ServerConnection) -> None:
        for _ in ws:
            answer = {"type": "answer", "score": next(given), "word": "new" if extra else "old"}
            ws.send(json.dumps(answer))

    return in_thread(handler)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, score in (("one", 1), ("two", 2)):
        write_records(Path(f"{name}.cassette"), recorded({"score": score, "word": "old"}).records())


def replayed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[tuple[str, str]], list[str]]:
    capsys.readouterr()
    status = run(["replay", *arguments, "--mode", "exact", "--json"])
    document = json.loads(capsys.readouterr().out)
    return status, [(f["id"], f["path"]) for f in document["findings"]], document["summary"]["noise"]


CHANGED = ("payload/value-changed", "/word")
LEFT_OUT = ["volatile: `answer` /score"]


def test_exact_mode_alone_tells_all_that_differs(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(5) as target:
        assert replayed(capsys, "one.cassette", "--target", target) == (1, [("payload/value-changed", "/score")], [])


@pytest.mark.parametrize("extra", [False, True])
def test_noise_is_learned_from_repeated_runs(extra: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(5, 6, extra=extra) as target:
        told = replayed(capsys, "one.cassette", "--target", target, "--repeat", "2")
    assert told == (int(extra), [CHANGED] * extra, LEFT_OUT)


@pytest.mark.parametrize("extra", [False, True])
def test_noise_is_learned_from_several_cassettes(extra: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(5, extra=extra) as target:
        told = replayed(capsys, "one.cassette", "two.cassette", "--target", target)
    assert told == (int(extra), [CHANGED] * extra, LEFT_OUT)


@pytest.mark.parametrize("extra", [False, True])
def test_noise_is_learned_from_a_baseline(extra: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(5, 6) as baseline, answering(7, extra=extra) as candidate:
        told = replayed(capsys, "one.cassette", "--baseline", baseline, "--candidate", candidate)
    assert told == (int(extra), [CHANGED] * extra, LEFT_OUT)


def test_what_the_baseline_shows_as_well_counts_for_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(5, extra=True) as baseline, answering(5, extra=True) as candidate:
        # Against the recording the word differs; against the baseline nothing does.
        assert replayed(capsys, "one.cassette", "--baseline", baseline, "--candidate", candidate) == (0, [], [])


def test_the_noise_is_marked_in_a_contract_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(5, 6) as target:
        arguments = ["one.cassette", "--target", target, "--repeat", "2", "--mark-volatile", "marked.contract.json"]
        assert replayed(capsys, *arguments)[0] == 0
        assert Contract.load(Path("marked.contract.json")).volatile("server:answer") == ("/score",)
        assert run(["replay", *arguments]) == 2  # which overwrites nothing
        once = replayed(capsys, "one.cassette", "--target", target, "--contract", "marked.contract.json")
    assert once == (0, [], LEFT_OUT)


def timed(*taken_ms: int) -> tuple[Trace, ...]:
    """A run in which the answers take so long."""
    said = recorded(*({"score": 1} for _ in taken_ms))
    (one,) = said.connections
    messages, now = [], 0
    answers = iter(taken_ms)
    for message in one.messages:
        now += MS * (next(answers, 0) if message.direction is Direction.SERVER else 1)
        messages.append(replace(message, at_ns=now))
    envelope = detect(one.messages)
    return traces(replace(said, connections=(replace(one, messages=tuple(messages)),)), envelope)


def slow(baseline: tuple[Trace, ...], candidate: tuple[Trace, ...], factor: float = 2.0) -> list[Finding]:
    return list(slower(response_times([baseline]), response_times([candidate]), factor))


def test_response_times_are_compared_by_ratio() -> None:
    (finding,) = slow(timed(100, 110, 120), timed(300, 320, 310))
    assert (finding.id, finding.severity, finding.label) == ("latency/slower", "warning", "answer")
    assert (finding.baseline, finding.candidate) == (110.0, 310.0)
    assert "2.8 times as long as the 110 ms of the baseline" in finding.message
    assert slow(timed(100, 110, 120), timed(300, 320, 310), factor=3.0) == []


def test_few_samples_and_small_differences_say_nothing() -> None:
    assert slow(timed(100, 100), timed(900, 900)) == []
    assert slow(timed(100, 100, 100), timed(900)) == []
    assert slow(timed(1, 1, 1), timed(9, 9, 9)) == []
