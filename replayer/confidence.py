"""How sure it is that a value of the client came from where it is said to come from, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..cassettes import PLACEHOLDER
from .bindings import Binding, Bindings, ClientSource, Scalar
from .issued import Place, is_long
from .naming import names_identifier

LONG = 20
"""Characters from which on two sides hardly hold the same text by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """A level and its reason in words."""

    level: Literal["certain", "high", "medium", "low"]
    reason: str

    def __str__(self) -> str:
        return f"{self.level}: {self.reason}"


def constants(recordings: Sequence[Bindings]) -> frozenset[Scalar]:
    """Return the values that are the same in all of several recordings and stand under no identifying name.

    A service that issues a value makes up another one in another recording: these are words that both sides know.
    """
    if len(recordings) < 2:
        return frozenset()
    return frozenset(
        binding.value
        for binding in recordings[0].bindings
        if _is_constant(binding, recordings) and not names_identifier(binding.source.name)
    )


def agreed(recordings: Sequence[Bindings]) -> frozenset[Place]:
    """Return the places of the client with one issued number in each of several recordings, and not the same in all."""
    places = {place for each in recordings for place in each.lone}
    return frozenset(
        place for place in places if len({each.lone[place] for each in recordings if place in each.lone}) > 1
    )


def confidence(binding: Binding, recordings: Sequence[Bindings]) -> Confidence:
    """Say how sure a binding is; ``recordings`` are all that was found, in this recording and in others of the same."""
    value = binding.value
    if isinstance(value, str) and PLACEHOLDER.fullmatch(value):
        return Confidence(level="certain", reason="a redacted secret, the same on both sides")
    others = _others(binding, recordings)
    if len(recordings) > 1 and _is_constant(binding, recordings):
        return Confidence(level="low", reason=f"the same in all {len(recordings)} recordings: a word both sides know?")
    if len(others) > 1:
        return Confidence(level="certain", reason=f"another value in each of {len(others)} recordings, on both sides")
    if isinstance(value, int) and is_long(value):
        return Confidence(level="high", reason="too long a number to be on both sides by chance")
    if isinstance(value, int):
        return Confidence(level="medium", reason="a whole number under the same identifying name on both sides")
    mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    if mixed and len(value) >= LONG:
        return Confidence(level="high", reason="too long and too mixed to be on both sides by chance")
    if names_identifier(binding.source.name):
        return Confidence(level="high" if mixed else "medium", reason=f"{binding.source.name!r} names an identifier")
    return Confidence(level="medium" if mixed else "low", reason="it looks made up, but nothing names it an identifier")


def _others(binding: Binding, recordings: Sequence[Bindings]) -> list[set[Scalar]]:
    """The values that came from the binding's place, a set for each recording that has the place."""
    place = _place(binding)
    found = [{one.value for one in each.bindings if _place(one) == place} for each in recordings]
    return [values for values in found if values]


def _is_constant(binding: Binding, recordings: Sequence[Bindings]) -> bool:
    if isinstance(binding.source, ClientSource) or (
        isinstance(binding.value, str) and PLACEHOLDER.fullmatch(binding.value)
    ):
        return False
    others = _others(binding, recordings)
    return len(others) == len(recordings) and all(values == {binding.value} for values in others)


def _place(binding: Binding) -> str:
    return str(binding.source).partition(" (connection")[0]
