"""Jupyter kernels: messages are labelled by their type, and joined by the request that they belong to.

The messaging protocol: https://jupyter-client.readthedocs.io/en/stable/messaging.html. Over WebSockets
(https://jupyter-server.readthedocs.io/en/latest/developers/websocket-protocols.html) a message is one JSON object, with
buffers a binary one of big-endian 32-bit offsets before its parts; under the subprotocol
``v1.kernel.websocket.jupyter.org`` all are binary, with little-endian 64-bit offsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self, cast

from ...cassettes import Direction, Handshake, Kind, Message
from ...cassettes.splicing import Json, Path, Value, join_by_places, splice, split_by_places
from ..json_text import NOT_JSON, JsonObject, parse
from .envelope import Payload, Plain
from .opaque import unread_payload
from .sample import Sample, json_value
from .writing import Changes, write_json

SUBPROTOCOL = "v1.kernel.websocket.jupyter.org"
_PARTS = ("header", "parent_header", "metadata", "content")


class JupyterEnvelope(Plain):
    """Messages by ``header.msg_type``. A reply's ``parent_header.msg_id`` is its request's ``header.msg_id``.

    The payload is the JSON form in both subprotocols: header, parent_header, metadata, content, channel, and buffers,
    each of them null.
    """

    name: ClassVar[str] = "jupyter"

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """The share of messages with the parts of a kernel message, and the subprotocol or path."""
        told = SUBPROTOCOL in sample.subprotocols or any("/api/kernels/" in target for target in sample.targets)
        share = sample.share(lambda message, value: _label(_message(message, value)) is not None)
        return sample.confidence(share, told=told), cls()

    def open(self, handshake: Handshake | None = None) -> Self:
        """Nothing is remembered, so the envelope is its own reading."""
        return self

    def read(self, message: Message) -> Sequence[Payload]:
        """One event a message."""
        value = _message(message, json_value(message))
        label = _label(value)
        return (unread_payload(message, value) if label is None else Payload(label=label, value=value),)

    def write(self, message: Message, changes: Sequence[Changes]) -> bytes | None:
        """Put values into the parts; the places of the parts in a binary message follow."""
        if len(changes) != 1:
            return None
        if message.kind is not Kind.BINARY or json_value(message) is not NOT_JSON:
            return write_json(message, changes[0])
        divided = split_by_places(message.payload)
        if divided is None:
            return None
        form, parts = divided
        new = list(parts)
        for number, inner in _by_part(parts, changes[0]).items():
            piece = splice(parts[number], inner, Json())
            if piece is None:
                return None
            new[number] = piece
        return join_by_places(form, new)

    def discriminator(self, direction: Direction) -> str | None:
        """Both sides label alike."""
        return "/header/msg_type"

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """The id of the request. A kernel numbers its own messages; its requests are answered in the same way."""
        own, others = ("msg_id", "kernel msg_id")
        if direction is Direction.SERVER:
            own, others = others, own
        return ((own, "/header/msg_id"), (own, "/msg_id"), (others, "/parent_header/msg_id"))


def _label(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    message = cast("JsonObject", value)
    header = message.get("header")
    if not isinstance(header, dict) or not all(isinstance(message.get(part), dict) for part in _PARTS[2:]):
        return None
    header = cast("JsonObject", header)
    label = header.get("msg_type")
    return label[:200] if isinstance(label, str) and isinstance(header.get("msg_id"), str) else None


def _message(message: Message, value: object) -> object:
    """Return a message in its JSON form, or the value given when it is none of Jupyter's binary ones."""
    if value is not NOT_JSON or message.kind is not Kind.BINARY:
        return value
    divided = split_by_places(message.payload)
    read = _from_parts(divided[1]) if divided else None
    return NOT_JSON if read is None else read


def _by_part(parts: Sequence[bytes], changes: Changes) -> dict[int, dict[Path, Value]]:
    """Return changes by the part that they fall into. The channel's name is none that could change."""
    if not _is_v1(parts):
        return {0: dict(changes)}
    found: dict[int, dict[Path, Value]] = {}
    for path, new in changes.items():
        number = _PARTS.index(str(path[0])) + 1 if path and path[0] in _PARTS else 0
        found.setdefault(number, {})[path[1:]] = new
    return found


def _is_v1(parts: Sequence[bytes]) -> bool:
    """Tell whether parts are those of the v1 subprotocol: the channel's name, four objects, buffers."""
    return len(parts) >= 5 and parts[0][:1] != b"{"


def _from_parts(parts: Sequence[bytes]) -> JsonObject | None:
    if _is_v1(parts):
        values = [parse(part) for part in parts[1:5]]
        read: JsonObject = dict(zip(_PARTS, values, strict=True))
        read["channel"] = parts[0].decode("utf-8", "replace")
        read["buffers"] = [None] * (len(parts) - 5)
        return read
    value = parse(parts[0])
    return {**cast("JsonObject", value), "buffers": [None] * (len(parts) - 1)} if isinstance(value, dict) else None
