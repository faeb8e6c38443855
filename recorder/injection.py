"""Faults put into one WebSocket on its way through a relay."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from ..cassettes import ConnectionFaults, Direction, Ending, Fault, FaultKind
from .gate import Gate, Step

CLOSE_TIMEOUT = 5.0  # seconds that the ends have to answer a Close frame


class Side(Protocol):
    """What an injection asks of one end of a relay."""

    direction: Direction

    def hold(self) -> None:
        """Take nothing more from this end."""
        ...

    def release(self) -> None:
        """Take what comes again."""
        ...

    def send(self, data: bytes) -> None:
        """Send to this end."""
        ...

    def finish(self) -> None:
        """Send to this end what was written, and then that no more comes."""
        ...

    def close(self) -> None:
        """End the connection with this end, once what was written is sent."""
        ...

    def reset(self) -> None:
        """Reset the connection with this end."""
        ...


class Relayed(Protocol):
    """What an injection asks of its relay."""

    def passed(self, direction: Direction, data: bytes) -> None:
        """Take note of bytes that have been passed on."""
        ...

    def struck(self, text: str, ending: Ending | None) -> None:
        """Take note of a fault; with ``ending``, it has ended the connection."""
        ...

    def caught_up(self) -> None:
        """Nothing is held back any more."""
        ...


class Injection:
    """Stands between what one end sends and what the other one gets."""

    def __init__(self, relay: Relayed, client: Side, server: Side, faults: ConnectionFaults) -> None:
        self.over = False  # nothing passes any more
        self.client_only = False  # the server is gone, and the client is not to know
        self._relay = relay
        self._sides = {Direction.CLIENT: client, Direction.SERVER: server}
        self._gates = {direction: Gate(direction, faults) for direction in Direction}
        self._waiting: dict[Direction, deque[Step]] = {direction: deque() for direction in Direction}
        self._timers: dict[Direction | None, asyncio.TimerHandle] = {}

    @property
    def busy(self) -> bool:
        """Whether something is held back."""
        return not self.over and any(self._waiting.values())

    def receive_data(self, direction: Direction, data: bytes) -> None:
        """Pass on what ``direction`` sent, with the faults that strike."""
        if self.over:
            return
        self._waiting[direction].extend(self._gates[direction].receive_data(data))
        self._go_on(direction)

    def stop(self) -> None:
        """The relay has ended."""
        self.over = True
        for timer in self._timers.values():
            timer.cancel()

    def _go_on(self, direction: Direction) -> None:
        waiting = self._waiting[direction]
        while waiting and direction not in self._timers and not self.over:
            step = waiting.popleft()
            delays = [fault for fault in step.faults if fault.kind is FaultKind.DELAY]
            if delays:
                seconds = sum(fault.seconds for fault in delays)
                self._note(step, direction, f"is delayed by {seconds:g} s")
                waiting.appendleft(replace(step, faults=tuple(one for one in step.faults if one not in delays)))
                self._sides[direction].hold()
                self._timers[direction] = self._later(seconds, lambda: self._delayed(direction))
            else:
                self._pass(step, direction)

    def _delayed(self, direction: Direction) -> None:
        del self._timers[direction]
        self._go_on(direction)
        if direction not in self._timers and not self.over:
            self._sides[direction].release()
            self._relay.caught_up()

    def _pass(self, step: Step, direction: Direction) -> None:
        other = self._sides[_other(direction)]
        for fault in step.faults:
            if fault.kind is not FaultKind.DUPLICATE:
                self._end(fault, step, direction)
                return
        other.send(step.data)
        self._relay.passed(direction, step.data)
        for _ in step.faults:
            self._note(step, direction, "is sent twice")
            other.send(step.data)

    def _end(self, fault: Fault, step: Step, direction: Direction) -> None:
        client, server = self._sides[Direction.CLIENT], self._sides[Direction.SERVER]
        match fault.kind:
            case FaultKind.TRUNCATE:
                half = step.data[: step.half]
                self._sides[_other(direction)].send(half)
                self._relay.passed(direction, half)
                self._note(step, direction, "is cut in two", Ending.EOF)
                client.close()
                server.close()
            case FaultKind.CLOSE:
                from websockets.frames import Frame, Opcode  # dear, and seldom needed

                self._note(step, direction, f"is replaced by a Close frame with {fault.code}", Ending.EOF)
                frame = Frame(Opcode.CLOSE, fault.code.to_bytes(2, "big") + fault.reason.encode())
                client.send(frame.serialize(mask=False))
                server.send(frame.serialize(mask=True))
                client.finish()
                server.finish()
                self._timers[None] = self._later(CLOSE_TIMEOUT, lambda: (client.reset(), server.reset()))
            case FaultKind.HALF_OPEN:
                self._note(step, direction, "is lost, and so is the server, unknown to the client", Ending.RESET)
                self.client_only = True
                server.reset()
            case _:
                self._note(step, direction, "is replaced by a reset", Ending.RESET)
                client.reset()
                server.reset()
        self.over = True

    def _note(self, step: Step, direction: Direction, what: str, ending: Ending | None = None) -> None:
        self._relay.struck(f"fault: message {step.number} of the {direction} {what}", ending)

    def _later(self, seconds: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, callback)


def _other(direction: Direction) -> Direction:
    return Direction.SERVER if direction is Direction.CLIENT else Direction.CLIENT
