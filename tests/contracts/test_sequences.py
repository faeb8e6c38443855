"""Streaming checks: old scope instances are judged and forgotten, and what they owed is told."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from services import endless, recorded, service, users
from simulated import Sent, records, server

from wstape.contracts import Checker, Contract, Severity, infer, isolation, sequences


def contract() -> Contract:
    calls = [server(step, call_id=f"call_{n}f") for n in range(20) for step in ("begun", "done")]
    return infer([records([calls, calls])])


def messages(sent: list[Sent]) -> list[str]:
    checker = Checker(contract())
    for record in records([sent])[:-3]:  # the connection stays open
        checker.record(record)
    return [finding.message for finding in checker.finish()]


def test_an_instance_that_owes_nothing_is_forgotten_when_many_have_begun_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sequences, "MAX_OPEN", 4)
    checker = Checker(contract())
    kept: set[int] = set()
    for record in records([[server(step, call_id=f"call_{n}e") for n in range(50) for step in ("begun", "done")]])[:-3]:
        checker.record(record)
        kept.add(sum(len(instances) for scopes in checker._sequences._open.values() for instances in scopes.values()))
    assert max(kept) == 5  # four and the connection's own
    assert checker.finish() == ()


def test_what_a_forgotten_instance_still_owed_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "MAX_OPEN", 4)
    sent = [
        server("begun", call_id="call_1d"),
        *(server(s, call_id=f"call_{n}e") for n in range(20) for s in ("begun", "done")),
    ]
    (message,) = messages(sent)
    assert message.startswith("`done` never came after `begun` (call_id=call_1d)")


def test_one_that_is_open_for_long_is_spared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "MAX_OPEN", 4)
    calls = [server(step, call_id=f"call_{n}e") for n in range(5) for step in ("begun", "done")]
    assert messages([server("begun", call_id="call_1d"), *calls, server("done", call_id="call_1d")]) == []


def test_a_scope_that_a_person_wrote_is_checked() -> None:
    answered = {"rule": "response", "of": ["server:begun", ["server:done", "server:failed"]]}
    written = Contract.from_document(
        {
            **{"wstape": "contract", "version": 1, "envelope": {"name": "json", "server": "/type"}, "events": {}},
            "scopes": [
                {
                    "name": "work",
                    "paths": {f"server:{step}": "/task/nr" for step in ("begun", "done", "failed")},
                    "rules": [answered],
                }
            ],
        }
    )
    checker = Checker(written)
    steps = (("begun", 1), ("begun", 2), ("begun", 3), ("failed", 3), ("done", 1))
    for record in records([[server(step, task={"nr": number}) for step, number in steps]]):
        checker.record(record)
    (found,) = [finding for finding in checker.finish() if finding.severity is Severity.BREAKING]
    assert found.message == "neither `done` nor `failed` came after `begun` (work=2); the contract asks for it"
    assert Contract.from_document(written.document()).document() == written.document()


@pytest.mark.slow
def test_checking_needs_no_more_memory_for_more_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "MAX_OPEN", 1_000)
    monkeypatch.setattr(isolation, "MAX_VALUES", 5_000)
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("no /proc here")
    one = service(1)
    checker = Checker(infer([recorded(users(one, seed), seed) for seed in range(3)]))
    pages: list[int] = []
    for number, record in enumerate(islice(endless(one, 0), 100_000), 1):
        checker.record(record)
        if number % 50_000 == 0:
            pages.append(int(statm.read_text().split()[1]))
    assert pages[1] - pages[0] < 1_024  # 4 MiB
