"""Records as msgpack arrays, as they stand inside a block (docs/cassette-format.md).

Each record is one array whose first item says what it is. A reader ignores items that follow those it knows, so
a field can be added without a new format version.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, repeat
from typing import cast

import msgpack

from .block import LARGE, MAX_LARGE, MAX_RECORDS, RECORDS
from .model import (
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
    make_message,
)

HEADER, HTTP, OPENED, MESSAGE, CLOSED, NOTE, END = range(7)

LARGE_PAYLOAD = 1 << 20
"""Payloads above this many bytes get a block of their own."""
MAX_PAYLOAD = MAX_LARGE - (1 << 16)
"""Bytes of one payload that are stored; of a longer one its head is kept and its size noted."""
MAX_BODY = 1 << 20
"""Bytes of an HTTP body that are stored."""
MAX_NUMBER = 1 << 63
"""What no number reaches: the sum of two still fits into msgpack."""
_GUARDED = 1 << 20
"""Raw bytes from which the arrays and maps in a block are counted, as one byte can become an object of 72."""
_MAX_CONTAINERS = 1 << 16
"""Arrays and maps in one record of such a block."""

_KINDS = (Kind.TEXT, Kind.BINARY, Kind.PING, Kind.PONG, Kind.CLOSE)
_CODES = {
    (direction, kind): index + (8 if direction is Direction.SERVER else 0)
    for direction in Direction
    for index, kind in enumerate(_KINDS)
}
_MEANINGS = {code: pair for pair, code in _CODES.items()}

_packer = msgpack.Packer(use_bin_type=True, autoreset=True)


class RecordError(Exception):
    """A msgpack value that is not a record of this format; the message says why."""


def encode_record(record: Record) -> bytes:
    """Return the record as one msgpack array."""
    # Nearly all records are texts, and to look members of an enum up costs more than to pack the rest.
    if type(record) is Message and record.kind is Kind.TEXT and record.full_size is None:
        code = 8 if record.direction is Direction.SERVER else 0
        return _packer.pack((MESSAGE, record.connection, record.at_ns, code, record.payload))
    return _packer.pack(_plain(record))


_MESSAGE_HEAD = bytes((0x95, MESSAGE))  # msgpack's fixarray of five, positive fixint


def encode_messages(connection: int, direction: Direction, kind: Kind, payloads: Sequence[bytes], at_ns: int) -> bytes:
    """Return what `encode_record` makes of each message, joined: for many at once, without an object for each."""
    return b"".join(message_pieces(connection, direction, kind, payloads, at_ns))


def message_pieces(
    connection: int, direction: Direction, kind: Kind, payloads: Sequence[bytes], at_ns: int
) -> Iterator[bytes]:
    """Give what `encode_messages` joins: the payloads themselves, and what stands before each."""
    pack = _packer.pack
    # All but the payloads is the same, and is packed once.
    head = b"".join((_MESSAGE_HEAD, pack(connection), pack(at_ns), pack(_CODES[direction, kind])))
    heads = map(_binary_head, map(len, payloads))
    return chain.from_iterable(zip(repeat(head), heads, payloads, strict=False))


@lru_cache(maxsize=4096)
def _binary_head(size: int) -> bytes:
    """What msgpack puts before a binary of ``size`` bytes: bin 8, bin 16 or bin 32."""
    if size < 1 << 8:
        return bytes((0xC4, size))
    return struct.pack(">BH", 0xC5, size) if size < 1 << 16 else struct.pack(">BI", 0xC6, size)


def encode_large(message: Message) -> bytes:
    """Return the content of a LARGE block: u32 length of the array, the array with an empty payload, the payload."""
    payload = message.payload[:MAX_PAYLOAD]
    full_size = message.full_size or (len(message.payload) if len(payload) < len(message.payload) else None)
    code = _CODES[message.direction, message.kind]
    head = _packer.pack((MESSAGE, message.connection, message.at_ns, code, b"", full_size))
    return b"".join((struct.pack("<I", len(head)), head, payload))


def _plain(record: Record) -> tuple[object, ...]:
    match record:
        case Message():
            code = _CODES[record.direction, record.kind]
            if record.full_size is None:
                return (MESSAGE, record.connection, record.at_ns, code, record.payload)
            return (MESSAGE, record.connection, record.at_ns, code, record.payload, record.full_size)
        case Opened():
            shake = record.handshake
            return (
                OPENED,
                record.connection,
                record.at_ns,
                shake.target,
                _flat(shake.request_headers),
                shake.status,
                shake.reason,
                _flat(shake.response_headers),
                shake.response_body[:MAX_BODY],
            )
        case Closed():
            return (CLOSED, record.connection, record.at_ns, str(record.ending), record.by and str(record.by))
        case HttpExchange():
            return (
                HTTP,
                record.number,
                record.at_ns,
                record.took_ns,
                record.method,
                record.target,
                _flat(record.request_headers),
                record.request_body[:MAX_BODY],
                record.status,
                record.reason,
                _flat(record.response_headers),
                record.response_body[:MAX_BODY],
            )
        case Note():
            return (NOTE, record.at_ns, record.text, record.connection, record.lost)
        case Header():
            return (
                HEADER,
                record.target,
                record.created,
                record.wstape,
                record.redaction,
                {key: record.notes[key] for key in sorted(record.notes)},
            )
        case End():
            return (END, record.at_ns, record.connections, record.messages, record.exchanges, record.repaired)


def _flat(headers: Headers) -> tuple[str, ...]:
    return tuple(part for pair in headers for part in pair)


def decode_content(content: int, raw: bytes) -> Iterator[Record]:
    """Yield the records of a block's raw content. Raises RecordError at the first one that is malformed."""
    if content == LARGE:
        if len(raw) < 4:
            raise RecordError("a large message is cut short")
        (length,) = struct.unpack_from("<I", raw)
        if length > MAX_RECORDS or 4 + length > len(raw):
            raise RecordError("a large message's head has an impossible length")
        records = list(decode_content(RECORDS, raw[4 : 4 + length]))
        if len(records) != 1 or not isinstance(records[0], Message):
            raise RecordError("a block for one large message holds something else")
        message = records[0]
        yield Message(
            connection=message.connection,
            direction=message.direction,
            kind=message.kind,
            payload=raw[4 + length :],
            at_ns=message.at_ns,
            full_size=message.full_size,
        )
        return
    unpacker, containers = _unpacker(raw)
    try:
        for plain in unpacker:
            items = _array(plain)
            # Nearly all records are whole messages; what is odd about one is for `_record` to say.
            if len(items) == 5:
                tag, connection, at_ns, code, payload = items
                if (
                    tag == MESSAGE
                    and type(connection) is int
                    and type(at_ns) is int
                    and type(code) is int
                    and type(payload) is bytes
                    and 0 <= connection < MAX_NUMBER
                    and 0 <= at_ns < MAX_NUMBER
                    and (meaning := _MEANINGS.get(code)) is not None
                ):
                    yield make_message(connection, *meaning, payload, at_ns)
                    continue
            yield _record(items)
            if containers is not None:
                containers.left = _MAX_CONTAINERS
        _hold_end(unpacker)
    except _MALFORMED as error:
        raise _malformed(error) from error


