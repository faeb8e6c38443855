"""Records as lines for people: one line a message, safe to print whatever a payload holds."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

import click

from ..cassettes import (
    Closed,
    Direction,
    End,
    Ending,
    Handshake,
    Header,
    Headers,
    HttpExchange,
    Kind,
    Message,
    Note,
    Opened,
    Record,
    printable,
)
from .pretty import Pretty

_ARROWS = {Direction.CLIENT: "->", Direction.SERVER: "<-"}
_COLOURS = {Direction.CLIENT: "cyan", Direction.SERVER: "green"}
_INDENT = "    "
_MINIMUM_ROOM = 20  # columns that a payload always gets


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How records are listed.

    ``width`` is in terminal columns; None cuts nothing. ``times`` puts the seconds since the session began in front of
    a line. ``fields`` adds the header fields of handshakes and exchanges. ``pretty`` spreads payloads and bodies over
    lines of their own.
    """

    width: int | None
    times: bool = True
    fields: bool = False
    colour: bool = False
    pretty: Pretty | None = None

    def lines(self, record: Record) -> Iterator[str]:
        """Yield the lines of one record, without line ends."""
        match record:
            case Header():
                yield from self._header(record)
            case Message():
                yield self._message(record)
                if self.pretty is not None and record.kind is not Kind.CLOSE:
                    yield from self.pretty.lines(record.payload, binary=record.kind is Kind.BINARY)
            case Opened():
                yield from self._opened(record)
            case Closed():
                by = f" by {record.by}" if record.by is not None else ""
                colour = None if record.ending is Ending.CLEAN else "red"
                yield self._line(record.at_ns, f"#{record.connection}", "--", "closed", f"{record.ending}{by}", colour)
            case HttpExchange():
                yield from self._exchange(record)
            case Note():
                about = "" if record.connection is None else f"#{record.connection}"
                colour = "red" if record.lost else "yellow"
                yield self._line(record.at_ns, about, "!!", "note", record.text, colour)
            case End():
                counts = ", ".join(
                    (
                        _count(record.connections, "connection"),
                        _count(record.messages, "message"),
                        _count(record.exchanges, "HTTP exchange"),
                    )
                )
                repaired = "; repaired, parts may be missing" if record.repaired else ""
                yield self._line(record.at_ns, "", "--", "end", counts + repaired, None)
            case _:
                assert_never(record)

    def _header(self, header: Header) -> Iterator[str]:
        rows = [
            ("target", header.target),
            ("created", header.created),
            ("wstape", header.wstape),
            ("redaction", ", ".join(header.redaction) or "off"),
            *(("note", f"{key}={header.notes[key]}") for key in sorted(header.notes)),
        ]
        for name, value in rows:
            label = f"{name:<10}"
            yield self._style(label, "bright_black") + self._cut(printable(value), len(label))
        yield ""

    def _message(self, message: Message) -> str:
        size = _size(len(message.payload))
        if message.full_size is not None:
            size = f"{size} of {_size(message.full_size)}"
        if message.kind is Kind.CLOSE:
            reason = f" {message.close_reason}" if message.close_reason else ""
            content = f"{message.close_code}{reason}"
        elif self.pretty is not None:
            content = ""
        else:
            content = self._payload(message.payload, binary=message.kind is Kind.BINARY)
        return self._line(
            message.at_ns,
            f"#{message.connection}",
            _ARROWS[message.direction],
            message.kind,
            content,
            _COLOURS[message.direction],
            size=size,
        )

    def _opened(self, record: Opened) -> Iterator[str]:
        shake = record.handshake
        outcome = _status(shake.status, shake.reason)
        subprotocol = f" ({shake.subprotocol})" if shake.subprotocol else ""
        colour = None if shake.status == 101 else "red"
        content = f"{shake.target} {outcome}{subprotocol}"
        yield self._line(record.at_ns, f"#{record.connection}", "--", "open", content, colour)
        yield from self._fields(">", shake.request_headers)
        yield from self._response(shake)

    def _response(self, shake: Handshake) -> Iterator[str]:
        yield from self._fields("<", shake.response_headers)
        yield from self._body("<", shake.response_body)

    def _exchange(self, exchange: HttpExchange) -> Iterator[str]:
        took = f" in {exchange.took_ns / 1e6:.1f} ms" if self.times else ""
        content = f"{exchange.method} {exchange.target} {_status(exchange.status, exchange.reason)}{took}"
        colour = None if 200 <= exchange.status < 400 else "red"
        yield self._line(exchange.at_ns, f"http {exchange.number}", "--", "http", content, colour)
        yield from self._fields(">", exchange.request_headers)
        yield from self._body(">", exchange.request_body)
        yield from self._fields("<", exchange.response_headers)
        yield from self._body("<", exchange.response_body)

    def _fields(self, mark: str, headers: Headers) -> Iterator[str]:
        if self.fields:
            for name, value in headers:
                yield f"{_INDENT}{mark} " + self._cut(printable(f"{name}: {value}"), len(_INDENT) + 2)

    def _body(self, mark: str, body: bytes) -> Iterator[str]:
        if not body:
            return
        label = f"{_INDENT}{mark} {_size(len(body)):>9}  "
        if self.pretty is None:
            yield label + self._cut(self._payload(body), len(label))
        else:
            yield label.rstrip()
            yield from self.pretty.lines(body, binary=False)

    def _payload(self, payload: bytes, *, binary: bool = False) -> str:
        # A payload may have a hundred megabytes; only what can be seen is decoded, at most 4 bytes a character.
        seen = payload if self.width is None else payload[: 4 * max(self.width, _MINIMUM_ROOM)]
        if binary:
            return seen.hex()
        return printable(seen.decode("utf-8", "backslashreplace"))

    def _line(
        self, at_ns: int, about: str, arrow: str, kind: str, content: str, colour: str | None, *, size: str = ""
    ) -> str:
        time = f"{at_ns / 1e9:>9.3f}  " if self.times else ""
        label = f"{about:<7}{arrow} {kind:<7}"
        size = f"{size:>9}  "
        content = self._cut(printable(content), len(time) + len(label) + len(size))
        line = self._style(time, "bright_black") + self._style(label, colour) + self._style(size, "bright_black")
        return (line + content).rstrip()

    def _cut(self, text: str, taken: int) -> str:
        if self.width is None:
            return text
        room = max(self.width - taken, _MINIMUM_ROOM)
        if text.isascii():
            return text if len(text) <= room else text[: room - 1] + "…"
        columns = 0
        fits = 0  # characters that leave a column for the ellipsis
        for index, character in enumerate(text):
            columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
            if columns < room:
                fits = index + 1
            if columns > room:
                return text[:fits] + "…"
        return text

    def _style(self, text: str, colour: str | None) -> str:
        return click.style(text, fg=colour) if self.colour and colour is not None and text else text


def _size(count: int) -> str:
    return f"{count} B"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _status(status: int, reason: str) -> str:
    return f"{status} {reason}".rstrip() if status else "no answer"
