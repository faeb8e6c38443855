"""Numbers of things in words."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return a number of things: ``1 secret``, ``1,200 secrets``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
