"""The messages of one direction as they lie on the wire, each with the faults that strike at it; no socket."""

from __future__ import annotations

from dataclasses import dataclass

from ..cassettes import ConnectionFaults, Direction, Fault
from .frame import MESSAGE_LIMIT

_CLOSE = 0x8


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Bytes to be passed on, and what is to be done to them."""

    data: bytes
    faults: tuple[Fault, ...] = ()
    number: int = 0  # of the message among its sender's, from 1, where faults strike
    half: int = 0  # bytes of `data` up to the middle of its last frame


class Gate:
    """Cuts what one end sends into messages. Fragments wait for the last one; control frames between them do not.

    Bytes that are no frames, and all that follows a Close frame, pass as they are.
    """

    __slots__ = ("_buffer", "_faults", "_message", "_need", "_number", "_passing", "_sender")

    def __init__(self, sender: Direction, faults: ConnectionFaults) -> None:
        self._sender = sender
        self._faults = faults
        self._buffer = bytearray()
        self._need = 2
        self._message = bytearray()  # frames of the message that is arriving
        self._number = 0
        self._passing = False

    def receive_data(self, data: bytes) -> list[Step]:
        """Return what can be passed on now."""
        steps: list[Step] = []
        self._buffer += data
        while not self._passing and len(self._buffer) >= self._need:
            size = self._size()
            if size > MESSAGE_LIMIT - len(self._message):
                self._passing = True
            elif size <= len(self._buffer):
                frame = bytes(self._buffer[:size])
                del self._buffer[:size]
                self._need = 2
                self._frame(frame, steps)
            else:
                self._need = size
        if self._passing:
            rest = bytes(self._message + self._buffer)
            self._message.clear()
            self._buffer.clear()
            if rest:
                steps.append(Step(data=rest))
        return steps

    def _size(self) -> int:
        """Bytes of the frame at the start of the buffer (RFC 6455 section 5.2), or so many as tell it."""
        length = self._buffer[1] & 0x7F
        mask = 4 if self._buffer[1] & 0x80 else 0
        if length < 126:
            return 2 + mask + length
        width = 2 if length == 126 else 8
        if len(self._buffer) < 2 + width:
            return 2 + width
        return 2 + width + mask + int.from_bytes(self._buffer[2 : 2 + width], "big")

    def _frame(self, frame: bytes, steps: list[Step]) -> None:
        opcode = frame[0] & 0x0F
        if opcode >= _CLOSE:
            steps.append(Step(data=frame))
            self._passing = opcode == _CLOSE
            return
        self._message += frame
        if not frame[0] & 0x80:
            return
        data = bytes(self._message)
        self._message.clear()
        self._number += 1
        faults = self._faults.message(self._sender)
        steps.append(Step(data=data, faults=faults, number=self._number, half=len(data) - (len(frame) + 1) // 2))
