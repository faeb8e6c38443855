"""SignalR, the hub protocol: a completion is labelled by its invocation's target.

ASP.NET Core's HubProtocol.md (https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md): a
JSON handshake, then records that end in the byte 0x1e, several in one message as it happens; in the MessagePack
protocol each record is an array with its length before it, as a variable-length integer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self, cast

from ...cassettes import Direction, Handshake, Kind, Message
from ...cassettes.splicing import Json, MessagePack, join_by_lengths, splice, split_by_lengths
from ..json_text import JsonArray, JsonObject, parse
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
        read = _records(message)
        if read is None:
            return write_text(changes[0]) if len(changes) == 1 and message.kind is Kind.TEXT else None
        events = [number for number, record in enumerate(read) if record.get("type") not in (_PING, _ACK)]
        if len(events) < len(changes):
            return None
        by_record = dict(zip(events, changes, strict=False))
        return _written(message, read, {number: change for number, change in by_record.items() if change})

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
    if _is_text(message):
        values = [parse(part) for part in message.payload[:-1].split(SEPARATOR)]
        return cast("list[JsonObject]", values) if all(isinstance(value, dict) for value in values) else None
    return _packed(message.payload) if message.kind is Kind.BINARY else None


def _is_text(message: Message) -> bool:
    data = message.payload
    return data.endswith(SEPARATOR) and (message.kind is Kind.TEXT or data.startswith(b"{"))


def _packed(data: bytes) -> list[JsonObject] | None:
    """Return the records of a message of the MessagePack protocol, None where it makes no sense."""
    parts = split_by_lengths(data)
    if not parts:
        return None
    read: list[JsonObject] = []
    for part in parts:
        value = unpack_messagepack(part)
        record = _named(cast("JsonArray", value)) if isinstance(value, list) and value else None
        if record is None:
            return None
        read.append(record)
    return read


def _written(message: Message, read: Sequence[JsonObject], changes: Mapping[int, Changes]) -> bytes | None:
    """Return a message with other values in some of its records, by their number."""
    text = _is_text(message)
    parts = message.payload[:-1].split(SEPARATOR) if text else split_by_lengths(message.payload) or []
    for number, change in changes.items():
        if text:
            part = splice(parts[number], change, Json())
        else:
            part = splice(parts[number], placed(change, _places(read[number])), MessagePack(key_name))
        if part is None:
            return None
        parts[number] = part
    return b"".join(part + SEPARATOR for part in parts) if text else join_by_lengths(parts)


def _places(record: JsonObject) -> dict[str, int]:
    """Return where the members of a record stand in its array; what came of it stands where its error does."""
    type_ = cast("int", record["type"])
    places = {name: place for place, name in enumerate(_MEMBERS[type_], 1)}
    return places | {"error": places["result"]} if type_ == _COMPLETION else places


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
