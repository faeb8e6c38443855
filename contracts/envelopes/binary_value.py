"""Binary encodings of values, MessagePack and CBOR, read as JSON values.

Bytes become base64 text (RFC 4648 section 4), moments date-times (RFC 3339), keys that are not text their JSON text.
What JSON has no word for becomes an object: an extension or a tag ``{"tag": …, "value": …}``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Set
from datetime import UTC, date, datetime
from typing import cast

from ..json_text import NOT_JSON

MAX_DEPTH = 100
MAX_BITS = 4096
"""Of an integer; JSON's readers refuse what has more than some thousand digits."""


class _RefusedError(ValueError):
    """Nested too deep, or far larger than the bytes that it was read from, by references to what is shared."""


def unpack_messagepack(data: bytes) -> object:
    """Return the value of one MessagePack object (https://github.com/msgpack/msgpack/blob/master/spec.md).

    Returns `NOT_JSON` for bytes that are none, or more than one.
    """
    import msgpack

    try:
        value: object = msgpack.unpackb(data, strict_map_key=False, timestamp=3)
        return _Reading(len(data)).value(value, 0)
    except (ValueError, TypeError, OverflowError, RecursionError, UnicodeError):
        return NOT_JSON  # msgpack's own errors are ValueErrors


def unpack_cbor(data: bytes) -> object:
    """Return the value of one CBOR data item (RFC 8949), `NOT_JSON` for bytes that are none, or more than one."""
    import io

    import cbor2

    try:
        stream = io.BytesIO(data)
        value: object = cbor2.load(stream)
        if stream.tell() < len(data):
            return NOT_JSON
        return _Reading(len(data)).value(value, 0)
    except Exception:  # noqa: BLE001
        # Some forty tags make Python objects, from dates to networks, and each refuses nonsense in its own way.
        return NOT_JSON


def key_name(key: object) -> str:
    """Return the name that a map's key has in a value that was read. Raises ValueError for one that is not read."""
    return _Reading(MAX_BITS).key(key, 0)


class _Reading:
    """Turns what a decoder made into JSON values; no more of them than there were bytes."""

    def __init__(self, size: int) -> None:
        self._left = size + 1

    def value(self, value: object, depth: int) -> object:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise _RefusedError("nested too deep")
        match value:
            case int():
                if value.bit_length() > MAX_BITS:
                    raise _RefusedError("an integer too large")
                return value
            case None | str() | float():
                return value
            case bytes() | bytearray():
                return base64.b64encode(value).decode()
            case datetime():
                moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
                return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
            case date():
                return value.isoformat()
            case Mapping():
                pairs = cast("Mapping[object, object]", value).items()
                return {self.key(key, depth): self.value(item, depth + 1) for key, item in pairs}
            case Set():
                items = (self.value(item, depth + 1) for item in cast("Set[object]", value))
                return sorted(items, key=json.dumps)
            case list() | tuple() if type(cast("object", value)).__name__ != "ExtType":
                return [self.value(item, depth + 1) for item in cast("list[object]", value)]
            case _:
                return self._special(value, depth)

    def key(self, key: object, depth: int) -> str:
        if isinstance(key, str):
            return key
        plain = self.value(key, depth + 1)
        return plain if isinstance(plain, str) else json.dumps(plain, sort_keys=True)

    def _special(self, value: object, depth: int) -> object:
        # By name: MessagePack's classes are not imported for CBOR, nor the other way round.
        match type(value).__name__:
            case "ExtType":
                tag, inner = "code", "data"
            case "CBORTag":
                tag, inner = "tag", "value"
            case "CBORSimpleValue":
                return {"simple": getattr(value, "value", None)}
            case "UndefinedType":
                return None
            case _:
                return str(value)[:1000]  # a decimal, a UUID, an address: as it is written
        return {"tag": getattr(value, tag, None), "value": self.value(getattr(value, inner, None), depth + 1)}
