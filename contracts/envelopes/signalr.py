"""SignalR, the hub protocol: a completion is labelled by its invocation's target.

ASP.NET Core's HubProtocol.md (https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md): a
JSON handshake, then records that end in the byte 0x1e, several in one message as it happens; in the MessagePack
protocol each record is an array with its length before it, as a variable-length integer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import ClassVar, Self, cast

from ...cassettes import Direction, Handshake, Kind, Message
from ...cassettes.splicing import Json, MessagePack, splice
from ..json_text import NOT_JSON, JsonArray, JsonObject, parse
from .binary_value import key_name, unpack_messagepack
from .envelope import Payload, Plain
from .opaque import opaque_payload
from .requests import OpenRequests, other
from .sample import Sample
from .writing import Changes, placed, write_text

SEPARATOR = b"\x1e"
_INVOCATION, _ITEM, _COMPLETION, _STREAM, _CANCEL, _PING, _CLOSE, _ACK, _SEQUENCE = range(1, 10)
# Members of the MessagePack arrays, after the type; what comes after them is ignored, as the specification asks.
_MEMBERS: dict[int, tuple[str, ...]] = {
    _INVOCATION: ("headers", "invocationId", "target", "arguments", "streamIds"),
    _ITEM: ("headers", "invocationId", "item"),
    _COMPLETION: ("headers", "invocationId", "kind", "result"),
    _STREAM: ("headers", "invocationId", "target", "arguments", "streamIds"),
    _CANCEL: ("headers", "invocationId"),
    _PING: (),
    _CLOSE: ("error", "allowReconnect"),
    _ACK: ("sequenceId",),
    _SEQUENCE: ("sequenceId",),
}


class SignalrEnvelope(Plain):
    """Invocations by target, their answers as ``TARGET:item``, ``TARGET:result`` or ``TARGET:error``.

    The client gives a stream up by ``TARGET:cancel``. The handshake is ``handshake`` and ``handshake:result`` or
    ``handshake:error``; ``close`` and ``sequence`` are the protocol's own; pings and acknowledgements are no events.
    The payload is the record as the JSON protocol writes it, in the MessagePack protocol too.
    """

    name: ClassVar[str] = "signalr"

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """The share of messages that are such records; a handshake or a text record must be among them."""
        texts = any(message.kind is Kind.TEXT and message.payload.endswith(SEPARATOR) for message, _ in sample.entries)
        return sample.confidence(sample.share(_conforms)) if texts else 0.0, cls()

    def open(self, handshake: Handshake | None = None) -> _SignalrReading:
        """A reading that remembers open invocations."""
        return _SignalrReading()

    def write(self, message: Message, changes: Sequence[Changes]) -> bytes | None:
        """Put values into the records, those that are events among them."""
        read, parts = _records(message), _pieces(message)
        if read is None or parts is None:
            return write_text(changes[0]) if len(changes) == 1 and message.kind is Kind.TEXT else None
        events = [number for number, record in enumerate(read) if record.get("type") not in (_PING, _ACK)]
        if len(events) < len(changes):
            return None
        for number, change in zip(events, changes, strict=False):
            piece = _written(parts[number], read[number], change)
            if piece is None:
                return None
            parts[number] = piece
        return b"".join(parts)

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """The invocation's id. Both sides number their own, so each side's ids are a scope of their own."""
        answer = label.endswith((":item", ":result", ":error"))
        client_asked = (direction is Direction.CLIENT) != answer
        return (("invocationId" if client_asked else "server invocationId", "/invocationId"),)


class _SignalrReading:
    def __init__(self) -> None:
        self._open = OpenRequests()

    def read(self, message: Message) -> Sequence[Payload]:
        read = _records(message)
        if read is None:
            return (opaque_payload(message),)
        return [payload for record in read if (payload := self._record(message.direction, record)) is not None]

    def _record(self, side: Direction, record: JsonObject) -> Payload | None:
        id_, type_ = record.get("invocationId"), record.get("type")
        match type_:
            case 1 | 4:
                target = record.get("target")
                label = target[:200] if isinstance(target, str) else "?"
                self._open.ask(side, id_, label)
            case 2:
                # An item of a stream comes from the side that was asked, or from the one that uploads it.
                label = f"{self._open.label(other(side), id_)}:item"
            case 3:
                outcome = "error" if record.get("error") is not None else "result"
                label = f"{self._open.answer(side, id_)}:{outcome}"
            case 5:
                label = f"{self._open.label(side, id_)}:cancel"
            case 6 | 8:
                return None
            case 7:
                label = "close"
            case 9:
                label = "sequence"
            case _:
                label = "?" if "type" in record else _handshake(side, record)
        return Payload(label=label, value=record)


def _handshake(side: Direction, record: JsonObject) -> str:
    if side is Direction.CLIENT:
        return "handshake" if "protocol" in record else "?"
    return "handshake:error" if "error" in record else "handshake:result" if not record else "?"


def _records(message: Message) -> list[JsonObject] | None:
    """Return the records of a message, None when it has another form."""
    data = message.payload
    if data.endswith(SEPARATOR) and (message.kind is Kind.TEXT or data.startswith(b"{")):
        values = [parse(part) for part in data[:-1].split(SEPARATOR)]
        return cast("list[JsonObject]", values) if all(isinstance(value, dict) for value in values) else None
    if message.kind is Kind.BINARY:
        read = list(_packed(data))
        return cast("list[JsonObject]", read) if read and None not in read else None
    return None


def _packed(data: bytes) -> Iterator[JsonObject | None]:
    """Yield the records of a message of the MessagePack protocol; None, and no more, where it makes no sense."""
    for head, end in _bounds(data):
        value = unpack_messagepack(data[head:end]) if end <= len(data) else NOT_JSON
        if not isinstance(value, list) or not value:
            yield None
            return
        yield _named(cast("JsonArray", value))


def _bounds(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield where records of the MessagePack protocol begin, after their length, and where they should end."""
    start = 0
    while start < len(data):
        length, shift = 0, 0
        while start < len(data) and shift < 35:
            length |= (data[start] & 0x7F) << shift
            start, shift = start + 1, shift + 7
            if data[start - 1] < 0x80:
                break
        yield start, start + length
        start += length


