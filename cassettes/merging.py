"""Two sessions as one: what was recorded later is put behind what there was."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from .model import Connection, Handshake, Headers, HttpExchange, Session
from .secrets import PLACEHOLDER

_GAP_NS = 1_000_000_000


def merged(before: Session, after: Session) -> Session:
    """Return one session with the header of the first. Numbers and times of the second go on from the first's.

    Placeholders of the second are numbered on as well: ``{{secret:token:1}}`` stands for another value there.
    """
    offset_ns = _end_ns(before) + _GAP_NS
    connections = max((connection.number for connection in before.connections), default=0)
    exchanges = max((exchange.number for exchange in before.exchanges), default=0)
    text = _renumbering(before)

    def headers(fields: Headers) -> Headers:
        return tuple((name, text(value)) for name, value in fields)

    def data(payload: bytes) -> bytes:
        # ISO-8859-1 takes every byte there and back; a placeholder is ASCII.
        return text(payload.decode("latin-1")).encode("latin-1")

    def handshake(shake: Handshake) -> Handshake:
        return replace(
            shake,
            target=text(shake.target),
            request_headers=headers(shake.request_headers),
            response_headers=headers(shake.response_headers),
            response_body=data(shake.response_body),
        )

    def connection(old: Connection) -> Connection:
        number = old.number + connections
        return Connection(
            number=number,
            handshake=handshake(old.handshake),
            opened_ns=old.opened_ns + offset_ns,
            messages=tuple(
                replace(message, connection=number, payload=data(message.payload), at_ns=message.at_ns + offset_ns)
                for message in old.messages
            ),
            closed=old.closed and replace(old.closed, connection=number, at_ns=old.closed.at_ns + offset_ns),
        )

    def exchange(old: HttpExchange) -> HttpExchange:
        return replace(
            old,
            number=old.number + exchanges,
            target=text(old.target),
            request_headers=headers(old.request_headers),
            request_body=data(old.request_body),
            response_headers=headers(old.response_headers),
            response_body=data(old.response_body),
            at_ns=old.at_ns + offset_ns,
        )

    return replace(
        before,
        connections=before.connections + tuple(map(connection, after.connections)),
        exchanges=before.exchanges + tuple(map(exchange, after.exchanges)),
        notes=before.notes
        + tuple(
            replace(
                note,
                connection=None if note.connection is None else note.connection + connections,
                at_ns=note.at_ns + offset_ns,
            )
            for note in after.notes
        ),
        complete=before.complete and after.complete,
    )


def session_texts(session: Session) -> Iterable[str]:
    """Yield all texts of a session in which a placeholder can stand; bytes are read as ISO-8859-1."""
    for connection in session.connections:
        shake = connection.handshake
        yield shake.target
        yield shake.response_body.decode("latin-1")
        yield from (value for _, value in shake.request_headers + shake.response_headers)
        yield from (message.payload.decode("latin-1") for message in connection.messages)
    for exchange in session.exchanges:
        yield exchange.target
        yield from (value for _, value in exchange.request_headers + exchange.response_headers)
        yield from (body.decode("latin-1") for body in (exchange.request_body, exchange.response_body))


def _renumbering(before: Session) -> Callable[[str], str]:
    highest: dict[str, int] = defaultdict(int)
    for text in session_texts(before):
        for found in PLACEHOLDER.finditer(text):
            kind, _, number = found[1].rpartition(":")
            highest[kind] = max(highest[kind], int(number))

    def renumbered(found: re.Match[str]) -> str:
        kind, _, number = found[1].rpartition(":")
        return f"{{{{secret:{kind}:{int(number) + highest[kind]}}}}}"

    return lambda text: PLACEHOLDER.sub(renumbered, text)


def _end_ns(session: Session) -> int:
    times = [exchange.at_ns + exchange.took_ns for exchange in session.exchanges]
    for connection in session.connections:
        times += [connection.opened_ns, *(message.at_ns for message in connection.messages)]
        times += [connection.closed.at_ns] if connection.closed is not None else []
    return max(times, default=0)
