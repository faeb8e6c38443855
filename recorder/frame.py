"""WebSocket frames of one direction, joined into messages (RFC 6455 section 5).

Written for reading a copy: nothing is answered, and what a receiver would have to refuse ends the reading of
that direction. The tests hold it against ``websockets``' own parser.
"""

from __future__ import annotations

from ..cassettes import Kind
from .deflate import InflateError, Inflater

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform that websockets has no compiled wheel for
    from websockets.utils import apply_mask

MESSAGE_LIMIT = 256 * 1024 * 1024  # bytes of one message, inflated

_CONT, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_KINDS = {_TEXT: Kind.TEXT, _BINARY: Kind.BINARY, _CLOSE: Kind.CLOSE, _PING: Kind.PING, _PONG: Kind.PONG}
_WHOLE = {0x81: Kind.TEXT, 0x82: Kind.BINARY}  # first bytes of unfragmented messages (section 5.2)
_WHOLE_SQUEEZED = _WHOLE | {0xC1: Kind.TEXT, 0xC2: Kind.BINARY}  # RFC 7692 section 6: RSV1 marks a compressed one
_SHORT = 0xFFFF  # the longest payload whose length stands in the first four bytes

Run = tuple[Kind, list[bytes]]
"""Messages of one kind that follow each other in one read. Most reads of a busy connection are one run."""


class FrameError(ValueError):
    """Bytes that cannot be read as frames any further; the text says why."""


