"""The contract document: stable bytes, strict loading, hand edits."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from simulated import Sent, pick, session

from wstape.cassettes import FileError
from wstape.contracts import Checker, Contract, ContractError, Severity, infer
from wstape.contracts.document import FLAT_WIDTH, dumps

PAGE = Path(__file__).parents[2] / "docs" / "contract-document.md"


@pytest.fixture(scope="module")
def contract() -> Contract:
    return infer([session(1)])


@pytest.fixture
def document(contract: Contract) -> Any:
    return json.loads(contract.dumps())


def test_the_order_of_cassettes_changes_no_byte() -> None:
    cassettes = [session(seed, connections=1 + seed % 3) for seed in range(4)]
    assert infer(cassettes).dumps() == infer(reversed(cassettes)).dumps() == infer(iter(map(iter, cassettes))).dumps()


def test_a_document_read_and_written_is_the_same_bytes(contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / "chat.contract.json"
    path.write_text(contract.dumps(), encoding="utf-8")
    assert Contract.load(path).dumps() == contract.dumps()


def test_there_is_a_claim_a_line_and_nothing_of_the_run(contract: Contract) -> None:
    text = contract.dumps()
    assert max(len(line) for line in text.splitlines() if '"expression": ' not in line) <= FLAT_WIDTH
    rules = sum(len(claim.rules) for claim in contract.scopes)
    assert len(re.findall(r'^ +\{"rule": .*\},?$', text, re.MULTILINE)) == rules
    assert "2026" not in text
    assert not re.search(r"[0-9a-f]{12}", text)


def test_a_contract_is_small_enough_to_review(contract: Contract) -> None:
    assert sum(len(claim.rules) for claim in contract.scopes) <= 25


def test_every_payload_is_a_schema_on_its_own(document: Any) -> None:
    for claim in document["events"].values():
        Draft202012Validator.check_schema(claim["payload"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_the_serializer_loses_nothing(value: object) -> None:
    assert json.loads(dumps(value)) == value


def test_a_lone_surrogate_can_be_written() -> None:
    assert json.loads(dumps({"\ud800": "é"}).encode()) == {"\ud800": "é"}


def test_the_example_on_the_page_is_a_contract() -> None:
    example, *_ = re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    contract = Contract.from_document(json.loads(example))
    assert json.loads(contract.dumps()) == json.loads(example)


def at(path: str, value: object) -> Callable[[Any], None]:
    def edit(document: Any) -> None:
        *before, last = path.split(".")
        for key in before:
            document = document[int(key) if isinstance(document, list) else key]
        document[int(last) if isinstance(document, list) else last] = value

    return edit


EVENT = "events.server:welcome"
BAD: list[tuple[Callable[[Any], None], str]] = [
    (at("wstape", "cassette"), "not a wstape contract"),
    (at("version", 2), "/version: version 2 is newer than 1; update wstape"),
    (at("version", "1"), "/version: '1' is not a version"),
    (at("version", True), "/version"),
    (at("envelope", None), "/envelope: missing"),
    (at("envelope", {"name": "morse"}), "/envelope: envelope 'morse' is not known"),
    (at("events", []), "/events: not an object"),
    (at("events.welcome", {}), "/events/welcome: 'welcome' is not an event"),
    (at(f"{EVENT}.kind", "smoke"), "/events/server:welcome/kind: 'smoke'"),
    (at(f"{EVENT}.seen", -1), "/events/server:welcome/seen: -1 is not a count"),
    (at(f"{EVENT}.payload", {"type": "strin"}), "/events/server:welcome/payload/type: not a JSON Schema"),
    (at(f"{EVENT}.payload", {"pattern": "("}), "/events/server:welcome/payload"),
    (at(f"{EVENT}.payload", {"$ref": "https://example.test/"}), "/payload/$ref: a reference out of the schema"),
    (at(f"{EVENT}.payload", {"x-wstape-seen": "many"}), "/x-wstape-seen: 'many' is not a count"),
    (at("scopes", {}), "/scopes: not an array"),
    (at("scopes.0.name", ""), "/scopes/0/name: a scope needs a name"),
    (at("scopes.0.name", "run_id"), "/scopes: two scopes have one name"),
    (at("scopes.0.paths", {"server:x": "x"}), "/scopes/0/paths/server:x: 'x' is not a JSON pointer"),
    (at("scopes.0.spans", "server:x"), "/scopes/0/spans: not an array"),
    (at("scopes.0.spans", ["resume"]), "/scopes/0/spans: 'resume' is not an event"),
    (at("scopes.0.named", "yes"), "/scopes/0/named: neither true nor false"),
    (at("scopes.0.rules", [{"rule": "never", "of": []}]), "/scopes/0/rules/0/rule: 'never' is not a rule (known: init"),
    (at("scopes.0.rules", [{"rule": "response", "of": ["server:a"]}]), "/scopes/0/rules/0/of: response takes 2"),
    (at("scopes.0.rules", [{"rule": "response", "of": ["server:a", "server:a"]}]), "/scopes/0/rules/0/of"),
    (at("scopes.0.rules", [{"rule": "init", "of": ["a"]}]), "/scopes/0/rules/0/of: 'a' is not an event"),
    (at("scopes.0.rules", [{"rule": "init", "of": ["server:a"], "pinned": 1}]), "/pinned: neither true nor false"),
    (at("closings", {"server": {"a\nb": "x"}}), "/closings/server/a\\nb: 'x' is not a count"),
    (at("closings", {"server": {"1000": "x"}}), "/closings/server/1000: 'x' is not a count"),
]


@pytest.mark.parametrize(("edit", "said"), BAD, ids=[said for _, said in BAD])
def test_a_document_that_makes_no_sense_is_refused_in_one_line(
    edit: Callable[[Any], None], said: str, document: Any, tmp_path: Path
) -> None:
    edit(document)
    path = tmp_path / "bad.contract.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(ContractError) as raised:
        Contract.load(path)
    line = str(raised.value)
    assert line.startswith(f"{path}: ")
    assert said in line
    assert "\n" not in line
    assert raised.value.exit_status == 2


@pytest.mark.parametrize("text", ["", "hello", "[]", "{", "[" * 100_000, "\x00", "1" * 5_000])
def test_what_is_no_document_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.contract.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        ContractError, match=r"^[^\n]*not (JSON|a wstape contract); name a \.contract\.json file[^\n]*$"
    ):
        Contract.load(path)


def test_a_missing_file_is_another_error(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such file"):
        Contract.load(tmp_path / "none.contract.json")
    with pytest.raises(FileError, match="is a folder"):
        Contract.load(tmp_path)


@given(st.data())
def test_any_member_may_be_anything_and_only_our_error_comes(data: st.DataObject) -> None:
    document = copy.deepcopy(_SMALL)
    place: Any = document
    while isinstance(place, (dict, list)) and place:
        key: Any = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or data.draw(st.booleans()):
            place[key] = data.draw(JSON)
            break
        place = place[key]
    said = ""
    try:
        Contract.from_document(document)
    except ContractError as error:
        said = str(error)
    assert "\n" not in said


_SMALL: Any = json.loads(infer([session(1, connections=1, turns=2)]).dumps())


def found(document: Any, mutation: Any = None) -> list[tuple[str, Severity, str | None]]:
    checker = Checker(Contract.from_document(document))
    for record in session(77, mutation=mutation):
        checker.record(record)
    return [(one.id, one.severity, one.path or one.label) for one in checker.finish() if one.severity != "info"]


def without_completed(sent: list[Sent], chance: Any) -> list[Sent]:
    place = pick(sent, "agent_completed", chance)
    return sent[:place] + sent[place + 1 :]


def without_model(sent: list[Sent], chance: Any) -> list[Sent]:
    return [Sent(one.direction, {k: v for k, v in one.body.items() if k != "model"}) for one in sent]


def test_a_deleted_rule_is_not_held(document: Any) -> None:
    for scope in document["scopes"]:
        scope["rules"] = []
    assert found(document, without_completed) == []


def test_a_deleted_event_and_scopes_load(document: Any) -> None:
    del document["events"]["server:agent_delta"]
    document["scopes"] = []
    del document["closings"], document["learned"]
    assert found(document) == []


def test_a_field_taken_out_of_required_may_be_missing(document: Any) -> None:
    assert ("payload/field-missing", Severity.BREAKING, "/model") in found(document, without_model)
    document["events"]["server:agent_started"]["payload"]["required"].remove("model")
    assert found(document, without_model) == []


def test_a_pinned_claim_gates_whatever_its_evidence(document: Any) -> None:
    def new_tool(sent: list[Sent], chance: Any) -> list[Sent]:
        return [Sent(one.direction, one.body | {"tool": "dig"} if "tool" in one.body else one.body) for one in sent]

    assert found(document, new_tool) == [("payload/enum-value", Severity.WARNING, "/tool")]
    tool = document["events"]["server:tool_executing"]["payload"]["properties"]["tool"]
    tool["x-wstape-pinned"] = True
    assert found(document, new_tool) == [("payload/enum-value", Severity.BREAKING, "/tool")]
    del tool["x-wstape-pinned"], tool["x-wstape-seen"]  # written by hand
    assert found(document, new_tool) == [("payload/enum-value", Severity.BREAKING, "/tool")]


def test_a_pinned_and_a_hand_written_rule_gate(document: Any) -> None:
    for scope in document["scopes"]:
        for rule in scope["rules"]:
            rule["seen"] = rule["scopes"] = 1
    for extra in ({"seen": 1, "scopes": 1, "pinned": True}, {}):
        rule = {"rule": "response", "of": ["server:agent_started", "server:agent_completed"]} | extra
        document["scopes"][1]["rules"] = [rule]
        assert ("sequence/response", Severity.BREAKING, "agent_completed") in found(document, without_completed)
    rule.update(seen=1, scopes=1)
    assert Severity.BREAKING not in {severity for _, severity, _ in found(document, without_completed)}


def test_a_keyword_added_by_hand_is_held(document: Any) -> None:
    document["events"]["server:tool_completed"]["payload"]["properties"]["duration_ms"]["maximum"] = 3
    del document["events"]["server:tool_completed"]["payload"]["properties"]["duration_ms"]["x-wstape-seen"]
    assert found(document) == [("payload/value-changed", Severity.BREAKING, "/duration_ms")]
