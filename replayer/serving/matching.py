"""Which of the expected messages a client has sent. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...cassettes import Message
from ...contracts import Contract, Event
from .likeness import Knowledge, Likeness, compare
from .part import Cue
from .values import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A live message of the client, with the events in it."""

    message: Message
    events: tuple[Event, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of its events."""
        return tuple(event.label for event in self.events)

    @property
    def label(self) -> str:
        """What it is called in reports."""
        return ", ".join(self.labels) or str(self.message.kind)


class Matcher:
    """Compares live messages with recorded ones: by kind, label and stable payload."""

    def __init__(self, contract: Contract, issued: frozenset[object]) -> None:
        """``issued``: the recorded values, with their types, that the server had issued before the client said them."""
        self._contract = contract
        self._issued = issued

    def likeness(self, cue: Cue, heard: Heard, values: Values) -> Likeness:
        """Compare one."""
        likeness = Likeness()
        if cue.labels != heard.labels:
            likeness.add("", cue.label, heard.label)
        elif cue.message.kind is not heard.message.kind:
            likeness.add("", str(cue.message.kind), str(heard.message.kind))
        elif cue.events and all(event.payload is not None for event in cue.events):
            for recorded, live in zip(cue.events, heard.events, strict=True):
                knowledge = Knowledge(
                    issued=lambda value: (type(value), value) in self._issued,
                    expected=values.live,
                    volatile=self._contract.volatile(recorded.symbol),
                )
                found = compare(recorded.payload, live.payload, knowledge)
                likeness.differences += found.differences
                likeness.echoes += found.echoes
        elif cue.message.payload != heard.message.payload:
            likeness.add("", f"{len(cue.message.payload)} bytes", f"{len(heard.message.payload)} other bytes")
        return likeness

    def same(self, cues: Sequence[Cue], heard: Heard, values: Values) -> Cue | None:
        """Return the first cue that a message is, having learned the client's own values from it."""
        for cue in cues:
            likeness = self.likeness(cue, heard, values)
            if likeness.same:
                values.learn_all(likeness.echoes)
                return cue
        return None

    def of_label(self, cues: Sequence[Cue], heard: Heard, values: Values) -> Cue | None:
        """Return the first cue of a message's label, whatever its payload, having learned from it all the same."""
        cue = next((cue for cue in cues if cue.labels == heard.labels), None)
        if cue is not None:
            values.learn_all(self.likeness(cue, heard, values).echoes)
        return cue

    def nearest(self, cues: Sequence[Cue], heard: Heard, values: Values) -> Cue | None:
        """Return the cue that a message differs least from, one of its label before others."""

        def distance(cue: Cue) -> tuple[bool, int]:
            other = cue.labels != heard.labels
            return other, 0 if other else len(self.likeness(cue, heard, values).differences)

        return min(cues, key=distance, default=None)
