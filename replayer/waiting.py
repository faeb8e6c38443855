"""What a client's step waits for: the end of the server's turn, and the values that the server issues."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..contracts import Finding, Severity, label_of
from ..contracts.rules.rule import either
from .bindings import Scalar
from .breaking import breaking
from .script import Gate
from .stage import Line, Stage


class StoppedError(Exception):
    """A connection's play cannot go on; the finding says why, None when another finding does."""

    def __init__(self, finding: Finding | None) -> None:
        self.finding = finding


async def pass_gate(stage: Stage, line: Line, gate: Gate, where: str, early: Callable[[str, str], Finding]) -> None:
    """Wait for the end of the server's turn.

    ``where`` says in words which step waits, and ``early`` what is to be found when the connection ends first. Raises
    StoppedError.
    """
    turn, log = line.turn, stage.log
    number = line.script.number
    await until(stage, line, lambda: turn.reached(gate) or line.closed, turn.deadline_ns(gate))
    if not turn.reached(gate):
        # When the connection is gone nothing more can come, essential or not.
        awaited = gate.awaited if line.closed else turn.lacking(gate)
        if awaited is None:
            return
        label = label_of(awaited)
        if line.closed:
            raise StoppedError(early(f"while `{label}` was awaited {where}", awaited))
        came = f"the last event before that was `{label_of(line.last)}`" if line.last else "nothing came"
        text = f"{either(gate.ends)} did not come within {waited(line, gate)} {where}; {came}"
        last = line.last and label_of(line.last)
        if stage.spared.isdisjoint(line.script.after_connections):
            raise StoppedError(
                breaking("replay/timeout", text, number, candidate=last, baseline=label, missing=awaited)
            )
        # The client came back when recorded; now it had not been sent away, and what it asks for may be over.
        stage.dropped.add(number)
        text += "; the connection before it was not dropped now"
        finding = breaking("replay/timeout", text, number, candidate=last, baseline=label)
        raise StoppedError(replace(finding, severity=Severity.WARNING))
    while not line.closed and not turn.settled(gate, len(log.checker.pending(number)), log.now_ns()):
        seen = line.received
        await until(stage, line, lambda seen=seen: line.received != seen or line.closed, turn.settle_ns(gate))


async def get_values(stage: Stage, line: Line, values: Sequence[Scalar], gate: Gate, what: str) -> None:
    """Wait for the values that a step needs, which ``what`` names. Raises StoppedError."""
    missing = stage.ledger.missing
    if not missing(values):
        return
    stage.wanting.add(line)
    try:
        ready = await until(stage, line, lambda: not missing(values) or line.closed, line.turn.deadline_ns(gate))
    finally:
        stage.wanting.discard(line)
    lacking = missing(values)
    if not ready or lacking:
        raise StoppedError(stage.unbound(lacking, what, line.script.number))


async def until(stage: Stage, line: Line, ready: Callable[[], bool], deadline_ns: int) -> bool:
    """Wait until something is so, looking again at every message. False when the time is over."""
    if ready():
        return True
    remaining = deadline_ns - stage.log.now_ns()
    if remaining <= 0:
        return False
    over = False

    def end() -> None:
        nonlocal over
        over = True
        line.signal.set()

    # A timer of its own in place of asyncio.timeout(), which costs as much as reading a message.
    alarm = asyncio.get_running_loop().call_later(remaining / 1e9, end)
    try:
        while not over and stage.log.now_ns() < deadline_ns:
            line.signal.clear()
            await line.signal.wait()
            if ready():
                return True
        return False
    finally:
        alarm.cancel()


def waited(line: Line, gate: Gate) -> str:
    """How long a gate is waited for, in words."""
    return f"{(line.turn.deadline_ns(gate) - line.turn.begun_ns) / 1e9:.3g} s"
