"""What a recording tells while it goes on, in lines for a terminal. Records come redacted, and payloads stay out."""

from __future__ import annotations

from ..cassettes import Closed, End, Header, HttpExchange, Message, Note, Opened, Record, printable
from .quantity import size_in_words


class Status:
    """What a recording has come to so far."""

    def __init__(self) -> None:
        self.connections = 0
        self.open = 0
        self.messages = 0
        self.exchanges = 0
        self.size = 0  # bytes of payloads
        self._last: Record | None = None

    def add(self, record: Record) -> None:
        """Count a record."""
        match record:
            case Message():
                self.messages += 1
                self.size += len(record.payload)
            case Opened():
                self.connections += 1
                self.open += 1
            case Closed():
                self.open -= 1
            case HttpExchange():
                self.exchanges += 1
                self.size += len(record.request_body) + len(record.response_body)
            case _:
                return
        self._last = record

    def line(self) -> str:
        """All of it in one line, without its end."""
        counts = f"{self.connections:,} connections ({self.open:,} open), {self.messages:,} messages"
        if self.exchanges:
            counts += f", {self.exchanges:,} HTTP exchanges"
        last = describe(self._last) if self._last is not None else None
        return f"{counts}, {size_in_words(self.size)}" + (f"; last: {last}" if last else "")


def describe(record: Record) -> str:
    """One record in a few words."""
    match record:
        case Message():
            return f"connection {record.connection}: {record.direction} {record.kind} of {len(record.payload):,} bytes"
        case Opened():
            shake = record.handshake
            target = printable(shake.target)
            return f"connection {record.connection}: GET {target} {shake.status or 'was not answered'}"
        case Closed():
            by = f" by the {record.by}" if record.by is not None else ""
            return f"connection {record.connection}: ended ({record.ending}){by}"
        case HttpExchange():
            asked = f"{record.method} {printable(record.target)}"
            return f"HTTP exchange {record.number}: {asked} {record.status or 'was not answered'}"
        case Note():
            return printable(record.text)
        case Header() | End():
            return ""
