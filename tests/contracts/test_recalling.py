"""The way back from a learned schema to a shape: it claims the same again, and what is learned on top stays true."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from json_values import MAPS, NODES, VALUES
from jsonschema import Draft202012Validator

from wstape.contracts import Shape
from wstape.contracts.definitions import expanded
from wstape.contracts.recalling import recalled_shape
from wstape.contracts.schema import to_schema
from wstape.contracts.sharing import shared

SAMPLES = st.lists(VALUES | MAPS | NODES, min_size=1, max_size=4).map(lambda samples: samples * 9)


@settings(deadline=None, max_examples=80)
@example([{"id": None}, {"user_0": False, **{f"user_{n}": None for n in range(1, 6)}}] * 9, [{"user_0": None}] * 9)
@given(SAMPLES, SAMPLES)
def test_what_is_learned_on_top_holds_for_all(before: Any, later: Any) -> None:
    schema = shared(to_schema(Shape.of(before)))
    assume("$defs" not in expanded(schema))  # what refers to itself stays as it is: see test_carrying
    shape = recalled_shape(schema)
    Draft202012Validator.check_schema(to_schema(shape))
    both = shared(to_schema(shape.merge(Shape.of(later))))
    for sample in (*before, *later):
        assert Draft202012Validator(both).is_valid(sample), schema