class _Containers:
    """Counts the arrays and maps of one record while it is decoded."""

    def __init__(self) -> None:
        self.left = _MAX_CONTAINERS

    def count(self, container: object) -> object:
        self.left -= 1
        if self.left < 0:
            raise ValueError(f"more than {_MAX_CONTAINERS} arrays and maps in one")
        return container


def decode_plain(raw: bytes) -> Iterator[tuple[object, ...]]:
    """Yield the records in ``raw`` as the tuples that they are stored as, which nobody has looked into.

    Raises RecordError at the first one that is none.
    """
    unpacker, containers = _unpacker(raw)
    try:
        for plain in unpacker:
            yield _array(plain)
            if containers is not None:
                containers.left = _MAX_CONTAINERS
        _hold_end(unpacker)
    except _MALFORMED as error:
        raise _malformed(error) from error


# msgpack's own errors (ExtraData, FormatError, limits) are all ValueErrors.
_MALFORMED = (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError)


def _malformed(error: BaseException) -> RecordError:
    return RecordError(f"a record is malformed ({str(error) or 'not msgpack, or nested too deep'})")


def _unpacker(raw: bytes) -> tuple[msgpack.Unpacker, _Containers | None]:
    containers = _Containers() if len(raw) > _GUARDED else None
    unpacker = msgpack.Unpacker(
        list_hook=containers and containers.count,
        object_hook=containers and containers.count,
        use_list=False,
        raw=False,
        max_buffer_size=MAX_RECORDS,
        max_array_len=1 << 16,
        max_map_len=1 << 12,
        max_ext_len=0,
        unicode_errors="strict",
    )
    unpacker.feed(raw)
    return unpacker, containers


