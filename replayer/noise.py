"""Noise: what differs between runs of one and the same build, and so says nothing about another.

It is learned from recordings or runs side by side: the places of payloads whose values differ there, and the findings
that one run of the baseline gives against another. A contract may name volatile places as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from ..cassettes import Direction
from ..contracts import Contract, Finding, label_of
from ..contracts.json_text import split_pointer
from ..contracts.volatile import EVERY, mark
from .alignment import align
from .comparison import Pair
from .leaves import Path, leaves, pointer

_FindingKey = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What is left out of a comparison."""

    places: frozenset[tuple[str, tuple[str, ...]]] = frozenset()  # symbol, steps; "*" is every item or key
    findings: frozenset[_FindingKey] = frozenset()  # as `finding_key` gives them

    def covers(self, symbol: str, path: Path) -> bool:
        """Tell whether a place, or one above it, is volatile."""
        steps = tuple(map(str, path))
        return any(
            name == symbol
            and len(place) <= len(steps)
            and all(one in (EVERY, step) for one, step in zip(place, steps, strict=False))
            for name, place in self.places
        )

    def without_known(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings less those that the baseline gives against itself."""
        return [finding for finding in findings if finding_key(finding) not in self.findings]

    def union(self, *others: Noise) -> Noise:
        """Return all of this and of others."""
        return Noise(
            places=self.places.union(*(other.places for other in others)),
            findings=self.findings.union(*(other.findings for other in others)),
        )

    def lines(self) -> tuple[str, ...]:
        """Say what is left out, a line each."""
        places = sorted((label_of(symbol), pointer(place) or "the payload") for symbol, place in self.places)
        known = sorted(f"`{key[2] or key[0]}` {key[3] or ''} ({key[0]})".replace("  ", " ") for key in self.findings)
        return (
            *(f"volatile: `{label}` {place}" for label, place in places),
            *(f"so on the baseline as well: {text}" for text in known),
        )


def finding_key(finding: Finding) -> _FindingKey:
    """What makes two findings the same one, wherever they were met."""
    return finding.id, finding.direction, finding.label, finding.path


def contract_noise(contract: Contract) -> Noise:
    """Return the places that a contract marks as volatile."""
    return Noise(
        places=frozenset(
            (symbol, split_pointer(place)) for symbol in contract.events for place in contract.volatile(symbol)
        )
    )


def learned_places(pairs: Sequence[Pair]) -> Noise:
    """Return the places at which aligned events of two runs differ."""
    found: set[tuple[str, tuple[str, ...]]] = set()
    for one, other in pairs:
        old, new = one.events(Direction.SERVER), other.events(Direction.SERVER)
        for edit, i, j in align([event.symbol for event in old], [event.symbol for event in new]):
            if edit == "equal" and old[i].payload != new[j].payload:
                found.update((old[i].symbol, place) for place in _differing(old[i].payload, new[j].payload))
    return Noise(places=frozenset(found))


def _differing(old: object, new: object) -> Iterator[tuple[str, ...]]:
    before, after = dict(leaves(old)), dict(leaves(new))
    for path in before.keys() | after.keys():
        # 1 == True, which JSON tells apart.
        if path not in before or path not in after or before[path] != after[path] or _kinds_differ(path, before, after):
            yield tuple(EVERY if isinstance(step, int) else step for step in path)


def _kinds_differ(path: Path, before: dict[Path, object], after: dict[Path, object]) -> bool:
    return isinstance(before[path], bool) is not isinstance(after[path], bool)


def marked(contract: Contract, noise: Noise) -> tuple[Contract, int]:
    """Return the contract with the noise's places marked as volatile, and how many it marks anew.

    Places of which the contract says nothing are left out.
    """
    document = contract.document()
    events = cast("dict[str, dict[str, object]]", document["events"])
    known = contract_noise(contract)
    added = 0
    for symbol, place in sorted(noise.places):
        payload = events.get(symbol, {}).get("payload")
        if known.covers(symbol, place) or not isinstance(payload, dict):
            continue
        try:
            mark(cast("dict[str, object]", payload), pointer(place))
        except KeyError:
            continue
        added += 1
    return Contract.from_document(document), added
