"""permessage-deflate (RFC 7692), read only."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from websockets.exceptions import InvalidHeaderFormat
from websockets.headers import parse_extension

from ..cassettes import Direction, Headers

_TAIL = b"\x00\x00\xff\xff"  # section 7.2.2: what the sender took off the end of a message
_WINDOW = 32 * 1024  # the farthest that a deflate back-reference reaches (RFC 1951 section 2)


class InflateError(ValueError):
    """A compressed payload that cannot be inflated, or that inflates beyond the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deflate:
    """Which directions keep their compression window from one message to the next."""

    client_takeover: bool = True
    server_takeover: bool = True

    @classmethod
    def negotiated(cls, headers: Headers) -> Deflate | None:
        """Read the response's Sec-WebSocket-Extensions; None when messages are not compressed."""
        values = [value for name, value in headers if name.lower() == "sec-websocket-extensions"]
        try:
            extensions = parse_extension(", ".join(values)) if values else []
        except InvalidHeaderFormat:
            return None
        for name, parameters in extensions:
            if name == "permessage-deflate":
                names = {parameter for parameter, _ in parameters}
                return cls(
                    client_takeover="client_no_context_takeover" not in names,
                    server_takeover="server_no_context_takeover" not in names,
                )
        return None

    def inflater(self, direction: Direction, limit: int) -> Inflater:
        """Make the reader for what ``direction`` sends."""
        takeover = self.client_takeover if direction is Direction.CLIENT else self.server_takeover
        return Inflater(takeover=takeover, limit=limit)


class Inflater:
    """Inflates one direction's messages; ``limit`` bounds the bytes of one message."""

    __slots__ = ("_engine", "_limit", "_takeover")

    def __init__(self, *, takeover: bool, limit: int) -> None:
        self._takeover = takeover
        self._limit = limit
        self._engine: zlib._Decompress | None = None  # pyright: ignore[reportPrivateUsage]  # has no public name

    def message(self, payload: bytes) -> bytes:
        """Inflate the joined fragments of a message. Raises InflateError, after which the window is lost."""
        # The negotiated window sizes need no care: the largest window reads what any smaller one wrote.
        engine = self._engine or zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        pending = payload + _TAIL
        pieces: list[bytes] = []
        room = self._limit
        try:
            while pending:
                piece = engine.decompress(pending, room + 1)
                pieces.append(piece)
                room -= len(piece)
                if room < 0:
                    raise InflateError(f"a message inflates to more than {self._limit} bytes")
                # Section 7.2.3.4: a final block may end the stream within a message; what follows begins anew.
                pending = engine.unused_data if engine.eof else engine.unconsumed_tail
                if engine.eof:
                    window = b"".join(pieces)[-_WINDOW:]
                    engine = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=window)
        except zlib.error as exc:
            raise InflateError("a compressed message cannot be inflated") from exc
        # Without takeover an idle connection need not keep a window of 32 KiB.
        self._engine = engine if self._takeover else None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
