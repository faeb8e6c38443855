"""Sending the connections of client libraries elsewhere, by rewriting the address that they dial.

The libraries are left alone otherwise: a real socket is opened, to a recorder or a served cassette on loopback. Each is
changed at the one place where it reads an address, once, and only when a test asks for it. Supported are websockets
(asyncio and sync), aiohttp, websocket-client, httpx with httpx-ws, and requests.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit


class Switchboard(Protocol):
    """Says where connections go."""

    def dialled(self, origin: str, path: str) -> str | None:
        """Return ``HOST:PORT`` for an origin (``ws://host:port``), None to leave it alone."""
        ...

    def unread(self, port: int, texts: Sequence[str | bytes]) -> None:
        """A client has closed its connection to a local port with messages that it never took."""
        ...


class _Plugged:
    """The switchboard that is asked, if any."""

    board: Switchboard | None = None


def plug(board: Switchboard | None) -> None:
    """Ask ``board`` from now on; None leaves all addresses alone."""
    if board is not None:
        for module, patch in _PATCHES.items():
            if module not in _DONE and importlib.util.find_spec(module.partition(".")[0]) is not None:
                _DONE.add(module)
                patch(importlib.import_module(module))
    _Plugged.board = board


def rewritten(url: str) -> str:
    """Return the URL to dial in place of one: the same one where nobody wants it elsewhere."""
    board = _Plugged.board
    parts = urlsplit(url)
    if board is None or parts.hostname is None:
        return url
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    default = 443 if scheme == "wss" else 80
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    to = board.dialled(f"{scheme}://{host}:{parts.port or default}", parts.path or "/")
    if to is None:
        return url
    return urlunsplit((parts.scheme.removesuffix("s") if scheme == "wss" else parts.scheme, to, *parts[2:]))


def _report_unread(port: object, texts: Sequence[str | bytes]) -> None:
    if _Plugged.board is not None and texts and isinstance(port, int):
        _Plugged.board.unread(port, texts)


def _wrap(owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    original = getattr(owner, name, None)
    if original is not None:
        setattr(owner, name, make(original))


def _rewriting_first(original: Callable[..., Any]) -> Callable[..., Any]:
    def rewriting(url: str) -> Any:
        return original(rewritten(url))

    return rewriting


# --- websockets


def _patch_websockets_asyncio(module: Any) -> None:
    _wrap(module, "parse_uri", _rewriting_first)

    def connect(original: Callable[..., Any]) -> Callable[..., Any]:
        def __init__(self: Any, uri: str, **options: Any) -> None:
            _drop_tls(uri, options)
            original(self, uri, **options)

        return __init__

    def close(original: Callable[..., Any]) -> Callable[..., Any]:
        async def close(self: Any, *args: Any, **options: Any) -> Any:
            port = _port(self)
            result = await original(self, *args, **options)
            _frames_unread(port, tuple(getattr(getattr(self.recv_messages, "frames", None), "queue", ())))
            return result

        return close

    _wrap(module.connect, "__init__", connect)
    _wrap(module.ClientConnection, "close", close)


def _patch_websockets_sync(module: Any) -> None:
    _wrap(module, "parse_uri", _rewriting_first)

    def close(original: Callable[..., Any]) -> Callable[..., Any]:
        def close(self: Any, *args: Any, **options: Any) -> Any:
            port = _port(self)
            result = original(self, *args, **options)
            # The thread that reads ends with the connection; all that came is in the queue then.
            self.recv_events_thread.join(self.close_timeout)
            queue: Any = getattr(self.recv_messages, "frames", None)
            if queue is not None:
                frames = [queue.get_nowait() for _ in range(queue.qsize())]
                for frame in frames:
                    queue.put(frame)
                _frames_unread(port, frames)
            return result

        return close

    _wrap(module.ClientConnection, "close", close)


def _drop_tls(uri: str, options: dict[str, Any]) -> None:
    """A connection that goes to loopback instead is a plain one."""
    if rewritten(uri) != uri:
        options.pop("ssl", None)
        options.pop("server_hostname", None)


def _frames_unread(port: object, frames: Sequence[Any]) -> None:
    _report_unread(port, [bytes(frame.data) for frame in frames if frame is not None and frame.opcode in (1, 2)])


def _port(connection: Any) -> object:
    try:
        address: Any = connection.remote_address
    except OSError:  # it is closed already
        return None
    return address[1] if isinstance(address, tuple) else None  # pyright: ignore[reportUnknownVariableType]


# --- aiohttp


def _patch_aiohttp(module: Any) -> None:
    def build_url(original: Callable[..., Any]) -> Callable[..., Any]:
        def _build_url(self: Any, url: Any) -> Any:
            built = original(self, url)
            new = rewritten(str(built))
            # The path is taken from the original: what is encoded in it stays as it was written.
            return built if new == str(built) else type(built)(new, encoded=True)

        return _build_url

    def close(original: Callable[..., Any]) -> Callable[..., Any]:
        async def close(self: Any, *args: Any, **options: Any) -> Any:
            if self.closed:
                return await original(self, *args, **options)
            unread = _Unread(self._reader)
            self._reader = unread
            result = await original(self, *args, **options)
            _report_unread(self._response.url.port, unread.texts)
            return result

        return close

    _wrap(module.ClientSession, "_build_url", build_url)
    _wrap(module.ClientWebSocketResponse, "close", close)


class _Unread:
    """aiohttp's queue of messages while it waits for the other side's Close frame and drops what comes before."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self.texts: list[str | bytes] = []

    async def read(self) -> Any:
        message = await self._queue.read()
        if message.type in (1, 2):
            self.texts.append(message.data)
        return message

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)


# --- websocket-client


def _patch_websocket_client(module: Any) -> None:
    def connect(original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: Any, url: str, **options: Any) -> Any:
            return original(self, rewritten(url), **options)

        return connect

    def close(original: Callable[..., Any]) -> Callable[..., Any]:
        def close(self: Any, *args: Any, **options: Any) -> Any:
            if self.connected and self.sock is not None:
                _report_unread(self.sock.getpeername()[1], _peeked(self.sock))
            return original(self, *args, **options)

        return close

    _wrap(module.WebSocket, "connect", connect)
    _wrap(module.WebSocket, "close", close)


def _peeked(sock: Any) -> list[bytes]:
    """Return the whole data messages that have arrived and nobody has read (RFC 6455 section 5.2), unmasked."""
    import socket

    patience = sock.gettimeout()
    try:
        sock.settimeout(0)
        data = bytes(sock.recv(1 << 16, socket.MSG_PEEK))
    except (OSError, ValueError):  # nothing there, or TLS
        return []
    finally:
        sock.settimeout(patience)
    messages: list[bytes] = []
    at = 0
    while at + 2 <= len(data):
        opcode, length = data[at] & 0x0F, data[at + 1] & 0x7F
        extra = {126: 2, 127: 8}.get(length, 0)
        begin = at + 2 + extra
        if extra:
            length = int.from_bytes(data[at + 2 : begin], "big")
        if opcode in (1, 2):
            messages.append(data[begin : begin + length])
        at = begin + length
    return messages


# --- httpx, httpx-ws, requests


def _patch_httpx(module: Any) -> None:
    base = next(owner for owner in module.Client.__mro__ if "_merge_url" in vars(owner))

    def merge_url(original: Callable[..., Any]) -> Callable[..., Any]:
        def _merge_url(self: Any, url: Any) -> Any:
            merged = original(self, url)
            new = rewritten(str(merged))
            return merged if new == str(merged) else type(merged)(new)

        return _merge_url

    _wrap(base, "_merge_url", merge_url)


def _patch_requests(module: Any) -> None:
    def request(original: Callable[..., Any]) -> Callable[..., Any]:
        def request(self: Any, method: str, url: Any, *args: Any, **options: Any) -> Any:
            return original(self, method, rewritten(str(url)), *args, **options)

        return request

    _wrap(module.Session, "request", request)


_DONE: set[str] = set()
_PATCHES: dict[str, Callable[[Any], None]] = {
    "websockets.asyncio.client": _patch_websockets_asyncio,
    "websockets.sync.client": _patch_websockets_sync,
    "aiohttp": _patch_aiohttp,
    "websocket": _patch_websocket_client,
    "httpx": _patch_httpx,
    "requests": _patch_requests,
}
