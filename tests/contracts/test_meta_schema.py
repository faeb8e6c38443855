"""The fast check of schemas against the reference, on the official test suite's schemas and on broken ones."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from wstape.contracts.meta_schema import problem_of

SCHEMAS: list[dict[str, Any]] = [
    group["schema"]
    for path in sorted((Path(__file__).parent / "json_schema_test_suite").rglob("*.json"))
    for group in json.loads(path.read_text(encoding="utf-8"))
    if isinstance(group["schema"], dict)
]
ODD: tuple[Any, ...] = (None, True, -1, 1.5, "x", "[", [], [1], ["a", "a"], {}, {"a": 1}, {"[": {}}, 10**30)


def is_schema(schema: Any) -> bool:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return False
    return True


def test_the_suites_schemas_are_schemas() -> None:
    assert len(SCHEMAS) > 300
    assert [problem for schema in SCHEMAS if (problem := problem_of(schema)) is not None] == []


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_the_reference_decides(data: st.DataObject) -> None:
    schema: Any = copy.deepcopy(data.draw(st.sampled_from(SCHEMAS)))
    node: Any = schema
    while True:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(st.sampled_from(ODD))
        break
    assert (problem_of(schema) is None) == is_schema(schema)


def test_what_is_wrong_is_named_with_its_place() -> None:
    assert problem_of({"properties": {"a/b": {"type": "text"}}}) == (
        "/properties/a~1b/type",
        "'text' is not valid under any of the given schemas",
    )
