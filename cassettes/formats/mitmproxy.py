"""Flow files of mitmproxy (``mitmdump -w FILE``), format versions 12 (mitmproxy 7) and later.

A flow is a request, its response and, when that was a WebSocket, all its messages. Up to version 11 a WebSocket was a
flow of its own. mitmproxy keeps no pings and pongs; it keeps the close code, reason and who closed.
"""

from __future__ import annotations

from typing import BinaryIO

from ..coding import undo_encodings
from ..model import Direction, Ending, Headers, Kind
from ..record import MAX_BODY
from .json_value import items, member, number, text, whole
from .talk import Exchange, Said, Socket, Talk, with_host
from .tnetstring import TnetstringError, read_value

OLDEST, NEWEST = 12, 21
"""Format versions whose members are known. A newer one is read as far as it has the same members."""

_ROOM, _RATIO = 64 << 20, 20  # bytes that bodies may inflate to, whatever the file's size, and for each byte of it
_KINDS = {1: Kind.TEXT, 2: Kind.BINARY, 9: Kind.PING, 10: Kind.PONG}
_NO_STATUS, _ABNORMAL, _TLS_FAILED = 1005, 1006, 1015  # never on the wire (RFC 6455 section 7.4.1)


class FlowError(Exception):
    """A file that is no flow file, or one of a version that is not read; ``flow`` counts from 1."""

    def __init__(self, flow: int, problem: str, advice: str = "") -> None:
        self.flow = flow
        self.problem = problem
        self.advice = advice
        super().__init__(problem)


def read_flows(file: BinaryIO, size: int) -> tuple[Talk, str]:
    """Return what a flow file of ``size`` bytes says, and in words what its end lacks, empty when nothing.

    Raises FlowError.
    """
    talk = Talk(producer="mitmproxy flows")
    inflated = 0
    position = 0
    while True:
        position += 1
        try:
            flow = read_value(file, size)
        except TnetstringError as error:
            if error.cut and position > 1:
                talk.complete = False
                return talk, f"flow {position} is cut short"
            raise FlowError(position, str(error)) from error
        if flow is None:
            return talk, ""
        _check_version(position, flow)
        if text(flow, "type") != "http" or _string(flow, "request", "method") == "CONNECT":
            talk.left_out[f"{text(flow, 'type')[:10] or 'unknown'} flow that is no HTTP request"] += 1
        else:
            one = _exchange(flow, talk)
            inflated += len(one.request_body) + len(one.response_body)
            if inflated > _ROOM + _RATIO * size:
                raise FlowError(position, "the bodies inflate to too many times the size of the file")
            talk.exchanges.append(one)


def _check_version(position: int, flow: object) -> None:
    version = member(flow, "version")
    if not isinstance(version, int):
        if isinstance(version, list):
            version = 0  # before 4 it was that of mitmproxy itself, as a tuple
        else:
            raise FlowError(position, "not a flow of mitmproxy: it has no version")
    if version < OLDEST:
        raise FlowError(
            position,
            f"flow format version {version} is older than those that are read ({OLDEST} and later)",
            "rewrite it with a newer mitmproxy: mitmdump -nr OLD -w NEW",
        )


