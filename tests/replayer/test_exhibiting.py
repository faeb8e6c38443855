"""Findings with both sides, and what led to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from sessions import connection, exchange, session

from wstape.cassettes import Connection, Direction, Kind, Message, Session
from wstape.contracts import Contract, Exhibit, Finding, Severity, fold, infer
from wstape.replayer import exhibited_recordings, judge_recordings, traces, traces_near
from wstape.replayer.breaking import breaking
from wstape.replayer.exhibiting import MOST, exhibited
from wstape.replayer.timeline import Moment, Trace

TOKEN = "tok-4f9a7d1e66b0c3d2"


def talk(build: str = "", *, salt: str = "a", number: int = 1, runs: int = 2) -> Connection:
    """A client that asks by the thread that it was given; ``build`` does something else."""
    thread = f"thread-{salt}9a7d1e66b04f{number}"
    said: list[tuple[str, object]] = [(">", {"type": "open"}), ("<", {"type": "opened", "thread_id": thread})]
    for turn in range(runs):
        run = {"run_id": f"run-{salt}4f9a7d1e{number}{turn}"}
        started = ("<", {"type": "started", **run})
        step = ("<", {"type": "step", **run, "cost": {"cents": turn}})
        done = ("<", {"type": "done", **run, "answer": "yes"})
        if build == "renamed":
            done = ("<", {"type": "done", **run, "reply": "yes"})
        if build == "nested":
            step = ("<", {"type": "step", **run, "cost": {"cents": "1"}})
        events = [step, started, done] if build == "late" else [started, step, done]
        said += [(">", {"type": "ask", "thread_id": thread, "text": "?"}), *events]
    return connection(*said, number=number, target=f"/chat?token={TOKEN}-{salt}")


def recorded(build: str = "", *, salt: str = "a", connections: int = 1, runs: int = 12) -> Session:
    login = exchange({"user": "x"}, {"token": f"{TOKEN}-{salt}"})
    talks = (talk(build, salt=salt, number=number, runs=runs) for number in range(1, connections + 1))
    return session(*talks, exchanges=(login,))


BASE = recorded()
CONTRACT = infer([BASE.records()])


def shown(build: str, *, against: Session = BASE) -> tuple[Finding, Exhibit]:
    """The first finding about a build, which is to be shown."""
    other = recorded(
        build, salt="b", runs=sum(m.direction is Direction.CLIENT for m in BASE.connections[0].messages) - 2
    )
    findings = exhibited_recordings(judge_recordings(against, other, CONTRACT), against, other, CONTRACT)
    assert findings[0].exhibit is not None
    return findings[0], findings[0].exhibit


def marked(exhibit: Exhibit) -> list[tuple[str | None, str | None]]:
    return [(row.recorded, row.now) for row in exhibit.rows if row.marked]


def test_a_payload_finding_shows_both_payloads() -> None:
    finding, exhibit = shown("renamed")
    assert finding.id == "payload/field-renamed"
    assert (exhibit.recorded, exhibit.now) == ("connection 1, message 6", "connection 1, message 6")
    assert marked(exhibit) == [('"answer": "yes"', '"reply": "yes"')]


def test_the_counterpart_is_the_event_of_the_same_turn() -> None:
    _, exhibit = shown("nested")
    assert exhibit.recorded == "connection 1, message 5"
    assert marked(exhibit) == [('  "cents": 0', '  "cents": "1"')]


def test_a_sequence_finding_shows_the_scope_of_both() -> None:
    finding, exhibit = shown("late")
    assert finding.id == "sequence/alternate_succession"
    assert finding.rule == "alternate_succession(started, step) in run_id"
    assert (exhibit.recorded, exhibit.now) == ("run_id=run-a4f9a7d1…", "run_id=run-b4f9a7d1…")
    assert [(row.recorded, row.now, row.marked) for row in exhibit.rows] == [
        ("<- 4 started", None, True),
        ("<- 5 step", "<- 4 step", False),
        (None, "<- 5 started", True),
        ("<- 6 done", "<- 6 done", False),
    ]


def test_the_values_that_the_client_carried_are_told_with_their_source() -> None:
    _, exhibit = shown("renamed")
    assert exhibit.led == ('after -> 3 ask with /thread_id "thread-b9a7d1e66b04f1" from <- 2 opened /thread_id',)


def test_the_values_of_a_refused_handshake_are_told_with_their_source() -> None:
    refused = replace(BASE.connections[0], messages=(), handshake=replace(BASE.connections[0].handshake, status=401))
    other = replace(BASE, connections=(refused,))
    findings = exhibited_recordings(judge_recordings(BASE, other, CONTRACT), BASE, other, CONTRACT)
    assert findings[0].id == "handshake/status"
    assert findings[0].exhibit is not None
    assert findings[0].exhibit.led == (f'the handshake carried "{TOKEN}-a" from the answer to POST /login /token',)


def test_binary_messages_are_shown_as_bytes() -> None:
    first = BASE.connections[0]
    sent = tuple(
        replace(message, kind=Kind.BINARY) if message.direction is Direction.SERVER else message
        for message in first.messages
    )
    other = replace(BASE, connections=(replace(first, messages=sent),))
    findings = exhibited_recordings(judge_recordings(BASE, other, CONTRACT), BASE, other, CONTRACT)
    assert findings[0].id == "message/kind-changed"
    assert findings[0].exhibit is not None
    ((was, now),) = marked(findings[0].exhibit)
    assert was is not None
    assert was.startswith('{"type": "opened"')
    assert now is not None
    assert now == f"{len(first.messages[1].payload)} bytes: 7b 22 74 79 70 65 22 3a 20 22 6f 70 65 6e 65 64 …"


def test_what_the_connection_of_a_finding_without_a_place_lacks_is_shown() -> None:
    stopped = replace(BASE.connections[0], messages=BASE.connections[0].messages[:5])
    finding = breaking("replay/timeout", "", 1, missing="server:done")
    old = {1: traces(BASE, CONTRACT.envelope)[0]}
    new = traces(replace(BASE, connections=(stopped,)), CONTRACT.envelope)
    (told,) = exhibited([finding], new, old, CONTRACT)
    assert told.exhibit is not None
    assert marked(told.exhibit) == [("<- 6 done", None)]
    assert told.exhibit.led == ("after -> 3 ask",)


def test_the_first_findings_are_shown_and_mere_information_is_not() -> None:
    finding = breaking("event/missing", "", 1, position=4, missing="server:done")
    findings = [replace(finding, severity=Severity.INFO), *[finding] * (MOST + 5)]
    new = traces(BASE, CONTRACT.envelope)
    told = exhibited([replace(one) for one in findings], new, {}, CONTRACT)
    assert [one.exhibit is not None for one in told] == [False, *[True] * MOST, *[False] * 5]


@pytest.mark.parametrize("build", ["renamed", "late"])
def test_a_connection_is_not_read_again_for_each_of_its_messages(build: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    for runs in (5, 50):
        base, other = recorded(runs=runs), recorded(build, salt="b", runs=runs)
        findings = judge_recordings(base, other, CONTRACT)
        walks = 0

        def counted(trace: Trace, original: Callable[[Trace], Iterator[Moment]] = Trace.read) -> Iterator[Moment]:
            nonlocal walks
            walks += 1
            return original(trace)

        with monkeypatch.context() as patch:
            patch.setattr(Trace, "read", counted)
            exhibited_recordings(findings, base, other, CONTRACT)
        read.append(walks)
    assert read[0] == read[1] < 10


def checked(other: Session, contract: Contract = CONTRACT) -> Finding:
    """The first finding of a recording alone, as ``check`` shows it."""
    findings = judge_recordings(BASE, other, contract)
    told = exhibited(findings, traces_near(other.records(), findings, contract), {}, contract)
    return fold(told)[0]


def test_a_recording_alone_is_shown_from_what_is_near() -> None:
    finding = checked(recorded("renamed", salt="b", runs=400))
    assert finding.exhibit is not None
    assert finding.exhibit.recorded is None
    assert marked(finding.exhibit) == [(None, '"reply": "yes"')]
    assert finding.exhibit.led == ("after -> 3 ask",)


def test_only_what_is_near_is_kept() -> None:
    far = [breaking("payload/type-changed", "", 1, path="/answer", position=3_000)]
    (trace,) = traces_near(recorded(runs=1_000).records(), far, CONTRACT)
    assert [event.position for event in trace.events()] == list(range(2_501, 3_021))
    assert traces_near(BASE.records(), [], CONTRACT) == ()


def test_long_messages_are_kept_only_where_a_finding_is() -> None:
    first = BASE.connections[0]
    long = Message(
        connection=1,
        direction=Direction.SERVER,
        kind=Kind.TEXT,
        payload=b'{"type": "step", "x": "%s"}' % (b"x" * 20_000),
        at_ns=first.opened_ns,
    )
    other = replace(BASE, connections=(replace(first, messages=(long, long, *first.messages)),))
    (trace,) = traces_near(other.records(), [breaking("payload/type-changed", "", 1, position=2)], CONTRACT)
    assert [len(moment.message.payload) > 16_000 for moment in list(trace.moments)[:3]] == [False, True, False]
    assert [event.label for event in trace.events()[:2]] == ["step", "step"]