def _pieces(message: Message) -> list[bytes] | None:
    """Return a message's records as they stand in it, with what divides them; None for one that is cut short."""
    data = message.payload
    if data.endswith(SEPARATOR) and (message.kind is Kind.TEXT or data.startswith(b"{")):
        return [part + SEPARATOR for part in data[:-1].split(SEPARATOR)]
    ends = [0, *(end for _, end in _bounds(data))]
    return [data[start:end] for start, end in pairwise(ends)] if ends[-1] == len(data) else None


def _written(piece: bytes, record: JsonObject, changes: Changes) -> bytes | None:
    """Return a record with other values in it, and its length before it where there is one."""
    if not changes:
        return piece
    if piece.endswith(SEPARATOR) and piece[:1] == b"{":
        text = splice(piece[:-1], changes, Json())
        return None if text is None else text + SEPARATOR
    type_ = record.get("type")
    places = {name: place for place, name in enumerate(_MEMBERS[cast("int", type_)], 1)}
    if type_ == _COMPLETION and "error" in record:
        places["error"] = places["result"]
    ((head, _),) = _bounds(piece)
    body = splice(piece[head:], placed(changes, places), MessagePack(key_name))
    return None if body is None else _length(len(body)) + body


def _length(number: int) -> bytes:
    digits = bytearray()
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*digits, number))


def _named(array: JsonArray) -> JsonObject | None:
    type_, *rest = array
    members = _MEMBERS.get(type_) if isinstance(type_, int) else None
    if members is None:
        return None
    record: JsonObject = {"type": type_}
    for name, value in zip(members, rest, strict=False):
        if value is not None and not (name in ("headers", "streamIds") and not value):
            record[name] = value
    # A completion's kind: 1 with an error, 2 with nothing, 3 with a result.
    if record.pop("kind", None) == 1 and "result" in record:
        record["error"] = record.pop("result")
    return record


def _conforms(message: Message, _: object) -> bool:
    return _records(message) is not None
