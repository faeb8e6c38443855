"""Aligning labels: the fewest edits, every index once."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from wstape.replayer.alignment import Edit, align

labels = st.lists(st.sampled_from("abcd"), max_size=14)


def longest_common(old: Sequence[str], new: Sequence[str]) -> int:
    """The length of the longest common subsequence, by the textbook table."""
    table = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i, left in enumerate(old):
        for j, right in enumerate(new):
            table[i + 1][j + 1] = table[i][j] + 1 if left == right else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


def assert_edits(edits: list[Edit], old: Sequence[str], new: Sequence[str]) -> None:
    assert [i for kind, i, _ in edits if kind != "insert"] == list(range(len(old)))
    assert [j for kind, _, j in edits if kind != "delete"] == list(range(len(new)))
    assert all(old[i] == new[j] for kind, i, j in edits if kind == "equal")


@given(old=labels, new=labels)
def test_the_edits_are_the_fewest(old: list[str], new: list[str]) -> None:
    edits = align(old, new)
    assert_edits(edits, old, new)
    assert sum(kind == "equal" for kind, _, _ in edits) == longest_common(old, new)


@given(old=labels, new=labels)
def test_beyond_the_cap_the_edits_still_turn_one_into_the_other(old: list[str], new: list[str]) -> None:
    assert_edits(align(old, new, max_differences=1), old, new)


@given(old=labels, new=labels, bound=st.integers(1, 4))
def test_a_bounded_search_goes_on_where_it_ended(old: list[str], new: list[str], bound: int) -> None:
    edits = align(old, new, max_differences=bound)
    assert_edits(edits, old, new)
    fewest = len(old) + len(new) - 2 * longest_common(old, new)
    if fewest <= bound:
        assert sum(kind != "equal" for kind, _, _ in edits) == fewest


def test_two_sequences_with_little_in_common_are_aligned_in_bounded_work() -> None:
    chance = random.Random(7)
    old = chance.choices("abcdefgh", k=20_000)
    new = [label if chance.random() < 0.7 else chance.choice("abcdefgh") for label in old]
    edits = align(old, new)
    assert_edits(edits, old, new)
    assert sum(kind == "equal" for kind, _, _ in edits) >= 0.7 * len(old)


def test_long_sequences_with_few_differences() -> None:
    old = ["a", "b", "c"] * 10_000
    new = [*old[:5000], "x", *old[5001:20000], *old[20002:]]
    edits = align(old, new)
    assert_edits(edits, old, new)
    assert sum(kind != "equal" for kind, _, _ in edits) == 4
