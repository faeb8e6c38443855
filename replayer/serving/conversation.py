"""One live connection, served from a recorded one. No I/O: messages and times go in, what to say comes out.

The caller lets everything that has arrived be heard before it asks what is due. So a client that does not wait for an
answer is told from one that does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from ...cassettes import Direction, Kind, Message, Redactor
from ...contracts import Contract, EventReader, Finding, Severity
from ...contracts.json_text import NOT_JSON, clip, parse
from ..keep_alive import keeps_alive
from ..leaves import leaves
from .likeness import Echo
from .matching import Heard, Matcher
from .part import Cue, Exit, Line, Part
from .values import Freshness, Values

Mode = Literal["strict", "lenient", "loop"]

SETTLE_NS = 1_000_000
"""A strict server answers so much later than it could: what a client sends without waiting comes before that.

A client in the same process needs the time to get at its next message at all.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How connections are served. Times in nanoseconds."""

    contract: Contract
    issued: frozenset[object]  # recorded values that the server had issued before the client said them
    mode: Mode = "strict"
    allowed: frozenset[str] = frozenset()  # labels that the client may send beyond the recording, or leave out
    speed: float | None = None  # 1.0 keeps the recorded pauses before the server's messages
    latency_ns: int = 0  # before each answer
    freshness: Freshness | None = None
    redactor: Redactor | None = None  # for what is told of live messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Send a message."""

    kind: Kind  # TEXT or BINARY
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """End the connection as the recorded server did."""

    exit: Exit


@dataclass(slots=True)
class _Progress:
    """How far a part has been played."""

    heard: set[int] = field(default_factory=set[int])
    said: set[int] = field(default_factory=set[int])
    skipped: set[int] = field(default_factory=set[int])  # cues that will not come any more, and their lines


