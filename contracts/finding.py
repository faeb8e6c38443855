"""Findings: what differs, where, how badly, and the folding of many into one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from ..cassettes import Direction
from .event import ScopeKey
from .exhibit import Exhibit


class Severity(StrEnum):
    """What a finding means for the verdict. Only BREAKING makes it ``breaking``."""

    BREAKING = "breaking"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst, so that sorting puts it first."""
        return ("breaking", "warning", "info").index(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What lies behind a broken rule, as far as the events tell.

    ``kind`` is "missing" (events that never came), "extra" (came too often), "order" (came, at the wrong place)
    or "link" (came under the wrong identifier). ``symbols`` are the events to blame.
    """

    kind: str
    symbols: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference. ``count`` says how often it was met; the place is that of the first time."""

    id: str  # "payload/field-missing": stable, listed in docs/design.md
    severity: Severity
    direction: Direction | None
    label: str | None
    path: str | None  # JSON pointer into the payload; "*" stands for every item of an array or key of a map
    connection: int | None
    position: int | None  # number of the message in its connection, from 1
    count: int = 1
    message: str
    baseline: object = None  # what the contract or the baseline holds there
    candidate: object = None  # what was met
    effect: str | None = None  # of an edit, between two contracts: what it does to the set of allowed values
    fingerprint: str | None = None  # of an edit: names it in an ignore file
    rule: str | None = None  # of a broken sequence rule: what it says and where, "init(agent_started) in run_id"
    exhibit: Exhibit | None = None  # both sides at the first place
    scope: ScopeKey | None = None  # not printed: the scope in which it was met first
    cause: Cause | None = None  # not printed: lets the replayer merge its own findings with these

    @property
    def identity(self) -> tuple[object, ...]:
        """What findings have in common that are one finding, met several times."""
        return (self.id, self.direction, self.label, self.path, self.cause)


def fold(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Join findings of one id, direction, label and path: counts add up, the first place and the worst severity stay.

    Sequence findings are told apart by their cause as well. The worst come first; among equals the order of the
    input is kept.
    """
    folded: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        key = finding.identity
        known = folded.get(key)
        if known is None:
            folded[key] = finding
        else:
            worst = min(known.severity, finding.severity, key=lambda severity: severity.rank)
            folded[key] = replace(known, count=known.count + finding.count, severity=worst)
    return tuple(sorted(folded.values(), key=lambda finding: finding.severity.rank))


def verdict(findings: Iterable[Finding]) -> str:
    """Return "breaking" when a finding is, else "compatible"."""
    breaking = any(finding.severity is Severity.BREAKING for finding in findings)
    return "breaking" if breaking else "compatible"
