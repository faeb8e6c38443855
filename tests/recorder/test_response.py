"""Response heads on their way to the client."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wstape.cassettes import Direction, HttpExchange
from wstape.recorder import Rewriting, Tap
from wstape.recorder.response import ResponseRewriting

SERVER, CLIENT = Direction.SERVER, Direction.CLIENT
PLAIN = ResponseRewriting(host="app.example.com", port=80, tls=False, own="127.0.0.1:9")
SECURE = ResponseRewriting(host="app.example.com", port=443, tls=True, own="127.0.0.1:9")
PORT = ResponseRewriting(host="app.example.com", port=8443, tls=True, own="127.0.0.1:9", own_tls=True)
SIX = ResponseRewriting(host="::1", port=80, tls=False, own="[::1]:9")
REQUEST = b"GET / HTTP/1.1\r\nHost: here:9\r\n\r\n"


def field(line: bytes, rewriting: ResponseRewriting = PLAIN, request: bytes = REQUEST) -> bytes:
    head = b"HTTP/1.1 302 Found\r\nX-A: domain=1\r\n" + line + b"\r\nX-Z: 2\r\n\r\n"
    return rewriting.apply(request, head).split(b"\r\n")[2]


@pytest.mark.parametrize(
    ("sent", "received", "rewriting"),
    [
        (b"http://app.example.com/a?b#c", b"http://here:9/a?b#c", PLAIN),
        (b"HTTP://App.Example.com:80", b"http://here:9", PLAIN),
        (b"//app.example.com/a", b"//here:9/a", PLAIN),
        (b"ws://app.example.com/a", b"ws://here:9/a", PLAIN),
        (b"https://app.example.com/a", b"http://here:9/a", SECURE),
        (b"https://app.example.com:443/a", b"http://here:9/a", SECURE),
        (b"wss://app.example.com/a", b"ws://here:9/a", SECURE),
        (b"https://app.example.com:8443/a", b"https://here:9/a", PORT),
        (b"http://[::1]/a", b"http://here:9/a", SIX),
        (b"https://app.example.com/a", None, PLAIN),  # another origin: the one that asks for TLS
        (b"http://app.example.com/a", None, SECURE),
        (b"http://app.example.com:81/a", None, PLAIN),
        (b"https://app.example.com/a", None, PORT),
        (b"http://login.example.com/?back=http://app.example.com/", None, PLAIN),
        (b"http://app.example.com.evil/", None, PLAIN),
        (b"http://app.example.com@evil/", None, PLAIN),
        (b"http://app.example.com:x/", None, PLAIN),
        (b"/relative", None, PLAIN),
        (b"relative", None, PLAIN),
        (b"ftp://app.example.com/", None, PLAIN),
        (b"\xff\xfe://\x00", None, PLAIN),
        (b"", None, PLAIN),
    ],
)
def test_locations(sent: bytes, received: bytes | None, rewriting: ResponseRewriting) -> None:
    for name in (b"Location: ", b"location:", b"LOCATION:\t"):
        assert field(name + sent, rewriting) == name + (sent if received is None else received)


def test_a_client_that_does_not_name_the_recorder_is_sent_to_its_address() -> None:
    assert (
        field(b"Location: http://app.example.com/x", PLAIN, b"GET / HTTP/1.0\r\n\r\n")
        == b"Location: http://127.0.0.1:9/x"
    )


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (b"a=b; Domain=app.example.com; Path=/", b"a=b; Path=/"),
        (b"a=b;domain=.Example.com", b"a=b"),
        (b"a=b; HttpOnly; DOMAIN = example.com ; Secure", b"a=b; HttpOnly; Secure"),
        (b"a=b; Domain=elsewhere.com", None),
        (b"a=b; Domain=pp.example.com", None),
        (b"a=b; Domain=", None),
        (b"domain=example.com; Path=/", None),  # a cookie of that name
        (b"a=b", None),
    ],
)
def test_cookie_domains(sent: bytes, received: bytes | None) -> None:
    for name in (b"Set-Cookie: ", b"set-cookie:"):
        assert field(name + sent) == name + (sent if received is None else received)


def test_other_fields_and_the_body_stay_as_they_are() -> None:
    for line in (b"Link: <http://app.example.com/>", b"X-Location: http://app.example.com/", b"no colon"):
        assert field(line) == line
    body = b"Location: http://app.example.com"
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 302 Found\nContent-Length: 32\nLocation: http://%b/\n\n"
    received = head % b"here:9" + body
    assert through((head % b"app.example.com" + body) * 2, 7) == received * 2


def through(response: bytes, size: int, rewriting: ResponseRewriting | None = PLAIN) -> bytes:
    """What the client gets of the answers to two requests, when they come in pieces of ``size`` bytes."""
    tap = Tap(Rewriting(authority="app.example.com", origin="http://app.example.com", response=rewriting))
    tap.receive_data(CLIENT, REQUEST * 2, 0)
    received = b""
    for start in range(0, len(response), size):
        piece = response[start : start + size]
        if tap.unchanged:
            received += piece
        tap.receive_data(SERVER, piece, 1)
        received += tap.data_to_client()
    tap.receive_eof(SERVER, 2)
    received += tap.data_to_client()
    tap.connection_lost(3)
    return received + tap.data_to_client()


@given(st.binary(max_size=300), st.integers(1, 50), st.booleans(), st.booleans())
def test_any_bytes_of_the_server_reach_the_client(data: bytes, size: int, head: bool, rewrite: bool) -> None:
    response = (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" if head else b"") + data
    assert through(response, size, PLAIN if rewrite else None) == response


def test_the_record_holds_what_the_server_sent() -> None:
    tap = Tap(Rewriting(authority="app.example.com", origin="http://app.example.com", response=PLAIN))
    tap.receive_data(CLIENT, REQUEST, 0)
    sent = b"HTTP/1.1 302 Found\r\nLocation: http://app.example.com/x\r\nContent-Length: 0\r\n\r\n"
    tap.receive_data(SERVER, sent, 1)
    assert b"Location: http://here:9/x\r\n" in tap.data_to_client()
    (exchange,) = tap.records_received()
    assert isinstance(exchange, HttpExchange)
    assert ("Location", "http://app.example.com/x") in exchange.response_headers
