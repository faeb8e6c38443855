"""JSON-RPC 2.0 (https://www.jsonrpc.org/specification): a response is labelled by its request's method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, cast

from ...cassettes import Direction, Message
from ..json_text import NOT_JSON, JsonArray, JsonObject
from .envelope import Payload
from .opaque import opaque_payload
from .sample import Sample, json_value

# Requests that are never answered must not fill the memory of a long recording.
MAX_OPEN_REQUESTS = 100_000


@dataclass(frozen=True, slots=True)
class JsonRpcEnvelope:
    """Requests and notifications by method, responses as ``method:result`` or ``method:error``.

    A response whose request was never seen is "?:result" or "?:error"; an object that is none of these is
    "?". The payload is the whole object; a batch gives several events.
    """

    name: ClassVar[str] = "json-rpc"

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """The share of messages that say ``"jsonrpc": "2.0"``."""
        values = [value for side in sample.values.values() for value in side]
        said = sum(1 for value in values if _is_rpc(value))
        share = said / sample.messages if sample.messages else 0.0
        return (0.95 + share / 20 if share >= 0.8 else 0.0), cls()

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, object]) -> Self:
        """There are no parameters."""
        return cls()

    def parameters(self) -> dict[str, object]:
        """Only the name."""
        return {"name": self.name}

    def open(self) -> JsonRpcReading:
        """A reading that remembers open requests."""
        return JsonRpcReading()

    def discriminator(self, direction: Direction) -> str | None:
        """Responses carry no label."""
        return None

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """The request's id. Both sides number their own requests, so each side's ids are a scope of their own."""
        response = label.endswith((":result", ":error"))
        client_asked = (direction is Direction.CLIENT) != response
        return (("id" if client_asked else "server id", "/id"),)


class JsonRpcReading:
    """One connection: pairs responses with requests by opposite direction and id."""

    def __init__(self) -> None:
        self._open: dict[tuple[Direction, str], str] = {}  # (who asked, id) -> method

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
            if _is_id(id_):
                if len(self._open) >= MAX_OPEN_REQUESTS:
                    del self._open[next(iter(self._open))]
                self._open[direction, repr(id_)] = method
            return Payload(label=method, value=entry)
        outcome = "error" if "error" in entry else "result" if "result" in entry else None
        if outcome is None:
            return Payload(label="?", value=entry)
        asker = Direction.SERVER if direction is Direction.CLIENT else Direction.CLIENT
        asked = self._open.pop((asker, repr(id_)), "?") if _is_id(id_) else "?"
        return Payload(label=f"{asked}:{outcome}", value=entry)


def _is_rpc(value: object) -> bool:
    entries = cast("JsonArray", value) if isinstance(value, list) else [value]
    return bool(entries) and all(
        isinstance(entry, dict) and cast("JsonObject", entry).get("jsonrpc") == "2.0" for entry in entries
    )


def _is_id(value: object) -> bool:
    if isinstance(value, int):  # repr() of a huge integer raises
        return not isinstance(value, bool) and value.bit_length() < 256
    return isinstance(value, (str, float))
