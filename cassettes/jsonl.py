"""The ``.jsonl`` twin of a cassette: one record a line, to be read, grepped and edited by hand.

Lossless both ways. A payload stands as ``json`` when writing that JSON again in the noted spacing gives the same bytes,
else as ``text`` when it is UTF-8, else as ``base64`` (docs/cassette-format.md).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast

from .errors import JsonlFormatError
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
)
from .record import MAX_NUMBER

FORMAT = "wstape-jsonl/1"
MAX_LINE = 64 << 20
"""Bytes of one line: a stored payload in base64, and room."""
MAX_TEXT = 4 << 20
"""Bytes of a payload that is written for people; JSON grows some thirty-fold when it is decoded."""

_ADVICE = "mend the line, or convert the .cassette again"
_OTHER_FILE = "check that this is the file you mean; contracts are named with --contract"

_SPACINGS: dict[str, tuple[str, str]] = {"compact": (",", ":"), "spaced": (", ", ": ")}
STYLES = [(spacing, ascii_only) for spacing in _SPACINGS for ascii_only in (False, True)]

Fields = Mapping[str, object]


def encode_line(record: Record) -> str:
    """Return the record as one line of JSON, without the line's end."""
    return json.dumps(_fields(record), ensure_ascii=False, separators=(", ", ": "))


def _fields(record: Record) -> dict[str, object]:
    match record:
        case Message():
            fields: dict[str, object] = {
                "record": "message",
                "connection": record.connection,
                "from": str(record.direction),
                "kind": str(record.kind),
                "at_ns": record.at_ns,
            }
            if record.full_size is not None:
                fields["full_size"] = record.full_size
            if record.kind is Kind.CLOSE:
                return fields | _encode_close(record)
            return fields | encode_payload(record.payload, text_allowed=record.kind is not Kind.BINARY)
        case Opened():
            shake = record.handshake
            return {
                "record": "open",
                "connection": record.connection,
                "at_ns": record.at_ns,
                "target": shake.target,
                "request_headers": [list(pair) for pair in shake.request_headers],
                "status": shake.status,
                "reason": shake.reason,
                "response_headers": [list(pair) for pair in shake.response_headers],
                "response_body": encode_payload(shake.response_body),
            }
        case Closed():
            return {
                "record": "closed",
                "connection": record.connection,
                "at_ns": record.at_ns,
                "ending": str(record.ending),
                "by": record.by and str(record.by),
            }
        case HttpExchange():
            return {
                "record": "http",
                "number": record.number,
                "at_ns": record.at_ns,
                "took_ns": record.took_ns,
                "method": record.method,
                "target": record.target,
                "request_headers": [list(pair) for pair in record.request_headers],
                "request_body": encode_payload(record.request_body),
                "status": record.status,
                "reason": record.reason,
                "response_headers": [list(pair) for pair in record.response_headers],
                "response_body": encode_payload(record.response_body),
            }
        case Note():
            return {
                "record": "note",
                "at_ns": record.at_ns,
                "connection": record.connection,
                "lost": record.lost,
                "text": record.text,
            }
        case Header():
            return {
                "record": "header",
                "format": FORMAT,
                "target": record.target,
                "created": record.created,
                "wstape": record.wstape,
                "redaction": list(record.redaction),
                "notes": {key: record.notes[key] for key in sorted(record.notes)},
            }
        case End():
            return {
                "record": "end",
                "at_ns": record.at_ns,
                "connections": record.connections,
                "messages": record.messages,
                "exchanges": record.exchanges,
                "repaired": record.repaired,
            }


def encode_payload(payload: bytes, *, text_allowed: bool = True) -> dict[str, object]:
    """Return ``{"json": …}``, ``{"text": …}`` or ``{"base64": …}``, whichever is most readable and loses nothing."""
    if text_allowed and len(payload) <= MAX_TEXT:
        try:
            text = payload.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return _as_json(text) or {"text": text}
    return {"base64": base64.b64encode(payload).decode("ascii")}


