"""Learning more into a document without state: its claims' own counts go on, and nothing is claimed that was not so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from simulated import Sent, client, records, server, session

from wstape.cassettes import Record
from wstape.contracts import Checker, Contract, ContractError, infer
from wstape.contracts.carrying import carried_on, recalled_summary
from wstape.contracts.summary import Summary
from wstape.contracts.updating import Previous, carried_document

FIRST, SECOND = [session(seed) for seed in (1, 2)], [session(seed) for seed in (3, 4)]


def learned(*recordings: list[Record]) -> Any:
    return json.loads(infer(recordings).dumps())


def learned_more(document: Any, *recordings: list[Record], envelope: str | None = None) -> Any:
    contract = Contract.from_document(document)
    more = Summary(contract.envelope if envelope is None else infer(recordings, envelope=envelope).envelope)
    for recording in recordings:
        more.merge(Summary.of(recording, more.envelope))
    made = carried_document(Previous(document=document, summary=None, learned={}, named=()), more, recordings)
    assert "state" not in made
    Contract.from_document(made)
    return made


def holds(document: Any, *recordings: list[Record]) -> bool:
    checker = Checker(Contract.from_document(document))
    for recording in recordings:
        for record in recording:
            checker.record(record)
    return not [one for one in checker.finish() if one.severity != "info"]


def test_a_document_is_recalled_as_it_was_learned() -> None:
    contract = infer(FIRST)
    base, after = carried_on(contract, Summary(contract.envelope), ())
    assert base.dumps() == contract.dumps() == after.dumps()


def test_payloads_are_those_of_learning_in_one_go() -> None:
    made, whole = learned_more(learned(*FIRST), *SECOND), learned(*FIRST, *SECOND)
    for member in ("envelope", "learned", "events", "private", "closings", "streams"):
        assert made[member] == whole[member]
    assert [scope["name"] for scope in made["scopes"]] == [scope["name"] for scope in whole["scopes"]]
    assert made["scopes"][0] == whole["scopes"][0]
    assert holds(made, *FIRST, *SECOND)


def work(*steps: str) -> list[Sent]:
    return [server(step, run_id=f"run_{n}a") for n in range(6) for step in steps]


def rules(document: Any, scope: str = "run_id") -> dict[tuple[str, str], Any]:
    found = next(one for one in document["scopes"] if one["name"] == scope)
    return {(rule["rule"], json.dumps(rule["of"])): rule for rule in found["rules"]}


def test_a_rule_that_is_broken_goes_unless_a_person_wrote_or_pinned_it() -> None:
    document = learned(records([work("started", "thought", "done")] * 3))
    before = rules(document)
    ends = [key for key in before if key[0] == "end"]
    assert ends
    runs = next(one for one in document["scopes"] if one["name"] == "run_id")
    runs["rules"].append({"rule": "precedence", "of": ["server:thought", "server:done"]})
    runs["rules"][0]["pinned"] = True
    later = records([work("thought", "started", "done", "left")] * 3)
    made = learned_more(document, later)
    after = rules(made)
    assert not any(key in after for key in ends)
    assert after[next(iter(before))]["pinned"] is True
    assert after["precedence", '["server:thought", "server:done"]'] == runs["rules"][-1]
    assert "expression" not in next(one for one in made["scopes"] if one["name"] == "run_id")


def test_what_is_new_in_order_is_not_learned() -> None:
    document = learned(records([work("started", "done")] * 3))
    made = learned_more(document, records([work("started", "done", "left")] * 3))
    assert "server:left" in made["events"]
    assert not any("left" in key[1] for key in rules(made))
    kept = rules(made)["alternate_succession", '["server:started", "server:done"]']
    assert kept["seen"] == 36


def said(**fields: object) -> list[Record]:
    return records([[server("said", **{"text": "so", "note": "x", **fields}) for _ in range(12)]] * 3)


def test_edits_stay_and_what_comes_is_learned() -> None:
    document = learned(said())
    payload = document["events"]["server:said"]["payload"]
    payload["required"].remove("note")
    payload["properties"]["text"]["description"] = "what they said"
    payload["properties"]["text"]["maxLength"] = 10
    made = learned_more(document, said(text=None, more=1))["events"]["server:said"]
    assert made["seen"] == made["payload"]["x-wstape-seen"] == 72
    assert made["payload"]["required"] == ["text", "type"]
    assert made["payload"]["properties"]["text"]["description"] == "what they said"
    assert made["payload"]["properties"]["text"]["maxLength"] == 10
    assert made["payload"]["properties"]["text"]["type"] == ["null", "string"]
    assert made["payload"]["properties"]["more"] == {"type": "integer", "x-wstape-seen": 36}


def test_what_a_person_wrote_without_evidence_stays_so() -> None:
    document = learned(said())
    document["events"]["server:said"] = {"kind": "text"}
    made = learned_more(document, said())
    assert made["events"]["server:said"] == {"kind": "text"}


def test_an_identifier_that_crosses_is_private_no_more() -> None:
    document = learned(records([work("started", "done")] * 2))
    assert document["private"] == []
    own = [[server("hi", user_id=f"user_{n}a") for _ in range(3)] for n in range(3)]
    document = learned(records(own))
    assert [one["name"] for one in document["private"]] == ["user_id"]
    shared = [[server("hi", user_id="user_9a") for _ in range(3)]] * 3
    assert learned_more(document, records(shared))["private"] == []
    assert learned_more(document, records(own))["private"][0]["connections"] == 6


def test_another_envelope_is_refused() -> None:
    with pytest.raises(ContractError, match="learn from all of them in one go"):
        learned_more(learned(*FIRST), *SECOND, envelope="opaque")


def test_a_side_that_was_silent_may_speak() -> None:
    document = learned(said())
    asked = records([[client("ask", text="so") for _ in range(12)] + [server("said", text="so", note="x")] * 12])
    summary = recalled_summary(Contract.from_document(document))
    assert summary.reads_like(infer([asked]).envelope)
    contract = Contract.from_document(document)
    _, after = carried_on(contract, Summary.of(asked, infer([asked]).envelope), [asked])
    assert after.envelope.parameters()["client"] == "/type"
    assert "client:ask" in after.events


def test_a_payload_that_refers_to_itself_stays_as_it_is() -> None:
    def reply(depth: int) -> dict[str, object]:
        return {"id": depth, "text": "so", "replies": [reply(depth - 1)] * 2 if depth else []}

    document = learned(said(thread=reply(2)))
    payload = document["events"]["server:said"]["payload"]
    assert "thread" in payload["$defs"]
    made = learned_more(document, said(thread=reply(3)))
    assert made["events"]["server:said"]["payload"] == payload
    assert made["events"]["server:said"]["seen"] == 72
