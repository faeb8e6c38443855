"""The way to the upstream: over TCP, through a proxy, or by a Unix socket, with or without TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..cassettes import Target, why_unreached
from .tunnel import Proxy, TunnelError

_NEXT_ADDRESS = 0.25  # seconds until the next address of a name is tried beside the first (RFC 8305 section 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How connections to ``target`` are made."""

    target: Target
    tls: ssl.SSLContext | None = None
    socket: Path | None = None  # a Unix socket
    proxy: Proxy | None = None

    async def connect(self, factory: Callable[[], asyncio.Protocol]) -> None:
        """Open a connection. Raises OSError."""
        loop = asyncio.get_running_loop()
        host, port = self.target.host, self.target.port
        name = host if self.tls is not None else None
        try:
            if self.socket is not None:
                await loop.create_unix_connection(factory, str(self.socket), ssl=self.tls, server_hostname=name)
            elif self.proxy is not None:
                sock = await self.proxy.open(host, port)
                await loop.create_connection(factory, sock=sock, ssl=self.tls, server_hostname=name)
            else:
                # An address is one way only, and trying it is what a recorder does most. uvloop tries one address after
                # the other.
                alone = host[-1:].isdigit() or ":" in host or not isinstance(loop, asyncio.BaseEventLoop)
                connect = loop.create_connection
                if not alone:
                    connect = partial(connect, happy_eyeballs_delay=_NEXT_ADDRESS)
                await connect(factory, host, port, ssl=self.tls, server_hostname=name)
        except OSError:
            raise  # here because a certificate error is a ValueError as well
        except ValueError as exc:  # a host name that the resolver's codec or TLS refuses
            raise OSError(f"the host name cannot be looked up: {exc}") from exc

    def failure(self, error: OSError) -> str:
        """Say in one line that `connect` failed, and why."""
        where = self.target.origin
        if self.socket is not None:
            where += f" at {self.socket}"
        elif self.proxy is not None and not isinstance(error, TunnelError | ssl.SSLError):
            where += f" through the proxy {self.proxy}"
        return f"cannot reach {where}: {reason(error)}"


def reason(error: Exception) -> str:
    """Say in a few words why a connection was not made."""
    return str(error) if isinstance(error, TunnelError) else why_unreached(error)
