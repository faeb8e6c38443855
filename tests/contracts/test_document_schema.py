"""The schema of the document itself: what is learned satisfies it, and what makes no sense does not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conversations import CONVERSATIONS, ENDINGS
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from simulated import records, session

from wstape.contracts.inference import summarise
from wstape.contracts.updating import learned_document

FILE = Path(__file__).parents[2] / "contracts" / "contract.schema.json"
SCHEMA: Any = json.loads(FILE.read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
LEARNED: Any = learned_document(summarise([session(seed) for seed in range(3)]))


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(CONVERSATIONS, ENDINGS), min_size=1, max_size=2).filter(
        lambda services: any(sent for service in services for sent in service[0])
    )
)
def test_every_learned_contract_satisfies_it(services: Any) -> None:
    document = learned_document(summarise([records(sent, ending=ending) for sent, ending in services]))
    VALIDATOR.validate(document)  # pyright: ignore[reportUnknownMemberType]


def test_an_editor_may_find_it_by_name() -> None:
    VALIDATOR.validate({"$schema": "contract.schema.json", **LEARNED})  # pyright: ignore[reportUnknownMemberType]


def edited(change: Callable[[Any], object]) -> Any:
    document = copy.deepcopy(LEARNED)
    change(document)
    return document


STARTED = "server:agent_started"


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.pop("envelope"),
        lambda document: document.update(version=2),
        lambda document: document["events"].update(started={}),
        lambda document: document["events"][STARTED].update(kind="smoke"),
        lambda document: document["events"][STARTED].update(seen=-1),
        lambda document: document["events"][STARTED]["payload"].update(type="strin"),
        lambda document: document["events"][STARTED]["payload"].update({"x-wstape-pinned": "yes"}),
        lambda document: document["scopes"][0].pop("name"),
        lambda document: document["scopes"][0]["rules"][0].update(of=["started"]),
        lambda document: document["scopes"][0]["paths"].update({STARTED: "run_id"}),
        lambda document: document["private"].append({}),
        lambda document: document["closings"].update(client={"1000": "often"}),
        lambda document: document["state"].pop("data"),
    ],
)
def test_what_makes_no_sense_does_not(change: Callable[[Any], object]) -> None:
    assert VALIDATOR.is_valid(LEARNED)
    assert not VALIDATOR.is_valid(edited(change))


def test_each_member_of_a_learned_contract_is_described() -> None:
    assert set(LEARNED) <= set(SCHEMA["properties"])
    event = LEARNED["events"][STARTED]
    assert set(event) <= set(SCHEMA["$defs"]["event"]["properties"])
    for scope in LEARNED["scopes"]:
        assert set(scope) <= set(SCHEMA["$defs"]["scope"]["properties"])
        for rule in scope["rules"]:
            assert set(rule) <= set(SCHEMA["$defs"]["rule"]["properties"])
