"""The way to the upstream: over TCP, through a proxy, or by a Unix socket, with or without TLS."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..cassettes import Target
from .tunnel import Proxy, TunnelError

_ERRNO = re.compile(r"\[Errno (\d+)\]")
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
    if isinstance(error, TunnelError):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        detail = error.verify_message or str(error)
        return f"its certificate is not trusted ({detail}); give its authority with --ca FILE, or use --insecure"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({(error.reason or str(error)).lower().replace('_', ' ')}); is it a wss:// address?"
    if isinstance(error, socket.gaierror):
        return f"the host name is not known ({(error.strerror or str(error)).lower()})"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (several := _ERRNO.findall(str(error))):
        number = int(several[-1])  # asyncio joins the errors of several addresses into a text
    if number is not None and number in errno.errorcode:
        return os.strerror(number).lower()
    return (str(error) or type(error).__name__).lower()
