"""Plain HTTP/1.1 requests to the server under test, with h11 for the protocol."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from dataclasses import dataclass

import h11

from ..cassettes import Headers, Target, UnreachableError, header, why_unreached
from .ledger import Encoding

_DROPPED = frozenset(("host", "content-length", "transfer-encoding", "connection", "expect", "accept-encoding"))
MAX_BODY = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole response; the body is decoded of transfer and content encodings."""

    status: int
    reason: str
    headers: Headers
    body: bytes


def request_headers(headers: Headers, target: Target, body: bytes, extra: Headers) -> Headers:
    """Return a recorded request's header fields as they are to be sent to another server."""
    names = {name.lower() for name, _ in extra}
    kept = [(name, value) for name, value in headers if name.lower() not in _DROPPED | names]
    length = (("Content-Length", str(len(body))),) if body or header(headers, "content-length") is not None else ()
    return (("Host", target.authority), *kept, *extra, *length, ("Connection", "close"))


def body_encoding(headers: Headers) -> Encoding:
    """Return how a value is to be written into a request's body, by its media type."""
    media_type = (header(headers, "content-type") or "").lower()
    if "form-urlencoded" in media_type:
        return "url"
    return "json" if "json" in media_type else "plain"


async def send_request(
    target: Target, tls: ssl.SSLContext | None, method: str, resource: str, headers: Headers, body: bytes
) -> Response:
    """Send one request on a connection of its own and read the response. Raises UnreachableError."""
    try:
        reader, writer = await asyncio.open_connection(target.host, target.port, ssl=tls)
    except OSError as error:
        raise unreachable(target, error) from error
    try:
        connection = h11.Connection(h11.CLIENT)
        request = h11.Request(
            method=method,
            target=resource,
            headers=[(name.encode(), value.encode("latin-1")) for name, value in headers],
        )
        writer.write(connection.send(request) or b"")
        if body:
            writer.write(connection.send(h11.Data(data=body)) or b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        return await _read_response(connection, reader)
    except (h11.ProtocolError, OSError, EOFError) as error:
        raise UnreachableError(
            f"{target.url}: no response to {method} {resource} ({error}); check that the build is running"
        ) from error
    finally:
        writer.close()


async def _read_response(connection: h11.Connection, reader: asyncio.StreamReader) -> Response:
    response: h11.Response | None = None
    chunks: list[bytes] = []
    size = 0
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Response):
            response = event
        elif isinstance(event, h11.Data):
            size += len(event.data)
            if size <= MAX_BODY:
                chunks.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            break
    if response is None:
        raise EOFError("the connection was closed")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw_items())
    return Response(
        status=response.status_code,
        reason=bytes(response.reason).decode("latin-1"),
        headers=headers,
        body=_decoded(headers, b"".join(chunks)),
    )


def _decoded(headers: Headers, body: bytes) -> bytes:
    if (header(headers, "content-encoding") or "").lower() not in ("gzip", "deflate"):
        return body
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(body, MAX_BODY)
    except zlib.error:
        return body


async def accepts(target: Target) -> bool:
    """Tell whether somebody accepts connections at a target."""
    try:
        _, writer = await asyncio.open_connection(target.host, target.port)
    except OSError:
        return False
    writer.close()
    return True


def unreachable(target: Target, error: BaseException) -> UnreachableError:
    """Say that nobody answers at a target."""
    return UnreachableError(
        f"{target.url}: cannot connect to {target.host} port {target.port} ({why_unreached(error)}); "
        "check that it is running"
    )
