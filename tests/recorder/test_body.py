"""Bodies: what is kept of them, decoded, and what is said of the rest."""

from __future__ import annotations

import gzip
import zlib

import pytest
import zstandard

from wstape.cassettes import Direction
from wstape.recorder.body import BODY_LIMIT, Body

TEXT = b'{"token": "abc"}' * 10
JSON = ("Content-Type", "application/json; charset=utf-8")


def body(data: bytes) -> Body:
    made = Body(Direction.SERVER)
    for start in range(0, len(data), 300_000):
        made.append(data[start : start + 300_000])
    return made


def brotli(data: bytes) -> bytes:
    return bytes(pytest.importorskip("brotli").compress(data))


def bare_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(data) + engine.flush()


ENCODERS = {
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "deflate": zlib.compress,
    "deflate ": bare_deflate,
    "zstd": zstandard.compress,
    "br": brotli,
    "identity": bytes,
    "gzip, br": lambda data: brotli(gzip.compress(data)),
    "": bytes,
}


@pytest.mark.parametrize("encoding", ENCODERS)
def test_content_encodings_are_undone(encoding: str) -> None:
    headers = (JSON, ("content-encoding", encoding))
    assert body(ENCODERS[encoding](TEXT)).readable(headers) == (TEXT, "")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "br"])
def test_a_bomb_is_cut_and_a_body_cut_by_the_limit_is_read_as_far_as_it_goes(encoding: str) -> None:
    headers = (JSON, ("Content-Encoding", encoding))
    kept, missing = body(ENCODERS[encoding](b"x" * (64 << 20))).readable(headers)
    assert kept == b"x" * BODY_LIMIT
    assert missing == "only the first 1048576 bytes of the server's body are recorded"
    packed = ENCODERS[encoding](TEXT * 1000)
    part, _ = body(packed[: len(packed) - 5]).readable(headers)
    assert (TEXT * 1000).startswith(part)


@pytest.mark.parametrize("encoding", ["compress", "gzip", "zstd", "br", "deflate"])
def test_what_cannot_be_decoded_is_left_out(encoding: str) -> None:
    kept, missing = body(b"\xff\x00secret").readable((JSON, ("Content-Encoding", encoding)))
    assert kept == b""
    assert missing.startswith("the server's body, 8 bytes ")
    assert encoding in missing


@pytest.mark.parametrize(
    ("media", "data", "kept"),
    [
        ("text/html", b"\xff", True),
        ("application/problem+json", b"{}", True),
        ("image/svg+xml", b"<svg/>", True),
        ("multipart/form-data; boundary=x", b"\xff", True),
        ("application/octet-stream", b"plain words", True),
        ("application/octet-stream", "cut in tw\N{EURO SIGN}".encode()[:-1], True),
        ("application/octet-stream", b"\x00\x01", False),
        ("application/octet-stream", b"\xffwords", False),
        ("image/png", b"words", False),
        ("font/woff2", b"words", False),
        ("", b"words", True),
        ("", b"\x89PNG", False),
    ],
)
def test_only_text_is_kept_of_what_servers_send(media: str, data: bytes, kept: bool) -> None:
    headers = (("Content-Type", media),) if media else ()
    found, missing = body(data).readable(headers)
    assert found == (data if kept else b"")
    assert bool(missing) is not kept
    assert body(data).decoded(headers) == (data, "")  # of a client, all of it: a replay has to send it


def test_nothing_is_missing_of_an_empty_body() -> None:
    assert body(b"").readable((("Content-Type", "image/png"), ("Content-Encoding", "gzip"))) == (b"", "")
