"""A session as HAR 1.2, for Chrome's devtools, mitmproxy and what else reads HAR.

What HAR has no place for stands in members that begin with an underscore, as the standard asks of extensions:
``_wstape`` of the log and of an entry, ``_at_ns`` of a message. Other tools pass over them; wstape reads them back, so
that nothing is lost on the way there and back.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from urllib.parse import parse_qsl, urlsplit

from ..jsonl import encode_line
from ..model import Connection, End, Handshake, Headers, HttpExchange, Kind, Message, Record, Session, header
from .har import OPCODES, content_bytes, moment, post_bytes
from .talk import origin_of

_NUMBERS = {kind: opcode for opcode, kind in OPCODES.items()}
_TYPES = {"client": "send", "server": "receive"}


def har_text(session: Session) -> str:
    """Return the session as a HAR document, with a line end."""
    writer = _Writer(session)
    entries = [
        *((connection.opened_ns, writer.connection(connection)) for connection in session.connections),
        *((exchange.at_ns, writer.exchange(exchange)) for exchange in session.exchanges),
    ]
    entries.sort(key=lambda pair: pair[0])
    log = {
        "version": "1.2",
        "creator": {"name": "wstape", "version": version("wstape")},
        "pages": [],
        "entries": [entry for _, entry in entries],
        "_wstape": {
            "header": _fields(session.header),
            "notes": [_fields(note) for note in session.notes],
            "end": _end(session),
        },
    }
    return json.dumps({"log": log}, indent=1) + "\n"


def unseen(session: Session) -> Counter[str]:
    """Count what other tools will not see in the HAR, though it stands there."""
    found: Counter[str] = Counter()
    for connection in session.connections:
        for message in connection.messages:
            if message.kind not in (Kind.TEXT, Kind.BINARY):
                found["ping, pong or Close frame"] += 1
            if message.full_size is not None:
                found["message stored in part"] += 1
        found["ending of a connection"] += connection.closed is not None
    found["note"] += len(session.notes) + len(session.header.notes)
    return +found


def _end(session: Session) -> object:
    records = session.records()
    return _fields(records[-1]) if isinstance(records[-1], End) else None


def _fields(record: Record) -> object:
    return json.loads(encode_line(record))


class _Writer:
    def __init__(self, session: Session) -> None:
        origin = origin_of(session.header.target) or "http://127.0.0.1:80"
        self._zero_s = moment(session.header.created) or 0.0
        scheme, _, authority = origin.partition("://")
        host, _, port = authority.rpartition(":")
        own = (scheme, port) in (("http", "80"), ("https", "443"))
        self._web = f"{scheme}://{host if own else authority}"
        self._sockets = self._web.replace("http", "ws", 1)

    def connection(self, connection: Connection) -> object:
        last_ns = max((message.at_ns for message in connection.messages), default=connection.opened_ns)
        closed = connection.closed
        if closed is not None:
            last_ns = max(last_ns, closed.at_ns)
        shake = connection.handshake
        entry = self._entry(
            connection.opened_ns,
            last_ns - connection.opened_ns,
            self._request("GET", self._sockets, shake.target, shake.request_headers, b""),
            _response(shake, shake.response_body),
        )
        entry["_resourceType"] = "websocket"
        entry["_webSocketMessages"] = [self._message(message) for message in connection.messages]
        entry["_wstape"] = {
            "connection": connection.number,
            "at_ns": connection.opened_ns,
            "target": shake.target,
            "closed": None if closed is None else _fields(closed),
        }
        return entry

    def exchange(self, exchange: HttpExchange) -> object:
        entry = self._entry(
            exchange.at_ns,
            exchange.took_ns,
            self._request(exchange.method, self._web, exchange.target, exchange.request_headers, exchange.request_body),
            _response(exchange, exchange.response_body),
        )
        entry["_wstape"] = {
            "number": exchange.number,
            "at_ns": exchange.at_ns,
            "took_ns": exchange.took_ns,
            "target": exchange.target,
        }
        return entry

    def _entry(self, at_ns: int, took_ns: int, request: object, response: object) -> dict[str, object]:
        took_ms = took_ns / 1e6
        return {
            "startedDateTime": self._iso(at_ns),
            "time": took_ms,
            "request": request,
            "response": response,
            "cache": {},
            "timings": {"send": 0, "wait": took_ms, "receive": 0},
        }

    def _iso(self, at_ns: int) -> str:
        try:
            moment = datetime.fromtimestamp(self._zero_s, UTC) + timedelta(microseconds=at_ns // 1000)
        except OverflowError:
            moment = datetime.fromtimestamp(0, UTC)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")

    def _request(self, method: str, base: str, target: str, headers: Headers, body: bytes) -> object:
        url = target if "://" in target[:10] else base + (target if target.startswith("/") else f"/{target}")
        request: dict[str, object] = {
            "method": method,
            "url": url,
            "httpVersion": "HTTP/1.1",
            "cookies": _request_cookies(headers),
            "headers": _pairs(headers),
            "queryString": _query(url),
            "headersSize": -1,
            "bodySize": len(body),
        }
        if body:
            request["postData"] = _post_data(body, header(headers, "content-type") or "")
        return request

    def _message(self, message: Message) -> object:
        fields: dict[str, object] = {
            "type": _TYPES[message.direction],
            "time": self._zero_s + message.at_ns / 1e9,  # in seconds, as Chrome
            "opcode": _NUMBERS[message.kind],
        }
        text = _text(message.payload) if message.kind is Kind.TEXT else None
        fields["data"] = base64.b64encode(message.payload).decode("ascii") if text is None else text
        if text is None and message.kind is Kind.TEXT:
            fields["_encoding"] = "base64"
        fields["_at_ns"] = message.at_ns
        if message.full_size is not None:
            fields["_full_size"] = message.full_size
        return fields


def _response(answer: Handshake | HttpExchange, body: bytes) -> object:
    headers = answer.response_headers
    media_type = header(headers, "content-type") or ""
    content: dict[str, object] = {"size": len(body), "mimeType": media_type or "x-unknown"}
    if body:
        text = _text(body)
        content["text"] = text
        if text is None or content_bytes(content) != body:
            content |= {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}
    return {
        "status": answer.status,
        "statusText": answer.reason,
        "httpVersion": "HTTP/1.1",
        "cookies": _response_cookies(headers),
        "headers": _pairs(headers),
        "content": content,
        "redirectURL": header(headers, "location") or "",
        "headersSize": -1,
        "bodySize": len(body),
        "_transferSize": len(body),  # what Chrome's devtools show as the size
    }


def _post_data(body: bytes, media_type: str) -> object:
    post: dict[str, object] = {"mimeType": media_type, "params": [], "text": _text(body)}
    if post["text"] is None or post_bytes(post) != body:
        return post | {"text": base64.b64encode(body).decode("ascii"), "_encoding": "base64"}
    if media_type.startswith("application/x-www-form-urlencoded"):
        post["params"] = [{"name": name, "value": value} for name, value in _parameters(str(post["text"]))]
    return post


def _text(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _query(url: str) -> list[dict[str, str]]:
    try:
        query = urlsplit(url).query
    except ValueError:
        return []
    return [{"name": name, "value": value} for name, value in _parameters(query)]


def _parameters(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True)
    except ValueError:
        return []


def _request_cookies(headers: Headers) -> list[dict[str, str]]:
    cookies = [part for name, value in headers if name.lower() == "cookie" for part in value.split(";")]
    return [_cookie(cookie) for cookie in cookies if cookie.strip()]


def _response_cookies(headers: Headers) -> list[dict[str, str]]:
    return [_cookie(value.partition(";")[0]) for name, value in headers if name.lower() == "set-cookie"]


def _cookie(pair: str) -> dict[str, str]:
    name, _, value = pair.strip().partition("=")
    return {"name": name, "value": value}
