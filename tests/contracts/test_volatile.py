"""Volatile places, found in a payload schema and marked in it."""

from __future__ import annotations

from typing import Any

import pytest
from simulated import session

from wstape.contracts import Contract, infer
from wstape.contracts.volatile import mark, volatile_places

MARKED = {"x-wstape-volatile": True}


@pytest.mark.parametrize(
    ("schema", "places"),
    [
        ({}, ()),
        (MARKED, ("",)),
        ({"properties": {"a/b": MARKED, "c~": {"properties": {"d": MARKED}}}}, ("/a~1b", "/c~0/d")),
        ({"properties": {"a": {**MARKED, "properties": {"b": MARKED}}}}, ("/a",)),
        ({"items": {"properties": {"at": MARKED}}}, ("/*/at",)),
        ({"prefixItems": [{}, MARKED], "additionalProperties": MARKED}, ("/*", "/1")),
        ({"anyOf": [{"properties": {"a": MARKED}}, {"properties": {"b": MARKED}}]}, ("/a", "/b")),
        ({"properties": {"x": {"$ref": "#/$defs/p"}}, "$defs": {"p": {"properties": {"at": MARKED}}}}, ("/x/at",)),
        ({"$ref": "#/$defs/p", "$defs": {"p": {"properties": {"p": {"$ref": "#/$defs/p"}, "at": MARKED}}}}, ("/at",)),
        ({"$ref": "#/$defs/p", "$defs": {"p": {"$ref": "#/$defs/p"}}}, ()),
        ({"$ref": "#", "properties": {"a": {"x-wstape-volatile": "yes"}}}, ()),
    ],
)
def test_places_are_found(schema: Any, places: tuple[str, ...]) -> None:
    assert volatile_places(schema) == places


def test_a_contract_tells_and_a_document_is_marked() -> None:
    document: Any = infer([session(1)]).document()
    payload = document["events"]["server:tool_completed"]["payload"]
    mark(payload, "/duration_ms")
    with pytest.raises(KeyError, match="/nowhere"):
        mark(payload, "/nowhere")
    contract = Contract.from_document(document)
    assert contract.volatile("server:tool_completed") == ("/duration_ms",)
    assert contract.volatile("server:agent_started") == contract.volatile("server:none") == ()


def test_a_place_of_many_is_marked() -> None:
    schema: Any = {
        "properties": {"many": {"items": {"$ref": "#/$defs/one"}}},
        "$defs": {"one": {"properties": {"t": {}}}},
    }
    mark(schema, "/many/*/t")
    assert volatile_places(schema) == ("/many/*/t",)
