"""Two or more sides of a comparison, run in turns in one go, so that what else the machine does hits all of them."""

from __future__ import annotations

import gc
import os
import platform
import statistics
from collections.abc import Callable, Mapping

Side = Callable[[], float]
"""Runs once and returns a figure: seconds, operations a second, bytes; the same for all sides of one comparison."""


def interleaved(sides: Mapping[str, Side], *, rounds: int) -> dict[str, list[float]]:
    """Run every side ``rounds`` times, in turns; return the figures by side, round by round."""
    figures: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            gc.collect()
            figures[name].append(side())
    return figures


def report(title: str, figures: Mapping[str, list[float]], *, unit: str, against: str, scale: float = 1.0) -> None:
    """Print a table: median and spread of each side, and its ratio to ``against``.

    The ratio is the median of the rounds' own ratios, and its spread is theirs: both sides of a round met the
    same machine. ``scale`` turns figures into ``unit``.
    """
    print(f"\n{title}")
    print(f"  {'':34}{'median ' + unit:>18}{'spread':>24}{'x ' + against:>16}{'spread':>16}")
    for name, values in figures.items():
        scaled = [value * scale for value in values]
        ratios = [a / b for a, b in zip(values, figures[against], strict=True)]
        print(
            f"  {name:34}{_short(statistics.median(scaled)):>18}{_range(scaled):>24}"
            f"{_short(statistics.median(ratios)):>16}{_range(ratios):>16}"
        )


def median_ratio(figures: Mapping[str, list[float]], side: str, against: str) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(figures[side], figures[against], strict=True))


def introduce(claim: str) -> None:
    """Print the claim that a script guards, and what it is measured on."""
    print(claim.strip())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"\n{platform.python_implementation()} {platform.python_version()}, {cores} cores")


def _range(values: list[float]) -> str:
    return f"{_short(min(values))} - {_short(max(values))}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