def _array(plain: object) -> tuple[object, ...]:
    if type(plain) is not tuple or not plain:
        raise ValueError("not an array")
    return cast("tuple[object, ...]", plain)


def _hold_end(unpacker: msgpack.Unpacker) -> None:
    """Raise RecordError when the unpacker stopped within a record."""
    # Within one, a nil would be a part of it.
    unpacker.feed(b"\xc0")
    if next(iter(unpacker), unpacker) is not None:
        raise RecordError("the last record of a block is cut short")


def _record(items: tuple[object, ...]) -> Record:
    match items[0]:
        case 3:
            _, connection, at_ns, code, payload = items[:5]
            direction, kind = _MEANINGS[_number(code)]
            if not isinstance(payload, bytes):
                raise ValueError("a payload is not binary")
            return Message(
                connection=_number(connection),
                direction=direction,
                kind=kind,
                payload=payload,
                at_ns=_number(at_ns),
                full_size=_number(items[5]) if len(items) > 5 and items[5] is not None else None,
            )
        case 2:
            _, connection, at_ns, target, request, status, reason, response, body = items[:9]
            return Opened(
                connection=_number(connection),
                at_ns=_number(at_ns),
                handshake=Handshake(
                    target=_text(target),
                    request_headers=_headers(request),
                    status=_number(status),
                    reason=_text(reason),
                    response_headers=_headers(response),
                    response_body=_bytes(body),
                ),
            )
        case 4:
            _, connection, at_ns, ending, by = items[:5]
            return Closed(
                connection=_number(connection),
                at_ns=_number(at_ns),
                ending=Ending(_text(ending)),
                by=None if by is None else Direction(_text(by)),
            )
        case 1:
            _, number, at_ns, took_ns, method, target, request, request_body = items[:8]
            status, reason, response, response_body = items[8:12]
            return HttpExchange(
                number=_number(number),
                at_ns=_number(at_ns),
                took_ns=_number(took_ns),
                method=_text(method),
                target=_text(target),
                request_headers=_headers(request),
                request_body=_bytes(request_body),
                status=_number(status),
                reason=_text(reason),
                response_headers=_headers(response),
                response_body=_bytes(response_body),
            )
        case 5:
            _, at_ns, text, connection, lost = items[:5]
            return Note(
                at_ns=_number(at_ns),
                text=_text(text),
                connection=None if connection is None else _number(connection),
                lost=lost is True,
            )
        case 0:
            _, target, created, wstape, redaction, notes = items[:6]
            if not isinstance(redaction, tuple) or not isinstance(notes, dict):
                raise ValueError("a header's rules or notes have the wrong type")
            return Header(
                target=_text(target),
                created=_text(created),
                wstape=_text(wstape),
                redaction=tuple(_text(rule) for rule in cast("tuple[object, ...]", redaction)),
                notes={_text(key): _text(value) for key, value in cast("dict[object, object]", notes).items()},
            )
        case 6:
            _, at_ns, connections, messages, exchanges, repaired = items[:6]
            return End(
                at_ns=_number(at_ns),
                connections=_number(connections),
                messages=_number(messages),
                exchanges=_number(exchanges),
                repaired=repaired is True,
            )
        case _:
            raise ValueError(f"unknown record {items[0]!r}")


def _number(value: object) -> int:
    # A bool is an int to Python and not to msgpack; a negative time or count is never written.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MAX_NUMBER:
        raise ValueError("a number is expected")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is expected")
    return value


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("binary is expected")
    return value


def _headers(value: object) -> Headers:
    if not isinstance(value, tuple):
        raise ValueError("header fields are expected")
    flat = [_text(item) for item in cast("tuple[object, ...]", value)]
    if len(flat) % 2:
        raise ValueError("a header field has no value")
    return tuple(zip(flat[::2], flat[1::2], strict=True))
