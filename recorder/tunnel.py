"""The way out through an HTTP proxy, by CONNECT (RFC 9110 section 9.3.6), when the environment asks for it.

The variables are those of curl (https://everything.curl.dev/usingcurl/proxies/env.html): ``https_proxy`` for ``wss``
and ``https`` targets, ``http_proxy`` for ``ws`` and ``http``, ``all_proxy`` for both, ``no_proxy`` for exceptions,
lower case before upper case. Loopback targets never go through a proxy: it would have another idea of them.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ..cassettes import Target, UsageError

_ANSWER_LIMIT = 64 * 1024  # bytes of the proxy's answer
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: ([^\r\n]*))?\r?\n")


class TunnelError(OSError):
    """A proxy that was reached and did not connect us; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy. Its credentials are not in its ``repr``, which ends up in logs."""

    host: str
    port: int
    authorization: str | None = None  # value of Proxy-Authorization

    def __repr__(self) -> str:
        return f"Proxy({self})"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def from_environment(cls, target: Target, environment: Mapping[str, str]) -> Proxy | None:
        """The proxy for ``target``, None for the direct way. Raises UsageError for one that cannot be used."""
        name, url = _first(environment, "https_proxy" if target.tls else "http_proxy", "all_proxy")
        if not url or _is_loopback(target.host) or _excepted(target, _first(environment, "no_proxy")[1]):
            return None
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            port = parts.port or 1080  # curl's default
        except ValueError as exc:
            raise UsageError(f"{name} is not the URL of a proxy: {exc}") from exc
        if parts.scheme.lower() != "http" or not parts.hostname:
            # The URL may hold a password, so it is not shown.
            raise UsageError(f"{name} names no http:// proxy, the only kind known; put the target into no_proxy")
        authorization = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return cls(host=parts.hostname, port=port, authorization=authorization)

    async def open(self, host: str, port: int) -> socket.socket:
        """Return a socket that leads to ``host``, which the proxy looks up. Raises OSError."""
        loop = asyncio.get_running_loop()
        sock = await _dial(self.host, self.port)
        try:
            await loop.sock_sendall(sock, self._request(host, port))
            answer = b""
            # What the target says comes after the head, and no target of ours speaks before it is asked.
            while b"\r\n\r\n" not in answer and b"\n\n" not in answer:
                data = await loop.sock_recv(sock, 4096)
                answer += data
                if not data or len(answer) > _ANSWER_LIMIT:
                    raise TunnelError(f"the proxy {self} did not answer CONNECT with HTTP/1")
            match = _STATUS.match(answer)
            if match is None:
                raise TunnelError(f"the proxy {self} did not answer CONNECT with HTTP/1")
            if not match[1].startswith(b"2"):
                reason = " ".join(part.decode("iso-8859-1") for part in match.groups() if part)
                raise TunnelError(f"the proxy {self} refused to connect: {reason}")
        except BaseException:
            sock.close()
            raise
        return sock

    def _request(self, host: str, port: int) -> bytes:
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        if self.authorization is not None:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        return "\r\n".join([*lines, "", ""]).encode("iso-8859-1")


async def _dial(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    problem: OSError = TunnelError(f"the proxy {host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
        except OSError as exc:
            sock.close()
            problem = exc
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise problem


def _first(environment: Mapping[str, str], *names: str) -> tuple[str, str]:
    """The first variable that is set, in lower or upper case: its name and its value."""
    for name in names:
        for spelling in (name, name.upper()):
            # In a CGI program HTTP_PROXY is the request's header "Proxy": anybody's choice (CVE-2016-5385).
            if spelling == "HTTP_PROXY" and "REQUEST_METHOD" in environment:
                continue
            if value := environment.get(spelling, "").strip():
                return spelling, value
    return "", ""


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def _excepted(target: Target, no_proxy: str) -> bool:
    host = target.host.lower().rstrip(".")
    address = _address(host)
    for entry in re.split(r"[,\s]+", no_proxy.lower()):
        if entry == "*":
            return True
        if address is not None:
            try:
                if address in ipaddress.ip_network(entry.strip("[]"), strict=False):
                    return True
            except ValueError:
                pass  # a name
        name, _, port = entry.rpartition(":")
        if not name or not port.isdigit() or ":" in name:
            name, port = entry, ""
        name = name.removeprefix("*").strip(".")
        if name and (host == name or host.endswith("." + name)) and port in ("", str(target.port)):
            return True
    return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
