"""An event that a contract has seen missing is no loss, however often the recording at hand has it."""

from __future__ import annotations

import pytest
from sessions import connection, session

from wstape.cassettes import Session
from wstape.contracts import Finding, Severity, infer
from wstape.replayer import judge_recordings


def asked(*answers: bool, number: int = 1) -> Session:
    """A client that asks again and again; a note comes before the answer, or does not."""
    said: list[tuple[str, object]] = [("<", {"type": "hello"})]
    for turn, noted in enumerate(answers):
        run = f"run-{number}-{turn:06}"
        said.append((">", {"type": "ask"}))
        said.append(("<", {"type": "begun", "run_id": run}))
        said += [("<", {"type": "note", "run_id": run})] * noted
        said.append(("<", {"type": "done", "run_id": run}))
    return session(connection(*said))


ALWAYS = asked(True, True, True)
SOMETIMES = [asked(True, False, True, True, number=2), asked(False, True, True, number=3)]
NEVER = asked(False, False, False, number=4)


def missed(candidate: Session, *recordings: Session) -> list[Finding]:
    contract = infer([one.records() for one in recordings])
    found = judge_recordings(ALWAYS, candidate, contract)
    return [finding for finding in found if finding.id != "replay/leftover" or finding.severity is Severity.WARNING]


def test_what_the_one_recording_always_has_is_missed() -> None:
    (finding,) = missed(NEVER, ALWAYS)
    assert (finding.id, finding.severity, finding.label) == ("event/missing", Severity.BREAKING, "note")


@pytest.mark.parametrize("candidate", [NEVER, asked(True, True, False, number=4)])
def test_what_other_recordings_lack_now_and_then_is_not_missed(candidate: Session) -> None:
    assert missed(candidate, ALWAYS, *SOMETIMES) == []


def test_what_all_recordings_have_is_missed() -> None:
    others = [asked(True, True, True, True, number=number) for number in range(2, 6)]
    assert [(one.severity, one.label) for one in missed(NEVER, ALWAYS, *others)] == [(Severity.BREAKING, "note")]
    # Demanded by what comes beside it, and by what comes on every connection.
    silent = session(connection(("<", {"type": "hello"}), *[(">", {"type": "ask"})] * 3))
    gone = {one.label for one in missed(silent, ALWAYS, *others) if one.severity is Severity.BREAKING}
    assert gone & {"begun", "note", "done"}
