"""The Chrome DevTools Protocol (https://chromedevtools.github.io/devtools-protocol/): a response is labelled by its
command's method.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Self, cast

from ...cassettes import Direction, Handshake, Message
from ..json_text import JsonObject
from .envelope import Payload, Plain
from .opaque import unread_payload
from .requests import OpenRequests
from .sample import Sample, json_value
from .writing import WholeJson

_METHOD = re.compile(r"[A-Z][A-Za-z0-9]*\.[a-z][A-Za-z0-9]*")
_KEYS = frozenset(("id", "method", "params", "result", "error", "sessionId"))


class CdpEnvelope(WholeJson, Plain):
    """Commands and events by method, responses as ``METHOD:result`` or ``METHOD:error``.

    Attached targets share the connection ("flat" sessions): commands are told apart by ``sessionId`` and ``id``. A
    response whose command was never seen is "?:result" or "?:error". The payload is the whole object.
    """

    name: ClassVar[str] = "cdp"

    @classmethod
    def fit(cls, sample: Sample) -> tuple[float, Self]:
        """The share of messages with the protocol's members; one at least must name a ``Domain.method``."""
        methods = sample.share(lambda _, value: _has_method(value))
        told = any(target.startswith("/devtools/") for target in sample.targets)
        return sample.confidence(sample.share(_conforms), told=told) if methods else 0.0, cls()

    def open(self, handshake: Handshake | None = None) -> _CdpReading:
        """A reading that remembers open commands."""
        return _CdpReading()

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """The command's id."""
        return (("id", "/id"),)


class _CdpReading:
    def __init__(self) -> None:
        self._open = OpenRequests()

    def read(self, message: Message) -> Sequence[Payload]:
        value = json_value(message)
        if not isinstance(value, dict):
            return (unread_payload(message, value),)
        entry = cast("JsonObject", value)
        method = entry.get("method")
        key = (entry.get("sessionId"), entry.get("id"))
        if isinstance(method, str):
            if "id" in entry:
                self._open.ask(message.direction, key, method)
            return (Payload(label=method, value=entry),)
        outcome = "error" if "error" in entry else "result" if "result" in entry else None
        if outcome is None:
            return (Payload(label="?", value=entry),)
        return (Payload(label=f"{self._open.answer(message.direction, key)}:{outcome}", value=entry),)


def _has_method(value: object) -> bool:
    method = cast("JsonObject", value).get("method") if isinstance(value, dict) else None
    return isinstance(method, str) and _METHOD.fullmatch(method) is not None


def _conforms(_: Message, value: object) -> bool:
    if not isinstance(value, dict):
        return False
    entry = cast("JsonObject", value)
    if not entry.keys() <= _KEYS:
        return False
    return _has_method(entry) or (isinstance(entry.get("id"), int) and ("result" in entry or "error" in entry))
