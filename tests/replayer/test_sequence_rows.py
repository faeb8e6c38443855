"""Two sequences of events beside each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wstape.cassettes import Direction, Kind
from wstape.contracts import Event
from wstape.replayer.sequence_rows import MAX_ROWS, SequenceView, lone_view, sequence_view


def events(labels: str) -> list[Event]:
    """An event for each letter; capitals are the client's."""
    return [
        Event(
            connection=1,
            direction=Direction.CLIENT if label.isupper() else Direction.SERVER,
            label=label,
            payload={},
            kind=Kind.TEXT,
            position=position,
            at_ns=0,
        )
        for position, label in enumerate(labels, 1)
    ]


def drawn(view: SequenceView | None) -> list[str]:
    assert view is not None
    return [f"{'!' if row.marked else ' '} {row.recorded} | {row.now}" for row in view.rows]


@pytest.mark.parametrize(
    ("old", "new", "blamed", "position", "rows"),
    [
        ("Asttde", "Attsde", "s", 2, ["! <- 2 s | None", "  <- 3 t x2 | <- 2 t x2", "! None | <- 4 s"]),
        ("Asde", "Asdee", "e", 5, ["  <- 3 d | <- 3 d", "  <- 4 e | <- 4 e", "! None | <- 5 e"]),
        ("Asddde", "Ase", "d", None, ["  <- 2 s | <- 2 s", "! <- 3 d x3 | None", "  <- 6 e | <- 3 e"]),
        ("Asde", "Asdf", "e", None, ["  <- 3 d | <- 3 d", "! <- 4 e | <- 4 f"]),
        ("AsdeAstde", "AsdAstd", "e", None, ["  <- 3 d | <- 3 d", "! <- 4 e | None", "  -> 5 A | -> 4 A"]),
    ],
    ids=["late", "doubled", "never", "renamed", "the first of two"],
)
def test_the_first_difference_is_marked(old: str, new: str, blamed: str, position: int | None, rows: list[str]) -> None:
    shown = drawn(sequence_view(events(old), events(new), f"server:{blamed}", position))
    start = shown.index(rows[0])
    assert shown[start : start + len(rows)] == rows
    assert sum(line.startswith("!") for line in shown) == sum(line.startswith("!") for line in rows)


def test_other_counts_are_no_difference() -> None:
    assert sequence_view(events("Attts"), events("Ats"), "server:x", None) is None


def test_where_nothing_differs_the_place_is_marked() -> None:
    view = sequence_view(events("Asde"), events("Asde"), "server:x", 3)
    assert [line for line in drawn(view) if line.startswith("!")] == ["! <- 3 d | <- 3 d"]


def test_the_event_after_which_they_part_is_told() -> None:
    view = sequence_view(events("AsBde"), events("AsB"), "server:e", None)
    assert view is not None
    assert view.parted is not None
    assert view.parted.label == "B"


def test_one_sequence_alone_has_one_side() -> None:
    view = lone_view(events("Asssde"), 4)
    assert drawn(view) == ["  None | -> 1 A", "! None | <- 2 s x3", "  None | <- 5 d", "  None | <- 6 e"]
    assert lone_view(events("Asde"), 9) is None


@given(old=st.text("abcD", max_size=40), new=st.text("abcD", max_size=40), position=st.none() | st.integers(1, 40))
def test_any_two_sequences_can_be_shown(old: str, new: str, position: int | None) -> None:
    view = sequence_view(events(old), events(new), "server:a", position)
    if view is not None:
        assert any(row.marked for row in view.rows)
        assert len(view.rows) <= MAX_ROWS + 3
    elif position is not None:
        assert position > len(new)
