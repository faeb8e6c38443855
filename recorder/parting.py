"""How a connection is ended: with an answer, politely, or by a reset."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from http import HTTPStatus
from typing import cast

try:
    import fcntl
    import termios
except ImportError:  # Windows
    fcntl = termios = None

RESET_PATIENCE = 1.0  # seconds that what was sent before a reset has to arrive
RESET_STEP = 0.01

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 seconds: close() sends RST


def answer(status: int, line: str) -> bytes:
    """A response of a line of text, after which the connection ends."""
    body = f"{line}\n".encode()
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase if status in set(HTTPStatus) else 'Refused'}\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body


def end_writing(transport: asyncio.Transport) -> None:
    """Send what was written, then say that no more comes, by closing where there is no other way."""
    if transport.is_closing():
        return
    if transport.can_write_eof():
        transport.write_eof()
    else:
        transport.close()


def reset(transport: asyncio.Transport, patience: float = RESET_PATIENCE) -> None:
    """Reset a connection once what was written before has left this machine's buffers.

    A reset throws away what is still in them. Without us between, what the sender had got rid of would arrive.
    """
    if transport.is_closing():
        return
    sock = cast("socket.socket | None", transport.get_extra_info("socket"))
    if patience > 0 and (transport.get_write_buffer_size() or _unsent(sock)):
        transport.pause_reading()
        loop = asyncio.get_running_loop()
        loop.call_later(RESET_STEP, reset, transport, patience - RESET_STEP)
        return
    if sock is not None:
        with contextlib.suppress(OSError):  # not TCP, or gone already
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def _unsent(sock: socket.socket | None) -> int:
    """Bytes that the kernel still has to send or to hear of; 0 where it does not tell."""
    if sock is None or fcntl is None or termios is None:
        return 0
    try:
        # On a socket this is SIOCOUTQ, see tcp(7).
        return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except OSError:
        return 0
