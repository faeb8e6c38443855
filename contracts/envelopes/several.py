"""Several envelopes in one session, each for the connections of some paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import ClassVar

from ...cassettes import Direction, Handshake
from .envelope import Envelope, Reading

ANYWHERE = "*"
"""The pattern of all paths, and of a connection whose path is not known."""


@dataclass(frozen=True, slots=True)
class SeveralEnvelopes:
    """Envelopes by the pattern of the path; of several that match, the first counts.

    In a pattern "*" stands for anything, "/" too. Where none matches, the last envelope counts.
    """

    name: ClassVar[str] = "several"
    parts: tuple[tuple[str, Envelope], ...]

    def at(self, handshake: Handshake | None) -> Envelope:
        """Return the envelope of a connection."""
        path = ANYWHERE if handshake is None else path_of(handshake)
        return next((part for pattern, part in self.parts if fnmatchcase(path, pattern)), self.parts[-1][1])

    def parameters(self) -> dict[str, object]:
        """The name, and the parameters of each part by its pattern."""
        return {"name": self.name, "paths": {pattern: part.parameters() for pattern, part in self.parts}}

    def open(self, handshake: Handshake | None = None) -> Reading:
        """A reading by the envelope of the connection's path."""
        return self.at(handshake).open(handshake)

    def discriminator(self, direction: Direction) -> str | None:
        """The pointer on which all parts agree."""
        found = {part.discriminator(direction) for _, part in self.parts}
        return found.pop() if len(found) == 1 else None

    def identifiers(self, direction: Direction, label: str) -> Sequence[tuple[str, str]]:
        """Those on which all parts agree."""
        found = {tuple(part.identifiers(direction, label)) for _, part in self.parts}
        return found.pop() if len(found) == 1 else ()


def path_of(handshake: Handshake) -> str:
    """Return the path of a request target, without its query."""
    return handshake.target.partition("?")[0]


def parts_of(parameters: Mapping[str, object]) -> Mapping[str, object]:
    """Return the "paths" of a document's part. Raises ValueError when there are none."""
    paths = parameters.get("paths")
    if not isinstance(paths, dict) or not paths:
        raise ValueError("several envelopes need their paths: an object of path patterns and envelopes")
    return {str(pattern): part for pattern, part in paths.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
