"""Two payloads beside each other: the lines around what a finding names, and only those."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wstape.cassettes import Direction
from wstape.contracts import SKIPPED, Finding, Row, Severity
from wstape.replayer.payload_rows import payload_rows


def finding(id: str, path: str, candidate: object = None) -> Finding:
    return Finding(
        id=id,
        severity=Severity.BREAKING,
        direction=Direction.SERVER,
        label="done",
        path=path,
        connection=1,
        position=2,
        message="",
        candidate=candidate,
    )


def drawn(rows: tuple[Row, ...]) -> list[str]:
    return [f"{'!' if row.marked else ' '} {row.recorded} | {row.now}" for row in rows]


OLD: dict[str, Any] = {
    "type": "done",
    "id": "a1",
    "answer": "yes",
    "usage": {"in": 1, "out": 2, "all": 3},
    "items": [{"price": 1}, {"price": 2}],
    "end": True,
}


@pytest.mark.parametrize(
    ("about", "new", "rows"),
    [
        (
            finding("payload/field-missing", "/answer"),
            {key: value for key, value in OLD.items() if key != "answer"},
            [
                "  … | …",
                '  "id": "a1" | "id": "a1"',
                '! "answer": "yes" | None',
                '  "usage": {"in": 1, "out": 2, "all": 3} | "usage": {"in": 1, "out": 2, "all": 3}',
                "  … | …",
            ],
        ),
        (
            finding("payload/field-renamed", "/usage/out", "/usage/sent"),
            {**OLD, "usage": {"in": 5, "sent": 6, "all": 11}},
            [
                "  … | …",
                '  "answer": "yes" | "answer": "yes"',
                '  "usage": { | "usage": {',
                '    "in": 1 |   "in": 5',
                '!   "out": 2 |   "sent": 6',
                '    "all": 3 |   "all": 11',
                '  "items": [{"price": 1}, {"price": 2}] | "items": [{"price": 1}, {"price": 2}]',
                "  … | …",
            ],
        ),
        (
            finding("payload/type-changed", "/items/*/price", "2"),
            {**OLD, "items": [{"price": 1}, {"price": "2"}]},
            [
                "  … | …",
                '  "usage": {"in": 1, "out": 2, "all": 3} | "usage": {"in": 1, "out": 2, "all": 3}',
                '  "items": [ | "items": [',
                '    [0] {"price": 1} |   [0] {"price": 1}',
                "    [1] { |   [1] {",
                '!     "price": 2 |     "price": "2"',
                '  "end": true | "end": true',
            ],
        ),
        (
            finding("payload/field-added", "/usage/cost", 9),
            {**OLD, "usage": {**OLD["usage"], "cost": 9}},
            [
                "  … | …",
                '  "answer": "yes" | "answer": "yes"',
                '  "usage": { | "usage": {',
                "  … | …",
                '    "all": 3 |   "all": 3',
                '! None |   "cost": 9',
                '  "items": [{"price": 1}, {"price": 2}] | "items": [{"price": 1}, {"price": 2}]',
                "  … | …",
            ],
        ),
    ],
    ids=["missing", "renamed in an object", "in an item of an array", "added"],
)
def test_what_stands_around_the_place_is_shown(about: Finding, new: object, rows: list[str]) -> None:
    assert drawn(payload_rows(about, OLD, new)) == rows


def test_a_payload_that_is_another_altogether_is_shown_whole() -> None:
    assert drawn(payload_rows(finding("payload/type-changed", "", "gone"), {"a": 1}, "gone")) == ['! {"a": 1} | "gone"']


def test_a_payload_alone_has_one_side() -> None:
    rows = payload_rows(finding("payload/type-changed", "/answer", 1), None, {**OLD, "answer": 1}, alone=True)
    assert [row.recorded for row in rows if row is not SKIPPED] == [None] * 3
    assert [row.now for row in rows if row.marked] == ['"answer": 1']


def test_an_item_that_lacks_a_field_is_found_among_many() -> None:
    items = [{"price": number, "name": "x"} for number in range(50)]
    del items[40]["price"]
    rows = payload_rows(finding("payload/field-missing", "/items/*/price"), {"items": items[:3]}, {"items": items})
    assert "  [40] {" in [row.now for row in rows]
    assert len(rows) < 10


def test_long_and_hostile_values_are_cut_and_escaped() -> None:
    new = {"a": "\x1b[2J" + "x" * 10_000, "b\x1b": list(range(10_000))}
    rows = payload_rows(finding("payload/type-changed", "/a", "?"), {"a": 1}, new)
    assert all(len(text) < 300 and text.isprintable() for row in rows for text in (row.recorded, row.now) if text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0", "*"]), inner),
    max_leaves=8,
)
POINTERS = st.lists(st.sampled_from(["a", "b", "0", "1", "*"]), max_size=4).map(
    lambda keys: "".join(f"/{k}" for k in keys)
)


@given(old=JSON, new=JSON, path=POINTERS, renamed=POINTERS, id_=st.sampled_from(["missing", "renamed", "added"]))
def test_any_two_payloads_can_be_shown(old: object, new: object, path: str, renamed: str, id_: str) -> None:
    rows = payload_rows(finding(f"payload/field-{id_}", path, renamed), old, new)
    assert sum(row.marked for row in rows) <= 1
    assert len(rows) < 40