def _as_json(text: str) -> dict[str, object] | None:
    if text[:1] not in "{[" or not text:
        return None
    try:
        value = json.loads(text)
        for spacing, ascii_only in STYLES:
            if dump_json(value, spacing, ascii_only=ascii_only) == text:
                fields: dict[str, object] = {"json": value}
                if spacing != "compact":
                    fields["spacing"] = spacing
                if ascii_only:
                    fields["ascii"] = True
                # A lone surrogate, legal as an escape, cannot stand in a UTF-8 file unescaped.
                json.dumps(value, ensure_ascii=False).encode("utf-8")
                return fields
    except (ValueError, RecursionError):
        pass
    return None


def dump_json(value: object, spacing: str, *, ascii_only: bool) -> str:
    """Write JSON as the noted style does: "compact" as JavaScript, "spaced" as Python's default."""
    return json.dumps(value, ensure_ascii=ascii_only, separators=_SPACINGS[spacing])


def _encode_close(message: Message) -> dict[str, object]:
    try:
        reason = message.payload[2:].decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(message.payload).decode("ascii")}
    if len(message.payload) == 1:
        return {"base64": base64.b64encode(message.payload).decode("ascii")}
    return {"code": message.close_code, "reason": reason} if message.payload else {"code": None}


def decode_lines(path: Path, file: BinaryIO) -> Iterator[tuple[int, Record]]:
    """Yield line number and record for every line that is not blank.

    Raises JsonlFormatError, with the line's number.
    """
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise JsonlFormatError(path, number, f"the line is longer than {MAX_LINE} bytes", _ADVICE)
        if not line.strip():
            continue
        try:
            fields = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            if not isinstance(fields, dict):
                raise ValueError("not an object")
            yield number, decode_fields(cast("Fields", fields))
        except KeyError as error:
            raise JsonlFormatError(path, number, f"{error.args[0]!r} is missing", _ADVICE) from error
        except (ValueError, TypeError, RecursionError, OverflowError) as error:
            problem = str(error).splitlines()[0] if str(error) else "too deeply nested"
            if number == 1 and line.strip() == b"{":
                # JSON over several lines: a contract, a file of secrets, anything but a recording.
                raise JsonlFormatError(path, number, "JSON, and no recording", _OTHER_FILE) from error
            raise JsonlFormatError(path, number, f"not a record ({problem})", _ADVICE) from error


