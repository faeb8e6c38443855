"""Private identifiers: learned from recordings, held against others."""

from __future__ import annotations

import pytest
from sessions import connection, session

from wstape.cassettes import Connection, Session
from wstape.contracts import Checker, Contract, Finding, Privacy, infer

Said = list[tuple[str, object]]


def run(user: str, number: int) -> Said:
    """One run of one user: asked for, begun, ended."""
    ids = {"run_id": f"run-{user}-{number:04x}", "model_id": "model-large-1"}
    return [(">", {"type": "ask", "text": "hi"}), ("<", {"type": "begun", **ids}), ("<", {"type": "ended", **ids})]


def user(number: int, *extra: tuple[str, object], runs: int = 6) -> Connection:
    said: Said = [("<", {"type": "welcome", "session_id": f"session-{number:04x}"})]
    for one in range(runs):
        said += run(f"u{number}", one)
    return connection(*said, *extra, number=number, begin_ms=number * 1000)


def recorded(*connections: Connection) -> Session:
    return session(*(connections or (user(1), user(2))))


@pytest.fixture
def contract() -> Contract:
    return infer([recorded().records()])


def leaks(contract: Contract, candidate: Session) -> list[Finding]:
    checker = Checker(contract)
    for record in candidate.records():
        checker.record(record)
    return [finding for finding in checker.finish() if finding.id == "isolation/leak"]


def test_what_never_crossed_is_private_and_what_all_see_is_not(contract: Contract) -> None:
    assert contract.private == (
        Privacy(name="run_id", values=12, connections=2),
        Privacy(name="session_id", values=2, connections=2),
    )


def test_one_connection_alone_shows_nothing() -> None:
    assert infer([recorded(user(1)).records()]).private == ()


def test_neither_order_nor_number_of_recordings_matters() -> None:
    one, two = recorded().records(), recorded(user(3), user(4)).records()
    assert infer([one, two]).private == infer([two, one]).private
    assert infer([one, two]).private[0] == Privacy(name="run_id", values=24, connections=4)


def test_a_crossing_in_one_recording_makes_a_name_public() -> None:
    shared = recorded(user(1), user(2, ("<", {"type": "ended", "run_id": "run-u1-0000", "model_id": "model-large-1"})))
    private = infer([recorded().records(), shared.records()]).private
    assert [claim.name for claim in private] == ["session_id"]


def test_a_good_session_leaks_nothing(contract: Contract) -> None:
    assert leaks(contract, recorded(user(5), user(6), user(7))) == []


def test_a_leak_names_value_owner_and_place(contract: Contract) -> None:
    leaked = ("<", {"type": "ended", "run_id": "run-u5-0002", "model_id": "model-large-1"})
    checker = Checker(contract)
    for record in recorded(user(5), user(6, leaked)).records():
        checker.record(record)
    (finding,) = [finding for finding in checker.finish() if finding.severity == "breaking"]
    assert (finding.id, finding.label, finding.path) == ("isolation/leak", "ended", "/run_id")
    assert (finding.connection, finding.position, finding.baseline) == (6, 20, "connection 5")
    assert finding.message == (
        "`ended` of connection 5 (run_id=run-u5-0002) came on connection 6; "
        "none of 12 recorded values did on 2 connections"
    )


def test_the_name_of_a_symbol_or_room_is_no_secret() -> None:
    def listening(number: int, room: str) -> Connection:
        said: Said = [("<", {"type": step, "room": room}) for step in ("begun", "news", "ended") * 4]
        return connection(*said, number=number, begin_ms=number * 1000)

    assert infer([recorded(listening(1, "gardening"), listening(2, "chess-club")).records()]).private == ()


def test_little_evidence_only_warns(contract: Contract) -> None:
    leaked = ("<", {"type": "welcome", "session_id": "session-0005"})
    assert [finding.severity for finding in leaks(contract, recorded(user(5), user(6, leaked)))] == ["warning"]


def test_what_the_client_asked_for_is_no_leak(contract: Contract) -> None:
    again = {"run_id": "run-u5-0002", "model_id": "model-large-1"}
    resumed = user(6, (">", {"type": "ask", "run_id": "run-u5-0002"}), ("<", {"type": "ended", **again}))
    assert leaks(contract, recorded(user(5), resumed)) == []
    dialled = connection(("<", {"type": "ended", **again}), number=6, begin_ms=6000, target="/resume/run-u5-0002")
    assert leaks(contract, recorded(user(5), dialled)) == []


def test_a_recording_has_owners_of_its_own(contract: Contract) -> None:
    checker = Checker(contract)
    for candidate in (recorded(user(5), user(6)), recorded(user(6), user(5))):
        for record in candidate.records():
            checker.record(record)
    assert [finding for finding in checker.finish() if finding.id == "isolation/leak"] == []


def test_the_document_keeps_it_and_takes_pins(contract: Contract) -> None:
    document = contract.document()
    assert Contract.from_document(document).private == contract.private
    document["private"] = [{"name": "session_id", "pinned": True}]
    pinned = Contract.from_document(document)
    leaked = ("<", {"type": "welcome", "session_id": "session-0005"})
    assert [finding.severity for finding in leaks(pinned, recorded(user(5), user(6, leaked)))] == ["breaking"]
