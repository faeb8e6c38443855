"""The live values that stand for recorded ones while a cassette is served. No I/O, no clock, no chance of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from ...cassettes import Kind, Message, dump_json
from ...cassettes.splicing import Path
from ...contracts import Envelope, Event
from ...contracts.envelopes import written
from ...contracts.json_text import NOT_JSON, parse
from ..bindings import Scalar
from ..leaves import last_key, leaves, replaced
from ..ledger import json_style
from .likeness import Echo

_LONG = 8
"""Characters from which on a value is replaced inside longer texts too; shorter ones meet by chance."""


class Freshness(Protocol):
    """Makes values anew that a server makes up on each run."""

    def fresh(self, value: object, key: str) -> object:
        """Return a new value, or the same one when it is not of that kind."""
        ...


class Values:
    """Recorded values and what stands for them, in one conversation or, as ``above``, in all."""

    def __init__(self, above: Values | None = None) -> None:
        self._above = above
        self._texts: dict[str, str] = {}
        # A number means something under its name only.
        self._numbers: dict[tuple[int, str], int] = {}

    def learn(self, echo: Echo) -> None:
        """Take a value of the client's own: where the recording echoed it, the live one is echoed."""
        recorded, live = echo.recorded, echo.live
        if isinstance(recorded, str):
            self._texts[recorded] = str(live)
        elif isinstance(live, int):
            self._numbers[recorded, echo.key] = live

    def learn_all(self, echoes: Iterable[Echo]) -> None:
        """Take several."""
        for echo in echoes:
            self.learn(echo)

    def live(self, recorded: Scalar, key: str) -> Scalar:
        """Return what stands for a recorded value now: itself when nothing else does."""
        if isinstance(recorded, int):
            return self._number(recorded, key)
        return self._text(recorded) or recorded

    def _number(self, recorded: int, key: str) -> int:
        known = self._numbers.get((recorded, key))
        if known is None:
            return self._above._number(recorded, key) if self._above is not None else recorded
        return known

    def _text(self, recorded: str) -> str | None:
        known = self._texts.get(recorded)
        return self._above._text(recorded) if known is None and self._above is not None else known

    def _long_texts(self) -> dict[str, str]:
        above = self._above._long_texts() if self._above is not None else {}
        return above | {old: new for old, new in self._texts.items() if len(old) >= _LONG}

    def fill_text(self, text: str) -> str:
        """Return a text with every long recorded value in it replaced."""
        long = self._long_texts()
        if not long:
            return text
        # All at once, the longest first: what was put in is not looked at again.
        pattern = "|".join(re.escape(old) for old in sorted(long, key=len, reverse=True))
        return re.sub(pattern, lambda match: long[match[0]], text)

    def fill_json(self, value: object) -> object:
        """Return a JSON value with every recorded value in it replaced; the same object when there is none."""
        for path, leaf in leaves(value):
            if isinstance(leaf, str):
                known = self._text(leaf)
                new: object = known if known is not None else self._filled_inside(leaf)
            elif isinstance(leaf, int) and not isinstance(leaf, bool):
                new = self._number(leaf, last_key(path))
            else:
                continue
            if new != leaf:
                value = replaced(value, path, new)
        return value

    def _filled_inside(self, text: str) -> str:
        return self.fill_text(text) if len(text) > _LONG else text

    def fill(self, payload: bytes) -> bytes:
        """Return a text payload, JSON in the spacing that it was written in, with recorded values replaced."""
        try:
            text = payload.decode("utf-8")
        except UnicodeDecodeError:
            return payload
        value = parse(text) if text[:1] in ("{", "[", '"') else NOT_JSON
        if value is NOT_JSON:
            return self.fill_text(text).encode("utf-8")
        new = self.fill_json(value)
        if new is value:
            return payload
        spacing, ascii_only = json_style(text, value)
        return dump_json(new, spacing, ascii_only=ascii_only).encode("utf-8")

    def fill_message(self, message: Message, events: Sequence[Event], envelope: Envelope) -> bytes:
        """Return the payload of a message with recorded values replaced, in whatever envelope it is.

        What the envelope cannot write stays as it was recorded, but for long values in a text.
        """
        is_text = message.kind is Kind.TEXT
        if is_text and (message.payload[:1] in (b"{", b"[", b'"') or not events):
            return self.fill(message.payload)
        changes = [dict(_changed(event.payload, self.fill_json(event.payload))) for event in events]
        filled = written(envelope, message, changes)
        return filled if filled is not None else self.fill(message.payload) if is_text else message.payload

    def refresh(self, payload: bytes, freshness: Freshness) -> None:
        """Make up anew what the server is about to issue in a payload, unless it stands for something already."""
        value = parse(payload)
        self.refresh_value(value if value is not NOT_JSON else None, freshness)

    def refresh_value(self, value: object, freshness: Freshness) -> None:
        """The same of a value."""
        for path, leaf in leaves(value):
            key = last_key(path)
            if isinstance(leaf, str) and self._text(leaf) is None:
                new = freshness.fresh(leaf, key)
                if new != leaf:
                    self._texts[leaf] = str(new)
            elif isinstance(leaf, int) and not isinstance(leaf, bool) and (leaf, key) not in self._numbers:
                new = freshness.fresh(leaf, key)
                if isinstance(new, int) and new != leaf:
                    self._numbers[leaf, key] = new


def _changed(old: object, new: object) -> Iterator[tuple[Path, Scalar]]:
    """Yield the scalars of a value that have changed in its copy."""
    if new is old:
        return
    live = dict(leaves(new))
    for path, value in leaves(old):
        there = live.get(path)
        if there != value and isinstance(there, str | int):
            yield path, there
