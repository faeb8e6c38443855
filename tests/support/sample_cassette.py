"""A small recording with a record of every kind, whole and torn."""

from __future__ import annotations

from pathlib import Path

from wstape.cassettes import (
    CassetteWriter,
    Closed,
    Direction,
    End,
    Ending,
    Handshake,
    Header,
    HttpExchange,
    Kind,
    Message,
    Note,
    Opened,
    Record,
    write_records,
)

HEADER = Header(
    target="ws://127.0.0.1:8000/chat",
    created="2026-01-31T12:00:00Z",
    wstape="0.1.0",
    redaction=("headers", "json"),
    notes={"build": "7"},
)
RECORDS: list[Record] = [
    HEADER,
    HttpExchange(
        number=1,
        method="POST",
        target="/login",
        request_headers=(("Host", "127.0.0.1"),),
        request_body=b'{"password":"{{secret:password:1}}"}',
        status=200,
        reason="OK",
        response_headers=(("Content-Type", "application/json"),),
        response_body=b'{"ok":1}',
        at_ns=1_000_000,
        took_ns=2_500_000,
    ),
    Opened(
        connection=1,
        handshake=Handshake(
            target="/chat",
            request_headers=(("Host", "127.0.0.1"), ("Upgrade", "websocket")),
            status=101,
            reason="Switching Protocols",
            response_headers=(("Sec-WebSocket-Protocol", "chat.v1"),),
        ),
        at_ns=5_000_000,
    ),
    Message(
        connection=1,
        direction=Direction.CLIENT,
        kind=Kind.TEXT,
        payload='{"type":"hi","n":"é"}'.encode(),
        at_ns=6_000_000,
    ),
    Message(connection=1, direction=Direction.SERVER, kind=Kind.BINARY, payload=b"\x00\xff\x10", at_ns=7_000_000),
    Message(connection=1, direction=Direction.SERVER, kind=Kind.PING, payload=b"p", at_ns=8_000_000),
    Note(text="lost its place\nhere", at_ns=9_000_000, connection=1, lost=False),
    Message(connection=1, direction=Direction.SERVER, kind=Kind.CLOSE, payload=b"\x03\xe8bye", at_ns=10_000_000),
    Closed(connection=1, ending=Ending.CLEAN, by=Direction.SERVER, at_ns=11_000_000),
    End(connections=1, messages=4, exchanges=1, at_ns=12_000_000),
]
WRITTEN_WHOLE = 5
"""Records of a torn cassette that can still be read."""


def write_sample(path: Path) -> Path:
    """Write the whole recording."""
    write_records(path, RECORDS)
    return path


def torn(path: Path) -> Path:
    """Write the recording as a recorder leaves it that dies while it writes its last block."""
    writer = CassetteWriter.create(path, HEADER)
    for record in RECORDS[1:WRITTEN_WHOLE]:
        writer.append(record, 0)
    writer.flush()
    for record in RECORDS[WRITTEN_WHOLE:-1]:
        writer.append(record, 0)
    writer.abandon()
    path.write_bytes(path.read_bytes()[:-7])
    return path
