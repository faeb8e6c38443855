"""CBOR (RFC 8949): one data item."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence

from .splice import MAX_DEPTH, Leaf, Path, Scalar, Value, Walk, key_text

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_INDEFINITE = 31
_BREAK = 0xFF
_UUID = 37  # https://github.com/lucas-clemente/cbor-specs/blob/master/uuid.md
_SELF_DESCRIBED = 55799
_REFERENCES = (25, 28, 29, 256)
"""Tags by which one part refers to another by its place: what is changed would move, or change twice."""


class Cbor:
    """One data item. ``key`` names keys that are not text.

    Text, integers, byte strings and tagged UUIDs can be replaced, and what stands in a tag that decoders do not know,
    at "value" below the tag's place. A value keeps the width in which the one before it was written where it fits.
    """

    def __init__(self, key: Callable[[object], str] = key_text) -> None:
        self._key = key

    def leaves(self, data: bytes) -> Sequence[Leaf]:
        """Return where text, integers, bytes and UUIDs stand."""
        return _Walk(data, self._key).leaves()

    def value(self, raw: bytes) -> Scalar:
        """Return the text or number, of bytes their base64, of a UUID how it is written."""
        match value := _decoded(raw):
            case bytes():
                return base64.b64encode(value).decode()
            case str() | int():
                return value
            case _:
                return str(value)

    def written(self, new: Value, raw: bytes) -> bytes:
        """Return the bytes of a value, of the same kind and width where that fits."""
        major, info = raw[0] >> 5, raw[0] & 0x1F
        if isinstance(new, float):
            raise ValueError("a number with a fraction is not put into binary data")
        if isinstance(new, int):
            return _headed(_UNSIGNED if new >= 0 else _NEGATIVE, new if new >= 0 else -1 - new, info)
        if major == _TAG:
            return raw[:-16] + uuid.UUID(new).bytes
        if major == _BYTES:
            body = base64.b64decode(new, validate=True)
            return _headed(_BYTES, len(body), info) + body
        text = new.encode("utf-8")
        return _headed(_TEXT, len(text), info if major == _TEXT else 0) + text

    def shortcut(self, data: bytes, changes: Mapping[Path, Value]) -> bytes | None:
        """There is none: the same bytes may stand anywhere."""
        return None


def _decoded(raw: bytes) -> object:
    import cbor2

    try:
        return cbor2.loads(raw)
    except Exception as error:
        raise ValueError("not CBOR") from error  # some forty tags make Python objects, each refuses in its own way


def _headed(major: int, number: int, info: int) -> bytes:
    """Return the head of a data item (section 3), as wide as one with that additional information where it fits."""
    for wide in (0, 24, 25, 26, 27):
        if wide < 24 and number < 24 and (info < 24 or info == _INDEFINITE):
            return bytes([major << 5 | number])
        size = 1 << (wide - 24) if wide else 0
        if wide and (wide >= info or info == _INDEFINITE) and number < 256**size:
            return bytes([major << 5 | wide]) + number.to_bytes(size)
    raise ValueError("more than 64 bits")


class _Walk(Walk):
    """One pass over a data item."""

    def value(self, path: Path, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ValueError("nested too deep")
        start = self.at
        major, number = self._head()
        match major:
            case 0 | 1:
                self.found.append(Leaf(path, start, self.at))
            case 2 | 3:
                self._string(major, number)
                self.found.append(Leaf(path, start, self.at))
            case 4:
                for index in self._items(number):
                    self.value((*path, index), depth + 1)
            case 5:
                for _ in self._items(number):
                    self.value((*path, self._name(depth)), depth + 1)
            case 6:
                self._tagged(path, start, number, depth)
            case _:
                if number is None:
                    raise ValueError("a break where none may stand")

    def _tagged(self, path: Path, start: int, tag: int | None, depth: int) -> None:
        if tag is None or tag in _REFERENCES:
            raise ValueError("a tag that cannot be kept")
        if tag == _SELF_DESCRIBED:
            self.value(path, depth + 1)
            return
        known, inner = len(self.found), self.at
        self.value((*path, "value"), depth + 1)
        if tag == _UUID:
            del self.found[known:]
            if self.at - inner == 17 and self.data[inner] == _BYTES << 5 | 16:
                self.found.append(Leaf(path, start, self.at))
            return
        # What decoders make of a tag that they know is no longer what stands in it.
        if type(_decoded(self.data[start : self.at])).__name__ != "CBORTag":
            del self.found[known:]

    def _head(self) -> tuple[int, int | None]:
        """Return major type and argument, None for "indefinite"; of floats and simple values no argument but 0."""
        if self.at >= len(self.data):
            raise ValueError("cut short")
        major, info = self.data[self.at] >> 5, self.data[self.at] & 0x1F
        self.at += 1
        if info < 24:
            return major, info
        if info == _INDEFINITE and major not in (_UNSIGNED, _NEGATIVE, _TAG):
            return major, None
        if info > 27:
            raise ValueError("reserved")
        size = 1 << (info - 24)
        self.skip(size)
        return major, int.from_bytes(self.data[self.at - size : self.at])

    def _string(self, major: int, size: int | None) -> None:
        if size is not None:
            self.skip(size)
            return
        while not self._break():
            chunk, size = self._head()
            if chunk != major or size is None:
                raise ValueError("a chunk of another kind")
            self.skip(size)

    def _items(self, count: int | None) -> Iterator[int]:
        index = 0
        while index < count if count is not None else not self._break():
            yield index
            index += 1

    def _break(self) -> bool:
        if self.at < len(self.data) and self.data[self.at] == _BREAK:
            self.at += 1
            return True
        return False

    def _name(self, depth: int) -> str:
        return self.key(_decoded(self.key_bytes(depth)))
