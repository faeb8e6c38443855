"""HAR 1.2 with ``_webSocketMessages``, as Chrome, Playwright, mitmproxy and wstape itself write it.

Quirks, by producer: Chrome and mitmproxy write a message's ``time`` in seconds since 1970, Playwright in milliseconds,
or -1, or puts the messages into a file beside the HAR, named by ``response.content._file``. mitmproxy calls a WebSocket
``http``. Chrome lists what its cache answered. Bodies stand decoded of content encodings; none tells how a WebSocket
ended, and only wstape writes pings, pongs and Close frames.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from urllib.parse import urlencode

from ..model import Direction, Headers, Kind, header
from .json_value import items, member, number, text, well_formed, whole
from .talk import Exchange, Said, Socket, Talk, with_host

OPCODES = {1: Kind.TEXT, 2: Kind.BINARY, 8: Kind.CLOSE, 9: Kind.PING, 10: Kind.PONG}
"""RFC 6455 section 11.8."""
_DIRECTIONS = {"send": Direction.CLIENT, "receive": Direction.SERVER}
_MILLISECONDS, _MICROSECONDS = 1e11, 1e14  # above these, a time since 1970 cannot be in the greater unit
_NO_BODY = (101, 204, 304)
_COOKIE_MARKS = (("HttpOnly", "httpOnly"), ("Secure", "secure"))
_CHARSET = re.compile(
    r"iso-8859-\d{1,2}|latin-?1|us-ascii|windows-125\d|utf-16(?:le|be)?|shift_jis|euc-(?:jp|kr)|gbk|gb2312|gb18030|big5"
    r"|koi8-[ru]"
)
"""Charsets of the web but UTF-8; Python has other encodings, some without bounds."""

SideFile = Callable[[str], bytes | None]
"""Gives what stands in a file beside the HAR, by its name; None when there is no such file."""


class HarError(Exception):
    """JSON that is not a HAR; ``entry`` counts from 1, 0 for the file as a whole."""

    def __init__(self, entry: int, problem: str) -> None:
        self.entry = entry
        self.problem = problem
        super().__init__(problem)


def load_har(data: bytes) -> object:
    """Return the document. Raises HarError when it is not JSON or not a HAR."""
    try:
        document: object = json.loads(data.decode("utf-8-sig"))
    except RecursionError as error:
        raise HarError(0, "too deeply nested") from error
    except ValueError as error:
        raise HarError(0, f"not JSON ({error})"[:200]) from error
    if not isinstance(member(document, "log", "entries"), list):
        raise HarError(0, "it has no log.entries: not a HAR")
    return document


def read_har(document: object, side_file: SideFile) -> Talk:
    """Return what a HAR says. Raises HarError for an entry that makes no sense."""
    creator = (text(document, "log", "creator", name) for name in ("name", "version"))
    talk = Talk(producer=" ".join(("HAR by", *(part[:60] for part in creator if part))))
    for position, entry in enumerate(items(document, "log", "entries"), 1):
        url = text(entry, "request", "url")
        if not url:
            raise HarError(position, "the request has no url")
        if text(entry, "_fromCache") or text(entry, "response", "_fromCache"):
            talk.left_out["exchange that the browser's cache answered"] += 1
        elif text(entry, "request", "method") == "CONNECT" or url.partition(":")[0].lower() not in _WEB:
            talk.left_out["entry that is no request to the web"] += 1
        else:
            talk.exchanges.append(exchange_of(entry, url, talk, side_file))
    for name, what in (("pages", "page"), ("comment", "comment")):
        if member(document, "log", name):
            talk.left_out[what] += len(items(document, "log", name)) or 1
    return talk


_WEB = ("http", "https", "ws", "wss")


def exchange_of(entry: object, url: str, talk: Talk, side_file: SideFile) -> Exchange:
    """Return what one entry says."""
    request_headers, response_headers = request_fields(entry), response_fields(entry)
    status = whole(entry, "response", "status")
    notes: list[str] = []
    error = text(entry, "response", "_error") or text(entry, "response", "_errorText")
    if error:
        notes.append(f"the browser says: {error}"[:300])
    content = member(entry, "response", "content")
    body = content_bytes(content)
    file_name = text(content, "_file")
    socket = _socket(entry, url, status, response_headers, notes, talk, side_file)
    if file_name and socket is None:
        body = _from_beside(file_name, side_file, notes)
    elif not body and whole(content, "size") and status not in _NO_BODY and member(content, "text") is None:
        notes.append("the answer's body is not in the HAR")
    if number(entry, "timings", "wait") is not None:
        talk.left_out["breakdown of an exchange's time"] += 1
    started = text(entry, "startedDateTime")
    return Exchange(
        url=url,
        method=text(entry, "request", "method") or "GET",
        request_headers=with_host(request_headers, url),
        request_body=_post_data(entry, side_file, notes),
        status=status,
        reason=text(entry, "response", "statusText"),
        response_headers=response_headers,
        response_body=body,
        at_s=moment(started),
        took_s=max(number(entry, "time") or 0.0, 0.0) / 1000,
        socket=socket,
        notes=tuple(notes),
    )


def moment(iso: str) -> float | None:
    """Return ISO 8601 as seconds since 1970, None when it is none."""
    try:
        return datetime.fromisoformat(iso).timestamp()
    except (ValueError, OverflowError):
        return None


def _socket(
    entry: object,
    url: str,
    status: int,
    headers: Headers,
    notes: list[str],
    talk: Talk,
    side_file: SideFile,
) -> Socket | None:
    upgraded = status == 101 and (header(headers, "upgrade") or "").lower() == "websocket"
    noted = member(entry, "_webSocketMessages")
    named = text(entry, "_resourceType") == "websocket" or url.lower().startswith(("ws:", "wss:"))
    if not (upgraded or named or noted is not None):
        return None
    messages = items(entry, "_webSocketMessages")
    file_name = text(entry, "response", "content", "_file")
    if noted is None and file_name:
        beside = _from_beside(file_name, side_file, notes)
        messages = list(_json_lines(beside, notes))
    said: list[Said] = []
    for position, message in enumerate(messages, 1):
        found = said_of(message, notes)
        if found is not None:
            said.append(found)
        elif text(message, "type") == "error":
            notes.append(f"the browser says after message {position - 1}: {text(message, 'data')}"[:300])
        else:
            what = f"message of type {text(message, 'type')[:20]!r} and opcode {whole(message, 'opcode')}"
            talk.left_out[what] += 1
    return Socket(messages=tuple(said))


def said_of(message: object, notes: list[str]) -> Said | None:
    """Return one of ``_webSocketMessages``, None when it is no frame that RFC 6455 knows."""
    direction, kind = _DIRECTIONS.get(text(message, "type")), OPCODES.get(whole(message, "opcode"))
    if direction is None or kind is None:
        return None
    payload = _payload(message, kind, notes)
    return Said(direction=direction, kind=kind, payload=payload, at_s=_seconds(number(message, "time")))


def _json_lines(data: bytes, notes: list[str]) -> Iterator[object]:
    for line in data.splitlines():
        try:
            value: object = json.loads(line)
        except (ValueError, RecursionError):
            notes.append("a line of the file beside the HAR is no message")
            return
        yield value


def _payload(message: object, kind: Kind, notes: list[str]) -> bytes:
    data = text(message, "data")
    if kind is Kind.TEXT and text(message, "_encoding") != "base64":
        return data.encode()
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        notes.append(f"a {kind} message is not base64 and was taken as text")
        return data.encode()


def _seconds(time: float | None) -> float | None:
    if time is None or time <= 0 or not math.isfinite(time):
        return None  # Playwright writes -1 when it was told to leave times out
    if time > _MICROSECONDS:
        return time / 1e6
    return time / 1e3 if time > _MILLISECONDS else time


def _fields(entry: object, part: str) -> Headers:
    pairs: list[tuple[str, str]] = []
    for pair in items(entry, part, "headers"):
        match pair:
            case [str(name), str(value)]:  # Slack's
                pairs.append((well_formed(name), well_formed(value)))
            case _ if text(pair, "name"):
                pairs.append((text(pair, "name"), text(pair, "value")))
            case _:
                pass
    return tuple(pairs)


def request_fields(entry: object) -> Headers:
    """Return the request's header fields, its cookies too when they stand in the HAR's list only."""
    fields = _fields(entry, "request")
    cookies = [(text(cookie, "name"), text(cookie, "value")) for cookie in items(entry, "request", "cookies")]
    if cookies and header(fields, "cookie") is None:
        fields = (*fields, ("Cookie", "; ".join(f"{name}={value}" for name, value in cookies)))
    return fields


def response_fields(entry: object) -> Headers:
    """Return the response's header fields, cookies and redirect too when they stand in the HAR's own members only."""
    fields = _fields(entry, "response")
    if header(fields, "set-cookie") is None:
        cookies: list[tuple[str, str]] = []
        for cookie in items(entry, "response", "cookies"):
            marks = [f"{text(cookie, 'name')}={text(cookie, 'value')}"]
            marks += [f"{name}={found}" for name in ("Path", "Domain") if (found := text(cookie, name.lower()))]
            marks += [name for name, key in _COOKIE_MARKS if member(cookie, key) is True]
            cookies.append(("Set-Cookie", "; ".join(marks)))
        fields += tuple(cookies)
    redirect = text(entry, "response", "redirectURL")
    if redirect and header(fields, "location") is None and 300 <= whole(entry, "response", "status") < 400:
        fields = (*fields, ("Location", redirect))
    return fields


def content_bytes(content: object) -> bytes:
    """Return a response's body: base64, or text in the charset of its media type, UTF-8 by default."""
    found = text(content, "text")
    if text(content, "encoding").lower() == "base64":
        return _base64(found)
    return _encoded(found, text(content, "mimeType"))


