"""Faults that are put into the traffic to try a client's reconnects: what was asked for, and when each strikes.

They are here because recorder and server role both inject them. Nothing here touches a connection: whoever holds one
asks for each handshake and each message what to do. Counts are kept for each connection, and chance is drawn from the
seed, the connection's number and the message's: the same traffic meets the same faults, however connections interleave.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from .errors import UsageError
from .model import Direction


class FaultKind(StrEnum):
    """What goes wrong. All but the first three end the connection's traffic."""

    REFUSE = "refuse"  # the handshake is answered with an error
    DELAY = "delay"  # the message, and what its sender sends after it, comes later
    DUPLICATE = "duplicate"  # the message comes twice
    DROP = "drop"  # the connection is reset in place of the message
    TRUNCATE = "truncate"  # the message's last frame is cut in two, and the connection ends within it
    CLOSE = "close"  # both ends get a Close frame in place of the message
    HALF_OPEN = "half-open"  # from this message on nothing passes either way, and nothing ends


ENDING = frozenset({FaultKind.DROP, FaultKind.TRUNCATE, FaultKind.CLOSE, FaultKind.HALF_OPEN})
"""Kinds after which nothing more passes on a connection."""

_TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s)")
_SENDERS = {"client": (Direction.CLIENT,), "server": (Direction.SERVER,), "both": tuple(Direction)}
_COMMON = frozenset({"after", "every", "chance", "times", "connections", "path"})
_KEYS = {
    FaultKind.REFUSE: _COMMON - {"connections"} | {"status"},
    FaultKind.DELAY: _COMMON | {"from", "time"},
    FaultKind.CLOSE: _COMMON | {"from", "code", "reason"},
}
_NEVER_SENT = (1004, 1005, 1006, 1015)  # RFC 6455 section 7.4.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault and when it strikes.

    What is counted are the messages of each sender in ``senders`` on one connection; for ``refuse``, all handshakes.
    Control frames are not counted. Without ``every`` and ``chance`` it strikes at each one after the first ``after``.
    """

    kind: FaultKind
    spec: str = ""  # as the user wrote it
    senders: tuple[Direction, ...] = (Direction.SERVER,)
    after: int = 0  # so many pass unharmed
    every: int = 1  # of those behind them, each so manieth
    chance: float = 1.0  # of those, a share
    times: int | None = None  # at most so often on a connection
    connections: int | None = None  # only on the first so many
    path: str = "*"  # only where the path of the handshake matches this glob
    seconds: float = 0.0  # of a delay
    status: int = 503  # of a refusal
    code: int = 1011  # of a Close frame
    reason: str = ""

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read ``KIND[:KEY=VALUE,…]``, such as ``drop:after=20`` or ``delay:time=200ms,every=5``. Raises UsageError."""
        name, colon, rest = text.partition(":")
        if name not in set(FaultKind):
            raise _bad(text, f"{name!r} is none of {', '.join(FaultKind)}")
        kind = FaultKind(name)
        values: dict[str, str] = {}
        for part in rest.split(",") if colon else ():
            key, equals, value = part.partition("=")
            if key not in (known := _KEYS.get(kind, _COMMON | {"from"})) or not equals:
                raise _bad(text, f"{part!r} is not KEY=VALUE with one of {', '.join(sorted(known))}")
            values[key] = value
        if kind is FaultKind.DELAY and "time" not in values:
            raise _bad(text, "a delay needs its time, such as delay:time=200ms")
        sender = values.get("from", "server")
        if sender not in _SENDERS:
            raise _bad(text, f"from={sender} is none of client, server, both")
        code = _whole(text, values, "code", 1011, 1000)
        if code > 4999 or code in _NEVER_SENT:
            raise _bad(text, f"code={code} is none that a Close frame can carry")
        status = _whole(text, values, "status", 503, 300)
        if status > 599:
            raise _bad(text, f"status={status} refuses nothing; give one from 300 to 599")
        reason = values.get("reason", "")
        if len(reason.encode()) > 123:  # RFC 6455 section 5.5: a control frame has 125 bytes
            raise _bad(text, "a reason has at most 123 bytes")
        return cls(
            kind=kind,
            spec=text,
            senders=_SENDERS[sender],
            after=_whole(text, values, "after", 0, 0),
            every=_whole(text, values, "every", 1, 1),
            chance=_chance(text, values),
            times=_whole(text, values, "times", 0, 1) or None,
            connections=_whole(text, values, "connections", 0, 1) or None,
            path=values.get("path", "*"),
            seconds=_seconds(text, values["time"]) if "time" in values else 0.0,
            status=status,
            code=code,
            reason=reason,
        )

    @property
    def ends(self) -> bool:
        """Whether nothing more passes on the connection behind it."""
        return self.kind in ENDING

    def covers(self, target: str) -> bool:
        """Whether a handshake for this request target is meant."""
        return fnmatchcase(target.partition("?")[0], self.path)


