"""Work that ends in one of several ways: no outcome, two of them, and a way that was never seen."""

from __future__ import annotations

import random

from simulated import Sent, an_id, client, records, server

from wstape.cassettes import Direction, Record
from wstape.contracts import Checker, Contract, Finding, Severity, infer

FAILED, COMPLETED = "server:tool_failed", "server:tool_completed"


def tools(seed: int, count: int = 12) -> list[Sent]:
    """Tool calls, interleaved, of which one in four fails."""
    chance = random.Random(seed)
    lanes: list[list[Sent]] = []
    for _ in range(count):
        call = an_id(chance, "call")
        outcome = "tool_failed" if chance.random() < 0.25 else "tool_completed"
        steps = ["tool_executing", *["tool_progress"] * chance.randint(0, 2), outcome]
        lanes.append([server(step, tool_call_id=call) for step in steps])
    sent: list[Sent] = []
    while lanes:
        lane = chance.choice(lanes)
        sent.append(lane.pop(0))
        lanes = [lane for lane in lanes if lane]
    return sent


def requests(seed: int, count: int = 20) -> list[Sent]:
    """JSON-RPC: requests that overlap, some answered with an error."""
    chance = random.Random(seed)
    sent: list[Sent] = []
    open_: list[int] = []
    for number in range(count):
        method = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"n": number}}
        sent.append(Sent(Direction.CLIENT, method))
        open_.append(number)
        while open_ and (chance.random() < 0.6 or number == count - 1):
            answered = open_.pop(chance.randrange(len(open_)))
            error = chance.random() < 0.3
            answer = {"error": {"code": -32000, "message": "no"}} if error else {"result": {"ok": True}}
            sent.append(Sent(Direction.SERVER, {"jsonrpc": "2.0", "id": answered, **answer}))
    return sent


def recording(conversations: list[list[Sent]]) -> list[Record]:
    return records(conversations, chance=random.Random(0))


def breaking(contract: Contract, sent: list[Sent]) -> list[Finding]:
    checker = Checker(Contract.from_document(contract.document()))
    for record in recording([sent]):
        checker.record(record)
    return [finding for finding in checker.finish() if finding.severity is Severity.BREAKING]


def rule_lines(contract: Contract, scope: str) -> list[object]:
    (claim,) = [one for one in contract.document()["scopes"] if one["name"] == scope]  # type: ignore[attr-defined]
    return [(rule["rule"], rule["of"]) for rule in claim["rules"]]


def test_outcomes_stand_in_the_contract_as_alternatives() -> None:
    contract = infer([recording([tools(seed) for seed in range(3)])])
    lines = rule_lines(contract, "tool_call_id")
    assert ("alternate_succession", ["server:tool_executing", [COMPLETED, FAILED]]) in lines
    assert ("end", [[COMPLETED, FAILED]]) in lines


def test_an_outcome_that_never_comes_is_breaking_whichever_it_was() -> None:
    contract = infer([recording([tools(seed) for seed in range(3)])])
    for seed in range(10, 20):
        sent = tools(seed)
        assert breaking(contract, sent) == []
        for label in ("tool_completed", "tool_failed"):
            places = [place for place, one in enumerate(sent) if one.label == label]
            for place in places[:1]:
                (found,) = breaking(contract, sent[:place] + sent[place + 1 :])
                assert found.cause is not None
                assert found.cause.symbols == {COMPLETED, FAILED}
                call = sent[place].body["tool_call_id"]
                assert found.message.startswith(
                    f"neither `tool_completed` nor `tool_failed` came after `tool_executing` (tool_call_id={call})"
                )


def test_two_outcomes_are_breaking_and_so_is_an_event_after_one() -> None:
    contract = infer([recording([tools(seed) for seed in range(3)])])
    sent = tools(30)
    place = next(place for place, one in enumerate(sent) if one.label == "tool_completed")
    call = sent[place].body["tool_call_id"]
    (both,) = breaking(contract, [*sent, server("tool_failed", tool_call_id=call)])
    assert both.message.startswith("`tool_completed` and `tool_failed` came for one `tool_executing`")
    (after,) = breaking(contract, [*sent, server("tool_progress", tool_call_id=call)])
    assert (after.id, after.candidate) == ("sequence/end", f"tool_call_id={call}")


def test_a_request_that_gets_neither_result_nor_error_is_breaking() -> None:
    contract = infer([recording([requests(seed) for seed in range(3)])])
    assert contract.envelope.name == "json-rpc"
    answers = ["server:tools/call:error", "server:tools/call:result"]
    assert ("alternate_succession", ["client:tools/call", answers]) in rule_lines(contract, "id")
    sent = requests(9)
    assert breaking(contract, sent) == []
    place = next(place for place, one in enumerate(sent) if one.direction is Direction.SERVER)
    (found,) = breaking(contract, sent[:place] + sent[place + 1 :])
    assert found.id == "sequence/alternate_succession"
    assert found.cause is not None
    assert found.cause.symbols == set(answers)


