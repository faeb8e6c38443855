"""Strategies for payloads: any JSON, objects whose keys are data, and objects that hold objects like themselves."""

from __future__ import annotations

from hypothesis import strategies as st

TEXTS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["ok", "failed", "run_1f", "run_2c", "call_7", "", "2026-01-31", "a@b.example"]),
    st.uuids().map(str),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.integers(0, 99).map(lambda number: f"https://service.test/{number}?q=%20"),
)
KEYS = st.one_of(st.sampled_from(["id", "type", "a/b", "~c", "$ref", "items"]), TEXTS)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
# Objects with few keys in common and many keys that are data: the caps are reached.
MAPS = st.dictionaries(st.integers(0, 60).map(lambda number: f"user_{number}"), SCALARS, max_size=30)
LEAVES = st.none() | st.integers(0, 3) | st.sampled_from(["x", "run_1f", ""])
NODES = st.recursive(
    st.fixed_dictionaries({"id": LEAVES}, optional={"next": LEAVES, "all": st.just([]), "kind": st.sampled_from("ab")}),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "id": LEAVES,
            "next": inner,
            "all": st.lists(inner | LEAVES, max_size=2),
            "map": st.dictionaries(st.sampled_from("123456789"), inner, max_size=3),
            "kind": st.sampled_from("ab"),
            "pair": st.tuples(inner, LEAVES).map(list),
        },
    ),
    max_leaves=8,
)
