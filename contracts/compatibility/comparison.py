"""Whether a new contract still serves the clients of an old one: the walk, the rules, and the findings."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ...cassettes import Direction
from ..contract import Contract
from ..finding import Finding, Severity
from ..json_text import clip
from . import rules as _registered  # noqa: F401  # pyright: ignore[reportUnusedImport]
from .inclusion import Answer, Effect, includes
from .levels import Relevel, effect_of, level_of
from .pairs import EventPair, ObjectPair, Pair, ValuePair, walk
from .rule import DEFINITIONS, RULES, Change, Profile, Rule


def compare(
    old: Contract,
    new: Contract,
    *,
    profile: Profile = Profile.DEFAULT,
    levels: Sequence[Relevel] = (),
    today: datetime.date,
) -> tuple[Finding, ...]:
    """Return what has changed, the worst first; among equals by event, place and rule.

    ``today`` decides whether the day has come from which something deprecated may be gone.
    """
    findings: list[Finding] = []
    for rule, change in changes(old, new, today):
        severity = level_of(rule, change, profile, levels)
        if severity is not None:
            findings.append(_finding(rule, change, severity))
    return tuple(sorted(findings, key=_order))


def changes(old: Contract, new: Contract, today: datetime.date) -> Iterator[tuple[Rule, Change]]:
    """Yield every change with its rule, before any level is given."""
    told: set[tuple[str, str]] = set()  # events of which something was said that is not harmless
    roots: list[ValuePair] = []
    for pair in walk(old, new, today):
        for rule, change in _found(pair):
            if not isinstance(pair, EventPair) and (change.agreed or not _is_harmless(rule, change)):
                told.add((change.direction.value, change.label or ""))
            yield rule, change
        if isinstance(pair, ValuePair) and not pair.keys:
            roots.append(pair)
    for pair in roots:
        if (pair.event.direction.value, pair.event.label) not in told:
            yield from _unexplained(pair)


def _found(pair: Pair) -> Iterator[tuple[Rule, Change]]:
    for definition in DEFINITIONS:
        if definition.subject is type(pair):
            for change in definition.find(pair):
                rule = definition.rules.get(change.direction)
                if rule is None:
                    continue
                if isinstance(pair, ValuePair):
                    change = _proved_harmless(rule, change, pair)
                if isinstance(pair, ValuePair | ObjectPair) and pair.unclaimed and not _is_harmless(rule, change):
                    change = replace(change, effect=Effect.UNKNOWN, level=Severity.WARNING)
                yield rule, change


def _is_harmless(rule: Rule, change: Change) -> bool:
    """Tell whether a change breaks nothing by its effect."""
    server = change.direction is Direction.SERVER
    return effect_of(rule, change) in (Effect.NONE, Effect.NARROWS if server else Effect.WIDENS)


def _proved_harmless(rule: Rule, change: Change, pair: ValuePair) -> Change:
    """Return the change as news when all that the decisive side may see was allowed before: it is included."""
    server = change.direction is Direction.SERVER
    if _is_harmless(rule, change):
        return change
    decisive = pair.new_in_old if server else pair.old_in_new
    effect = Effect.NARROWS if server else Effect.WIDENS
    return replace(change, effect=effect, level=Severity.INFO) if decisive.answer is Answer.YES else change


def _unexplained(pair: ValuePair) -> Iterator[tuple[Rule, Change]]:
    """Yield what inclusion says of a payload when all that rules said is harmless: nothing may pass in silence."""
    if pair.event.ignored or pair.old.text == pair.new.text:
        return
    server = pair.event.direction is Direction.SERVER
    decisive = includes(pair.old, pair.new) if server else includes(pair.new, pair.old)
    if decisive.answer is Answer.YES:
        return
    refuted = decisive.answer is Answer.NO
    name = ("constraint-loosened" if server else "constraint-tightened") if refuted else "constraint-undecided"
    rule = RULES[f"{pair.event.direction.value}/{name}"]
    said = "the payload may now be" if server else "the payload may no longer be"
    shown = clip(decisive.witness)
    message = f"{said} {shown}" if refuted else "what the payload may be has changed in a way that cannot be decided"
    yield rule, pair.change(message, candidate=shown if refuted else None)


def _finding(rule: Rule, change: Change, severity: Severity) -> Finding:
    effect = effect_of(rule, change)
    message = change.message
    if effect is Effect.UNKNOWN:
        message += " (effect unknown)"
    elif severity is Severity.WARNING and not change.evidence.firm:
        message += " (on little evidence)"
    return Finding(
        id=rule.id,
        severity=severity,
        direction=change.direction,
        label=change.label,
        path=change.path,
        connection=None,
        position=None,
        message=message,
        baseline=change.baseline,
        candidate=change.candidate,
        effect=str(effect),
        fingerprint=fingerprint(rule, change),
    )


def fingerprint(rule: Rule, change: Change) -> str:
    """Return what tells a finding from all others, whatever its severity, its words and its evidence: 12 hex digits."""
    parts = (rule.id, change.label, change.path, str(change.baseline), str(change.candidate))
    return hashlib.sha256("\0".join("" if part is None else part for part in parts).encode()).hexdigest()[:12]


def _order(finding: Finding) -> tuple[object, ...]:
    return finding.severity.rank, finding.label or "", finding.direction or "", finding.path or "", finding.id
