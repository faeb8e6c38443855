"""A payload over several lines: JSON indented, text as it is, binary as a dump; safe to print."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..cassettes import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.highlighter import JSONHighlighter

INDENT = "    "
_MOST_JSON = 4 << 20  # bytes of a payload that is parsed
_MOST_LINES = 10_000
_ROW = 16  # bytes in a line of a dump
_MOST_DUMPED = 4096


@dataclass(slots=True)
class Pretty:
    """How payloads are spread over lines. ``colour`` is for terminals."""

    colour: bool
    _tools: tuple[Console, JSONHighlighter] | None = field(default=None, init=False)

    def lines(self, payload: bytes, *, binary: bool) -> Iterator[str]:
        """Yield the lines of a payload, indented, without line ends."""
        text = None if binary else _text(payload)
        if text is None:
            yield from _dump(payload)
            return
        spread = _indented(text) if len(payload) <= _MOST_JSON else None
        lines = (spread or text).splitlines()
        for line in lines[:_MOST_LINES]:
            safe = printable(line)
            yield INDENT + (self._coloured(safe) if spread is not None and self.colour else safe)
        if len(lines) > _MOST_LINES:
            yield f"{INDENT}… {len(lines) - _MOST_LINES} more lines"

    def _coloured(self, line: str) -> str:
        from rich.text import Text

        if self._tools is None:
            from rich.console import Console
            from rich.highlighter import JSONHighlighter

            self._tools = (Console(force_terminal=True, color_system="standard", width=1 << 16), JSONHighlighter())
        console, highlighter = self._tools
        text = Text(line)
        highlighter.highlight(text)
        with console.capture() as captured:
            console.print(text, end="", soft_wrap=True)
        return captured.get()


def _text(payload: bytes) -> str | None:
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _indented(text: str) -> str | None:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return None


def _dump(payload: bytes) -> Iterator[str]:
    for at in range(0, min(len(payload), _MOST_DUMPED), _ROW):
        row = payload[at : at + _ROW]
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{INDENT}{at:06x}  {row.hex(' '):<{3 * _ROW - 1}}  {shown}".rstrip()
    if len(payload) > _MOST_DUMPED:
        yield f"{INDENT}… {len(payload) - _MOST_DUMPED} more bytes"
