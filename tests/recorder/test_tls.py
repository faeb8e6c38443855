"""TLS on either side, with real certificates; ways to the upstream other than plain TCP."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from upstreams import echo, unused_port, websocket_upstream
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve, unix_serve
from websockets.exceptions import InvalidHandshake, InvalidStatus

from wstape.cassettes import Certificate, FileError, Target, UsageError, read_session
from wstape.recorder import Address, Recorder, Settings
from wstape.recorder.tunnel import Proxy


def run(main: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await main

    asyncio.run(bounded())


@dataclass(slots=True)
class Files:
    """An authority and what it has signed, as PEM files."""

    authority: trustme.CA
    folder: Path
    ca: Path

    def leaf(self, *names: str) -> trustme.LeafCert:
        return self.authority.issue_cert(*names)

    def pem(self, name: str, leaf: trustme.LeafCert) -> tuple[Path, Path, Path]:
        """Certificate, key, and both in one."""
        paths = (self.folder / f"{name}.crt", self.folder / f"{name}.key", self.folder / f"{name}.pem")
        leaf.cert_chain_pems[0].write_to_path(paths[0])
        leaf.private_key_pem.write_to_path(paths[1])
        leaf.private_key_and_cert_chain_pem.write_to_path(paths[2])
        return paths


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return Files(authority, folder, folder / "ca.pem")


@dataclass(slots=True)
class TlsUpstream:
    """What a TLS echo server was told by its clients before they spoke."""

    port: int = 0
    names: list[str | None] = field(default_factory=list[str | None])
    alpn: list[str | None] = field(default_factory=list[str | None])
    peers: list[object] = field(default_factory=list[object])


@asynccontextmanager
async def tls_upstream(files: Files, host: str = "localhost", *, mutual: bool = False) -> AsyncGenerator[TlsUpstream]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files.leaf(host).configure_cert(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    if mutual:
        files.authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    seen = TlsUpstream()
    context.sni_callback = lambda _socket, name, _context: seen.names.append(name)

    async def handler(connection: ServerConnection) -> None:
        tls = connection.transport.get_extra_info("ssl_object")
        seen.alpn.append(tls.selected_alpn_protocol())
        seen.peers.append(tls.getpeercert())
        await echo(connection)

    async with serve(handler, "::1" if host == "::1" else "127.0.0.1", 0, ssl=context) as server:
        seen.port = next(iter(server.sockets)).getsockname()[1]
        yield seen


async def talk(url: str, **options: Any) -> None:
    async with connect(url, proxy=None, **options) as connection:
        await connection.send("hello")
        assert await connection.recv() == "hello"


async def refused(recorder: Recorder, said: list[str]) -> str:
    """Dial; the recorder has to answer that it could not reach the target. Return why."""
    with pytest.raises(InvalidStatus) as caught:
        await connect(recorder.url, proxy=None)
    assert caught.value.response.status_code == 502
    return said[-1]


def test_the_server_is_asked_by_name_for_http_1(tmp_path: Path, files: Files) -> None:
    async def main() -> None:
        async with tls_upstream(files) as upstream:
            target = Target.parse(f"wss://localhost:{upstream.port}")
            async with Recorder(Settings(target=target, output=tmp_path / "a", ca=files.ca)) as recorder:
                await talk(recorder.url)
            assert (upstream.names, upstream.alpn) == (["localhost"], ["http/1.1"])

    run(main())
    assert read_session(tmp_path / "a").header.notes == {}


def test_a_certificate_of_another_name_or_authority_is_refused_unless_told(tmp_path: Path, files: Files) -> None:
    said: list[str] = []

    async def main() -> None:
        async with tls_upstream(files, "another.example") as upstream:
            target = Target.parse(f"wss://localhost:{upstream.port}")
            for ca, words in ((files.ca, "ostname mismatch"), (None, "unable to get local issuer")):
                settings = Settings(target=target, output=tmp_path / "a", ca=ca, force=True)
                async with Recorder(settings, said.append) as recorder:
                    assert words in await refused(recorder, said)
            settings = Settings(target=target, output=tmp_path / "b", insecure=True, notes={"build": "7"})
            async with Recorder(settings) as recorder:
                await talk(recorder.url)

    run(main())
    notes = {"insecure": "the target's certificate was not checked", "build": "7"}
    assert read_session(tmp_path / "b").header.notes == notes


@pytest.mark.parametrize("form", ["one file", "two files", "none"])
def test_a_target_that_wants_to_know_its_client(tmp_path: Path, files: Files, form: str) -> None:
    certificate, key, both = files.pem("client", files.leaf("alice@example.com"))
    given = {"one file": str(both), "two files": f"{certificate}:{key}", "none": None}[form]
    said: list[str] = []

    async def main() -> None:
        async with tls_upstream(files, mutual=True) as upstream:
            settings = Settings(
                target=Target.parse(f"wss://localhost:{upstream.port}"),
                output=tmp_path / "a",
                ca=files.ca,
                client_cert=Certificate.parse(given) if given else None,
            )
            async with Recorder(settings, said.append) as recorder:
                if given is None:
                    # In TLS 1.3 the server's alert comes when the client has begun to speak.
                    with pytest.raises((InvalidHandshake, OSError)):
                        await connect(recorder.url)
                    assert upstream.peers == []
                    return
                await talk(recorder.url)
            (peer,) = upstream.peers
            assert "alice@example.com" in repr(peer)

    run(main())


@pytest.mark.parametrize("upstream_tls", [False, True])
def test_listening_with_tls(tmp_path: Path, files: Files, upstream_tls: bool) -> None:
    certificate, key, _ = files.pem("own", files.leaf("127.0.0.1"))
    trust = ssl.create_default_context(cafile=str(files.ca))
    trust.set_alpn_protocols(["h2", "http/1.1"])

    async def main() -> None:
        async with contextlib.AsyncExitStack() as stack:
            if upstream_tls:
                target = f"wss://localhost:{(await stack.enter_async_context(tls_upstream(files))).port}"
            else:
                target = await stack.enter_async_context(websocket_upstream())
            settings = Settings(
                target=Target.parse(target + "/ws"),
                output=tmp_path / "a",
                ca=files.ca,
                tls=Certificate(file=certificate, key=key),
            )
            recorder = await stack.enter_async_context(Recorder(settings))
            assert recorder.url == f"wss://{recorder.address}/ws"
            assert recorder.http_url == f"https://{recorder.address}"
            # More than the sockets hold, and a closing handshake.
            async with connect(recorder.url, ssl=trust, max_size=None, origin=recorder.http_url) as one:  # type: ignore[arg-type]
                tls = one.transport.get_extra_info("ssl_object")
                assert tls.selected_alpn_protocol() == "http/1.1"
                await one.send(bytes(1_000_000))
                assert await one.recv() == bytes(1_000_000)
            async with aiohttp.ClientSession() as client, client.get(recorder.http_url + "/", ssl=trust) as response:
                assert response.status == 426
            with contextlib.suppress(OSError, InvalidHandshake):
                await connect(f"ws://{recorder.address}")  # plain to TLS: nothing breaks
            await talk(recorder.url, ssl=trust)

    run(main())
    session = read_session(tmp_path / "a")
    assert session.complete
    assert [one.closed.ending for one in session.connections if one.closed] == ["clean", "clean"]
    fields = dict(session.connections[0].handshake.request_headers)
    assert fields["Origin"] == ("https" if upstream_tls else "http") + "://" + fields["Host"]


def test_a_target_that_is_down_is_told_over_tls_as_well(tmp_path: Path, files: Files) -> None:
    _, _, both = files.pem("own", files.leaf("127.0.0.1"))
    trust = ssl.create_default_context(cafile=str(files.ca))

    async def main() -> None:
        settings = Settings(
            target=Target.parse(f"ws://127.0.0.1:{unused_port()}"), output=tmp_path / "a", tls=Certificate(file=both)
        )
        async with (
            Recorder(settings) as recorder,
            aiohttp.ClientSession() as client,
            client.post(recorder.http_url, data=b"x" * 10_000, ssl=trust) as response,
        ):
            assert response.status == 502
            assert "connection refused" in await response.text()

    run(main())


def test_an_ipv6_upstream_with_tls(tmp_path: Path, files: Files) -> None:
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback address")

    async def main() -> None:
        async with tls_upstream(files, "::1") as upstream:
            settings = Settings(
                target=Target.parse(f"wss://[::1]:{upstream.port}"),
                output=tmp_path / "a",
                ca=files.ca,
                listen=Address.parse("[::1]:0"),
            )
            async with Recorder(settings) as recorder:
                await talk(recorder.url)
            fields = dict(read_session(tmp_path / "a").connections[0].handshake.request_headers)
            assert fields["Host"] == f"[::1]:{upstream.port}"

    run(main())


def test_a_unix_socket(tmp_path: Path, files: Files) -> None:
    path, said = tmp_path / "s", list[str]()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files.leaf("app.example").configure_cert(context)

    async def main() -> None:
        for scheme, tls in (("ws", None), ("wss", context)):
            settings = Settings(
                target=Target.parse(f"{scheme}://app.example/ws"),
                output=tmp_path / "a",
                target_socket=path,
                ca=files.ca,
                force=True,
            )
            async with Recorder(settings, said.append) as recorder:
                async with unix_serve(echo, str(path), ssl=tls):
                    await talk(recorder.url)
                path.unlink(missing_ok=True)
                scheme = scheme.replace("ws", "http")
                words = f"cannot reach {scheme}://app.example at {path}: no such file or directory"
                assert await refused(recorder, said) == words
            fields = dict(read_session(tmp_path / "a").connections[0].handshake.request_headers)
            assert fields["Host"] == "app.example"

    run(main())


@dataclass(slots=True)
class ConnectProxy:
    """An HTTP proxy that takes every name for 127.0.0.1."""

    port: int = 0
    answer: bytes = b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n"
    heads: list[str] = field(default_factory=list[str])


@asynccontextmanager
async def connect_proxy() -> AsyncGenerator[ConnectProxy]:
    proxy = ConnectProxy()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        proxy.heads.append(head)
        writer.write(proxy.answer[:20])
        await writer.drain()
        writer.write(proxy.answer[20:])
        if not proxy.answer.startswith(b"HTTP/1.1 200"):
            writer.close()
            return
        port = int(head.split(" ")[1].rpartition(":")[2])
        there_reader, there = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, there), pump(there_reader, writer))

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        proxy.port = server.sockets[0].getsockname()[1]
        yield proxy


def test_through_a_proxy_of_the_environment(tmp_path: Path, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    async def main() -> None:
        async with (
            connect_proxy() as proxy,
            tls_upstream(files, "staging.test") as secure,
            websocket_upstream() as plain,
        ):
            monkeypatch.setenv("https_proxy", f"http://us%40er:pass@127.0.0.1:{proxy.port}")
            monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{proxy.port}")
            plain_port = plain.rpartition(":")[2]
            for url in (f"wss://staging.test:{secure.port}", f"ws://staging.test:{plain_port}"):
                settings = Settings(target=Target.parse(url), output=tmp_path / "a", ca=files.ca, force=True)
                async with Recorder(settings, said.append) as recorder:
                    await talk(recorder.url)
            assert secure.names == ["staging.test"]
            credentials = base64.b64encode(b"us@er:pass").decode()
            assert proxy.heads == [
                f"CONNECT staging.test:{secure.port} HTTP/1.1\r\nHost: staging.test:{secure.port}\r\n"
                f"Proxy-Authorization: Basic {credentials}\r\n\r\n",
                f"CONNECT staging.test:{plain_port} HTTP/1.1\r\nHost: staging.test:{plain_port}\r\n\r\n",
            ]
            for answer, words in (
                (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "refused to connect: 407 Proxy Auth"),
                (b"SSH-2.0-nonsense\r\n", "did not answer CONNECT with HTTP/1"),
            ):
                proxy.answer = answer
                async with Recorder(settings, said.append) as recorder:
                    assert words in await refused(recorder, said)
        async with Recorder(settings, said.append) as recorder:
            line = await refused(recorder, said)
            assert line.endswith(f"through the proxy 127.0.0.1:{proxy.port}: connection refused")

    run(main())
    assert "pass" not in " ".join(said)


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        ("wss://a.example", {"https_proxy": "http://p:1"}, "p:1"),
        ("wss://a.example", {"HTTPS_PROXY": "http://p:1/"}, "p:1"),
        ("wss://a.example", {"HTTPS_PROXY": "http://q:1", "https_proxy": "http://p:1"}, "p:1"),
        ("wss://a.example", {"http_proxy": "http://p:1"}, None),
        ("ws://a.example", {"http_proxy": "p"}, "p:1080"),
        ("ws://a.example", {"http_proxy": "http://[::1]:3"}, "[::1]:3"),
        ("ws://a.example", {"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, None),
        ("ws://a.example", {"all_proxy": "http://p:1"}, "p:1"),
        ("ws://a.example", {"http_proxy": ""}, None),
        ("ws://a.example", {"http_proxy": "p:1", "no_proxy": "*"}, None),
        ("ws://a.example", {"http_proxy": "p:1", "NO_PROXY": "x, example"}, None),
        ("ws://a.example", {"http_proxy": "p:1", "no_proxy": ".A.example"}, None),
        ("ws://a.example", {"http_proxy": "p:1", "no_proxy": "*.example"}, None),
        ("ws://a.example", {"http_proxy": "p:1", "no_proxy": "a.example:81"}, "p:1"),
        ("ws://a.example", {"http_proxy": "p:1", "no_proxy": "a.example:80"}, None),
        ("ws://ba.example", {"http_proxy": "p:1", "no_proxy": "a.example"}, "p:1"),
        ("ws://10.1.2.3", {"http_proxy": "p:1", "no_proxy": "10.0.0.0/8"}, None),
        ("ws://[fd00::7]", {"http_proxy": "p:1", "no_proxy": "[fd00::7]"}, None),
        ("ws://[fd00::7]", {"http_proxy": "p:1", "no_proxy": "fd00::/64"}, None),
        ("ws://127.0.0.1", {"http_proxy": "p:1"}, None),
        ("ws://localhost", {"http_proxy": "p:1"}, None),
        ("ws://a.example", {}, None),
    ],
)
def test_which_proxy(url: str, environment: dict[str, str], expected: str | None) -> None:
    proxy = Proxy.from_environment(Target.parse(url), environment)
    assert (str(proxy) if proxy else None) == expected


@pytest.mark.parametrize("url", ["socks5://u:secret@p:1", "https://u:secret@p", "http://p:nonsense", "http://"])
def test_a_proxy_that_cannot_be_used(url: str) -> None:
    with pytest.raises(UsageError, match="https_proxy") as caught:
        Proxy.from_environment(Target.parse("wss://a.example"), {"https_proxy": url})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("what", ["missing", "missing key", "no certificate", "another key", "encrypted key"])
def test_certificates_that_cannot_be_used(files: Files, tmp_path: Path, what: str) -> None:
    certificate, _, _ = files.pem("one", files.leaf("one.example"))
    _, other, _ = files.pem("two", files.leaf("two.example"))
    (tmp_path / "text").write_text("nothing")
    locked = tmp_path / "locked"
    locked.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBvTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQI\n"
                      "-----END ENCRYPTED PRIVATE KEY-----\n")  # fmt: skip
    given, error, words = {
        "missing": (tmp_path / "none", FileError, "none: no such file"),
        "missing key": (f"{certificate}:{tmp_path / 'none'}", FileError, "none: no such file"),
        "no certificate": (tmp_path / "text", UsageError, "--client-cert: .*text hold no certificate with its key"),
        "another key": (f"{certificate}:{other}", UsageError, "key values mismatch"),
        "encrypted key": (f"{certificate}:{locked}", UsageError, "without a passphrase"),
    }[what]
    with pytest.raises(error, match=words) as caught:
        Certificate.parse(str(given)).load(ssl.create_default_context(), "--client-cert")
    assert "\n" not in str(caught.value)


def test_a_name_with_a_colon_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "a:b").touch()
    assert Certificate.parse(f"{tmp_path}/a:b") == Certificate(file=tmp_path / "a:b")
    assert Certificate.parse("a:b") == Certificate(file=Path("a"), key=Path("b"))
    assert Certificate.parse("a") == Certificate(file=Path("a"))
