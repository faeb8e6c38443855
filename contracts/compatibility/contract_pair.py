"""Both contracts, and which events are gone, new, renamed and turned round."""

from __future__ import annotations

import datetime
import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from ...cassettes import Direction
from ..contract import Contract, EventClaim
from ..envelopes import JsonEnvelope
from ..event import label_of, side
from ..evidence import MISSED_BY_CHANCE
from ..json_text import NOT_JSON, resolve, split_pointer
from ..similarity import RENAMED, SchemaFields
from .rule import Evidence
from .view import Document

_RESHAPED = 0.5
"""Similarity from which an event whose label does not travel is the same one with other fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractPair:
    """Both contracts, and which events are gone, new, renamed and turned round."""

    old: Contract
    new: Contract
    gone: tuple[str, ...]
    added: tuple[str, ...]
    renamed: Mapping[str, str]
    reshaped: frozenset[str]  # those of the renamed of which a label does not travel: it is a name for their fields
    flipped: tuple[str, ...]  # old symbols
    today: datetime.date

    @property
    def unstated(self) -> tuple[str, ...]:
        """What the old contract says of events together, and a new one that nobody learned does not speak of."""
        old, new = self.old, self.new
        if new.learned.connections:
            return ()
        ordered = any(claim.rules for claim in old.scopes)
        silent = len(new.scopes) == 1 and not new.scopes[0].rules
        stated = {
            "order": ordered and silent,
            "streams": bool(old.streams) and not new.streams,
            "private identifiers": bool(old.private) and not new.private,
        }
        return tuple(what for what, is_so in stated.items() if is_so)

    def evidence(self, symbol: str, contract: Contract | None = None) -> Evidence:
        """Return how much stands behind an event's being there."""
        claim = (contract or self.old).events[symbol]
        pinned = claim.payload is not None and Document(claim.payload).root.pinned
        return Evidence(seen=claim.seen, scopes=claim.scopes, pinned=pinned)

    def is_rare(self, symbol: str) -> bool:
        """Whether an event of the old contract came so seldom that the new recordings may have missed it."""
        before, now = self.old.learned.connections, self.new.learned.connections
        share = self.old.events[symbol].scopes / before if before else 1.0
        return bool(now) and (1 - min(share, 1.0)) ** now > MISSED_BY_CHANCE


def pair_labels(old: Contract, new: Contract, today: datetime.date) -> ContractPair:
    """Return both contracts with the events of one that are another's."""
    gone = sorted(old.events.keys() - new.events.keys())
    added = sorted(new.events.keys() - old.events.keys())
    turned = {symbol: _turned(symbol) for symbol in gone if _turned(symbol) in added}
    left = [symbol for symbol in gone if symbol not in turned]
    came = [symbol for symbol in added if symbol not in turned.values()]
    unsent = {one for one in left if not _travels(old, one)}, {two for two in came if not _travels(new, two)}
    ours = {one: SchemaFields(old.events[one].payload or {}) for one in left}
    theirs = {two: SchemaFields(new.events[two].payload or {}) for two in came}
    scored = [
        (score, one, two)
        for one in left
        for two in came
        if side(one) is side(two)
        and (score := ours[one].similarity(theirs[two]))
        >= (_RESHAPED if one in unsent[0] or two in unsent[1] else RENAMED)
    ]
    renamed: dict[str, str] = {}
    for _, one, two in sorted(scored, key=lambda entry: (-entry[0], -likeness(entry[1], entry[2]), entry[1:])):
        if one not in renamed and two not in renamed.values():
            renamed[one] = two
    return ContractPair(
        old=old,
        new=new,
        gone=tuple(symbol for symbol in left if symbol not in renamed),
        added=tuple(symbol for symbol in came if symbol not in renamed.values()),
        renamed=renamed,
        reshaped=frozenset(one for one, two in renamed.items() if one in unsent[0] or two in unsent[1]),
        flipped=tuple(turned),
        today=today,
    )


def _travels(contract: Contract, symbol: str) -> bool:
    """Tell whether an event's label is in its messages; else it is only what its fields are called."""
    envelope, label = contract.envelope, label_of(symbol)
    if not isinstance(envelope, JsonEnvelope):
        return True
    named = {shape.label for direction, shapes in envelope.shapes if direction is side(symbol) for shape in shapes}
    return label not in named and not (label.startswith("{") and label.endswith("}"))


def names_field(event: EventClaim, path: str) -> bool:
    """Tell whether an event's payload names the field at a pointer."""
    schema: object = event.payload
    for key in split_pointer(path):
        schema = resolve(schema, ("properties", key))
    return schema is not NOT_JSON and schema is not None


def _turned(symbol: str) -> str:
    other = Direction.SERVER if side(symbol) is Direction.CLIENT else Direction.CLIENT
    return f"{other.value}:{label_of(symbol)}"


def likeness(one: str, two: str) -> float:
    """Return how alike two names are, from 0 to 1."""
    return difflib.SequenceMatcher(None, one.lower(), two.lower(), autojunk=False).ratio()
