"""Every recorded message is accounted for."""

from __future__ import annotations

from dataclasses import replace

from sessions import connection, exchange, session

from wstape.cassettes import Note, Session
from wstape.contracts import Finding, infer
from wstape.replayer import gap, judge_recordings, traces
from wstape.replayer.breaking import breaking
from wstape.replayer.leftovers import unmatched, unplayed


def runs(numbers: tuple[int, ...], *, notes: int = 0, pings: int = 0) -> Session:
    """A connection with a run for each number: how many steps it has; then notes and pings without an identifier."""
    said: list[tuple[str, object]] = []
    for number, steps in enumerate(numbers):
        run = f"run-{number:04d}cafe"
        said.append((">", {"type": "ask", "text": "hello"}))
        said.append(("<", {"type": "started", "run_id": run}))
        said += [("<", {"type": "step", "run_id": run})] * steps
        said.append(("<", {"type": "done", "run_id": run}))
    said += [("<", {"type": "note"})] * notes
    said += [("<", {"type": "ping"})] * pings
    return session(connection(*said))


def told(baseline: Session, candidate: Session, **options: object) -> list[tuple[str, str | None, str]]:
    findings = judge_recordings(baseline, candidate, infer([baseline.records()]), **options)  # type: ignore[arg-type]
    return [(f.severity, f.label, f.message.partition(";")[0]) for f in findings if f.id == "replay/leftover"]


def test_a_number_that_all_scopes_agree_on_is_expected() -> None:
    usual, fewer = runs((2, 2, 2)), runs((2, 2, 1))
    contract = infer([usual.records()])

    def left(candidate: Session) -> list[tuple[str, str | None, str]]:
        old, new = (traces(one, contract.envelope) for one in (usual, candidate))
        findings = unmatched(list(zip(old, new, strict=True)), contract, {})
        return [(f.severity, f.label, f.message.partition(";")[0]) for f in findings]

    assert left(usual) == []
    assert left(fewer) == [("warning", "step", "`step` came 1 of 2 times (run_id=run-0002cafe)")]
    # Where the contract has a rule for the number, that is the finding, and the only one.
    (finding,) = judge_recordings(usual, fewer, contract)
    assert (finding.id, finding.label) == ("sequence/exactly", "step")


def test_a_number_that_varies_or_that_few_scopes_show_is_noise() -> None:
    assert told(runs((2, 1, 3)), runs((1, 1, 1))) == []
    assert told(runs((2, 2)), runs((1, 1))) == []
    assert told(runs((2, 2, 2)), runs((3, 2, 4))) == []


def test_what_came_now_and_then_and_never_again_is_told_by_how_often_it_came() -> None:
    seldom, often, now = (beside_another(runs((1, 1), notes=notes)) for notes in (2, 7, 0))
    assert told(seldom, now) == [("info", "note", "`note` was recorded 2 times and never came")]
    assert told(often, now) == [("warning", "note", "`note` was recorded 7 times and never came")]
    assert told(often, now, allowed=("note",)) == []
    assert told(often, often) == []


def beside_another(recorded: Session) -> Session:
    """The recording with a second connection, on which there are neither notes nor pings."""
    (plain,) = runs((1, 1)).connections
    messages = tuple(replace(message, connection=2) for message in plain.messages)
    assert plain.closed is not None
    second = replace(plain, number=2, messages=messages, closed=replace(plain.closed, connection=2))
    return session(*recorded.connections, second)


def test_what_keeps_the_connection_alive_is_never_left_over() -> None:
    assert told(beside_another(runs((1, 1), pings=9)), beside_another(runs((1, 1)))) == []


def test_stopping_early_never_passes() -> None:
    recorded = session(*runs((1, 1)).connections, exchanges=(exchange({}, {}),))
    (one,) = recorded.connections
    cut = session(replace(one, messages=one.messages[:2]), exchanges=recorded.exchanges)
    nothing = session()

    def left(candidate: Session, *found: Finding) -> list[tuple[str, str]]:
        envelope = infer([recorded.records()]).envelope
        old, new = (traces(one, envelope) for one in (recorded, candidate))
        findings = unplayed(recorded.exchanges, candidate.exchanges, old, new, found)
        return [(finding.severity, finding.message) for finding in findings]

    assert left(recorded) == []
    assert left(cut) == [("breaking", "1 of 2 recorded client messages of connection 1 were not sent")]
    assert left(nothing) == [
        ("breaking", "connection 1 was not played"),
        ("breaking", "POST /login was not played"),
    ]
    assert left(cut, breaking("close/abnormal", "", 1)) == []  # which says why
    assert left(cut, breaking("http/status", "", None)) == []
    assert left(cut, breaking("close/abnormal", "", 2)) != []  # another connection's reason is none


def test_what_a_recording_lacks() -> None:
    whole = runs((1,))
    assert gap(whole) is None
    assert gap(replace(whole, complete=False)) == "its recording was cut off"
    lost = Note(text="a tap lost its place", at_ns=0, lost=True)
    assert gap(replace(whole, notes=(lost,))) == "its recorder lost something (a tap lost its place)"