def decode_fields(fields: Fields) -> Record:
    """Return the record that a line's fields describe. Raises KeyError or ValueError."""
    match fields["record"]:
        case "message":
            kind = Kind(_text(fields, "kind"))
            payload = _decode_close(fields) if kind is Kind.CLOSE else decode_payload(fields)
            full_size = fields.get("full_size")
            return Message(
                connection=_number(fields, "connection"),
                direction=Direction(_text(fields, "from")),
                kind=kind,
                payload=payload,
                at_ns=_number(fields, "at_ns"),
                full_size=None if full_size is None else _number(fields, "full_size"),
            )
        case "open":
            return Opened(
                connection=_number(fields, "connection"),
                at_ns=_number(fields, "at_ns"),
                handshake=Handshake(
                    target=_text(fields, "target"),
                    request_headers=_headers(fields, "request_headers"),
                    status=_number(fields, "status"),
                    reason=_text(fields, "reason"),
                    response_headers=_headers(fields, "response_headers"),
                    response_body=_body(fields, "response_body"),
                ),
            )
        case "closed":
            by = fields.get("by")
            return Closed(
                connection=_number(fields, "connection"),
                at_ns=_number(fields, "at_ns"),
                ending=Ending(_text(fields, "ending")),
                by=None if by is None else Direction(_text(fields, "by")),
            )
        case "http":
            return HttpExchange(
                number=_number(fields, "number"),
                at_ns=_number(fields, "at_ns"),
                took_ns=_number(fields, "took_ns"),
                method=_text(fields, "method"),
                target=_text(fields, "target"),
                request_headers=_headers(fields, "request_headers"),
                request_body=_body(fields, "request_body"),
                status=_number(fields, "status"),
                reason=_text(fields, "reason"),
                response_headers=_headers(fields, "response_headers"),
                response_body=_body(fields, "response_body"),
            )
        case "note":
            connection = fields.get("connection")
            return Note(
                at_ns=_number(fields, "at_ns"),
                text=_text(fields, "text"),
                connection=None if connection is None else _number(fields, "connection"),
                lost=fields.get("lost") is True,
            )
        case "header":
            if fields.get("format") != FORMAT:
                raise ValueError(f"format {fields.get('format')!r} is not one that this wstape reads ({FORMAT})")
            redaction, notes = fields.get("redaction", []), fields.get("notes", {})
            if not isinstance(redaction, list) or not isinstance(notes, dict):
                raise ValueError("'redaction' must be a list and 'notes' an object")
            return Header(
                target=_text(fields, "target"),
                created=_text(fields, "created"),
                wstape=_text(fields, "wstape"),
                redaction=tuple(_whole(str(rule)) for rule in cast("list[object]", redaction)),
                notes={
                    _whole(str(key)): _whole(str(value)) for key, value in cast("dict[object, object]", notes).items()
                },
            )
        case "end":
            return End(
                at_ns=_number(fields, "at_ns"),
                connections=_number(fields, "connections"),
                messages=_number(fields, "messages"),
                exchanges=_number(fields, "exchanges"),
                repaired=fields.get("repaired") is True,
            )
        case other:
            raise ValueError(f"unknown record {other!r}")


def decode_payload(fields: Fields) -> bytes:
    """Return the bytes that `encode_payload` described. Raises ValueError when no form of payload is there."""
    if "json" in fields:
        spacing = fields.get("spacing", "compact")
        if spacing not in _SPACINGS:
            raise ValueError(f"unknown spacing {spacing!r}")
        return dump_json(fields["json"], str(spacing), ascii_only=fields.get("ascii") is True).encode("utf-8")
    if "text" in fields:
        return _text(fields, "text").encode("utf-8")
    if "base64" in fields:
        try:
            return base64.b64decode(_text(fields, "base64"), validate=True)
        except binascii.Error as error:
            raise ValueError("'base64' is not base64") from error
    raise ValueError("one of 'json', 'text' and 'base64' is expected")


def _decode_close(fields: Fields) -> bytes:
    if "base64" in fields:
        return decode_payload(fields)
    code = fields["code"]
    if code is None:
        return b""
    return _number(fields, "code").to_bytes(2, "big") + str(fields.get("reason", "")).encode("utf-8")


def _number(fields: Fields, key: str) -> int:
    value = fields[key]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < MAX_NUMBER:
        raise ValueError(f"{key!r} must be a whole number, not {value!r}"[:200])
    return value


def _text(fields: Fields, key: str) -> str:
    value = fields[key]
    if not isinstance(value, str):
        raise ValueError(f"{key!r} must be a text, not {value!r}"[:200])
    return _whole(value)


def _whole(text: str) -> str:
    """Return a text that UTF-8 can hold. Raises ValueError for one with half a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text holds a lone surrogate") from None
    return text


def _body(fields: Fields, key: str) -> bytes:
    value = fields[key]
    if not isinstance(value, dict):
        raise ValueError(f"{key!r} must be an object")
    return decode_payload(cast("Fields", value))


def _headers(fields: Fields, key: str) -> Headers:
    value = fields[key]
    if not isinstance(value, list):
        raise ValueError(f"{key!r} must be a list of [name, value]")
    pairs: list[tuple[str, str]] = []
    for pair in cast("list[object]", value):
        match pair:
            case [str(name), str(content)]:
                pairs.append((_whole(name), _whole(content)))
            case _:
                raise ValueError(f"{key!r} must be a list of [name, value]")
    return tuple(pairs)
