"""A HAR that wstape wrote, back to the very session that it was made from."""

from __future__ import annotations

from typing import cast

from ..jsonl import Fields, decode_fields
from ..model import Closed, Connection, End, Handshake, Header, HttpExchange, Message, Note, Record, Session
from .har import HarError, exchange_of, request_fields, said_of
from .json_value import items, member, text, whole
from .talk import Exchange, Talk


def is_own(document: object) -> bool:
    """Whether wstape wrote this HAR."""
    return text(document, "log", "creator", "name") == "wstape" and member(document, "log", "_wstape") is not None


def own_session(document: object) -> Session:
    """Return the session that the HAR was made from. Raises HarError when it was edited and makes no sense."""
    kept = member(document, "log", "_wstape")
    header = _record(0, member(kept, "header"))
    if not isinstance(header, Header):
        raise HarError(0, "log._wstape.header is no header")
    connections: list[Connection] = []
    exchanges: list[HttpExchange] = []
    for position, entry in enumerate(items(document, "log", "entries"), 1):
        one = exchange_of(entry, text(entry, "request", "url"), Talk(producer=""), lambda _name: None)
        if text(entry, "_resourceType") == "websocket":
            connections.append(_connection(position, entry, one))
        else:
            exchanges.append(_exchange(entry, one))
    notes = [_record(0, note) for note in items(kept, "notes")]
    return Session(
        header=header,
        connections=tuple(sorted(connections, key=lambda connection: connection.number)),
        exchanges=tuple(sorted(exchanges, key=lambda exchange: exchange.number)),
        notes=tuple(note for note in notes if isinstance(note, Note)),
        complete=isinstance(_record(0, member(kept, "end")), End) if member(kept, "end") is not None else False,
    )


def _connection(position: int, entry: object, one: Exchange) -> Connection:
    number = whole(entry, "_wstape", "connection")
    opened_ns = whole(entry, "_wstape", "at_ns")
    messages: list[Message] = []
    for message in items(entry, "_webSocketMessages"):
        said = said_of(message, [])
        if said is None:
            raise HarError(position, "it holds a message that is none")
        size = member(message, "_full_size")
        messages.append(
            Message(
                connection=number,
                direction=said.direction,
                kind=said.kind,
                payload=said.payload,
                at_ns=whole(message, "_at_ns"),
                full_size=None if size is None else whole(message, "_full_size"),
            )
        )
    closed = member(entry, "_wstape", "closed")
    ended = None if closed is None else _record(position, closed)
    return Connection(
        number=number,
        handshake=Handshake(
            target=text(entry, "_wstape", "target"),
            request_headers=request_fields(entry),
            status=one.status,
            reason=one.reason,
            response_headers=one.response_headers,
            response_body=one.response_body,
        ),
        opened_ns=opened_ns,
        messages=tuple(messages),
        closed=ended if isinstance(ended, Closed) else None,
    )


def _exchange(entry: object, one: Exchange) -> HttpExchange:
    return HttpExchange(
        number=whole(entry, "_wstape", "number"),
        method=text(entry, "request", "method"),
        target=text(entry, "_wstape", "target"),
        request_headers=request_fields(entry),
        request_body=one.request_body,
        status=one.status,
        reason=one.reason,
        response_headers=one.response_headers,
        response_body=one.response_body,
        at_ns=whole(entry, "_wstape", "at_ns"),
        took_ns=whole(entry, "_wstape", "took_ns"),
    )


def _record(position: int, fields: object) -> Record:
    try:
        return decode_fields(cast("Fields", fields))
    except (KeyError, ValueError, TypeError) as error:
        raise HarError(position, f"its _wstape was edited ({error})"[:200]) from error
