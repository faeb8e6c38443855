"""Work that outlives its connection: a client comes back and takes it up again."""

from __future__ import annotations

import random
import uuid

import pytest
from sessions import connection, session
from simulated import an_id

from wstape.cassettes import Session
from wstape.contracts import Checker, Contract, Finding, Severity, infer

Said = list[tuple[str, object]]


def made(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def question(chance: random.Random, thread: str) -> tuple[Said, Said]:
    """A question with its answer, to be cut anywhere after its first two events."""
    run = made(chance)
    begun: Said = [
        (">", {"type": "ask", "thread_id": thread, "text": f"{chance.random()}"}),
        ("<", {"type": "run_started", "thread_id": thread, "run_id": run}),
    ]
    deltas: Said = [("<", {"type": "delta", "run_id": run}) for _ in range(chance.randint(1, 4))]
    return begun, [*deltas, ("<", {"type": "run_completed", "thread_id": thread, "run_id": run})]


def threads(seed: int) -> list[tuple[Said, Said]]:
    """What two users say before and after their connection is gone, in the middle of an answer."""
    chance = random.Random(seed)
    users: list[tuple[Said, Said]] = []
    for _ in range(2):
        thread = an_id(chance, "thread")
        before: Said = [(">", {"type": "open_thread"}), ("<", {"type": "thread_opened", "thread_id": thread})]
        for _ in range(chance.randint(0, 2)):
            begun, rest = question(chance, thread)
            before += begun + rest
        begun, rest = question(chance, thread)
        cut = chance.randint(0, len(rest) - 1)
        run = begun[1][1]["run_id"]  # type: ignore[index]
        resumes = {"type": "resume", "thread_id": thread, "run_id": run}
        after: Said = [(">", resumes), ("<", {"type": "resumed", "thread_id": thread}), *rest[cut:]]
        users.append((before + begun + rest[:cut], after))
    return users


def recorded(users: list[tuple[Said, Said]]) -> Session:
    first = [connection(*before, number=number, begin_ms=number) for number, (before, _) in enumerate(users, 1)]
    again = [
        connection(*after, number=number, begin_ms=1000 + number)
        for number, (_, after) in enumerate(users, 1 + len(users))
    ]
    return session(*first, *again)


def findings(contract: Contract, users: list[tuple[Said, Said]]) -> list[Finding]:
    checker = Checker(Contract.from_document(contract.document()))
    for record in recorded(users).records():
        checker.record(record)
    return [finding for finding in checker.finish() if finding.severity is Severity.BREAKING]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return infer([recorded(threads(seed)).records() for seed in range(10)])


def test_a_scope_spans_the_connections_that_take_work_up_again(contract: Contract) -> None:
    spanning = {claim.name: claim.scope.spans for claim in contract.scopes}
    assert spanning == {"run_id": ("client:resume",), "thread_id": ("client:resume",), "connection": ()}
    assert {claim.name for claim in contract.private} == {"run_id", "thread_id"}
    values = {claim.name: claim.scope.instances for claim in contract.scopes}
    assert values["thread_id"] == 20  # a thread is one, however many connections take it up


@pytest.mark.parametrize("seed", range(50, 56))
def test_what_is_taken_up_again_goes_on_where_it_was(contract: Contract, seed: int) -> None:
    users = threads(seed)
    assert findings(contract, users) == []
    before, after = users[0]
    (lost,) = findings(contract, [(before, after[:-1]), users[1]])
    assert lost.label == "run_completed"
    (missing,) = findings(contract, [(before, [after[0], *after[2:]]), users[1]])
    assert missing.label == "resumed"
    doubled = findings(contract, [(before, [*after, after[-1]]), users[1]])
    assert [finding.label for finding in doubled] == ["run_completed"]


def test_the_place_is_on_the_connection_where_it_was_owed(contract: Contract) -> None:
    users = threads(50)
    before, after = users[0]
    (lost,) = findings(contract, [(before, after[:-1]), users[1]])
    assert (lost.connection, lost.position) == (
        1,
        max(place for place, (_, body) in enumerate(before, 1) if body["type"] == "run_started"),  # type: ignore[index]
    )


def test_work_whose_beginning_was_not_recorded_is_held_against_nobody(contract: Contract) -> None:
    users = threads(50)
    assert findings(contract, [([], after) for _, after in users]) == []


def test_what_nobody_asked_to_take_up_is_a_leak(contract: Contract) -> None:
    users = threads(50)
    before, after = users[0]
    found = findings(contract, [(before, after[2:]), users[1]])
    assert {finding.connection for finding in found if finding.id == "isolation/leak"} == {3}
    # A leaked event is not the other connection's own, so the work stays without its end.
    assert [finding.label for finding in found if finding.id != "isolation/leak"] == ["run_completed"]


def test_a_client_need_not_come_back(contract: Contract) -> None:
    users = threads(50)
    answered = [(before + after[2:], list[tuple[str, object]]()) for before, after in users]
    assert findings(contract, answered) == []


def test_a_room_that_is_joined_again_does_not_span_connections() -> None:
    def visits(seed: int) -> list[tuple[Said, Said]]:
        room = an_id(random.Random(seed), "room")
        visit: Said = [(">", {"type": "join", "room_id": room}), ("<", {"type": "joined", "room_id": room})]
        return [(visit, visit)]

    joined = infer([recorded(visits(seed)).records() for seed in range(10)])
    assert [claim.scope.spans for claim in joined.scopes] == [()]


def test_neither_parts_nor_their_order_change_what_is_learned() -> None:
    sessions = [recorded(threads(seed)) for seed in range(4)]
    one = infer([each.records() for each in sessions])
    two = infer([each.records() for each in reversed(sessions)])
    assert one.document() == two.document()


def tools(seed: int, *, resumed: bool) -> list[tuple[Said, Said]]:
    """Two users' runs with tool calls; when ``resumed``, a call is at work while its user comes back for the run."""
    chance = random.Random(seed)
    users: list[tuple[Said, Said]] = []
    for _ in range(2):
        before: Said = []
        after: Said = []
        for last in (False, False, True):
            run, call = made(chance), an_id(chance, "call")
            before += [
                (">", {"type": "ask", "text": f"{chance.random()}"}),
                ("<", {"type": "run_started", "run_id": run}),
                ("<", {"type": "executing", "run_id": run, "call_id": call}),
            ]
            completed: Said = [("<", {"type": "completed", "run_id": run, "call_id": call})]
            ended: Said = [("<", {"type": "run_completed", "run_id": run})]
            if last:
                after = [(">", {"type": "resume", "run_id": run}), ("<", {"type": "resumed", "run_id": run})]
                before += [] if resumed else completed
                after += [*completed, *ended] if resumed else ended
            else:
                before += [*completed, *ended]
        users.append((before, after))
    return users


def test_finer_work_goes_with_the_work_that_is_taken_up() -> None:
    seldom = infer([recorded(tools(seed, resumed=False)).records() for seed in range(10)])
    spanning = {claim.name: claim.scope.spans for claim in seldom.scopes}
    assert spanning == {"call_id": (), "run_id": ("client:resume",), "connection": ()}
    users = tools(50, resumed=True)
    assert findings(seldom, users) == []
    before, after = users[0]
    assert {finding.label for finding in findings(seldom, [(before, [*after[:2], after[3]]), users[1]])} == {
        "completed"
    }


def test_finer_work_is_a_leak_while_its_connection_is_still_there() -> None:
    seldom = infer([recorded(tools(seed, resumed=False)).records() for seed in range(10)])
    (one, after), (other, _) = tools(50, resumed=True)
    stays = connection(*one, (">", {"type": "ask", "text": "more"}), number=1, begin_ms=1, closed=False)
    checker = Checker(seldom)
    for record in session(stays, connection(*other, *after, number=2, begin_ms=500)).records():
        checker.record(record)
    leaked = [finding.path for finding in checker.finish() if finding.id == "isolation/leak"]
    assert leaked == ["/call_id"]