def post_bytes(post: object) -> bytes:
    """Return a request's body, put together from ``params`` when there is no ``text``."""
    found = text(post, "text")
    if "base64" in (text(post, "encoding").lower(), text(post, "_encoding").lower()):
        return _base64(found)
    params = items(post, "params")
    if not found and params and "multipart" not in text(post, "mimeType").lower():
        return urlencode([(text(one, "name"), text(one, "value")) for one in params]).encode("ascii")
    return _encoded(found, text(post, "mimeType"))


def _post_data(entry: object, side_file: SideFile, notes: list[str]) -> bytes:
    post = member(entry, "request", "postData")
    file_name = text(post, "_file")
    if file_name:
        return _from_beside(file_name, side_file, notes)
    return post_bytes(post)


def _from_beside(name: str, side_file: SideFile, notes: list[str]) -> bytes:
    found = side_file(name)
    if found is None:
        notes.append(f"the file {name[:80]!r} is not beside the HAR")
        return b""
    return found


def _base64(data: str) -> bytes:
    try:
        return base64.b64decode(data)
    except (binascii.Error, ValueError):
        return data.encode()


def _encoded(data: str, media_type: str) -> bytes:
    _, found, charset = media_type.lower().partition("charset=")
    name = charset.partition(";")[0].strip(" \"'") if found else ""
    if _CHARSET.fullmatch(name):
        try:
            return data.encode(name)
        except (LookupError, UnicodeError):
            pass
    return data.encode()