def test_a_request_that_is_answered_twice_is_breaking() -> None:
    contract = infer([recording([requests(seed) for seed in range(3)])])
    sent = requests(9)
    place = next(place for place, one in enumerate(sent) if one.direction is Direction.SERVER)
    (found,) = breaking(contract, [*sent[: place + 1], *sent[place:]])
    assert found.message.startswith(f"`{'tools/call:error' if 'error' in sent[place].body else 'tools/call:result'}`")


def test_work_may_fail_later_than_it_was_recorded_to() -> None:
    def job(chance: random.Random, *steps: str) -> list[Sent]:
        number = an_id(chance, "job")
        return [server(step, job_id=number) for step in steps]

    def jobs(seed: int) -> list[Sent]:
        chance = random.Random(seed)
        done = [job(chance, "begun", "checked", "stored", "done") for _ in range(6)]
        return [one for each in (*done, job(chance, "begun", "failed")) for one in each]

    contract = infer([recording([jobs(seed) for seed in range(12)])])
    chance = random.Random(50)
    assert breaking(contract, job(chance, "begun", "checked", "stored", "failed")) == []
    (found,) = breaking(contract, job(chance, "begun", "checked", "stored"))
    assert found.cause is not None
    assert found.cause.symbols == {"server:done", "server:failed"}


def test_an_answer_with_another_identifier_than_the_one_asked_with_is_a_lost_link() -> None:
    def visit(seed: int) -> list[Sent]:
        room = {"room_id": an_id(random.Random(seed), "room")}
        said = [server("said", n=n) for n in range(3)]
        return [server("welcome"), client("join", **room), server("joined", **room), *said]

    contract = infer([recording([visit(seed)]) for seed in range(12)])
    sent = visit(50)
    assert breaking(contract, sent) == []
    sent[2] = server("joined", room_id="room_0123456789ab")
    (found,) = breaking(contract, sent)
    assert (found.id, found.path, found.candidate) == ("link/lost", "/room_id", "room_0123456789ab")


def test_what_a_client_asks_for_again_is_not_owed_before_it_does() -> None:
    def subscriptions(seed: int, leaving: float) -> list[Sent]:
        chance = random.Random(seed)
        sent = [server("hello")]
        for symbol in chance.sample(("BTC", "ETH", "XRP", "SOL"), 3):
            sent += [client("subscribe", of=symbol), server("subscribed", of=symbol)]
            sent += [server("tick", of=symbol) for _ in range(chance.randint(0, 3))]
            if chance.random() < leaving:
                sent += [client("unsubscribe", of=symbol), server("unsubscribed", of=symbol)]
        return sent

    contract = infer([recording([subscriptions(seed, 1.0)]) for seed in range(12)])
    assert breaking(contract, subscriptions(99, 0.0)[:-4]) == []
    sent = subscriptions(99, 1.0)
    assert [one.label for one in breaking(contract, sent[:-1])] == ["unsubscribed"]


def test_retries_owe_an_outcome_after_the_last_one() -> None:
    def retried(seed: int) -> list[Sent]:
        chance = random.Random(seed)
        sent: list[Sent] = []
        for _ in range(8):
            job = an_id(chance, "job")
            tries = [step for _ in range(chance.randint(0, 2)) for step in ("try", "failed")]
            tries += ["try", chance.choice(("done", "failed"))]
            sent += [client("ask", job_id=job), *(server(step, job_id=job) for step in tries)]
        return sent

    contract = infer([recording([retried(seed) for seed in range(4)])])
    assert ("end", [["server:done", "server:failed"]]) in rule_lines(contract, "job_id")
    sent = retried(50)
    assert breaking(contract, sent) == []
    assert [one.label for one in breaking(contract, sent[:-1])] == ["done"]


def test_what_the_server_now_demands_before_it_answers_is_named() -> None:
    def asked(seed: int) -> list[Sent]:
        chance = random.Random(seed)
        asks = [(client("ask", n=n), server("answer", n=n, text=f"{chance.random()}")) for n in range(12)]
        return [one for pair in asks for one in pair]

    contract = infer([recording([asked(seed) for seed in range(3)])])
    sent = [*asked(9)[:5], server("approval_required", reason="too costly")]
    (found,) = breaking(contract, sent)
    assert (found.id, found.label) == ("sequence/alternate_succession", "answer")
    assert found.message.startswith("`answer` never came after `ask` (connection 1); it did in all 36 recorded cases")
    assert found.message.endswith("; `approval_required`, which is new, came after it")
