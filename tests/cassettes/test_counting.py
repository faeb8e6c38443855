"""Numbers of things in words."""

from wstape.cassettes import counted


def test_one_is_no_plural() -> None:
    assert [counted(number, "label") for number in (0, 1, 2, 1200)] == [
        "0 labels",
        "1 label",
        "2 labels",
        "1,200 labels",
    ]
