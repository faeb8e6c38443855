"""The walk over two contracts: what stands at the same place in both, as pairs that the rules look at."""

from __future__ import annotations

import datetime
import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...cassettes import Direction
from ..claims import EventClaim, ScopeClaim
from ..contract import Contract
from ..envelopes import JsonEnvelope
from ..event import label_of, side
from ..evidence import MISSED_BY_CHANCE
from ..json_text import NOT_JSON, Pointer, join_pointer, resolve, split_pointer
from ..similarity import RENAMED, SchemaFields
from .box import Box, Boxes, boxes_of, tag_values
from .inclusion import Answer, Included, includes
from .rule import Change, Evidence
from .view import Document, View

MAX_DEPTH = 40
_RESHAPED = 0.5
"""Similarity from which an event whose label does not travel is the same one with other fields."""

_ALIKE = 0.6
"""Likeness of two names from which one took the other's place."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopePair:
    """A scope that both contracts know, or that only one of them does."""

    contracts: ContractPair
    name: str
    old: ScopeClaim | None
    new: ScopeClaim | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPair:
    """An event that both contracts know; a renamed one too."""

    contracts: ContractPair
    direction: Direction
    label: str  # the old one
    old: EventClaim
    new: EventClaim
    links: frozenset[str] = frozenset()  # places that hold a scope's identifier in both
    old_links: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()  # places of the label itself, where that has moved

    def change(self, path: str | None, message: str, **more: object) -> Change:
        """Return a change of this event."""
        return Change(direction=self.direction, label=self.label, path=path, message=message, **more)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuePair:
    """What both contracts say of the values at one place."""

    event: EventPair
    keys: Pointer
    old: View
    new: View
    a: Boxes = field(default_factory=dict[str, tuple[Box, ...]])
    b: Boxes = field(default_factory=dict[str, tuple[Box, ...]])

    @property
    def path(self) -> str:
        """The place as a JSON pointer."""
        return join_pointer(self.keys)

    @property
    def named(self) -> str:
        """The place in a sentence."""
        return f"`{self.path}`" if self.keys else "the payload"

    @property
    def linked(self) -> bool:
        """Whether an identifier of a scope stands here in both contracts."""
        return self.path in self.event.links

    @property
    def evidence(self) -> Evidence:
        """What a change of the values rests on."""
        return _evidence(self.event, self.old, self.new)

    def both(self, kind: str) -> tuple[Box, Box] | None:
        """Return the boxes of a type where each contract has just one."""
        old, new = self.a.get(kind, ()), self.b.get(kind, ())
        return (old[0], new[0]) if len(old) == len(new) == 1 else None

    def change(self, message: str, **more: object) -> Change:
        """Return a change at this place."""
        return self.event.change(self.path, message, **({"evidence": self.evidence} | more))

    @property
    def new_in_old(self) -> Included:
        """Whether all new values were allowed."""
        return includes(self.old, self.new)

    @property
    def old_in_new(self) -> Included:
        """Whether all old values still are."""
        return includes(self.new, self.old)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPair:
    """Objects at one place: their fields, and which of them took another's place."""

    event: EventPair
    keys: Pointer
    old: View
    new: View
    a: Box
    b: Box
    gone: tuple[str, ...]
    added: tuple[str, ...]
    renamed: Mapping[str, str]

    def path(self, key: str) -> str:
        """The place of a field as a JSON pointer."""
        return join_pointer((*self.keys, key))

    @property
    def closed(self) -> tuple[bool, bool]:
        """Whether other fields are forbidden, before and now."""
        return _is_closed(self.old, self.a), _is_closed(self.new, self.b)

    def evidence(self, key: str | None = None) -> Evidence:
        """What the presence of a field rests on: how many objects were seen, pinned on the object or on the field."""
        fields = () if key is None else (self.a.field(self.old, key), self.b.field(self.new, key))
        found = _evidence(self.event, self.old, self.new)
        return Evidence(
            seen=found.seen, scopes=found.scopes, pinned=found.pinned or any(view.pinned for view in fields)
        )

    def change(self, key: str | None, message: str, **more: object) -> Change:
        """Return a change of a field, or of the object."""
        path = join_pointer(self.keys) if key is None else self.path(key)
        return self.event.change(path, message, **({"evidence": self.evidence(key)} | more))


Pair = ContractPair | ScopePair | EventPair | ValuePair | ObjectPair


def walk(old: Contract, new: Contract, today: datetime.date) -> Iterator[Pair]:
    """Yield everything that the two contracts can be compared by: the contracts, their scopes, events and places."""
    contracts = _labels(old, new, today)
    yield contracts
    former = {claim.name: claim for claim in old.scopes}
    present = {claim.name: claim for claim in new.scopes}
    for name in dict.fromkeys((*former, *present)):
        yield ScopePair(contracts=contracts, name=name, old=former.get(name), new=present.get(name))
    kept = {symbol: symbol for symbol in old.events if symbol in new.events} | dict(contracts.renamed)
    for symbol, now in sorted(kept.items()):
        before, after = _links(old, symbol), _links(new, now)
        event = EventPair(
            contracts=contracts,
            direction=side(symbol),
            label=label_of(symbol),
            old=old.events[symbol],
            new=new.events[now],
            links=before & after,
            old_links=before,
            ignored=_moved(contracts, side(symbol), renamed=symbol != now and symbol not in contracts.reshaped),
        )
        yield event
        if not _is_same(event.old.payload, event.new.payload):
            was, is_ = (Document(True if claim.payload is None else claim.payload) for claim in (event.old, event.new))
            yield from _places(event, (), was.root, is_.root, frozenset())


def _is_same(old: object, new: object) -> bool:
    """Tell whether two payloads are written alike: Python calls True and 1 equal, JSON does not."""
    return old == new and json.dumps(old) == json.dumps(new)