class Conversation:
    """Serves one connection. ``number`` is the live one's; ``others`` are parts that may fit better."""

    def __init__(self, part: Part, manner: Manner, values: Values, number: int, others: Sequence[Part] = ()) -> None:
        self.part = part
        self.number = number
        self.findings: list[Finding] = []
        self.refused = False  # a finding ended it
        self.left = False  # it came to the recorded server's end
        self._manner = manner
        self._values = Values(values)
        self._others = tuple(others)
        self._matcher = Matcher(manner.contract, manner.issued)
        self._reader = EventReader(part.envelope)
        self._progress = _Progress()
        self._queue: deque[tuple[int, Line]] = deque()
        self._position = 0

    # --- what the shell tells

    def open(self, now_ns: int) -> None:
        """The handshake is done."""
        self._schedule(None, now_ns)

    def receive(self, message: Message, now_ns: int) -> None:
        """A data message came. Afterwards `refused` says whether it ended the conversation."""
        self._position += 1
        if self.refused or self.left:
            return
        heard = Heard(message=message, events=self._reader.read(replace(message, connection=self.number)))
        if heard.events and all(map(keeps_alive, heard.events)):
            self._pulse(heard, now_ns)
            return
        cue = self._matcher.same(self._eligible(), heard, self._values) or self._recast(heard)
        if cue is not None:
            early = self._early(cue)
            if early is None or self._manner.mode != "strict" or cue.label in self._manner.allowed:
                self._hear(cue, now_ns)
            else:
                self._refuse(early)
        elif not self._tolerate(heard, now_ns):
            self._refuse(self._mismatch(heard))

    def next_due_ns(self) -> int | None:
        """When something is to be said, None when it is the client's turn."""
        if self.refused or self.left:
            return None
        if self._queue:
            return self._queue[0][0]
        return 0 if self._is_over() else None

    def due(self, now_ns: int) -> list[Say | Leave]:
        """Return what is to be said by now, in order."""
        actions: list[Say | Leave] = []
        while self._queue and not self.refused and self._queue[0][0] <= now_ns:
            _, line = self._queue.popleft()
            actions.append(self._say(line))
        if not self._queue and not self.refused and not self.left and self._is_over():
            assert self.part.exit is not None
            self.left = True
            actions.append(Leave(exit=self.part.exit))
        return actions

    def close(self, code: int | None) -> None:
        """The client has closed the connection, with a code, or broken it off: None."""
        if self.refused or self.left or self._manner.mode == "loop":
            return
        how = "broke the connection off" if code is None else f"closed the connection with {code}"
        missing = [cue for cue in self._unheard() if cue.label not in self._manner.allowed]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            text = f"the client {how} and never sent `{missing[0].label}`{more}, which the recording has"
            self._find("replay/leftover", text, missing[0].label, baseline=_payload(missing[0]))
        unsaid = [line for line in self.part.lines if self._owed(line) and line.index not in self._progress.said]
        if unsaid:
            text = f"the client {how} before it had `{unsaid[0].label}`, which the recording goes on with"
            self._find("replay/leftover", text, unsaid[0].label, direction=Direction.SERVER)

    @property
    def awaited(self) -> str | None:
        """The label of the client's message that is expected next."""
        return next((cue.label for cue in self._unheard()), None)

    # --- saying

    def _schedule(self, cue: int | None, now_ns: int) -> None:
        settle_ns = SETTLE_NS if self._manner.mode == "strict" and cue is not None and self._unheard() else 0
        at_ns = max(now_ns + max(self._manner.latency_ns, settle_ns), self._queue[-1][0] if self._queue else 0)
        for line in self.part.lines:
            if line.cue == cue and line.index not in self._progress.skipped:
                if self._manner.speed is not None:
                    at_ns += int(line.pause_ns / self._manner.speed)
                self._queue.append((at_ns, line))

    def _say(self, line: Line) -> Say:
        message = line.message
        self._progress.said.add(line.index)
        if self._manner.freshness is not None:
            for event in line.events:
                self._values.refresh_value(event.payload, self._manner.freshness)
        payload = self._values.fill_message(message, line.events, self.part.envelope)
        self._position += 1
        # The envelope pairs answers with requests, whoever made them.
        self._reader.read(replace(message, connection=self.number, payload=payload))
        return Say(kind=message.kind, payload=payload)

    def _is_over(self) -> bool:
        if self.part.exit is None or self._manner.mode == "loop":
            return False
        return not any(self._unheard()) and all(
            line.index in self._progress.said for line in self.part.lines if self._owed(line)
        )

    def _owed(self, line: Line) -> bool:
        return (line.cue is None or line.cue in self._progress.heard) and line.index not in self._progress.skipped

    # --- hearing

    def _unheard(self) -> list[Cue]:
        done = self._progress.heard | self._progress.skipped
        return [cue for cue in self.part.cues if not cue.keeps_alive and cue.index not in done]

    def _hear(self, cue: Cue, now_ns: int) -> None:
        self._progress.heard.add(cue.index)
        self._schedule(cue.index, now_ns)

    def _pulse(self, heard: Heard, now_ns: int) -> None:
        alike = [cue for cue in self.part.cues if cue.keeps_alive and cue.labels == heard.labels]
        if alike:
            self._hear(next((cue for cue in alike if cue.index not in self._progress.heard), alike[-1]), now_ns)

    def _eligible(self) -> list[Cue]:
        """The cues whose turn it may be: the first, and those of other work than all before them."""
        unheard = self._unheard()
        return [cue for place, cue in enumerate(unheard) if all(_apart(cue, earlier) for earlier in unheard[:place])]

    def _early(self, cue: Cue) -> Finding | None:
        """Say that a client did not wait for what the recording has before its message; None when it did."""
        # A greeting answers nothing: it and the client's first message may cross.
        answers = [line for line in self.part.lines if line.cue is not None and line.index in cue.before]
        unsaid = [line for line in answers if self._owed(line) and line.index not in self._progress.said]
        if not unsaid:
            return None
        text = (
            f"`{cue.label}` came too early: the client did not wait for {_names(unsaid)}, recorded before it; "
            f"where that came by chance, as a broadcast does, allow it (--allow-extra {cue.label}, in tests "
            f"allow={cue.label!r})"
        )
        return self._finding("sequence/precedence", text, cue.label, baseline=unsaid[0].label)

    def _recast(self, heard: Heard) -> Cue | None:
        """Take another recorded connection when the client's first message is of that one."""
        if any(cue.index in self._progress.heard for cue in self.part.cues):
            return None
        before, part, values = self._opening(self.part), self.part, self._values
        for other in self._others:
            opening = self._opening(other)
            if [line.label for line in opening] != [line.label for line in before]:
                continue
            self.part, self._values = other, Values(values)
            # What the client was told in the one opening stands for what the other one's recording goes on with.
            for said, meant in zip(before, opening, strict=True):
                self._values.learn_all(_counterparts(meant.message, values.fill(said.message.payload)))
            cue = self._matcher.same(self._eligible(), heard, self._values)
            if cue is not None:
                self._progress.said = {line.index for line in opening}
                self._queue.clear()
                return cue
        self.part, self._values = part, values
        return None

    @staticmethod
    def _opening(part: Part) -> list[Line]:
        return [line for line in part.lines if line.cue is None]

    # --- what was not expected

    def _tolerate(self, heard: Heard, now_ns: int) -> bool:
        """Take an unexpected message as the mode allows."""
        if heard.labels and set(heard.labels) <= self._manner.allowed:
            return True
        if self._manner.mode == "strict":
            return False
        loop = self._manner.mode == "loop"
        cues = self.part.cues if loop else self._unheard()
        cue = self._matcher.same(cues, heard, self._values) or self._matcher.of_label(cues, heard, self._values)
        if cue is None:
            text = f"`{heard.label}` is not in the recording and was not answered"
            self._find("event/unexpected", text, heard.label, severity=Severity.INFO)
        elif loop:
            self._rewind(cue, now_ns)
        else:
            self._skip_to(cue)
            self._hear(cue, now_ns)
        return True

    def _skip_to(self, cue: Cue) -> None:
        """What stands before a cue will not come any more, nor what would have answered it."""
        passed = {other.index for other in self._unheard() if other.index < cue.index and not _apart(other, cue)}
        self._progress.skipped |= passed | {line.index for line in self.part.lines if line.cue in passed}

    def _rewind(self, cue: Cue, now_ns: int) -> None:
        """Go back, or on, to a cue."""
        self._progress.heard = {other.index for other in self.part.cues if other.index < cue.index}
        self._hear(cue, now_ns)

    def _mismatch(self, heard: Heard) -> Finding:
        """Say what came in place of what, with the recorded message that is nearest to it."""
        label, shown = heard.label, self._shown(heard)
        unheard = self._unheard()
        if self._matcher.same(unheard, heard, self._values) is not None:
            text = f"`{label}` came before `{unheard[0].label}`, which the recording has first"
            return self._finding("sequence/precedence", text, label, baseline=_payload(unheard[0]), candidate=shown)
        nearest = self._matcher.nearest(self._eligible(), heard, self._values)
        if nearest is None:
            text = f"`{label}` came; the recording has no more messages of the client"
            return self._finding("event/unexpected", text, label, candidate=shown)
        if nearest.labels != heard.labels:
            text = f"`{label}` came where the recording has `{nearest.label}`"
            return self._finding("event/unexpected", text, label, baseline=_payload(nearest), candidate=shown)
        if nearest.message.kind is not heard.message.kind:
            text = f"`{label}` came as {heard.message.kind}, recorded was {nearest.message.kind}"
            return self._finding("message/kind-changed", text, label)
        differences = self._matcher.likeness(nearest, heard, self._values).differences
        first = "; ".join(map(str, differences[:3])) + ("; …" if len(differences) > 3 else "")
        return self._finding(
            "payload/value-changed",
            f"`{label}` is not the recorded one: {first}",
            label,
            path=differences[0].path,
            baseline=_payload(nearest),
            candidate=shown,
        )

    # --- findings

    def _refuse(self, finding: Finding) -> None:
        self.findings.append(finding)
        self.refused = True

    def _find(
        self,
        id: str,
        text: str,
        label: str,
        *,
        severity: Severity | None = None,
        direction: Direction = Direction.CLIENT,
        baseline: object = None,
    ) -> None:
        finding = self._finding(id, text, label, baseline=baseline)
        lenient = Severity.INFO if self._manner.mode == "lenient" else finding.severity
        self.findings.append(replace(finding, severity=severity or lenient, direction=direction))

    def _finding(
        self,
        id: str,
        text: str,
        label: str,
        *,
        path: str | None = None,
        baseline: object = None,
        candidate: object = None,
    ) -> Finding:
        redactor = self._manner.redactor
        return Finding(
            id=id,
            severity=Severity.BREAKING,
            direction=Direction.CLIENT,
            label=label,
            path=path,
            connection=self.number,
            position=self._position,
            message=text if redactor is None else redactor.text(text),
            baseline=clip(baseline),
            candidate=clip(candidate),
        )

    def _shown(self, heard: Heard) -> object:
        """Return a live payload as it may be told: without secrets."""
        if self._manner.redactor is None:
            return heard.events[0].payload if heard.events else None
        if heard.message.kind is not Kind.TEXT:
            return None
        redacted = cast("Message", self._manner.redactor.record(heard.message))
        value = parse(redacted.payload)
        return redacted.text if value is NOT_JSON else value


def _apart(one: Cue, other: Cue) -> bool:
    """Tell whether two messages belong to different work, so that their order means nothing."""
    return bool(one.instances) and bool(other.instances) and not set(one.instances) & set(other.instances)


def _payload(cue: Cue) -> object:
    return cue.events[0].payload if cue.events else None


def _names(lines: Sequence[Line]) -> str:
    names = [f"`{name}`" for name in dict.fromkeys(line.label for line in lines)]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _counterparts(recorded: Message, live: bytes) -> list[Echo]:
    """Pair the texts of two payloads of one shape."""
    old, new = dict(leaves(parse(recorded.payload))), dict(leaves(parse(live)))
    return [
        Echo(recorded=value, live=cast("str", new[path]), key="")
        for path, value in old.items()
        if isinstance(value, str) and isinstance(new.get(path), str) and value != new[path]
    ]
