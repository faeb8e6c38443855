"""Phoenix channels: a reply is labelled by the event that it answers.

Version 2 of the serializer sends arrays of join reference, reference, topic, event and payload, and binary frames
whose first byte is their kind (https://github.com/phoenixframework/phoenix, assets/js/phoenix/serializer.js);
version 1 sends objects with these members.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self, cast

from ...cassettes import Direction, Handshake, Kind, Message
from ..json_text import NOT_JSON, JsonArray, JsonObject
from .envelope import Payload, Plain
from .opaque import unread_payload
from .requests import OpenRequests
from .sample import Sample, json_value
from .writing import Changes, placed, write_json

_MEMBERS = ("join_ref", "ref", "topic", "event", "payload")
_STATUSES = ("ok", "error", "timeout")


class PhoenixEnvelope(Plain):
    """Pushes and broadcasts by event, replies as ``EVENT:STATUS``, such as ``phx_join:ok``.

    A heartbeat and its reply are no events. The payload names the members: ``{"join_ref": …, "ref": …, "topic": …,
    "event": …, "payload": …}``; of a binary push, ``payload`` is null.
    """

    name: ClassVar[str] = "phoenix"

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """The share of messages with the five members, and ``vsn=`` in the request target, as its clients send it."""
        told = any("vsn=" in target.partition("?")[2] for target in sample.targets)
        return sample.confidence(
            sample.share(lambda message, value: _members(message, value) is not None), told=told
        ), cls()

    def open(self, handshake: Handshake | None = None) -> _PhoenixReading:
        """A reading that remembers what is to be replied to."""
        return _PhoenixReading()

    def write(self, message: Message, changes: Sequence[Changes]) -> bytes | None:
        """Put values into the members; in a binary frame into the texts before the payload."""
        if len(changes) != 1:
            return None
        value = json_value(message)
        array = cast("JsonArray", value) if isinstance(value, list) else None
        if array is not None and _members(message, array) is not None:
            return write_json(message, placed(changes[0], {name: place for place, name in enumerate(_MEMBERS)}))
        form = None if value is not NOT_JSON or message.kind is not Kind.BINARY else _form(message)
        return write_json(message, changes[0]) if form is None else _written(message.payload, form, changes[0])

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """The reference of a push, which its reply repeats, and that of the join."""
        return (("ref", "/ref"), ("join_ref", "/join_ref"))


class _PhoenixReading:
    def __init__(self) -> None:
        self._open = OpenRequests()

    def read(self, message: Message) -> Sequence[Payload]:
        value = json_value(message)
        members = _members(message, value)
        if members is None:
            return (unread_payload(message, value),)
        event, ref, side = cast("str", members["event"]), members["ref"], message.direction
        if event == "phx_reply":
            asked = self._open.answer(side, ref)
            body = members["payload"]
            status = cast("JsonObject", body).get("status") if isinstance(body, dict) else None
            if asked == "heartbeat":
                return ()
            return (Payload(label=f"{asked}:{status if status in _STATUSES else '?'}", value=members),)
        self._open.ask(side, ref, event)
        if event == "heartbeat" and members["topic"] == "phoenix":
            return ()
        return (Payload(label=event, value=members),)


def _members(message: Message, value: object) -> JsonObject | None:
    """Return the members of a message by name, or None when it is none of Phoenix'."""
    if isinstance(value, list):
        array = cast("JsonArray", value)
        return _checked(dict(zip(_MEMBERS, array, strict=True))) if len(array) == len(_MEMBERS) else None
    if isinstance(value, dict):
        entry = cast("JsonObject", value)
        if entry.keys() <= frozenset(_MEMBERS) and "payload" in entry and "ref" in entry:
            return _checked({name: entry.get(name) for name in _MEMBERS})
        return None
    return _binary(message) if message.kind is Kind.BINARY else None


def _checked(members: JsonObject) -> JsonObject | None:
    refs = all(members[name] is None or isinstance(members[name], (str, int)) for name in ("join_ref", "ref"))
    return members if refs and isinstance(members["topic"], str) and isinstance(members["event"], str) else None


def _binary(message: Message) -> JsonObject | None:
    """Return the members of a binary frame: kind, the lengths of its texts, the texts, the payload."""
    form = _form(message)
    read = None if form is None else _texts(message.payload, form)
    if read is None:
        return None
    body = None
    if "status" in read:
        read["event"], body = "phx_reply", {"status": read["status"], "response": None}
    return {**{name: read.get(name) for name in _MEMBERS}, "payload": body}


def _form(message: Message) -> tuple[str, ...] | None:
    """Return the names of the texts in a binary frame, None for one of no known kind."""
    match message.payload[:1]:
        case b"\x00" if message.direction is Direction.CLIENT:
            return "join_ref", "ref", "topic", "event"
        case b"\x00":
            return "join_ref", "topic", "event"
        case b"\x01":
            return "join_ref", "ref", "topic", "status"
        case b"\x02":
            return "topic", "event"
        case _:
            return None


def _written(data: bytes, form: Sequence[str], changes: Changes) -> bytes | None:
    """Return a binary frame with other texts in it."""
    texts = _texts(data, form)
    if texts is None or not all(len(path) == 1 and path[0] in texts for path in changes):
        return None
    body = data[1 + len(form) + sum(data[1 : 1 + len(form)]) :]
    new = [str(changes.get((name,), text)).encode() for name, text in texts.items()]
    lengths = list(map(len, new))
    return data[:1] + bytes(lengths) + b"".join(new) + body if max(lengths) < 256 else None


def _texts(data: bytes, names: Sequence[str]) -> dict[str, str] | None:
    lengths = data[1 : 1 + len(names)]
    start = 1 + len(names)
    if len(lengths) < len(names) or start + sum(lengths) > len(data):
        return None
    read: dict[str, str] = {}
    for name, length in zip(names, lengths, strict=True):
        try:
            read[name] = data[start : start + length].decode()
        except UnicodeDecodeError:
            return None
        start += length
    return read if all(read.values()) and all(text.isprintable() for text in read.values()) else None