def _labels(old: Contract, new: Contract, today: datetime.date) -> ContractPair:
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
    for _, one, two in sorted(scored, key=lambda entry: (-entry[0], -_likeness(entry[1], entry[2]), entry[1:])):
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


def _likeness(one: str, two: str) -> float:
    return difflib.SequenceMatcher(None, one.lower(), two.lower(), autojunk=False).ratio()


def _links(contract: Contract, symbol: str) -> frozenset[str]:
    return frozenset(pointer for claim in contract.scopes for pointer in claim.scope.paths.get(symbol, ()))


def _moved(contracts: ContractPair, direction: Direction, *, renamed: bool) -> frozenset[str]:
    """Return where the label stood and stands, when it has moved or changed: that is told once, not event by event."""
    places = [contract.envelope.discriminator(direction) for contract in (contracts.old, contracts.new)]
    if places[0] is None or (places[0] == places[1] and not renamed):
        return frozenset()
    return frozenset(place for place in places if place is not None)


def _places(
    event: EventPair, keys: Pointer, old: View, new: View, above: frozenset[tuple[object, object]]
) -> Iterator[Pair]:
    here = (old.key, new.key)
    if here in above or len(keys) > MAX_DEPTH or join_pointer(keys) in event.ignored:
        return
    below = above | {here}
    a, b = boxes_of(old), boxes_of(new)
    yield ValuePair(event=event, keys=keys, old=old, new=new, a=a, b=b)
    for one, two in match(old, new, a.get("object", ()), b.get("object", ())):
        yield (found := _object(event, keys, old, new, one, two))
        names = {key: key for key in (*one.fields, *one.required) if key in (*two.fields, *two.required)}
        for key, now in sorted((names | dict(found.renamed)).items()):
            yield from _places(event, (*keys, key), one.field(old, key), two.field(new, now), below)
        rests = one.rest(old), two.rest(new)
        if all(rest.schemas and False not in rest.schemas for rest in rests):
            yield from _places(event, (*keys, "*"), *rests, below)
    for one, two in zip(a.get("array", ())[:1], b.get("array", ())[:1], strict=False):
        was, is_ = ([box.item(view, n).text for n in range(box.prefix)] for box, view in ((one, old), (two, new)))
        # The same in another order is one change, not one for each item.
        for index in range(0 if sorted(was) == sorted(is_) else min(one.prefix, two.prefix)):
            yield from _places(event, (*keys, str(index)), one.item(old, index), two.item(new, index), below)
        yield from _places(event, (*keys, "*"), one.item(old, None), two.item(new, None), below)


def match(old: View, new: View, a: Sequence[Box], b: Sequence[Box]) -> list[tuple[Box, Box]]:
    """Pair the alternatives of two unions: by a tag's value, or by the fields that they share."""
    if len(a) == len(b) == 1:
        return [(a[0], b[0])]
    scored: list[tuple[float, int, int]] = []
    for number, one in enumerate(a):
        for place, two in enumerate(b):
            tags, others = tag_values(old, one), tag_values(new, two)
            common = tags.keys() & others.keys()
            if any(not tags[key] & others[key] for key in common):
                continue
            names, theirs = set(one.fields), set(two.fields)
            shared = len(names & theirs) / max(len(names | theirs), 1)
            if common or shared >= 0.5 or one == two:
                scored.append((-shared - 2 * len(common), number, place))
    pairs: dict[int, int] = {}
    for _, number, place in sorted(scored):
        if number not in pairs and place not in pairs.values():
            pairs[number] = place
    return [(a[number], b[place]) for number, place in sorted(pairs.items())]


def _object(event: EventPair, keys: Pointer, old: View, new: View, a: Box, b: Box) -> ObjectPair:
    before, now = {*a.fields, *a.required}, {*b.fields, *b.required}
    ignored = {place[-1] for place in map(split_pointer, event.ignored) if place[:-1] == keys and place}
    gone = sorted(key for key in before - now if a.field(old, key).schemas != (False,) and key not in ignored)
    added = sorted(key for key in now - before if b.field(new, key).schemas != (False,) and key not in ignored)
    renamed = _renamed_fields(old, new, a, b, gone, added)
    return ObjectPair(
        event=event,
        keys=keys,
        old=old,
        new=new,
        a=a,
        b=b,
        gone=tuple(key for key in gone if key not in renamed),
        added=tuple(key for key in added if key not in renamed.values()),
        renamed=renamed,
    )


def _renamed_fields(old: View, new: View, a: Box, b: Box, gone: Sequence[str], added: Sequence[str]) -> dict[str, str]:
    pairs: list[tuple[float, str, str]] = []
    for one in gone:
        for two in added:
            if (one in a.required) != (two in b.required):
                continue
            was, is_ = a.field(old, one), b.field(new, two)
            if not was.schemas or not is_.schemas or includes(was, is_).answer is not Answer.YES:
                continue
            alike = _likeness(one, two)
            # The only one that went and the only one that came in every object belong together whatever their names.
            alone = len(gone) == len(added) == 1 and one in a.required and includes(is_, was).answer is Answer.YES
            if alike >= _ALIKE or alone:
                pairs.append((-alike, one, two))
    renamed: dict[str, str] = {}
    for _, one, two in sorted(pairs):
        if one not in renamed and two not in renamed.values():
            renamed[one] = two
    return renamed


def _evidence(event: EventPair, old: View, new: View) -> Evidence:
    view, claim = (old, event.old) if event.direction is Direction.SERVER else (new, event.new)
    return Evidence(seen=view.seen, scopes=claim.scopes, pinned=old.pinned or new.pinned)


def _is_closed(view: View, box: Box) -> bool:
    return False in box.rest(view).schemas
