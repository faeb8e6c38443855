"""What a compatibility rule is, what it finds, and the registry.

A rule looks for one kind of edit and is one function. It has an id for each side whose events it judges
(``server/enum-value-added``, ``client/enum-value-added``): the two are mirrors, and a rule for one side alone says why
in ``alone``. Its docstring is the reason that the command line prints: one paragraph, or one for the server and one for
the client.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from ...cassettes import Direction
from ..evidence import is_firm
from ..finding import Severity
from .inclusion import Effect

_P = TypeVar("_P")


class Profile(StrEnum):
    """How much is taken for breaking."""

    STRICT = "strict"
    DEFAULT = "default"
    LENIENT = "lenient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a change rests on: the old claim where the server breaks it, the new one where it is demanded of clients."""

    seen: int | None  # None: written by a person
    scopes: int
    pinned: bool = False

    @property
    def firm(self) -> bool:
        """Whether breaking the claim may be breaking."""
        return self.pinned or is_firm(self.seen, self.scopes)


BY_HAND = Evidence(seen=None, scopes=0)
"""The evidence for what no machine learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One edit that a rule has found."""

    direction: Direction
    label: str | None
    path: str | None
    message: str
    baseline: object = None
    candidate: object = None
    evidence: Evidence = BY_HAND
    level: Severity | None = None  # instead of the rule's own
    effect: Effect | None = None  # instead of the rule's own
    agreed: bool = False  # what it does to the values was announced, and is nobody's surprise


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """A rule's severity by profile; None: it reports nothing."""

    default: Severity | None
    strict: Severity | None = None  # None here and below: as `default`
    lenient: Severity | None = None

    def override(self, profile: Profile) -> Severity | None:
        """Return what a profile says, where it differs."""
        return {Profile.STRICT: self.strict, Profile.LENIENT: self.lenient}.get(profile)

    def of(self, profile: Profile) -> Severity | None:
        """Return the severity under a profile."""
        return self.override(profile) or self.default


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule for one side."""

    id: str
    name: str
    direction: Direction
    effect: Effect
    levels: Levels
    reason: str
    example: tuple[str, str]  # JSON: parts of the old and of the new contract
    alone: str  # why there is no rule for the other side; empty: there is one

    @property
    def mirror(self) -> str | None:
        """The id of the rule for the other side."""
        other = Direction.CLIENT if self.direction is Direction.SERVER else Direction.SERVER
        return None if self.alone else f"{other.value}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A function with the rules that it is."""

    find: Callable[[object], Iterator[Change]]
    subject: type
    rules: Mapping[Direction, Rule] = field(default_factory=dict[Direction, Rule])


DEFINITIONS: list[Definition] = []
RULES: dict[str, Rule] = {}

_Level = Severity | Levels | None


def _for_side(example: str, direction: Direction) -> str:
    return example.replace('"D:', f'"{direction.value}:').replace('"D"', f'"{direction.value}"')


def rule(
    name: str,
    subject: type[_P],
    effect: Effect,
    *,
    old: str,
    new: str,
    server: _Level = None,
    client: _Level = None,
    alone: str = "",
) -> Callable[[Callable[[_P], Iterator[Change]]], Callable[[_P], Iterator[Change]]]:
    """Register a function as ``server/NAME`` and ``client/NAME``; with ``alone`` only for the side with a level.

    ``D`` for a side in the example stands for the rule's own.
    """

    def register(find: Callable[[_P], Iterator[Change]]) -> Callable[[_P], Iterator[Change]]:
        paragraphs = [" ".join(part.split()) for part in (inspect.getdoc(find) or "").split("\n\n")]
        rules: dict[Direction, Rule] = {}
        for direction, level in ((Direction.SERVER, server), (Direction.CLIENT, client)):
            if alone and level is None:
                continue
            made = Rule(
                id=f"{direction.value}/{name}",
                name=name,
                direction=direction,
                effect=effect,
                levels=level if isinstance(level, Levels) else Levels(default=level),
                reason=paragraphs[-1] if direction is Direction.CLIENT else paragraphs[0],
                example=(_for_side(old, direction), _for_side(new, direction)),
                alone=alone,
            )
            assert made.id not in RULES, f"{made.id} is registered twice"
            RULES[made.id] = rules[direction] = made
        DEFINITIONS.append(Definition(find=find, subject=subject, rules=rules))  # pyright: ignore[reportArgumentType]
        return find

    return register
