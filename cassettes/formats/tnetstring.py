"""Typed netstrings, in which mitmproxy writes its flows: ``LENGTH:DATA`` and a letter for the type.

The dialect of mitmproxy: ``,`` is bytes, ``;`` is text, ``#`` a whole number, ``^`` a float, ``!`` a truth value, ``~``
nothing, ``]`` a list and ``}`` a dictionary whose keys are bytes or text. mitmproxy is the only one that still keeps a
reader of it, inside itself.
"""

from __future__ import annotations

from typing import BinaryIO

from .json_value import well_formed

MAX_DEPTH = 32
_MAX_DIGITS = 12
_SCALAR = 32  # bytes of a number as text


class TnetstringError(Exception):
    """Bytes that are no typed netstring; the message says why. ``cut`` is True when the file ends inside of it."""

    def __init__(self, problem: str, *, cut: bool = False) -> None:
        self.cut = cut
        super().__init__(problem)


def read_value(file: BinaryIO, size: int) -> object:
    """Return the next value of a file of ``size`` bytes; None is also what the end of the file gives.

    Raises TnetstringError.
    """
    digits = b""
    while (byte := file.read(1)) != b":":
        if not byte:
            if digits:
                raise TnetstringError("the file ends in a length", cut=True)
            return None
        digits += byte
        if not byte.isdigit() or len(digits) > _MAX_DIGITS:
            raise TnetstringError("not a flow of mitmproxy")
    if not digits:
        raise TnetstringError("not a flow of mitmproxy")
    length = int(digits)
    data = file.read(min(length, size) + 1)  # room is made for what is asked for
    if len(data) <= length:
        raise TnetstringError("the file ends inside a flow", cut=True)
    return _value(memoryview(data)[:length], data[length], MAX_DEPTH)


def _value(data: memoryview, kind: int, depth: int) -> object:
    match chr(kind):
        case ",":
            return bytes(data)
        case ";":
            return well_formed(bytes(data).decode("utf-8", "replace"))
        case "#" | "^" as letter:
            return _number(bytes(data[: _SCALAR + 1]), whole=letter == "#")
        case "!":
            return bytes(data) == b"true"
        case "~":
            return None
        case "]":
            return _list(data, depth)
        case "}":
            flat = _list(data, depth)
            if len(flat) % 2:
                raise TnetstringError("a dictionary lacks a value")
            keys = (key.decode("utf-8", "replace") if isinstance(key, bytes) else key for key in flat[::2])
            return {str(key): value for key, value in zip(keys, flat[1::2], strict=True)}
        case _:
            raise TnetstringError(f"unknown type {chr(kind)!r}")


def _number(data: bytes, *, whole: bool) -> int | float:
    try:
        if len(data) <= _SCALAR:
            return int(data) if whole else float(data)
    except ValueError:
        pass
    raise TnetstringError("a number is none")


def _list(data: memoryview, depth: int) -> list[object]:
    if depth == 0:
        raise TnetstringError(f"it is nested more than {MAX_DEPTH} deep")
    values: list[object] = []
    at = 0
    while at < len(data):
        head = bytes(data[at : at + _MAX_DIGITS + 1])
        digits, colon, _ = head.partition(b":")
        if not colon or not digits.isdigit():
            raise TnetstringError("a length is none")
        begin = at + len(digits) + 1
        end = begin + int(digits)
        if end >= len(data):
            raise TnetstringError("a value is longer than what holds it")
        values.append(_value(data[begin:end], data[end], depth - 1))
        at = end + 1
    return values
