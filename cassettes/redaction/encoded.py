"""Secrets inside binary forms: what stands around them says how long they are, and must go on being right."""

from __future__ import annotations

import base64
from collections.abc import Callable

from ..splicing import (
    Cbor,
    MessagePack,
    Notation,
    Path,
    Scalar,
    join_by_lengths,
    join_by_places,
    splice,
    split_by_lengths,
    split_by_places,
)

_NOTATIONS: tuple[tuple[Notation, Callable[[int], bool]], ...] = (
    (MessagePack(), lambda first: 0x80 <= first <= 0x9F or 0xDC <= first <= 0xDF),
    (Cbor(), lambda first: 0x80 <= first <= 0xBF or first >> 5 == 6),
)
"""Notations, and whether a map or an array of them (or a tag) begins with a byte: a lone text is what it is."""


def redact_encoded(data: bytes, redact: Callable[[bytes], bytes]) -> bytes | None:
    """Return data with each of its texts and byte strings redacted, None when it is of no form that is known.

    Known are MessagePack and CBOR, records of MessagePack with their lengths before them (SignalR), and parts with
    their places before them (Jupyter).
    """
    divided = split_by_places(data)
    if divided is not None:
        how, parts = divided
        return join_by_places(how, [redact(part) for part in parts])
    redacted = _redacted(data, redact)
    if redacted is None and (records := split_by_lengths(data)):
        found = [record for one in records if (record := _redacted(one, redact)) is not None]
        # Without a change the lengths stay as they are written, which may be longer than need be.
        return None if len(found) < len(records) else data if found == records else join_by_lengths(found)
    return redacted


def _redacted(data: bytes, redact: Callable[[bytes], bytes]) -> bytes | None:
    for notation, begins in _NOTATIONS:
        if not data or not begins(data[0]):
            continue
        try:
            changes = _changes(data, notation, redact)
        except (ValueError, RecursionError):
            continue
        return splice(data, changes, notation)
    return None


def _changes(data: bytes, notation: Notation, redact: Callable[[bytes], bytes]) -> dict[Path, Scalar]:
    changes: dict[Path, Scalar] = {}
    for leaf in notation.leaves(data):
        raw = data[leaf.start : leaf.end]
        value = notation.value(raw)
        if not isinstance(value, str):
            continue
        is_text = value.encode() in raw
        try:
            content = value.encode() if is_text else base64.b64decode(value, validate=True)
        except ValueError:
            continue  # a tagged UUID
        redacted = redact(content)
        if redacted != content:
            changes[leaf.path] = redacted.decode() if is_text else base64.b64encode(redacted).decode()
    return changes
