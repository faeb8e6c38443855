"""Binary messages of several parts, with what says how long each of them is."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise

MAX_PARTS = 10_000

Places = tuple[str, int, bool]
"""How the places of parts are written: their form and width, and whether the end of the last one is among them."""

_KERNEL_FORMS: tuple[Places, ...] = (("<Q", 8, True), (">I", 4, False))


def split_by_places(data: bytes) -> tuple[Places, list[bytes]] | None:
    """Return the parts of a message that begins with their number and places, None when it does not.

    Jupyter kernels' messages do: with 64-bit little-endian places in the v1 subprotocol, else 32-bit big-endian ones
    (https://jupyter-server.readthedocs.io/en/latest/developers/websocket-protocols.html).
    """
    for form, width, absolute in _KERNEL_FORMS:
        if len(data) < 2 * width:
            continue
        (count,) = struct.unpack_from(form, data)
        # The v1 count is of offsets, of which the last is the end; the default one is of parts.
        first = width * (count + 1)
        if not 1 <= count <= MAX_PARTS or first > len(data):
            continue
        places = list(struct.unpack_from(f"{form[0]}{count}{form[1]}", data, width))
        if not absolute:
            places.append(len(data))
        if places[0] == first and all(a <= b for a, b in pairwise(places)) and places[-1] == len(data):
            return (form, width, absolute), [data[a:b] for a, b in pairwise(places)]
    return None


def join_by_places(how: Places, parts: Sequence[bytes]) -> bytes:
    """Return the message of parts, their places written as they were."""
    form, width, absolute = how
    count = len(parts) + absolute
    places = list(accumulate(map(len, parts), initial=width * (count + 1)))[:count]
    return struct.pack(f"{form[0]}{count + 1}{form[1]}", count, *places) + b"".join(parts)


def split_by_lengths(data: bytes) -> list[bytes] | None:
    """Return parts with the length of each before it, None when one is cut short.

    The length is an integer of seven bits a byte, the lowest first, as SignalR's MessagePack protocol has it
    (https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md).
    """
    parts: list[bytes] = []
    start = 0
    while start < len(data):
        length, shift = 0, 0
        while start < len(data) and shift < 35:
            length |= (data[start] & 0x7F) << shift
            start, shift = start + 1, shift + 7
            if data[start - 1] < 0x80:
                break
        if start + length > len(data):
            return None
        parts.append(data[start : start + length])
        start += length
    return parts


def join_by_lengths(parts: Sequence[bytes]) -> bytes:
    """Return parts with the length of each before it, in as few bytes as it needs."""
    return b"".join(_length(len(part)) + part for part in parts)


def _length(number: int) -> bytes:
    digits = bytearray()
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*digits, number))
