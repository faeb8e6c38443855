"""OCPP-J, charge points talking to their central system: a result is labelled by its call's action.

Open Charge Point Protocol, JSON over WebSockets, versions 1.6 (section 4), 2.0.1 (part 4, section 4) and 2.1 (part 4,
section 4), Open Charge Alliance: a message is an array that begins with its type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self, cast

from ...cassettes import Direction, Handshake, Message
from ..json_text import JsonArray, JsonObject
from .envelope import Payload, Plain
from .opaque import unread_payload
from .requests import OpenRequests
from .sample import Sample, json_value
from .writing import Changes, placed, write_json

_CALL, _RESULT, _ERROR, _RESULT_ERROR, _SEND = 2, 3, 4, 5, 6


class OcppEnvelope(Plain):
    """Calls by action, their answers as ``ACTION:result`` or ``ACTION:error``.

    OCPP 2.1 adds an error about a result, ``ACTION:result-error``, and messages that nobody answers, by action. The
    payload names the members of the array: ``{"id": …, "payload": …}``, of an error ``{"id": …, "code": …,
    "description": …, "details": …}``.
    """

    name: ClassVar[str] = "ocpp"

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """The share of messages that are such arrays, and the subprotocol: ``ocpp1.6``, ``ocpp2.0.1``."""
        told = any(name.startswith("ocpp") for name in sample.subprotocols)
        return sample.confidence(sample.share(lambda _, value: _members(value) is not None), told=told), cls()

    def open(self, handshake: Handshake | None = None) -> _OcppReading:
        """A reading that remembers open calls."""
        return _OcppReading()

    def write(self, message: Message, changes: Sequence[Changes]) -> bytes | None:
        """Put values into the array, whose members the payload names."""
        if len(changes) != 1:
            return None
        match _members(json_value(message)):
            case None:
                places = {}
            case [kind, _, *_] if kind in (_ERROR, _RESULT_ERROR):
                places = {"id": 1, "code": 2, "description": 3, "details": 4}
            case members:
                places = {"id": 1, "payload": len(members) - 1}
        return write_json(message, placed(changes[0], places))

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """The call's id. Both sides number their own calls, so each side's ids are a scope of their own."""
        answer = label.endswith((":result", ":error"))
        client_asked = (direction is Direction.CLIENT) != answer
        return (("id" if client_asked else "server id", "/id"),)


class _OcppReading:
    def __init__(self) -> None:
        self._open = OpenRequests()

    def read(self, message: Message) -> Sequence[Payload]:
        value = json_value(message)
        members = _members(value)
        if members is None:
            return (unread_payload(message, value),)
        kind, *rest = members
        side, id_ = message.direction, rest[0]
        if kind in (_CALL, _SEND):
            action = cast("str", rest[1])
            if kind == _CALL:
                self._open.ask(side, id_, action)
            return (Payload(label=action, value={"id": id_, "payload": rest[2]}),)
        if kind == _RESULT:
            return (Payload(label=f"{self._open.answer(side, id_)}:result", value={"id": id_, "payload": rest[1]}),)
        body: JsonObject = {"id": id_, "code": rest[1], "description": rest[2], "details": rest[3]}
        # The error about a result comes from the side that had asked, when the call is closed already.
        label = "?:result-error" if kind == _RESULT_ERROR else f"{self._open.answer(side, id_)}:error"
        return (Payload(label=label, value=body),)


def _members(value: object) -> JsonArray | None:
    """Return the members of an array that is an OCPP message, or None."""
    match cast("JsonArray", value) if isinstance(value, list) else []:
        case [int() as kind, str(), str(), dict()] if kind in (_CALL, _SEND):
            return cast("JsonArray", value)
        case [int() as kind, str(), dict()] if kind == _RESULT:
            return cast("JsonArray", value)
        case [int() as kind, str(), str(), str(), dict()] if kind in (_ERROR, _RESULT_ERROR):
            return cast("JsonArray", value)
        case _:
            return None
