"""The fast validator against the reference, on the official test suite and on learned contracts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing.exceptions import Unresolvable
from simulated import session

from wstape.cassettes import Direction, Kind
from wstape.contracts import Contract, ContractError, Event, infer
from wstape.contracts.payloads import PayloadChecker
from wstape.contracts.validation import compiled, fits

SUITE = Path(__file__).parent / "json_schema_test_suite"

# The reference takes any text with an "@" for an e-mail address. It decides: what it accepts is no finding.
LAX = {
    "dot before local part is not valid",
    "dot after local part is not valid",
    "two subsequent dots inside local part are not valid",
    "an invalid domain",
    "an invalid IPv4-address-literal",
}
# The reference knows no leap seconds. The fast one does, and what it accepts is not looked at again.
LEAP = {"a valid date-time with a leap second, UTC", "a valid date-time with a leap second, with minus offset"}


def reference(schema: Any) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def cases() -> Iterator[Any]:
    for path in sorted(SUITE.rglob("*.json")):
        for group in json.loads(path.read_text(encoding="utf-8")):
            schema = group["schema"] if isinstance(group["schema"], dict) else {"allOf": [group["schema"]]}
            yield pytest.param(schema, group["tests"], id=f"{path.stem}: {group['description']}")


@pytest.mark.parametrize(("schema", "tests"), list(cases()))
def test_both_decide_as_the_suite_says(schema: Any, tests: Any) -> None:
    fast = compiled(schema)
    for test in tests:
        try:
            said = reference(schema).is_valid(test["data"])
        except Unresolvable:
            assert fast is None  # it needs another document
            continue
        assert said == (test["valid"] or test["description"] in LAX) or test["description"] in LEAP
        if fast is not None:
            assert fits(fast, test["data"]) == said or test["description"] in LAX | LEAP
        else:
            assert not fits(fast, test["data"])  # left to the reference


LEARNED = infer([session(seed) for seed in range(3)])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.uuids().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
BODIES = [
    (symbol, json.loads(record.payload))
    for record in session(2)
    if hasattr(record, "payload") and getattr(record, "kind", None) is Kind.TEXT
    for symbol in [f"{record.direction.value}:{json.loads(record.payload)['type']}"]
]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(BODIES), st.data())
def test_both_agree_on_learned_contracts(body: Any, data: st.DataObject) -> None:
    symbol, payload = body
    schema: Any = LEARNED.events[symbol].payload
    for key in data.draw(st.sets(st.sampled_from(sorted(payload)), max_size=2)):
        payload = {**payload, key: data.draw(VALUES)}
        if data.draw(st.booleans()):
            del payload[key]
    assert fits(compiled(schema), payload) == reference(schema).is_valid(payload)


@pytest.mark.parametrize("value", [10**30, -(10**400), 1e308, float("inf"), float("nan"), 2**64, 0.1 + 0.2])
def test_numbers_of_any_size_are_taken_exactly(value: Any) -> None:
    contract = infer([session(1)])
    document: Any = contract.document()
    symbol = "server:tool_completed"
    document["events"][symbol]["payload"]["properties"] = {"n": {"type": "number"}}
    document["events"][symbol]["payload"]["required"] = ["n"]
    checker = PayloadChecker(Contract.from_document(document))
    for payload in ({"n": value}, {"n": str(value)}):
        checker.check(
            Event(
                connection=1,
                direction=Direction.SERVER,
                label="tool_completed",
                payload=payload,
                kind=Kind.TEXT,
                position=1,
                at_ns=0,
            )
        )
    assert [(one.id, one.count) for one in checker.findings()] == [("payload/type-changed", 1)]


@pytest.mark.parametrize("reference_", ["#/$defs/none", "#none", "#/properties/none/items"])
def test_a_reference_that_leads_nowhere_is_refused(reference_: str) -> None:
    document: Any = infer([session(1)]).document()
    document["events"]["server:welcome"]["payload"] = {"properties": {"a": {"$ref": reference_}}}
    with pytest.raises(ContractError, match=r"/payload/properties/a/\$ref: '#.*' leads nowhere"):
        Contract.from_document(document)
