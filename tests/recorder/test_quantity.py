"""Sizes and times as users write them, and what of the traffic is chosen."""

from __future__ import annotations

import pytest

from wstape.cassettes import UsageError
from wstape.recorder import Numbers, Selection, parse_duration, parse_size
from wstape.recorder.quantity import size_in_words


@pytest.mark.parametrize(
    ("text", "size"),
    [("500", 500), ("64K", 65536), ("64 kB", 65536), ("1.5MiB", 1572864), ("2g", 2 << 30), ("1t", 1 << 40), ("7b", 7)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size("--rotate-size", text) == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("0.5", 0.5), ("15m", 900), ("1h30m", 5400), ("7d", 604800), ("1D2H3M4S", 93784)],
)
def test_times(text: str, seconds: float) -> None:
    assert parse_duration("--max-duration", text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "K", "1X", "1s1m", "ten", "0s", "1e9", "٣"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--flag .* is not a time"):
        parse_duration("--flag", text)
    with pytest.raises(UsageError, match=r"--flag .* is not a size"):
        parse_size("--flag", text)


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 kB"), (1536, "1.5 kB"), (5 << 20, "5.0 MB"), (3 << 40, "3072.0 GB")],
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert size_in_words(size) == words


def test_only_what_is_selected_gets_a_number() -> None:
    numbers = Numbers(Selection(only=("/ws/*", "/api"), connections=2))
    assert [numbers.connection(path) for path in ("/ws/a/b?x=/other", "/other?/ws/a", "/api", "/ws/c")] == [
        1,
        None,
        2,
        None,
    ]
    assert [numbers.exchange(path) for path in ("/api?q", "/api/", "/API", "/ws/")] == [1, None, None, 2]
    assert Numbers(Selection(http=False)).exchange("/") is None
    assert Numbers().connection("*") == 1
