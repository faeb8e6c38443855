"""Content encodings of HTTP bodies (RFC 9110 section 8.4), undone within a limit."""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Callable

import zstandard

from .model import Headers

_Decoder = Callable[[bytes, int], tuple[bytes, bool]]
"""What undoes an encoding: at most so many bytes of its input, and whether there is more. Raises ValueError."""


def undo_encodings(body: bytes, headers: Headers, limit: int) -> tuple[bytes, bool]:
    """Return at most ``limit`` bytes of a body without its content encodings, and whether there is more of it.

    Raises ValueError, which says in words what the bytes are, for an encoding that cannot be undone: "encoded as br".
    """
    more = False
    for encoding in reversed(_encodings(headers) if body else ()):
        decoder = _decoder(encoding)
        if decoder is None:
            raise ValueError(f"encoded as {encoding}")
        try:
            body, longer = decoder(body, limit)
        except ValueError as error:
            raise ValueError(f"which are not {encoding}") from error
        more = more or longer
    return body, more


def _encodings(headers: Headers) -> list[str]:
    values = [value for name, value in headers if name.lower() == "content-encoding"]
    found = [one.strip().lower() for value in values for one in value.split(",")]
    return [one for one in found if one not in ("", "identity")]


def _decoder(encoding: str) -> _Decoder | None:
    match encoding:
        case "gzip" | "x-gzip":
            return _gzip
        case "deflate":
            return _deflate
        case "zstd":
            return _zstd
        case "br" if importlib.util.find_spec("brotli") is not None:
            return _brotli
        case _:
            return None


def _gzip(data: bytes, limit: int) -> tuple[bytes, bool]:
    return _inflate(data, 16 + zlib.MAX_WBITS, limit)


def _deflate(data: bytes, limit: int) -> tuple[bytes, bool]:
    # RFC 9110 section 8.4.1.2 asks for the zlib wrapper; some servers send bare deflate.
    wrapped = len(data) >= 2 and data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
    return _inflate(data, zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS, limit)


def _inflate(data: bytes, wbits: int, limit: int) -> tuple[bytes, bool]:
    engine = zlib.decompressobj(wbits=wbits)
    try:
        return engine.decompress(data, limit), bool(engine.unconsumed_tail)
    except zlib.error as exc:
        raise ValueError(str(exc)) from exc


def _zstd(data: bytes, limit: int) -> tuple[bytes, bool]:
    # RFC 8878 section 3.1.1.1.2 advises decoders to refuse windows of more than 8 MiB.
    with zstandard.ZstdDecompressor(max_window_size=8 << 20).stream_reader(data, read_across_frames=True) as reader:
        try:
            body = reader.read(limit)
            return body, len(body) == limit and bool(reader.read(1))
        except zstandard.ZstdError as exc:
            raise ValueError(str(exc)) from exc


def _brotli(data: bytes, limit: int) -> tuple[bytes, bool]:
    import brotli

    engine = brotli.Decompressor()
    try:
        body = engine.process(data, output_buffer_limit=limit)
    except brotli.error as exc:
        raise ValueError(str(exc)) from exc
    return body[:limit], len(body) > limit or not engine.can_accept_more_data()
