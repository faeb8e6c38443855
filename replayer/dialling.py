"""Opening handshakes with the server under test (RFC 6455 section 4), by ``websockets``' client."""

from __future__ import annotations

import ssl

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException
from websockets.typing import Origin, Subprotocol

from ..cassettes import Handshake, Headers, Target, header
from .live_connection import LiveConnection
from .wire import unreachable

# What the client makes itself, with all of Sec-WebSocket-*.
_OWN_FIELDS = frozenset(("host", "connection", "upgrade", "origin", "user-agent", "content-length"))


class HandshakeFailedError(Exception):
    """The server's answer is no answer to a WebSocket handshake at all; the message says why."""


class _Connect(connect):
    """``websockets``' client, which reports a redirect as the refusal that it is to a contract."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


def handshake_headers(recorded: Headers, extra: Headers) -> Headers:
    """Return a recorded handshake's header fields as they are to be sent: ``extra`` in place of those of the same name.

    The fields of the handshake itself are still among them: `dial` makes its own from them.
    """
    names = {name.lower() for name, _ in extra}
    return (*((name, value) for name, value in recorded if name.lower() not in names), *extra)


async def dial(
    target: Target,
    tls: ssl.SSLContext | None,
    resource: str,
    headers: Headers,
    *,
    origin: str | None,
    patience: float,
    proxied: bool = True,
) -> LiveConnection | Handshake:
    """Shake hands as the recorded client did; return the connection, or the handshake that the server refused.

    Subprotocols and compression are offered as ``headers`` say. Unless ``proxied``, the environment is not searched for
    a proxy, which costs as much as a handshake. Raises HandshakeFailedError, and UnreachableError when nobody answers
    within ``patience`` seconds.
    """
    fields = [(name, value) for name, value in headers if not _is_own(name)]
    offered = header(headers, "sec-websocket-protocol")
    compressed = "permessage-deflate" in (header(headers, "sec-websocket-extensions") or "")
    host = f"[{target.host}]" if ":" in target.host else target.host
    try:
        connection = await _Connect(
            f"{'wss' if target.tls else 'ws'}://{host}:{target.port}{resource}",
            ssl=tls if target.tls else None,
            origin=None if origin is None else Origin(origin),
            subprotocols=[Subprotocol(name.strip()) for name in offered.split(",")] if offered else None,
            compression="deflate" if compressed else None,
            additional_headers=fields,
            user_agent_header=header(headers, "user-agent"),
            ping_interval=None,
            max_size=None,
            open_timeout=patience,
            close_timeout=5,
            proxy=True if proxied else None,
            create_connection=LiveConnection,
        )
    except InvalidStatus as error:
        response = error.response
        return Handshake(
            target=resource,
            request_headers=tuple(fields),
            status=response.status_code,
            reason=response.reason_phrase,
            response_headers=tuple(response.headers.raw_items()),
            response_body=bytes(response.body or b""),
        )
    except InvalidHandshake as error:
        raise HandshakeFailedError(str(error)) from error
    except (OSError, TimeoutError, EOFError, WebSocketException) as error:
        raise unreachable(target, error) from error
    assert isinstance(connection, LiveConnection)
    return connection


def shaken_hands(connection: ClientConnection) -> Handshake:
    """Return the handshake of an open connection."""
    request, response = connection.request, connection.response
    assert request is not None
    assert response is not None
    return Handshake(
        target=request.path,
        request_headers=tuple(request.headers.raw_items()),
        status=response.status_code,
        reason=response.reason_phrase,
        response_headers=tuple(response.headers.raw_items()),
    )


def _is_own(name: str) -> bool:
    return name.lower() in _OWN_FIELDS or name.lower().startswith("sec-websocket-")
