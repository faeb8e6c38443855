"""Sizes and times as users write them."""

from __future__ import annotations

import re

from ..cassettes import UsageError

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([kmgt]?)(?:i?b)?", re.IGNORECASE)
_TIME = re.compile(r"(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+(?:\.[0-9]+)?)s?)?", re.IGNORECASE)


def parse_size(flag: str, text: str) -> int:
    """Read ``500``, ``64K``, ``100MB`` or ``1.5GiB`` as bytes; a K is 1,024. Raises UsageError."""
    match = _SIZE.fullmatch(text.strip())
    size = int(float(match[1]) * 1024 ** " kmgt".index(match[2].lower() or " ")) if match else 0
    if size <= 0:
        raise UsageError(f"{flag} {text!r} is not a size, such as 500, 64K, 100M or 1.5G")
    return size


def parse_duration(flag: str, text: str) -> float:
    """Read ``90``, ``90s``, ``15m``, ``1h30m`` or ``7d`` as seconds. Raises UsageError."""
    match = _TIME.fullmatch(text.strip())
    parts = [float(part or 0) for part in match.groups()] if match else []
    seconds = sum(part * unit for part, unit in zip(parts, (86400, 3600, 60, 1), strict=False))
    if seconds <= 0:
        raise UsageError(f"{flag} {text!r} is not a time, such as 90s, 15m, 1h30m or 7d")
    return seconds


def size_in_words(size: int) -> str:
    """A size of three digits or so: ``1.2 MB`` is 1.2 x 1,024 x 1,024 bytes."""
    if size < 1024:
        return f"{size} B"
    power = min(3, (size.bit_length() - 1) // 10)
    return f"{size / 1024**power:.1f} {' kMG'[power]}B"
