"""Cassettes of cassetter 0.16 (YAML, version 1): HTTP interactions and WebSocket interactions.

cassetter notes when an interaction was stored, and milliseconds from a WebSocket's opening for each frame; no times of
an HTTP request, no handshake but the fields that the client added and the subprotocol, and no pings. A JSON body stands
as YAML: its spacing is taken to be the one whose length is the ``Content-Length``. What cassetter filtered reads
``[FILTERED]``.
"""

from __future__ import annotations

import binascii

from ..jsonl import STYLES, dump_json
from ..model import Direction, Ending, Headers, Kind, header
from .har import moment
from .json_value import fields, items, member, number, text, well_formed, whole
from .plain_yaml import load_yaml
from .talk import Exchange, Said, Socket, Talk, with_host

VERSION = 1

_KINDS = {"text": Kind.TEXT, "binary": Kind.BINARY, "ping": Kind.PING, "pong": Kind.PONG, "close": Kind.CLOSE}
_DIRECTIONS = {"send": Direction.CLIENT, "recv": Direction.SERVER}
_ABNORMAL = b"\x03\xee"  # 1006: cassetter's word for a connection without a Close frame


class CassetterError(Exception):
    """YAML that is no cassette of cassetter; ``interaction`` counts from 1, 0 for the file as a whole."""

    def __init__(self, interaction: int, problem: str) -> None:
        self.interaction = interaction
        self.problem = problem
        super().__init__(problem)


def read_cassetter(data: bytes) -> Talk:
    """Return what a cassette says. Raises CassetterError and YamlError."""
    document = load_yaml(data)
    if not isinstance(member(document, "interactions"), list) and not items(document, "ws_interactions"):
        raise CassetterError(0, "it has neither interactions nor ws_interactions: not a cassette of cassetter")
    version = member(document, "version")
    if version != VERSION:
        raise CassetterError(0, f"version {version!r} of cassetter's format is not one that is read ({VERSION})"[:120])
    talk = Talk(producer="cassetter")
    for position, interaction in enumerate(items(document, "interactions"), 1):
        talk.exchanges.append(_exchange(position, interaction))
    for position, interaction in enumerate(items(document, "ws_interactions"), 1):
        talk.exchanges.append(_connection(position, interaction))
    grpc = len(items(document, "grpc_interactions"))
    if grpc:
        talk.left_out["gRPC interaction"] += grpc
    return talk


def _exchange(position: int, interaction: object) -> Exchange:
    request, response = member(interaction, "request"), member(interaction, "response")
    url = text(request, "uri")
    if not url:
        raise CassetterError(position, "the request has no uri")
    request_headers, response_headers = _headers(request), _headers(response)
    return Exchange(
        url=url,
        method=text(request, "method") or "GET",
        request_headers=with_host(request_headers, url),
        request_body=_body(member(request, "body"), request_headers),
        status=whole(response, "status"),
        reason="",
        response_headers=response_headers,
        response_body=_body(member(response, "body"), response_headers),
        at_s=moment(text(interaction, "recorded_at")),
    )


def _connection(position: int, interaction: object) -> Exchange:
    url = text(interaction, "uri")
    if not url:
        raise CassetterError(position, "the WebSocket has no uri")
    frames = items(interaction, "frames")
    last_s = max((number(frame, "offset_ms") or 0.0 for frame in frames), default=0.0) / 1000
    stored_s = moment(text(interaction, "recorded_at"))
    # It is stored when it ends, and its frames count from its opening.
    opened_s = None if stored_s is None else stored_s - last_s
    said: list[Said] = []
    ending: Ending | None = None
    for frame in frames:
        kind, direction = _KINDS.get(text(frame, "frame_type")), _DIRECTIONS.get(text(frame, "direction"))
        if kind is None or direction is None:
            raise CassetterError(position, "the WebSocket has a frame of an unknown type or direction")
        payload = _body(member(frame, "body"), ())
        if kind is Kind.CLOSE:
            ending = Ending.EOF if payload[:2] == _ABNORMAL else Ending.CLEAN
            if ending is Ending.EOF:
                continue
        at_s = None if opened_s is None else opened_s + (number(frame, "offset_ms") or 0.0) / 1000
        said.append(Said(direction=direction, kind=kind, payload=payload, at_s=at_s))
    added = _headers(interaction)
    subprotocol = header(added, "sec-websocket-protocol")
    return Exchange(
        url=url,
        method="GET",
        request_headers=with_host(added, url),
        status=101,
        reason="Switching Protocols",
        response_headers=(("Sec-WebSocket-Protocol", subprotocol),) if subprotocol else (),
        at_s=opened_s,
        socket=Socket(messages=tuple(said), ending=ending),
    )


def _headers(part: object) -> Headers:
    return tuple((well_formed(name), value) for name in fields(part, "headers") for value in _values(part, name))


def _values(part: object, name: str) -> list[str]:
    values = items(part, "headers", name) or [member(part, "headers", name)]
    return [well_formed(str(value)) for value in values if isinstance(value, str | int | float)]


def _body(body: object, headers: Headers) -> bytes:
    content = member(body, "content")
    match text(body, "type"):
        case "binary":
            try:
                return binascii.unhexlify(text(body, "content").strip())
            except (binascii.Error, ValueError):
                return text(body, "content").encode()
        case "json":
            return _json(content, headers)
        case _:
            return well_formed(content).encode() if isinstance(content, str) else b""


def _json(content: object, headers: Headers) -> bytes:
    length = header(headers, "content-length")
    written = [
        well_formed(dump_json(content, spacing, ascii_only=ascii_only)).encode() for spacing, ascii_only in STYLES
    ]
    return next((one for one in written if str(len(one)) == length), written[0])
