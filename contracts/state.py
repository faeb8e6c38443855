"""What learning remembers, as one line of text: plain data that is checked, compressed, and refused when damaged.

The line is base64 of a zstd frame of msgpack. A version and a checksum stand beside it in the document.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections import Counter
from collections.abc import Callable
from typing import TypeVar, cast

VERSION = 1
MAX_RAW_BYTES = 64 << 20

_T = TypeVar("_T")


def encode(plain: object) -> dict[str, object]:
    """Return plain data (None, booleans, integers, texts, lists, objects) as the ``state`` member of a document."""
    import msgpack
    import zstandard

    # Lone surrogates stand in JSON texts, so they must pass.
    raw = msgpack.packb(plain, unicode_errors="surrogatepass")
    packed = zstandard.ZstdCompressor(level=19, write_checksum=False).compress(raw)
    return {"version": VERSION, "crc32": f"{zlib.crc32(packed):08x}", "data": base64.b64encode(packed).decode("ascii")}


def decode(member: object) -> object:
    """Return the plain data in a document's ``state`` member. Raises ValueError with the reason when it holds none."""
    import msgpack
    import zstandard

    parts = mapping(member, lambda value: value)
    version = parts.get("version")
    if version != VERSION:
        raise ValueError(f"version {version!r} is not {VERSION}")
    try:
        packed = base64.b64decode(text(parts.get("data")), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if f"{zlib.crc32(packed):08x}" != parts.get("crc32"):
        raise ValueError("the checksum does not fit the data")
    try:
        # Not decompress(): it would trust the size that the frame claims.
        with zstandard.ZstdDecompressor(max_window_size=MAX_RAW_BYTES).stream_reader(packed) as reader:
            raw = reader.read(MAX_RAW_BYTES + 1)
    except zstandard.ZstdError as error:
        raise ValueError("not a zstd frame") from error
    if len(raw) > MAX_RAW_BYTES:
        raise ValueError("larger than 64 MiB")
    try:
        return msgpack.unpackb(raw, unicode_errors="surrogatepass", strict_map_key=True)
    except (msgpack.UnpackException, ValueError) as error:
        raise ValueError("not msgpack") from error


def count(value: object) -> int:
    """Return an integer that is not negative. Raises ValueError for anything else, as do all the readers here."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{type(value).__name__} where a count belongs")
    return value


def text(value: object) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise ValueError(f"{type(value).__name__} where a text belongs")
    return value


def mapping(value: object, read: Callable[[object], _T]) -> dict[str, _T]:
    """Return an object with each of its values read."""
    if not isinstance(value, dict):
        raise ValueError(f"{type(value).__name__} where an object belongs")
    return {text(key): read(item) for key, item in cast("dict[object, object]", value).items()}


def sequence(value: object, read: Callable[[object], _T]) -> list[_T]:
    """Return an array with each of its items read."""
    if not isinstance(value, list):
        raise ValueError(f"{type(value).__name__} where an array belongs")
    return [read(item) for item in cast("list[object]", value)]


def texts(value: object) -> set[str]:
    """Return an array of texts as a set."""
    return set(sequence(value, text))


def counter(value: object) -> Counter[str]:
    """Return an object of counts."""
    return Counter(mapping(value, count))


def optional(value: object, read: Callable[[object], _T]) -> _T | None:
    """Return None for None, anything else read."""
    return None if value is None else read(value)


def ordered(values: dict[str, _T] | Counter[str]) -> dict[str, _T]:
    """Return an object with its keys sorted, so that equal content gives equal bytes."""
    return {key: cast("_T", values[key]) for key in sorted(values)}
