"""What a person decided in a document survives what is learned later."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from simulated import Sent, records, server, session

from wstape.cassettes import Record
from wstape.contracts import Contract, ContractError
from wstape.contracts.document import dumps
from wstape.contracts.inference import summarise
from wstape.contracts.sampling import TrafficSample
from wstape.contracts.summary import Summary
from wstape.contracts.updating import Previous, learned_document

FIRST, SECOND = [session(seed) for seed in (1, 2)], [session(seed) for seed in (3, 4)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("contract") / "chat.contract.json"
    path.write_text(dumps(learned_document(summarise(FIRST))), encoding="utf-8")
    return path


def updated(written: Path, more: list[list[Record]], edit: Callable[[Any], None] = lambda document: None) -> Any:
    document = json.loads(written.read_text(encoding="utf-8"))
    edit(document)
    path = written.with_name("edited.contract.json")
    path.write_text(json.dumps(document), encoding="utf-8")
    previous = Previous.read(path)
    assert previous.summary is not None
    summary = Summary(previous.summary.envelope)
    summary.merge(previous.summary)
    for recording in more:
        part = Summary.of(recording, summary.envelope)
        part.traffic = TrafficSample.of(recording)
        summary.merge(part)
    document = learned_document(summary, previous=previous)
    Contract.from_document(document)
    return document


def test_without_an_edit_parts_are_the_whole(written: Path) -> None:
    assert dumps(updated(written, SECOND)) == dumps(learned_document(summarise([*FIRST, *SECOND])))


def test_an_edit_survives_update_after_update(written: Path) -> None:
    def edit(document: Any) -> None:
        document["events"]["server:agent_started"]["payload"]["required"].remove("model")

    once = updated(written, SECOND[:1], edit)
    path = written.with_name("once.contract.json")
    path.write_text(dumps(once), encoding="utf-8")
    twice = updated(path, SECOND[1:])
    assert twice == updated(written, SECOND, edit)
    assert "model" not in twice["events"]["server:agent_started"]["payload"]["required"]


def schema(document: Any, symbol: str, *fields: str) -> Any:
    found = document["events"][symbol]["payload"]
    for field in fields:
        found = found["properties"][field]
    return found


def connection(document: Any) -> Any:
    return document["scopes"][-1]


def rule_named(scope: Any, template: str) -> Any:
    return next(rule for rule in scope["rules"] if rule["rule"] == template)


def test_evidence_goes_on_beside_an_edit(written: Path) -> None:
    def describe(document: Any) -> None:
        schema(document, "server:tool_executing", "tool")["description"] = "which tool"
        schema(document, "server:tool_executing")["properties"]["tool"]["x-wstape-volatile"] = True
        document["events"]["server:tool_executing"]["description"] = "a tool begins"
        rule_named(connection(document), "init")["description"] = "greets"

    plain, described = updated(written, SECOND), updated(written, SECOND, describe)
    tool = schema(described, "server:tool_executing", "tool")
    assert tool.pop("description") == "which tool"
    assert tool.pop("x-wstape-volatile") is True
    assert described["events"]["server:tool_executing"].pop("description") == "a tool begins"
    assert rule_named(connection(described), "init").pop("description") == "greets"
    assert {**described, "state": 0} == {**plain, "state": 0}


def test_what_was_deleted_does_not_come_back(written: Path) -> None:
    def delete(document: Any) -> None:
        del document["events"]["server:agent_delta"]
        del schema(document, "server:tool_executing")["properties"]["tool"]["enum"]
        connection(document)["rules"] = connection(document)["rules"][1:]
        document["scopes"] = [scope for scope in document["scopes"] if scope["name"] != "run_id"]
        document["private"] = document["private"][1:]
        document["closings"]["client"].pop("1000")

    document = updated(written, SECOND, delete)
    plain = updated(written, SECOND)
    assert "server:agent_delta" not in document["events"]
    assert "enum" not in schema(document, "server:tool_executing", "tool")
    assert connection(document)["rules"] == connection(plain)["rules"][1:]
    assert [scope["name"] for scope in document["scopes"]] == ["tool_call_id", "connection"]
    assert document["private"] == plain["private"][1:]
    assert document["closings"] == {"client": {}}


def test_what_was_added_stays(written: Path) -> None:
    rule = {"rule": "response", "of": ["server:agent_started", "server:agent_completed"]}
    scope = {"name": "room", "paths": {"server:agent_started": "/model"}, "rules": []}

    def add(document: Any) -> None:
        document["scopes"][0]["rules"].insert(1, rule)
        document["scopes"].insert(1, scope)
        document["events"]["server:bye"] = {"kind": "text"}
        document["$schema"] = "contract.schema.json"
        schema(document, "server:agent_started")["properties"]["extra"] = {"type": "string"}
        schema(document, "server:agent_started", "model")["maxLength"] = 80
        schema(document, "server:tool_executing", "tool")["enum"].append("zip")

    document = updated(written, SECOND, add)
    assert document["scopes"][0]["rules"][1] == rule
    assert document["scopes"][1] == scope
    assert next(iter(document.items())) == ("$schema", "contract.schema.json")
    assert list(document["events"]) == sorted(document["events"])
    assert document["events"]["server:bye"] == {"kind": "text"}
    assert schema(document, "server:agent_started", "extra") == {"type": "string"}
    assert schema(document, "server:agent_started", "model")["maxLength"] == 80
    assert "zip" in schema(document, "server:tool_executing", "tool")["enum"]


def said(**fields: object) -> list[Record]:
    person = {"id": 1, "name": "x", "mail": "a@example.com"}
    return records([[server("said", **{"by": person, "to": person, **fields}) for _ in range(12)]])


@pytest.mark.parametrize(("first", "then"), [(said(), said(to={"id": 1, "name": "x"})), (said(to=None), said())])
def test_an_edit_stays_at_its_place_when_what_is_shared_changes(
    tmp_path: Path, first: list[Record], then: list[Record]
) -> None:
    path = tmp_path / "said.contract.json"
    path.write_text(dumps(learned_document(summarise([first]))), encoding="utf-8")
    shared = "$defs" in schema(json.loads(path.read_text(encoding="utf-8")), "server:said")

    def relax(document: Any) -> None:
        payload = schema(document, "server:said")
        by = payload["$defs"]["by"] if shared else payload["properties"]["by"]
        by["required"].remove("mail")
        by["properties"]["name"]["description"] = "as others call them"

    document = updated(path, [then], relax)
    payload = schema(document, "server:said")
    assert ("$defs" in schema(updated(path, [then]), "server:said")) is not shared
    assert "$defs" not in payload
    by = payload["properties"]["by"]
    assert by["required"] == ["id", "name"]
    assert by["properties"]["name"]["description"] == "as others call them"
    assert by["x-wstape-seen"] == 24


def test_an_edit_of_a_definition_stays_there(tmp_path: Path) -> None:
    path = tmp_path / "said.contract.json"
    path.write_text(dumps(learned_document(summarise([said()]))), encoding="utf-8")

    def relax(document: Any) -> None:
        schema(document, "server:said")["$defs"]["by"]["required"].remove("mail")

    payload = schema(updated(path, [said()], relax), "server:said")
    assert payload["$defs"]["by"]["required"] == ["id", "name"]
    assert payload["$defs"]["by"]["x-wstape-seen"] == 48


def test_streams_are_claims_like_others(written: Path) -> None:
    (before,) = json.loads(written.read_text(encoding="utf-8"))["streams"]
    (plain,) = updated(written, SECOND)["streams"]
    assert plain["seen"] > before["seen"]
    added = {"of": "server:agent_thinking", "path": "/text", "in": "run_id", "form": "text"}

    def pin(document: Any) -> None:
        document["streams"][0]["pinned"] = True
        document["streams"].append(added)

    assert updated(written, SECOND, pin)["streams"] == [{**plain, "pinned": True}, added]
    assert updated(written, SECOND, lambda document: document["streams"].clear())["streams"] == []


def other_models(_: object = None) -> list[Record]:
    """What contradicts what was learned: a tool by number, and runs that never complete."""
    sent = [
        *(server("tool_executing", tool_call_id=f"call_{n}", tool=n) for n in range(3)),
        *(server("agent_started", run_id=f"r{n}", model=None) for n in range(3)),
    ]
    return records([[*sent, Sent(sent[0].direction, {"type": "agent_started", "run_id": "r0"})]])


def test_a_pinned_claim_says_what_it_said(written: Path) -> None:
    def pin(document: Any) -> None:
        schema(document, "server:agent_started", "model")["x-wstape-pinned"] = True
        schema(document, "server:agent_started")["x-wstape-pinned"] = True
        rule_named(connection(document), "init")["pinned"] = True

    before = json.loads(written.read_text(encoding="utf-8"))
    loose, pinned = updated(written, [other_models()]), updated(written, [other_models()], pin)
    assert schema(loose, "server:agent_started", "model")["type"] == ["null", "string"]
    model = schema(pinned, "server:agent_started", "model")
    assert model["type"] == "string"
    assert model["x-wstape-seen"] == schema(loose, "server:agent_started", "model")["x-wstape-seen"]
    required = schema(before, "server:agent_started")["required"]
    assert schema(pinned, "server:agent_started")["required"] == required
    assert schema(loose, "server:agent_started")["required"] != required
    init = rule_named(connection(before), "init")
    assert {**init, "pinned": True} in connection(pinned)["rules"]
    assert not any(rule["rule"] == "init" and rule["of"] == init["of"] for rule in connection(loose)["rules"])


def test_a_claim_that_was_only_described_goes_when_it_no_longer_holds(written: Path) -> None:
    def describe(document: Any) -> None:
        rule_named(connection(document), "init")["description"] = "greets"

    init = rule_named(connection(json.loads(written.read_text(encoding="utf-8"))), "init")
    rules = connection(updated(written, [other_models()], describe))["rules"]
    assert not any(rule["rule"] == "init" and rule["of"] == init["of"] for rule in rules)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda document: document["state"].update(data="AAAA"), "/state: cannot be read: the checksum"),
        (lambda document: document.update(state=3), "/state: cannot be read: int where an object belongs"),
        (lambda document: document["state"].update(version=9), "/state: cannot be read: version 9 is not 1"),
        (lambda document: document["envelope"].update(client=None), "/envelope: changed by hand.*with --envelope"),
    ],
)
def test_a_document_that_cannot_be_learned_into_says_why(written: Path, edit: Callable[[Any], None], said: str) -> None:
    with pytest.raises(ContractError, match=said) as raised:
        updated(written, SECOND, edit)
    assert "\n" not in str(raised.value)


def test_updating_changes_nothing_that_was_given(written: Path) -> None:
    previous = Previous.read(written)
    before = copy.deepcopy((previous.document, previous.learned))
    learned_document(summarise([*FIRST, *SECOND]), previous=previous)
    assert (previous.document, previous.learned) == before
