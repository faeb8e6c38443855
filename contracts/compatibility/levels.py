"""How severe a change is: the rule's level, the profile's, the evidence, and what a project has decided for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Self

from ...cassettes import Direction
from ..finding import Severity
from .inclusion import Effect
from .rule import RULES, Change, Profile, Rule

OFF = "off"
LEVELS = (*(str(severity) for severity in Severity), OFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevel:
    """A project's own level for a rule, everywhere or at one place: ``RULE[@LABEL[/POINTER]]=LEVEL``.

    RULE and the place may hold ``*`` and ``?``.
    """

    rule: str
    place: str  # "" for everywhere
    level: Severity | None  # None: off

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one. Raises ValueError with the reason."""
        head, equals, level = text.rpartition("=")
        if not equals or level not in LEVELS:
            raise ValueError(f"{text!r} does not end with '=' and one of {', '.join(LEVELS)}")
        rule, _, place = head.partition("@")
        if not any(fnmatchcase(known, rule) for known in RULES):
            raise ValueError(f"{rule!r} is no rule; 'wstape rules' lists them")
        return cls(rule=rule, place=place, level=None if level == OFF else Severity(level))

    def holds(self, rule: Rule, change: Change) -> bool:
        """Tell whether it decides the level of a change."""
        if not fnmatchcase(rule.id, self.rule):
            return False
        label = change.label or ""
        return not self.place or any(fnmatchcase(place, self.place) for place in (label, label + (change.path or "")))


def effect_of(rule: Rule, change: Change) -> Effect:
    """Return what a change does to the set of values."""
    return change.effect or rule.effect


def level_of(rule: Rule, change: Change, profile: Profile, own: Sequence[Relevel] = ()) -> Severity | None:
    """Return the severity of a change, or None when it is not reported. The last of ``own`` that fits decides."""
    for relevel in reversed(own):
        if relevel.holds(rule, change):
            return relevel.level
    effect = effect_of(rule, change)
    harmful = effect in (
        (Effect.WIDENS, Effect.INCOMPARABLE)
        if rule.direction is Direction.SERVER
        else (Effect.NARROWS, Effect.INCOMPARABLE)
    )
    if harmful and change.evidence.pinned:
        return Severity.BREAKING
    level = rule.levels.override(profile) or change.level or rule.levels.default
    if effect is Effect.UNKNOWN and profile is Profile.STRICT:
        level = Severity.BREAKING
    if level is Severity.BREAKING and not change.evidence.firm:
        return Severity.WARNING
    return level
