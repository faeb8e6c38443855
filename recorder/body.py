"""The body of an HTTP message as it is kept: its head, without its content encoding, and only what can be read."""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import zstandard

from ..cassettes import Direction, Headers, header

BODY_LIMIT = 1024 * 1024  # bytes of a body that are kept; all of it is passed on

_TEXT = ("json", "xml", "javascript", "ecmascript", "x-www-form-urlencoded", "form-data", "graphql", "yaml", "x-ndjson")


@dataclass(slots=True)
class Body:
    """The head of a body as it passes, of at most ``BODY_LIMIT`` bytes."""

    whose: Direction
    size: int = 0  # of the whole body, without transfer encoding
    _pieces: list[bytes] = field(default_factory=list[bytes])

    def append(self, data: bytes) -> None:
        """Keep what still fits."""
        if self.size < BODY_LIMIT:
            self._pieces.append(data[: BODY_LIMIT - self.size])
        self.size += len(data)

    def decoded(self, headers: Headers) -> tuple[bytes, str]:
        """Return the body without its content encoding, and in words what of it is missing, empty when nothing is.

        An encoding that cannot be undone leaves nothing: no secret could be found in it.
        """
        raw = b"".join(self._pieces)
        whole = self.size <= BODY_LIMIT
        for encoding in reversed(_encodings(headers) if raw else ()):
            decoder = _decoder(encoding)
            if decoder is None:
                return b"", self._left_out(f"encoded as {encoding}")
            try:
                raw, more = decoder(raw)
            except ValueError:
                return b"", self._left_out(f"which are not {encoding}")
            whole = whole and not more
        return raw, "" if whole else f"only the first {BODY_LIMIT} bytes of the {self.whose}'s body are recorded"

    def readable(self, headers: Headers) -> tuple[bytes, str]:
        """The same, less what nobody reads in a recording: images, fonts, archives."""
        body, missing = self.decoded(headers)
        media = (header(headers, "content-type") or "").partition(";")[0].strip().lower()
        if not body or _is_text(media, body):
            return body, missing
        return b"", self._left_out(f"of {media}" if media else "of binary data")

    def _left_out(self, what: str) -> str:
        size = f"{self.size:,} byte{'' if self.size == 1 else 's'}"
        return f"the {self.whose}'s body, {size} {what}, is not recorded"


def _encodings(headers: Headers) -> list[str]:
    values = [value for name, value in headers if name.lower() == "content-encoding"]
    found = [one.strip().lower() for value in values for one in value.split(",")]
    return [one for one in found if one not in ("", "identity")]


def _is_text(media: str, body: bytes) -> bool:
    kind, _, subtype = media.partition("/")
    if kind == "text" or any(subtype == one or subtype.endswith(("+" + one, "-" + one)) for one in _TEXT):
        return True
    if kind and kind not in ("application", "binary"):
        return False
    # Many servers call everything octet-stream. A character may be cut in two at the end.
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.end == len(body) and error.reason == "unexpected end of data"
    return b"\x00" not in body


def _decoder(encoding: str) -> Callable[[bytes], tuple[bytes, bool]] | None:
    """What undoes an encoding: at most BODY_LIMIT bytes of its input, and whether there is more. Raises ValueError."""
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


def _gzip(data: bytes) -> tuple[bytes, bool]:
    return _inflate(data, 16 + zlib.MAX_WBITS)


def _deflate(data: bytes) -> tuple[bytes, bool]:
    # RFC 9110 section 8.4.1.2 asks for the zlib wrapper; some servers send bare deflate.
    wrapped = len(data) >= 2 and data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
    return _inflate(data, zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)


def _inflate(data: bytes, wbits: int) -> tuple[bytes, bool]:
    engine = zlib.decompressobj(wbits=wbits)
    try:
        return engine.decompress(data, BODY_LIMIT), bool(engine.unconsumed_tail)
    except zlib.error as exc:
        raise ValueError(str(exc)) from exc


def _zstd(data: bytes) -> tuple[bytes, bool]:
    # RFC 8878 section 3.1.1.1.2 advises decoders to refuse windows of more than 8 MiB.
    with zstandard.ZstdDecompressor(max_window_size=8 << 20).stream_reader(data, read_across_frames=True) as reader:
        try:
            body = reader.read(BODY_LIMIT)
            return body, len(body) == BODY_LIMIT and bool(reader.read(1))
        except zstandard.ZstdError as exc:
            raise ValueError(str(exc)) from exc


def _brotli(data: bytes) -> tuple[bytes, bool]:
    import brotli

    engine = brotli.Decompressor()
    try:
        body = engine.process(data, output_buffer_limit=BODY_LIMIT)
    except brotli.error as exc:
        raise ValueError(str(exc)) from exc
    return body[:BODY_LIMIT], len(body) > BODY_LIMIT or not engine.can_accept_more_data()
