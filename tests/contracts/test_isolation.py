"""Private identifiers: learned from recordings, held against others."""

from __future__ import annotations

import json

import pytest
from sessions import connection, session

from wstape.cassettes import Closed, Connection, Direction, Ending, Kind, Message, Opened, Session
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


def crossed(contract: Contract, *said: tuple[int, str, str, str]) -> list[tuple[str, str, int | None]]:
    """The breaking findings on events (connection, arrow, type, run), in the order in which they were read."""
    checker = Checker(contract)
    for number in (1, 2):
        (opened,) = (record for record in recorded(user(number)).records() if isinstance(record, Opened))
        checker.record(opened)
    for at_ns, (number, arrow, label, run_id) in enumerate(said):
        payload = {"type": label, "run_id": run_id, "model_id": "model-large-1"}
        checker.record(
            Message(
                connection=number,
                direction=Direction.CLIENT if arrow == ">" else Direction.SERVER,
                kind=Kind.TEXT,
                payload=json.dumps(payload if arrow == "<" else {"type": "ask", "text": "hi"}).encode(),
                at_ns=at_ns,
            )
        )
    for number in (1, 2):
        checker.record(Closed(connection=number, ending=Ending.CLEAN, by=Direction.CLIENT, at_ns=99))
    return [(one.id, one.label or "", one.connection) for one in checker.finish() if one.severity == "breaking"]


def test_an_event_that_is_read_before_its_scope_begins_elsewhere_leaked(contract: Contract) -> None:
    """What was sent on another connection a moment earlier may be read a moment later."""
    begun, ended = (1, "<", "begun", "run-u1-9"), (1, "<", "ended", "run-u1-9")
    leaked = (2, "<", "ended", "run-u1-9")
    asked = (1, ">", "", "")
    late, early = crossed(contract, asked, begun, leaked, ended), crossed(contract, asked, leaked, begun, ended)
    assert late == early == [("isolation/leak", "ended", 2)]


def test_what_comes_first_in_an_event_that_leaked_is_its_owners_too(contract: Contract) -> None:
    checker = Checker(contract)
    leaked = ("<", {"type": "ended", "session_id": "session-0005", "run_id": "run-u5-9", "model_id": "model-large-1"})
    own = ("<", {"type": "begun", "run_id": "run-u5-9", "model_id": "model-large-1"})
    later = connection(own, number=5, begin_ms=9000)
    first, second = recorded(user(5, runs=0), user(6, leaked, runs=0)).records(), recorded(later).records()
    for record in [*first, *(one for one in second if isinstance(one, Opened | Message | Closed))]:
        checker.record(record)
    found = [(one.label, one.connection) for one in checker.finish() if one.id == "isolation/leak"]
    assert found == [("ended", 6)]


def test_what_begins_in_an_event_that_leaked_is_its_connections_own(contract: Contract) -> None:
    """A build that puts another user's identifier into one event does not leak the whole scope that begins there."""
    own = {"run_id": "run-u6-9", "model_id": "model-large-1"}
    said = (("<", {"type": "begun", "session_id": "session-0005", **own}), ("<", {"type": "ended", **own}))
    found = leaks(contract, recorded(user(5, runs=0), user(6, *said, runs=0)))
    assert [(one.label, one.path) for one in found] == [("begun", "/session_id")]


def test_an_event_before_the_beginning_of_its_own_scope_is_none(contract: Contract) -> None:
    misplaced = crossed(contract, (2, ">", "", ""), (2, "<", "ended", "run-u2-9"), (2, "<", "begun", "run-u2-9"))
    assert misplaced
    assert all(id.startswith("sequence/") for id, _, _ in misplaced)


def test_an_event_whose_scope_never_begins_is_its_connections_own(contract: Contract) -> None:
    alone = crossed(contract, (2, ">", "", ""), (2, "<", "ended", "run-u2-9"))
    assert alone
    assert all(id.startswith("sequence/") and connection == 2 for id, _, connection in alone)


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
