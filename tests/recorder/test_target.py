"""Targets, addresses, default names and notes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from wstape.cassettes import Target, UsageError
from wstape.recorder import Address, default_output, parse_note


@pytest.mark.parametrize(
    ("url", "host", "port", "authority", "origin", "resource"),
    [
        ("ws://example.com", "example.com", 80, "example.com", "http://example.com", ""),
        ("http://example.com/", "example.com", 80, "example.com", "http://example.com", ""),
        ("WSS://Example.com:443/ws", "example.com", 443, "example.com", "https://example.com", "/ws"),
        ("https://example.com:8443/?v=1", "example.com", 8443, "example.com:8443", "https://example.com:8443", "/?v=1"),
        ("ws://[::1]:81/a?b#c", "::1", 81, "[::1]:81", "http://[::1]:81", "/a?b"),
        ("ws://bü.de", "xn--b-eha.de", 80, "xn--b-eha.de", "http://xn--b-eha.de", ""),
    ],
)
def test_target(url: str, host: str, port: int, authority: str, origin: str, resource: str) -> None:
    target = Target.parse(url)
    assert (target.host, target.port, target.authority) == (host, port, authority)
    assert (target.origin, target.resource) == (origin, resource)
    assert target.tls == url.lower().startswith(("wss", "https"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://x",
        "ws://",
        "ws:///path",
        "ws://x:99999",
        "ws://x:0",
        "ws://[::1",
        "ws://a b/",
        "ws://x\r\nA:b",
    ],
)
def test_a_target_that_cannot_be_recorded(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Target.parse(url)
    assert "\n" not in str(caught.value)


def test_credentials_in_the_target_are_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        Target.parse("ws://alice:hunter22@example.com/ws")
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:0", "127.0.0.1", 0, True),
        ("localhost:80", "localhost", 80, True),
        ("[::1]:9", "::1", 9, True),
        ("8080", "127.0.0.1", 8080, True),
        (":8080", "127.0.0.1", 8080, True),
        ("0.0.0.0:1", "0.0.0.0", 1, False),
        ("example.com:1", "example.com", 1, False),
    ],
)
def test_address(text: str, host: str, port: int, loopback: bool) -> None:
    address = Address.parse(text)
    assert (address.host, address.port, address.loopback) == (host, port, loopback)


@pytest.mark.parametrize("text", ["", "localhost", "::1:80", "a:b", "a:70000", "a:-1", "a:²"])
def test_an_address_that_cannot_be_read(text: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        Address.parse(text)


def test_default_output() -> None:
    now = datetime(2026, 1, 31, 12, 0, 5, tzinfo=UTC)
    path = Path("cassettes/staging.example-20260131T120005Z.cassette")
    assert default_output(Target.parse("wss://staging.example/ws"), now) == path
    assert default_output(Target.parse("ws://[fe80::1]:1"), now).name == "fe80-1-20260131T120005Z.cassette"


def test_notes() -> None:
    assert parse_note("build=12=3") == ("build", "12=3")
    for text in ("build", "=x", ""):
        with pytest.raises(UsageError, match="KEY=VALUE"):
            parse_note(text)