@dataclass(slots=True)
class _Count:
    """How far one fault has come in one row of messages or handshakes."""

    fault: Fault
    chance: random.Random
    seen: int = 0
    struck: int = 0

    def strikes(self) -> bool:
        """Whether it strikes at the next one."""
        fault = self.fault
        self.seen += 1
        number = self.seen - fault.after
        if number <= 0 or number % fault.every or self.struck == fault.times:
            return False
        if self.chance.random() >= fault.chance:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults of one run, asked in the order in which connections come."""

    def __init__(self, faults: Sequence[Fault], seed: int = 0) -> None:
        """The same ``seed`` makes the same choices where a fault has a chance."""
        self._faults = tuple(faults)
        self._seed = seed
        self._connections = 0
        self._refusals = [
            _Count(fault, random.Random(f"{seed}/{index}"))
            for index, fault in enumerate(faults)
            if fault.kind is FaultKind.REFUSE
        ]

    def __bool__(self) -> bool:
        return bool(self._faults)

    @property
    def repeating(self) -> bool:
        """Whether messages may come twice: a compressed one must not (RFC 7692: its window has moved on)."""
        return any(fault.kind is FaultKind.DUPLICATE for fault in self._faults)

    def handshake(self, target: str) -> Fault | None:
        """Say whether the next handshake is refused, and by which fault."""
        struck = [count.fault for count in self._refusals if count.fault.covers(target) and count.strikes()]
        return struck[0] if struck else None

    def connection(self, target: str) -> ConnectionFaults:
        """Follow the next connection, whose handshake for ``target`` was accepted."""
        self._connections += 1
        number = self._connections
        counts: dict[Direction, list[_Count]] = {direction: [] for direction in Direction}
        for index, fault in enumerate(self._faults):
            if fault.kind is FaultKind.REFUSE or not fault.covers(target):
                continue
            if fault.connections is not None and number > fault.connections:
                continue
            for sender in fault.senders:
                chance = random.Random(f"{self._seed}/{index}/{number}/{sender}")
                counts[sender].append(_Count(fault, chance))
        return ConnectionFaults(counts)


@dataclass(slots=True)
class ConnectionFaults:
    """The faults of one connection."""

    _counts: dict[Direction, list[_Count]] = field(repr=False)

    def message(self, sender: Direction) -> tuple[Fault, ...]:
        """Say what strikes at the sender's next text or binary message; one that ends the connection comes last."""
        struck = [count.fault for count in self._counts[sender] if count.strikes()]
        ending = [fault for fault in struck if fault.ends][:1]
        return (*(fault for fault in struck if not fault.ends), *ending)

    @property
    def harmless(self) -> bool:
        """Whether nothing can strike here."""
        return not any(self._counts.values())


def _bad(text: str, problem: str) -> UsageError:
    return UsageError(f"--fault {text!r}: {problem}")


def _whole(text: str, values: dict[str, str], key: str, default: int, least: int) -> int:
    value = values.get(key)
    if value is None:
        return default
    if not value.isascii() or not value.isdigit() or len(value) > 9 or int(value) < least:
        raise _bad(text, f"{key}={value} is not a whole number of at least {least}")
    return int(value)


def _chance(text: str, values: dict[str, str]) -> float:
    value = values.get("chance", "1")
    if not re.fullmatch(r"[01](\.[0-9]+)?|\.[0-9]+", value) or not 0 < float(value) <= 1:
        raise _bad(text, f"chance={value} is not a number above 0 and at most 1")
    return float(value)


def _seconds(text: str, value: str) -> float:
    match = _TIME.fullmatch(value)
    if match is None:
        raise _bad(text, f"time={value} is not a time, such as 200ms or 1.5s")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)
