"""Sessions written down by hand, for tests of what is read in them."""

from __future__ import annotations

import json

from wstape.cassettes import (
    Closed,
    Connection,
    Direction,
    Ending,
    Handshake,
    Header,
    Headers,
    HttpExchange,
    Kind,
    Message,
    Session,
)

HEADER = Header(target="ws://service", created="2026-01-31T12:00:00Z", wstape="0.1.0")
MS = 1_000_000


def connection(
    *conversation: tuple[str, object],
    number: int = 1,
    target: str = "/",
    request_headers: Headers = (),
    begin_ms: int = 10,
    closed: bool = True,
) -> Connection:
    """A connection from (">" client or "<" server, JSON payload or text), a millisecond apart."""
    messages: list[Message] = []
    for index, (arrow, payload) in enumerate(conversation, 1):
        text = payload if isinstance(payload, str) else json.dumps(payload)
        messages.append(
            Message(
                connection=number,
                direction=Direction.CLIENT if arrow == ">" else Direction.SERVER,
                kind=Kind.TEXT,
                payload=text.encode(),
                at_ns=(begin_ms + index) * MS,
            )
        )
    end_ns = (begin_ms + len(messages) + 1) * MS
    if closed:
        for direction in (Direction.CLIENT, Direction.SERVER):
            messages.append(
                Message(connection=number, direction=direction, kind=Kind.CLOSE, payload=b"\x03\xe8", at_ns=end_ns)
            )
    return Connection(
        number=number,
        handshake=Handshake(target=target, request_headers=request_headers, status=101, reason="", response_headers=()),
        opened_ns=begin_ms * MS,
        messages=tuple(messages),
        closed=Closed(connection=number, ending=Ending.CLEAN, by=Direction.CLIENT, at_ns=end_ns) if closed else None,
    )


def session(*connections: Connection, exchanges: tuple[HttpExchange, ...] = ()) -> Session:
    return Session(header=HEADER, connections=connections, exchanges=exchanges)


def exchange(
    request: object, response: object, *, number: int = 1, at_ms: int = 0, response_headers: Headers = ()
) -> HttpExchange:
    """A POST of JSON, answered with JSON a millisecond later."""
    return HttpExchange(
        number=number,
        method="POST",
        target="/login",
        request_headers=(("Content-Type", "application/json"),),
        request_body=json.dumps(request).encode(),
        status=200,
        reason="OK",
        response_headers=response_headers,
        response_body=json.dumps(response).encode(),
        at_ns=at_ms * MS,
        took_ns=MS,
    )
