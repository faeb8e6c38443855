"""The server role's listening socket: any number of clients, each served from the start of the cassette."""

from __future__ import annotations

import asyncio
import ssl

from ...cassettes import UsageError
from .desk import Desk, Outcome
from .http_line import HttpLine

PATIENCE = 5.0
"""Seconds of waiting for a client's message before a word is said of it."""


class Service:
    """Listens, and answers from a `Desk`."""

    def __init__(self, desk: Desk, *, patience: float = PATIENCE) -> None:
        self._desk = desk
        self._patience = patience
        self._server: asyncio.Server | None = None
        self._lines: set[HttpLine] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None) -> int:
        """Listen; return the port. Raises UsageError for an address that cannot be listened on."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._line, host, port, ssl=tls)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError(f"cannot listen on {host} port {port}: {reason}; choose another with --listen") from error
        return self._server.sockets[0].getsockname()[1]

    def _line(self) -> HttpLine:
        line = HttpLine(self._desk, self._patience, self._lines.discard)
        self._lines.add(line)
        return line

    @property
    def busy(self) -> bool:
        """Whether a client's WebSocket is open."""
        return any(line.talking for line in tuple(self._lines))

    async def stop(self) -> Outcome:
        """Stop listening, end what is open, and return what it came to."""
        if self._server is not None:
            self._server.close()
        for line in list(self._lines):
            line.cut()
        if self._server is not None:
            await self._server.wait_closed()
        return self._desk.outcome()