class FrameReader:
    """Bytes in, messages out. After a Close frame everything is ignored (section 5.5.1).

    ``masked`` says whether frames must be masked (section 5.1: the client's) or must not be.
    """

    __slots__ = (
        "_chunks",
        "_fragments",
        "_fragments_size",
        "_have",
        "_inflater",
        "_kind",
        "_limit",
        "_masked",
        "_need",
        "_squeezed",
        "_whole",
        "closed",
    )

    def __init__(self, *, masked: bool, inflater: Inflater | None = None, limit: int = MESSAGE_LIMIT) -> None:
        self._masked = masked
        self._inflater = inflater
        self._limit = limit
        self._whole = _WHOLE if inflater is None else _WHOLE_SQUEEZED
        # A frame in arrival is a list of chunks, joined once it is whole: joining at each arrival would be quadratic.
        self._chunks: list[bytes] = []
        self._have = 0
        self._need = 2
        self._kind: Kind | None = None  # of the message whose fragments are arriving
        self._squeezed = False
        self._fragments: list[bytes] = []
        self._fragments_size = 0
        self.closed = False

    @property
    def partial(self) -> bool:
        """Whether a message has begun and not ended."""
        return not self.closed and (self._have > 0 or self._kind is not None)

    def receive_data(self, data: bytes, into: list[Run]) -> None:
        """Read what arrived and append its whole messages to ``into``. Raises FrameError, once and for all."""
        if self.closed:
            return
        self._have += len(data)
        if self._chunks:
            self._chunks.append(data)
            if self._have < self._need:
                return
            data = b"".join(self._chunks)
            self._chunks.clear()
        try:
            position = self._frames(data, into)
        except BaseException:
            self.closed = True
            raise
        self._have = len(data) - position
        if self._have and not self.closed:
            self._chunks.append(data[position:] if position else data)

    def _frames(self, data: bytes, into: list[Run]) -> int:
        """Read whole frames from the start of ``data``; return where the first partial one begins."""
        position, end = 0, len(data)
        while True:
            if self._kind is None and self._limit >= _SHORT:
                position = self._runs(data, position, into)
            self._need = 2
            if end - position < 2:
                return position
            head, length = data[position], data[position + 1]
            masked = length >= 0x80
            length &= 0x7F
            self._check(head, length, masked)
            start = position + 2
            if length >= 126:
                width = 2 if length == 126 else 8
                if end - start < width:
                    self._need = 2 + width
                    return position
                length = int.from_bytes(data[start : start + width], "big")
                start += width
                if length + self._fragments_size > self._limit:
                    raise FrameError(f"a message of more than {self._limit} bytes")
            if masked:
                start += 4
            stop = start + length
            if stop > end:
                self._need = stop - position
                return position
            if masked and length:
                view = memoryview(data)[start:stop]  # a copy less of what may be large
                payload = apply_mask(view, data[start - 4 : start])  # pyright: ignore[reportArgumentType]  # any buffer
            else:
                payload = data[start:stop]
            position = stop
            self._frame(head, payload, into)
            if self.closed:
                return position

    def _runs(self, data: bytes, position: int, into: list[Run]) -> int:
        """Read whole short unfragmented messages for as long as they follow each other; return where they end.

        What this leaves (fragments, control frames, long and partial frames, errors) is for `_frames` to read one by
        one; it could read these as well, which is how the tests hold this against it.
        """
        short_run = _masked_run if self._masked else _plain_run
        end = len(data)
        while position < end:
            head = data[position]
            kind = self._whole.get(head)
            if kind is None:
                break
            payloads: list[bytes] = []
            position = short_run(data, position, payloads)
            if not payloads:
                break
            if head & 0x40:
                payloads = self._inflated(kind, payloads, into)
            into.append((kind, payloads))
        return position

    def _inflated(self, kind: Kind, payloads: list[bytes], into: list[Run]) -> list[bytes]:
        assert self._inflater is not None
        whole: list[bytes] = []
        try:
            for payload in payloads:
                whole.append(self._inflater.message(payload))
        except InflateError as exc:
            if whole:
                into.append((kind, whole))
            raise FrameError(str(exc)) from exc
        return whole

    def _check(self, head: int, length: int, masked: bool) -> None:
        """Refuse what section 5.2 and 5.5 forbid, before the payload has arrived."""
        opcode = head & 0x0F
        if masked is not self._masked:
            raise FrameError("a frame that must be masked is not" if self._masked else "a masked frame from the server")
        if opcode not in _KINDS and opcode != _CONT:
            raise FrameError(f"a frame with the unknown opcode {opcode}")
        squeezed = bool(head & 0x40)
        if head & 0x30 or (squeezed and (self._inflater is None or opcode not in (_TEXT, _BINARY))):
            raise FrameError("a frame with reserved bits that no known extension gives a meaning")
        if opcode >= _CLOSE:
            if length > 125 or not head & 0x80:
                raise FrameError("a control frame that is too long or fragmented")
        elif opcode == _CONT and self._kind is None:
            raise FrameError("a continuation frame with nothing to continue")
        elif opcode != _CONT and self._kind is not None:
            raise FrameError("a new message within a fragmented one")

    def _frame(self, head: int, payload: bytes, into: list[Run]) -> None:
        opcode = head & 0x0F
        if opcode >= _CLOSE:
            self.closed = opcode == _CLOSE
            into.append((_KINDS[opcode], [payload]))
            return
        if opcode != _CONT:
            if head & 0xC0 == 0x80:  # the whole message, not compressed
                into.append((_KINDS[opcode], [payload]))
                return
            self._kind = _KINDS[opcode]
            self._squeezed = bool(head & 0x40)
        self._fragments.append(payload)
        self._fragments_size += len(payload)
        if self._fragments_size > self._limit:
            raise FrameError(f"a message of more than {self._limit} bytes")
        if head & 0x80 and self._kind is not None:
            whole = b"".join(self._fragments)
            if self._squeezed and self._inflater is not None:
                try:
                    whole = self._inflater.message(whole)
                except InflateError as exc:
                    raise FrameError(str(exc)) from exc
            into.append((self._kind, [whole]))
            self._kind = None
            self._fragments.clear()
            self._fragments_size = 0


# The two loops below see every message of a busy connection: locals only, no call but what makes the payload, and no
# test that is not about the message. A head has up to four bytes, so they stop where fewer are left.


def _masked_run(data: bytes, position: int, payloads: list[bytes]) -> int:
    """Append the payloads of whole masked frames that begin like the one at ``position``; return where they end."""
    head, end = data[position], len(data)
    last = end - 3
    while position < last and data[position] == head:
        length = data[position + 1] - 0x80
        if length < 126:
            start = position + 6
        elif length == 126:
            length = data[position + 2] << 8 | data[position + 3]
            start = position + 8
        else:
            break
        stop = start + length
        if length < 0 or stop > end:
            break
        payloads.append(apply_mask(data[start:stop], data[start - 4 : start]))
        position = stop
    return position


def _plain_run(data: bytes, position: int, payloads: list[bytes]) -> int:
    """Append the payloads of whole unmasked frames that begin like the one at ``position``; return where they end."""
    head, end = data[position], len(data)
    last = end - 3
    while position < last and data[position] == head:
        length = data[position + 1]
        if length < 126:
            start = position + 2
        elif length == 126:
            length = data[position + 2] << 8 | data[position + 3]
            start = position + 4
        else:
            break
        stop = start + length
        if stop > end:
            break
        payloads.append(data[start:stop])
        position = stop
    return position
