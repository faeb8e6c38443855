"""What a contract says of the handshake: written by a person, or taken from an AsyncAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, cast

_LISTS = ("subprotocols", "query", "headers")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeClaim:
    """Where clients connect, what the service offers them there, and what it asks of them."""

    path: str | None = None
    subprotocols: tuple[str, ...] = ()  # offered
    query: tuple[str, ...] = ()  # required parameters
    headers: tuple[str, ...] = ()  # required fields, in lower case

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> Self:
        """Read the document's member. Raises ValueError with the reason."""
        path = document.get("path")
        if path is not None and not isinstance(path, str):
            raise ValueError("path is no text")
        lists: dict[str, tuple[str, ...]] = {}
        for name in _LISTS:
            value = document.get(name, [])
            entries = cast("list[object]", value) if isinstance(value, list) else [None]
            if not all(isinstance(entry, str) for entry in entries):
                raise ValueError(f"{name} is no list of texts")
            lists[name] = tuple(cast("list[str]", entries))
        lists["headers"] = tuple(name.lower() for name in lists["headers"])
        return cls(path=path, **lists)

    def document(self) -> dict[str, object]:
        """Return the document's member, without what is empty."""
        parts = {"path": self.path, **{name: list(cast("tuple[str, ...]", getattr(self, name))) for name in _LISTS}}
        return {name: value for name, value in parts.items() if value}
