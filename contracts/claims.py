"""What a contract claims: of events, of scopes, and what all of it was learned from."""

from __future__ import annotations

from dataclasses import dataclass

from .rules import Rule
from .schema import Schema
from .scopes import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class EventClaim:
    """What the contract says of one event."""

    kind: str  # "text", "binary" or "any"
    seen: int | None  # None: written by a person
    scopes: int  # instances of its finest scope
    payload: Schema | None  # None: nothing is claimed


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeClaim:
    """A scope and its rules."""

    scope: Scope
    expression: str = ""  # for people: all that may come, as `expression.parse` reads it; empty: none
    rules: tuple[Rule, ...]

    @property
    def name(self) -> str:
        """The scope's name."""
        return self.scope.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a contract was learned from."""

    cassettes: int = 0
    connections: int = 0
    messages: int = 0
