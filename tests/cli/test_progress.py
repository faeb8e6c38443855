"""The line that counts while work is long."""

from __future__ import annotations

import io

from wstape.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def counted(out: io.StringIO, steps: int) -> str:
    ticks = iter(range(10_000))
    with Progress("{:,} records", out, lambda: next(ticks) * 0.2) as progress:
        for _ in range(steps):
            progress.step()
    return out.getvalue()


def test_a_terminal_sees_how_far_it_is_and_a_clean_line_in_the_end() -> None:
    assert counted(Terminal(), 4096) == "\r2,048 records\x1b[K\r4,096 records\x1b[K\r\x1b[K"


def test_short_work_and_files_see_nothing() -> None:
    assert counted(Terminal(), 1500) == ""
    assert counted(io.StringIO(), 5000) == ""
