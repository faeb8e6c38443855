"""JSON-RPC 2.0 (https://www.jsonrpc.org/specification): a response is labelled by its request's method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self, cast

from ...cassettes import Direction, Handshake, Message
from ..json_text import NOT_JSON, JsonArray, JsonObject
from .envelope import Payload, Plain
from .opaque import opaque_payload
from .requests import OpenRequests
from .sample import Sample, json_value
from .writing import Changes, moved, write_json


class JsonRpcEnvelope(Plain):
    """Requests and notifications by method, responses as ``method:result`` or ``method:error``.

    A response whose request was never seen is "?:result" or "?:error"; an object that is none of these is
    "?". The payload is the whole object; a batch gives several events.
    """

    name: ClassVar[str] = "json-rpc"

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """The share of messages that say ``"jsonrpc": "2.0"``."""
        return sample.confidence(sample.share(lambda _, value: _is_rpc(value))), cls()

    def open(self, handshake: Handshake | None = None) -> JsonRpcReading:
        """A reading that remembers open requests."""
        return JsonRpcReading()

    def write(self, message: Message, changes: Sequence[Changes]) -> bytes | None:
        """Put values into the object, or into the entries of a batch."""
        if not isinstance(json_value(message), list):
            return write_json(message, changes[0]) if len(changes) == 1 else None
        entries = (moved(entry, (), (index,)) for index, entry in enumerate(changes))
        return write_json(message, {path: new for entry in entries for path, new in entry.items()})

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """The request's id. Both sides number their own requests, so each side's ids are a scope of their own."""
        response = label.endswith((":result", ":error"))
        client_asked = (direction is Direction.CLIENT) != response
        return (("id" if client_asked else "server id", "/id"),)


class JsonRpcReading:
    """One connection: pairs responses with requests by opposite direction and id."""

    def __init__(self) -> None:
        self._open = OpenRequests()

    def read(self, message: Message) -> Sequence[Payload]:
        """Return the events of a message: one, or one for each entry of a batch."""
        value = json_value(message)
        if value is NOT_JSON:
            return (opaque_payload(message),)
        if isinstance(value, list):
            return [self._entry(message.direction, entry) for entry in cast("JsonArray", value)]
        return (self._entry(message.direction, value),)

    def _entry(self, direction: Direction, value: object) -> Payload:
        if not isinstance(value, dict):
            return Payload(label="?", value=value)
        entry = cast("JsonObject", value)
        method, id_ = entry.get("method"), entry.get("id")
        if isinstance(method, str):
            self._open.ask(direction, id_, method)
            return Payload(label=method, value=entry)
        outcome = "error" if "error" in entry else "result" if "result" in entry else None
        if outcome is None:
            return Payload(label="?", value=entry)
        return Payload(label=f"{self._open.answer(direction, id_)}:{outcome}", value=entry)


def _is_rpc(value: object) -> bool:
    entries = cast("JsonArray", value) if isinstance(value, list) else [value]
    return bool(entries) and all(
        isinstance(entry, dict) and cast("JsonObject", entry).get("jsonrpc") == "2.0" for entry in entries
    )
