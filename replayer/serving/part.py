"""A recorded connection as the server's part in it: what the client is expected to say, what is said when.

A server's message hangs on the client's message that caused it: the last one before it in the recording, or, where the
two share an identifier, the last one of that identifier. So work that overlapped in the recording may overlap
differently, and stays in order inside each scope.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...cassettes import Direction, Ending, Kind, Message
from ...contracts import CONNECTION, Contract, Envelope, Event
from ..keep_alive import keeps_alive
from ..timeline import Trace

Instances = tuple[tuple[str, str], ...]
"""Scope instances, by name and value, finest first, less the connection itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A message that the client is expected to send."""

    index: int  # among the data messages of the recorded connection
    message: Message
    events: tuple[Event, ...]
    instances: Instances
    before: tuple[int, ...]  # lines that stood before it in the recording, as far as it may depend on them
    keeps_alive: bool  # may come as often as the client likes

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of its events."""
        return tuple(event.label for event in self.events)

    @property
    def label(self) -> str:
        """What it is called in reports."""
        return _label(self.events, self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A message that the server says."""

    index: int  # among the data messages of the recorded connection
    message: Message
    events: tuple[Event, ...]
    cue: int | None  # index of the client's message that it follows; None: said as soon as the connection is open
    pause_ns: int  # since the message before it in the recording

    @property
    def label(self) -> str:
        """What it is called in reports."""
        return _label(self.events, self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How the server ended the connection of its own accord."""

    code: int  # 1005: without a code; 1006: without a Close frame
    reason: str
    reset: bool  # the transport was reset


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One recorded connection, from the server's side."""

    number: int
    cues: tuple[Cue, ...]
    lines: tuple[Line, ...]
    exit: Exit | None  # None: the client closed, or the recording ended first
    envelope: Envelope  # of the connection's path


def compile_part(trace: Trace, contract: Contract) -> Part:
    """Turn a recorded connection into the server's part, with the scopes of a contract."""
    cues: list[Cue] = []
    lines: list[Line] = []
    line_instances: list[Instances] = []
    causes = _Causes(trace, contract)
    previous_ns = trace.connection.opened_ns
    for moment in trace.moments:
        instances = _instances(moment.events, contract)
        alive = bool(moment.events) and all(map(keeps_alive, moment.events))
        if moment.message.direction is Direction.CLIENT:
            cue = Cue(
                index=moment.index,
                message=moment.message,
                events=moment.events,
                instances=instances,
                before=() if alive else tuple(_own(lines, line_instances, instances)),
                keeps_alive=alive,
            )
            cues.append(cue)
            causes.heard(cue)
        else:
            lines.append(
                Line(
                    index=moment.index,
                    message=moment.message,
                    events=moment.events,
                    cue=causes.of(instances, alive),
                    pause_ns=max(0, moment.message.at_ns - previous_ns),
                )
            )
            line_instances.append(instances)
        previous_ns = moment.message.at_ns
    return Part(
        number=trace.connection.number, cues=tuple(cues), lines=tuple(lines), exit=_exit(trace), envelope=trace.envelope
    )


class _Causes:
    """Finds for each line the client's message that it hangs on."""

    def __init__(self, trace: Trace, contract: Contract) -> None:
        self._cues: list[Cue] = []
        self._pulse: int | None = None  # the last cue that keeps the connection alive
        self._begun: dict[tuple[str, str], int | None] = {}
        # Identifiers that the client says too, such as a thread's: work may begin in them again and again.
        self._shared = {
            instance
            for moment in trace.moments
            if moment.message.direction is Direction.CLIENT
            for instance in _instances(moment.events, contract)
        }

    def heard(self, cue: Cue) -> None:
        if cue.keeps_alive:
            self._pulse = cue.index
        else:
            self._cues.append(cue)

    def of(self, instances: Instances, alive: bool) -> int | None:
        if alive and self._pulse is not None:
            return self._pulse
        last = self._cues[-1].index if self._cues else None
        if not instances:
            return last
        finest = instances[0]
        if finest not in self._begun:
            self._begun[finest] = last
        if finest not in self._shared:
            return self._begun[finest]
        # A client's message without any identifier may have caused anything.
        causes = (cue.index for cue in reversed(self._cues) if finest in cue.instances or not cue.instances)
        return next(causes, None)


def _own(lines: list[Line], scopes: list[Instances], instances: Instances) -> Iterable[int]:
    """Yield the lines that a client's message may depend on: all but those of other work only."""
    for line, others in zip(lines, scopes, strict=True):
        if not others or not instances or set(others) & set(instances):
            yield line.index


def _instances(events: Iterable[Event], contract: Contract) -> Instances:
    keys = (key for event in events for key in contract.scope_keys(event) if key.name != CONNECTION)
    return tuple(dict.fromkeys((key.name, key.value) for key in keys))


def _label(events: tuple[Event, ...], message: Message) -> str:
    return ", ".join(event.label for event in events) or str(message.kind)


def _exit(trace: Trace) -> Exit | None:
    connection = trace.connection
    first = next((message for message in connection.messages if message.kind is Kind.CLOSE), None)
    if first is not None:
        if first.direction is Direction.CLIENT:
            return None
        return Exit(code=first.close_code, reason=first.close_reason, reset=False)
    closed = connection.closed
    if closed is None or closed.by is not Direction.SERVER or closed.ending not in (Ending.EOF, Ending.RESET):
        return None
    return Exit(code=1006, reason="", reset=closed.ending is Ending.RESET)
