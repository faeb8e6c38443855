"""Conversations of a few labels and identifiers, in any order: what no service does, and a contract must survive."""

from __future__ import annotations

from hypothesis import strategies as st
from simulated import Sent

from wstape.cassettes import Direction, Ending

LABELS = st.sampled_from(["hello", "begun", "step", "piece", "done", "failed", "ping"])
IDS = st.sampled_from(["job_1", "job_2", "job_3", "job_44"])
BODIES = st.fixed_dictionaries(
    {"type": LABELS},
    optional={
        "job_id": IDS,
        "n": st.integers(0, 5) | st.floats(0, 1) | st.none(),
        "data": st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=3), max_size=2),
        "items": st.lists(st.integers(0, 3) | IDS, max_size=3),
    },
)
EVENTS = st.builds(Sent, st.sampled_from(list(Direction)), BODIES)
CONVERSATIONS = st.lists(st.lists(EVENTS, max_size=14), min_size=1, max_size=4)
ENDINGS = st.sampled_from([Ending.CLEAN, Ending.RESET, Ending.CUT])
