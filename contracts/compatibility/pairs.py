"""The walk over two contracts: what stands at the same place in both, as pairs that the rules look at."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...cassettes import Direction
from ..claims import EventClaim, ScopeClaim
from ..contract import Contract
from ..event import label_of, side
from ..evidence import SHAPE_SEEN
from ..json_text import Pointer, join_pointer, split_pointer
from .box import Box, Boxes, boxes_of, tag_values
from .contract_pair import ContractPair, likeness, pair_labels
from .inclusion import Answer, Included, includes
from .rule import Change, Evidence
from .view import Document, View

MAX_DEPTH = 40
_ALIKE = 0.6
"""Likeness of two names from which one took the other's place."""


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
    unclaimed: bool = False  # the silence that would break something was only learned, from little

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
    unclaimed: bool  # as for the values here

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
    contracts = pair_labels(old, new, today)
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


def _links(contract: Contract, symbol: str) -> frozenset[str]:
    return frozenset(pointer for claim in contract.scopes for pointer in claim.scope.paths.get(symbol, ()))


def _moved(contracts: ContractPair, direction: Direction, *, renamed: bool) -> frozenset[str]:
    """Return where the label stood and stands, when it has moved or changed: that is told once, not event by event."""
    places = [contract.envelope.discriminator(direction) for contract in (contracts.old, contracts.new)]
    if places[0] is None or (places[0] == places[1] and not renamed):
        return frozenset()
    return frozenset(place for place in places if place is not None)


def _places(
    event: EventPair,
    keys: Pointer,
    old: View,
    new: View,
    above: frozenset[tuple[object, object]],
    unclaimed: bool = False,
) -> Iterator[Pair]:
    here = (old.key, new.key)
    if here in above or len(keys) > MAX_DEPTH or join_pointer(keys) in event.ignored:
        return
    below = above | {here}
    a, b = boxes_of(old), boxes_of(new)
    unclaimed = unclaimed or _is_unclaimed(event, old, new, a, b)
    yield ValuePair(event=event, keys=keys, old=old, new=new, a=a, b=b, unclaimed=unclaimed)
    for one, two in match(old, new, a.get("object", ()), b.get("object", ())):
        yield (found := _object(event, keys, old, new, one, two, unclaimed))
        names = {key: key for key in (*one.fields, *one.required) if key in (*two.fields, *two.required)}
        for key, now in sorted((names | dict(found.renamed)).items()):
            yield from _places(event, (*keys, key), one.field(old, key), two.field(new, now), below, unclaimed)
        rests = one.rest(old), two.rest(new)
        if all(rest.schemas and False not in rest.schemas for rest in rests):
            yield from _places(event, (*keys, "*"), *rests, below, unclaimed)
    for one, two in zip(a.get("array", ())[:1], b.get("array", ())[:1], strict=False):
        was, is_ = ([box.item(view, n).text for n in range(box.prefix)] for box, view in ((one, old), (two, new)))
        # The same in another order is one change, not one for each item.
        for index in range(0 if sorted(was) == sorted(is_) else min(one.prefix, two.prefix)):
            yield from _places(event, (*keys, str(index)), one.item(old, index), two.item(new, index), below, unclaimed)
        yield from _places(event, (*keys, "*"), one.item(old, None), two.item(new, None), below, unclaimed)


def _is_unclaimed(event: EventPair, old: View, new: View, a: Boxes, b: Boxes) -> bool:
    """Tell whether the side whose silence would break something claims less only because it was learned from little.

    Variants of objects and places of tuples are only learned from some samples, and items only where there were some.
    """
    server = event.direction is Direction.SERVER
    silent, claim = (new, event.new) if server else (old, event.old)
    if claim.seen is None:
        return False
    if not silent.schemas:
        return True
    fewer, more = (b, a) if server else (a, b)
    coarse = len(fewer.get("object", ())) < len(more.get("object", ()))
    looser = any(
        two.prefix < one.prefix or two.min_size < one.min_size or (two.max_size is None and one.max_size is not None)
        for one, two in zip(more.get("array", ())[:1], fewer.get("array", ())[:1], strict=False)
    )
    return (coarse or looser) and silent.seen is not None and silent.seen < SHAPE_SEEN


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


def _object(event: EventPair, keys: Pointer, old: View, new: View, a: Box, b: Box, unclaimed: bool) -> ObjectPair:
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
        unclaimed=unclaimed,
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
            alike = likeness(one, two)
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
