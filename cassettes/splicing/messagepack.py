"""MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md): one object."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Mapping, Sequence

from .splice import MAX_DEPTH, Leaf, Path, Scalar, Value, Walk, key_text

_STR = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_BIN = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I"}
_EXT = {0xC7: ">B", 0xC8: ">H", 0xC9: ">I"}
_FIXEXT = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_ARRAY = {0xDC: ">H", 0xDD: ">I"}
_MAP = {0xDE: ">H", 0xDF: ">I"}
_INTEGERS = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
_SKIPPED = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8}  # nil, false, true, float 32 and 64, by their further bytes
_TIMESTAMP = 0xFF  # the code -1


class MessagePack:
    """One MessagePack object. ``key`` names keys that are not text.

    Strings, integers, byte strings and the data of extensions can be replaced, the last at "value" below the place of
    the extension. A value keeps the width in which the one before it was written where it fits.
    """

    def __init__(self, key: Callable[[object], str] = key_text) -> None:
        self._key = key

    def leaves(self, data: bytes) -> Sequence[Leaf]:
        """Return where strings, integers, bytes and extensions stand."""
        return _Walk(data, self._key).leaves()

    def value(self, raw: bytes) -> Scalar:
        """Return the text or number; of bytes and extensions their base64."""
        first = raw[0]
        if first in _INTEGERS:
            return struct.unpack(_INTEGERS[first], raw[1:])[0]
        if first <= 0x7F or first >= 0xE0:
            return first if first <= 0x7F else first - 256
        if first in _STR or 0xA0 <= first <= 0xBF:
            return raw[_head(first, _STR) :].decode("utf-8")
        code = 0 if first in _BIN else 1
        return base64.b64encode(raw[_head(first, _BIN | _EXT) + code :]).decode()

    def written(self, new: Value, raw: bytes) -> bytes:
        """Return the bytes of a value, of the same kind and width where that fits."""
        first = raw[0]
        if isinstance(new, float):
            raise ValueError("a number with a fraction is not put into binary data")
        if isinstance(new, int):
            return _integer(new, first)
        if first in _BIN:
            return _sized(base64.b64decode(new, validate=True), first, _BIN)
        if first in _EXT or first in _FIXEXT:
            body = base64.b64decode(new, validate=True)
            code = raw[_head(first, _EXT) : _head(first, _EXT) + 1]
            if _FIXEXT.get(first) == len(body):
                return raw[:1] + code + body
            head = _sized(body, first, _EXT)
            return head[: len(head) - len(body)] + code + body
        text = new.encode("utf-8")
        if len(text) <= 31 and first not in _STR:
            return bytes([0xA0 | len(text)]) + text
        return _sized(text, first, _STR)

    def shortcut(self, data: bytes, changes: Mapping[Path, Value]) -> bytes | None:
        """There is none: the same bytes may stand anywhere."""
        return None


def _head(first: int, forms: dict[int, str]) -> int:
    """Return how many bytes stand before the content, without an extension's code."""
    return 1 + (struct.calcsize(forms[first]) if first in forms else 0)


def _sized(content: bytes, first: int, forms: dict[int, str]) -> bytes:
    """Return content with its length before it, in the form that it had or the shortest longer one."""
    for form, width in forms.items():
        if (form >= first or first not in forms) and len(content) < 256 ** struct.calcsize(width):
            return bytes([form]) + struct.pack(width, len(content)) + content
    raise ValueError("too long")


def _integer(new: int, first: int) -> bytes:
    if first not in _INTEGERS and -32 <= new <= 127:
        return struct.pack(">b", new)
    unsigned = [form for form in _INTEGERS if form <= 0xCF]
    signed = [form for form in _INTEGERS if form > 0xCF]
    others = unsigned if new >= 0 else signed
    for form in (*([first] if first in _INTEGERS else []), *(form for form in others if form >= first), *others):
        try:
            return bytes([form]) + struct.pack(_INTEGERS[form], new)
        except struct.error:
            continue
    raise ValueError("an integer of more than 64 bits")


class _Walk(Walk):
    """One pass over an object."""

    def value(self, path: Path, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ValueError("nested too deep")
        start, first = self.at, self.data[self.at] if self.at < len(self.data) else 0xC1
        self.at += 1
        if 0x80 <= first <= 0x8F or first in _MAP:
            for _ in range(self._number(_MAP[first]) if first in _MAP else first & 0x0F):
                self.value((*path, self._name(depth)), depth + 1)
            return
        if 0x90 <= first <= 0x9F or first in _ARRAY:
            for index in range(self._number(_ARRAY[first]) if first in _ARRAY else first & 0x0F):
                self.value((*path, index), depth + 1)
            return
        if first in _SKIPPED:
            self.skip(_SKIPPED[first])
            return
        if first in _EXT or first in _FIXEXT:
            size = _FIXEXT[first] if first in _FIXEXT else self._number(_EXT[first])
            code = self._number(">B")
            self.skip(size)
            if code != _TIMESTAMP:
                self.found.append(Leaf((*path, "value"), start, self.at))
            return
        if 0xA0 <= first <= 0xBF:
            self.skip(first & 0x1F)
        elif first in _STR or first in _BIN:
            self.skip(self._number((_STR | _BIN)[first]))
        elif first in _INTEGERS:
            self.skip(struct.calcsize(_INTEGERS[first]))
        elif first == 0xC1:
            raise ValueError("not MessagePack, or cut short")
        self.found.append(Leaf(path, start, self.at))

    def _name(self, depth: int) -> str:
        raw = self.key_bytes(depth)
        if 0xA0 <= raw[0] <= 0xBF or raw[0] in _STR:
            return raw[_head(raw[0], _STR) :].decode("utf-8")
        import msgpack

        try:
            return self.key(msgpack.unpackb(raw, strict_map_key=False, timestamp=3))
        except TypeError as error:
            raise ValueError("a key that is none") from error

    def _number(self, width: str) -> int:
        start = self.at
        self.skip(struct.calcsize(width))
        return struct.unpack_from(width, self.data, start)[0]