def _exchange(flow: object, talk: Talk) -> Exchange:
    request, response = member(flow, "request"), member(flow, "response")
    if whole(flow, "version") > NEWEST:
        talk.left_out[f"what flow format version {whole(flow, 'version')} has and {NEWEST} has not"] = 1
    for name, what in (("comment", "comment"), ("marked", "mark")):
        if member(flow, name):
            talk.left_out[what] += 1
    for part in (request, response):
        if member(part, "trailers"):
            talk.left_out["trailer section"] += 1
    if member(flow, "client_conn", "certificate_list") or member(flow, "server_conn", "certificate_list"):
        talk.left_out["certificate chain"] += 1
    notes: list[str] = []
    error = text(flow, "error", "msg")
    if error:
        notes.append(f"mitmproxy says: {error}"[:300])
    url = _url(request)
    request_headers, response_headers = _headers(request), _headers(response)
    started, ended = number(request, "timestamp_start"), number(response, "timestamp_end")
    return Exchange(
        url=url,
        method=_string(request, "method"),
        request_headers=with_host(request_headers, url),
        request_body=_body(request, request_headers, "request", notes),
        status=whole(response, "status_code"),
        reason=_string(response, "reason"),
        response_headers=response_headers,
        response_body=_body(response, response_headers, "response", notes),
        at_s=started,
        took_s=ended - started if started is not None and ended is not None else 0.0,
        socket=_socket(member(flow, "websocket"), talk) if member(flow, "websocket") is not None else None,
        notes=tuple(notes),
    )


def _socket(websocket: object, talk: Talk) -> Socket:
    said: list[Said] = []
    for message in items(websocket, "messages"):
        # Format version 15 added whether it was injected, at the end.
        opcode, from_client, payload, at_s, dropped = [*items(message), None, None, None, None, None][:5]
        if not isinstance(opcode, int) or not isinstance(from_client, bool) or not isinstance(payload, bytes):
            talk.left_out["message that makes no sense"] += 1
        elif dropped is True:
            talk.left_out["message that mitmproxy dropped"] += 1
        else:
            said.append(
                Said(
                    direction=Direction.CLIENT if from_client else Direction.SERVER,
                    kind=_KINDS.get(opcode, Kind.BINARY),
                    payload=payload,
                    at_s=at_s if isinstance(at_s, float) else None,
                )
            )
    ended_s = number(websocket, "timestamp_end")
    by_client = member(websocket, "closed_by_client")
    if not isinstance(by_client, bool):
        return Socket(messages=tuple(said), ending=Ending.CUT, ended_s=ended_s)
    by = Direction.CLIENT if by_client else Direction.SERVER
    code = whole(websocket, "close_code")
    if code == 0 or code in (_ABNORMAL, _TLS_FAILED):
        return Socket(messages=tuple(said), ending=Ending.EOF, by=by, ended_s=ended_s)
    body = b""
    if code != _NO_STATUS and code < 1 << 16:
        body = code.to_bytes(2, "big") + text(websocket, "close_reason").encode()
    said.append(Said(direction=by, kind=Kind.CLOSE, payload=body, at_s=ended_s))
    return Socket(messages=tuple(said), ending=Ending.CLEAN, by=by, ended_s=ended_s)


def _body(part: object, headers: Headers, whose: str, notes: list[str]) -> bytes:
    content = member(part, "content")
    if not isinstance(content, bytes):
        if part is not None:
            notes.append(f"the {whose}'s body is not in the file")
        return b""
    try:
        # One byte more than is kept, so that what is left out is seen to be.
        body, _ = undo_encodings(content, headers, MAX_BODY + 1)
    except ValueError as error:
        # No secret could be found in it.
        notes.append(f"the {whose}'s body, {len(content)} bytes {error}, is not recorded")
        return b""
    return body


def _headers(part: object) -> Headers:
    pairs: list[tuple[str, str]] = []
    for pair in items(part, "headers"):
        match pair:
            case [bytes(name), bytes(value)]:
                pairs.append((name.decode("latin-1"), value.decode("latin-1")))
            case _:
                pass
    return tuple(pairs)


def _url(request: object) -> str:
    host = _string(request, "host")
    authority = f"[{host}]" if ":" in host else host
    scheme = _string(request, "scheme") or "http"
    return f"{scheme}://{authority}:{whole(request, 'port')}{_string(request, 'path') or '/'}"


def _string(value: object, *names: str) -> str:
    """The member as text; mitmproxy writes some as bytes."""
    found = member(value, *names)
    return found.decode("latin-1") if isinstance(found, bytes) else text(value, *names)
