"""The severity that the recording at hand gives to what a thin contract says."""

from __future__ import annotations

import pytest
from sessions import connection, session

from wstape.cassettes import Session
from wstape.contracts import Severity, infer
from wstape.replayer import judge_recordings


def told(*values: object) -> Session:
    said = [(">", {"type": "ask"}), *(("<", {"type": "answer", "reason": value}) for value in values)]
    return session(connection(*said))


@pytest.mark.parametrize(
    ("recorded", "now", "severity"),
    [
        (("a", "b"), (1, 2), Severity.BREAKING),  # not one of them keeps the claim
        (("a", "b"), ("c", 2), Severity.WARNING),
        ((None, None), ("a", "b"), Severity.WARNING),  # nothing stood there
        (("a", "b"), (None, None), Severity.BREAKING),
    ],
)
def test_what_not_one_event_keeps_is_certain(recorded: tuple[object], now: tuple[object], severity: Severity) -> None:
    baseline = told(*recorded)
    (finding,) = judge_recordings(baseline, told(*now), infer([baseline.records()]))
    assert (finding.id, finding.path, finding.severity) == ("payload/type-changed", "/reason", severity)
