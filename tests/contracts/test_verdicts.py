"""What the product is for: good sessions of the same service pass, and each harmful build is named, once."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from simulated import Mutation, Sent, an_id, client, conversation, pick, records, server, session

from wstape.cassettes import Direction, Kind, Record
from wstape.contracts import Checker, Contract, Finding, Severity, infer


def check(contract: Contract, recording: list[Record]) -> tuple[Finding, ...]:
    checker = Checker(contract)
    for record in recording:
        checker.record(record)
    return checker.finish()


def breaking(findings: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.BREAKING]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return infer([session(1)])


def test_unseen_good_sessions_have_no_breaking_finding() -> None:
    """Other counts, interleavings, lengths and users, against twenty contracts learned from different sessions."""
    alarms: list[str] = []
    for learned in range(20):
        contract = infer([session(1000 + learned)])
        for unseen in range(10):
            seed = 5000 + learned * 10 + unseen
            good = session(seed, connections=1 + seed % 3, turns=1 + seed % 5, threads=1 + seed % 2)
            alarms += [finding.message for finding in breaking(check(contract, good))]
    assert alarms == []


def test_a_session_of_interleaved_tools_passes_a_contract_of_tools_one_after_the_other() -> None:
    def sequential(sent: list[Sent], chance: random.Random) -> list[Sent]:
        """Each tool completes before the next begins."""
        done: list[Sent] = []
        for one in sent:
            if one.label == "tool_completed":
                continue
            done.append(one)
            if one.label == "tool_executing":
                call = one.body["tool_call_id"]
                done += [
                    other for other in sent if other.label == "tool_completed" and other.body["tool_call_id"] == call
                ]
        return done

    learned = infer([session(seed, connections=1, mutation=sequential) for seed in range(5)])
    for seed in range(20):
        assert breaking(check(learned, session(100 + seed))) == []


def test_an_added_field_is_no_more_than_news(contract: Contract) -> None:
    def add(sent: list[Sent], chance: random.Random) -> list[Sent]:
        return [
            Sent(one.direction, {**one.body, "mood": "fine", "extra": {"a": [1]}})
            if one.label == "agent_completed" and chance.random() < 0.7
            else one
            for one in sent
        ]

    findings = check(contract, session(7, mutation=add))
    assert {finding.severity for finding in findings} <= {Severity.INFO, Severity.WARNING}
    assert {finding.path for finding in findings if finding.id == "payload/field-added"} == {"/mood", "/extra"}


def test_a_new_event_is_no_more_than_news(contract: Contract) -> None:
    def add(sent: list[Sent], chance: random.Random) -> list[Sent]:
        place = pick(sent, "agent_completed", chance)
        run = sent[place].body["run_id"]
        return [*sent[:place], server("agent_progress", run_id=run), *sent[place:], server("bye")]

    findings = check(contract, session(7, mutation=add))
    assert breaking(findings) == []
    assert {one.label for one in findings if one.id == "event/unknown-label"} == {"agent_progress", "bye"}


def every(label: str, change: Callable[[dict[str, object]], dict[str, object]]) -> Mutation:
    def mutate(sent: list[Sent], chance: random.Random) -> list[Sent]:
        return [Sent(one.direction, change(dict(one.body))) if one.label == label else one for one in sent]

    return mutate


def renamed(old: str, new: str) -> Callable[[dict[str, object]], dict[str, object]]:
    return lambda body: {new if key == old else key: value for key, value in body.items()}


def without(label: str) -> Mutation:
    """Drop one event."""

    def mutate(sent: list[Sent], chance: random.Random) -> list[Sent]:
        place = pick(sent, label, chance)
        return sent[:place] + sent[place + 1 :]

    return mutate


def without_any(label: str) -> Mutation:
    return lambda sent, chance: [one for one in sent if one.label != label]


def doubled(label: str) -> Mutation:
    def mutate(sent: list[Sent], chance: random.Random) -> list[Sent]:
        place = pick(sent, label, chance)
        return [*sent[: place + 1], sent[place], *sent[place + 1 :]]

    return mutate


def early_end(sent: list[Sent], chance: random.Random) -> list[Sent]:
    """Move agent_completed to before the last tool_completed of its run."""
    end = pick(sent, "agent_completed", chance)
    run = sent[end].body["run_id"]
    tools = [i for i, one in enumerate(sent) if one.label == "tool_completed" and one.body["run_id"] == run]
    moved = sent[:end] + sent[end + 1 :]
    moved.insert(tools[-1], sent[end])
    return moved


def late_tool(sent: list[Sent], chance: random.Random) -> list[Sent]:
    """Move the last tool_completed of a run to after agent_completed."""
    end = pick(sent, "agent_completed", chance)
    run = sent[end].body["run_id"]
    tools = [i for i, one in enumerate(sent) if one.label == "tool_completed" and one.body["run_id"] == run]
    moved = list(sent)
    tool = moved.pop(tools[-1])
    moved.insert(end, tool)
    return moved


def wrong_call(sent: list[Sent], chance: random.Random) -> list[Sent]:
    place = pick(sent, "tool_completed", chance)
    body = {**sent[place].body, "tool_call_id": an_id(chance, "call")}
    return [*sent[:place], Sent(Direction.SERVER, body), *sent[place + 1 :]]


def another_call(sent: list[Sent], chance: random.Random) -> list[Sent]:
    """Answer one tool call with the identifier of another."""
    places = [index for index, one in enumerate(sent) if one.label == "tool_completed"]
    one, two = chance.sample(places, 2)
    body = {**sent[one].body, "tool_call_id": sent[two].body["tool_call_id"]}
    return [*sent[:one], Sent(Direction.SERVER, body), *sent[one + 1 :]]


def answer_before_question(sent: list[Sent], chance: random.Random) -> list[Sent]:
    place = pick(sent, "agent_started", chance)
    moved = list(sent)
    moved[place - 1], moved[place] = moved[place], moved[place - 1]
    return moved


def silent(sent: list[Sent], chance: random.Random) -> list[Sent]:
    """The last question gets no answer at all."""
    questions = [index for index, one in enumerate(sent) if one.label == "user_message"]
    return sent[: questions[-1] + 1]


def completed_first(sent: list[Sent], chance: random.Random) -> list[Sent]:
    """A tool completes before it executes."""
    place = pick(sent, "tool_executing", chance)
    call = sent[place].body["tool_call_id"]
    done = next(
        index for index, one in enumerate(sent) if one.label == "tool_completed" and one.body["tool_call_id"] == call
    )
    moved = list(sent)
    moved[place], moved[done] = moved[done], moved[place]
    return moved


MUTANTS: dict[str, tuple[Mutation, str, str | None, str | None]] = {
    # name: mutation, id of the finding, its label, its path
    "renamed field": (
        every("tool_executing", renamed("tool", "name")),
        "payload/field-renamed",
        "tool_executing",
        "/tool",
    ),
    "renamed nested field": (
        every("agent_completed", lambda body: {**body, "usage": {"total_tokens": 3, "cost": 0.1}}),
        "payload/field-renamed",
        "agent_completed",
        "/usage/tokens",
    ),
    "missing field": (
        every("agent_started", lambda body: {k: v for k, v in body.items() if k != "model"}),
        "payload/field-missing",
        "agent_started",
        "/model",
    ),
    "integer to string": (
        every("tool_completed", lambda body: {**body, "duration_ms": str(body["duration_ms"])}),
        "payload/type-changed",
        "tool_completed",
        "/duration_ms",
    ),
    "null for an object": (
        every("agent_completed", lambda body: {**body, "usage": None}),
        "payload/type-changed",
        "agent_completed",
        "/usage",
    ),
    "renamed identifier": (
        every("tool_completed", renamed("tool_call_id", "call_id")),
        "payload/field-renamed",
        "tool_completed",
        "/tool_call_id",
    ),
    "identifier lost": (
        every("agent_thinking", lambda body: {k: v for k, v in body.items() if k != "run_id"}),
        "payload/field-missing",
        "agent_thinking",
        "/run_id",
    ),
    "start identifier lost": (
        every("agent_started", lambda body: {k: v for k, v in body.items() if k != "run_id"}),
        "payload/field-missing",
        "agent_started",
        "/run_id",
    ),
    "event renamed": (
        every("tool_completed", lambda body: {**body, "type": "tool_done"}),
        "event/renamed",
        "tool_completed",
        None,
    ),
    "end renamed": (
        every("agent_completed", lambda body: {**body, "type": "run_finished"}),
        "event/renamed",
        "agent_completed",
        None,
    ),
    "missing tool_completed": (
        without("tool_completed"),
        "sequence/alternate_succession",
        "tool_completed",
        None,
    ),
    "no tool_completed": (
        without_any("tool_completed"),
        "sequence/alternate_succession",
        "tool_completed",
        None,
    ),
    "missing tool_executing": (
        without("tool_executing"),
        "sequence/alternate_succession",
        "tool_executing",
        None,
    ),
    "missing agent_completed": (
        without("agent_completed"),
        "sequence/alternate_succession",
        "agent_completed",
        None,
    ),
    "missing agent_started": (
        without("agent_started"),
        "sequence/alternate_succession",
        "agent_started",
        None,
    ),
    "no deltas": (without_any("agent_delta"), "sequence/succession", "agent_delta", None),
    "doubled agent_completed": (
        doubled("agent_completed"),
        "sequence/alternate_succession",
        "agent_completed",
        None,
    ),
    "doubled agent_started": (
        doubled("agent_started"),
        "sequence/alternate_succession",
        "agent_started",
        None,
    ),
    "doubled tool_completed": (
        doubled("tool_completed"),
        "sequence/alternate_succession",
        "tool_completed",
        None,
    ),
    "agent_completed too early": (early_end, "sequence/end", "agent_completed", None),
    "tool_completed too late": (late_tool, "sequence/end", "agent_completed", None),
    "wrong tool_call_id": (wrong_call, "link/lost", "tool_completed", "/tool_call_id"),
    "another's tool_call_id": (another_call, "link/lost", "tool_completed", "/tool_call_id"),
    "answer before question": (
        answer_before_question,
        "sequence/alternate_succession",
        "agent_started",
        None,
    ),
    "no answer": (silent, "sequence/alternate_succession", "agent_started", None),
    "completed before executing": (
        completed_first,
        "sequence/alternate_succession",
        "tool_completed",
        None,
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_harmful_build_is_named_once(name: str) -> None:
    mutation, id_, label, path = MUTANTS[name]
    for seed in range(12):
        contract = infer([session(2000 + seed)])
        bad = session(3000 + seed, mutation=mutation, everywhere=id_ == "event/renamed" or seed % 2 == 1)
        found = breaking(check(contract, bad))
        assert [(one.id, one.label, one.path) for one in found] == [(id_, label, path)], (
            seed,
            [one.message for one in found],
        )


@pytest.mark.parametrize("label", ["agent_started", "agent_completed"])
def test_without_identifiers_the_event_to_blame_is_found_by_its_partners(label: str) -> None:
    """Question, start and end take turns; who is missing shows in who came less often than both others."""

    def plain(sent: list[Sent], chance: random.Random) -> list[Sent]:
        keep = ("user_message", "agent_started", "agent_completed")
        return [Sent(one.direction, {"type": one.label}) for one in sent if one.label in keep]

    def missing(sent: list[Sent], chance: random.Random) -> list[Sent]:
        return without(label)(plain(sent, chance), chance)

    contract = infer([session(seed, mutation=plain, everywhere=True) for seed in range(2)])
    assert [claim.name for claim in contract.scopes] == ["connection"]
    for seed in range(8):
        found = breaking(check(contract, session(seed, connections=1, mutation=missing)))
        assert [(one.id, one.label) for one in found] == [("sequence/alternate_succession", label)]


def test_the_place_is_that_of_the_first_event_that_got_no_answer() -> None:
    contract = Contract.from_document(
        {
            **{"wstape": "contract", "version": 1, "envelope": {"name": "json", "server": "/type"}, "events": {}},
            "scopes": [{"name": "connection", "rules": [{"rule": "response", "of": ["server:ask", "server:tell"]}]}],
        }
    )
    said = [server(name) for name in ("ask", "tell", "ping", "ask", "ask")]
    (found,) = breaking(check(contract, records([said])))
    assert (found.id, found.position) == ("sequence/response", 4)


def test_one_event_that_got_none_of_its_answers_is_one_finding() -> None:
    answers = ("server:started", "server:completed")
    contract = Contract.from_document(
        {
            **{"wstape": "contract", "version": 1, "envelope": {"name": "json", "client": "/type"}, "events": {}},
            "scopes": [
                {
                    "name": "connection",
                    "rules": [{"rule": "response", "of": ["client:question", answer]} for answer in answers],
                }
            ],
        }
    )
    (found,) = breaking(check(contract, records([[client("question")]])))
    assert found.cause is not None
    assert found.cause.symbols == set(answers)


def test_binary_frames_for_the_same_json_are_one_finding() -> None:
    chance = random.Random(1)
    contract = infer([session(1)])
    good = conversation(chance, 3)
    found = breaking(check(contract, records([good], kind=Kind.BINARY)))
    assert {one.id for one in found} == {"message/kind-changed"}


def test_what_a_client_does_is_no_more_than_a_warning(contract: Contract) -> None:
    def impatient(sent: list[Sent], chance: random.Random) -> list[Sent]:
        """Ask twice before the first answer, in a shape of one's own, something that nobody knows."""
        place = pick(sent, "user_message", chance)
        odd = Sent(Direction.CLIENT, {"type": "user_message", "text": 7})
        return [*sent[: place + 1], client("dance"), odd, *sent[place + 1 :]]

    findings = check(contract, session(7, mutation=impatient))
    assert {one.id for one in findings if one.direction is Direction.CLIENT} >= {
        "payload/field-missing",
        "payload/type-changed",
        "event/unknown-label",
    }
    assert [one for one in breaking(findings) if one.direction is Direction.CLIENT] == []


def test_the_message_quotes_the_rule_the_scope_and_the_evidence(contract: Contract) -> None:
    (found,) = breaking(check(contract, session(3, mutation=without("tool_completed"))))
    assert found.message.startswith("`tool_completed` never came after `tool_executing` (tool_call_id=call_")
    assert found.message.endswith("; it did in 26 of 26 recorded scopes")
    assert found.cause is not None
    assert found.cause.kind == "missing"
    assert found.cause.symbols == {"server:tool_completed"}
