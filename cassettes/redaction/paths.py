"""JSON paths, and the places in a JSON text that they name.

Of RFC 9535: ``$``, ``.name``, ``['name']``, ``[3]``, ``.*``, ``[*]`` and ``..name``. The text is walked token by token
and not parsed, so that what is replaced can be replaced in place; what comes before the first bracket (the ``42`` of
Socket.IO) is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..errors import UsageError

_STEP = re.compile(
    r"(?P<deep>\.\.)?(?:(?<!\.)\.)?(?:(?P<name>[^.\[\]'\"*\s]+)|\*|\[(?:(?P<index>\d{1,9})|\*|'(?P<single>[^']+)'|\"(?P<double>[^\"]+)\")\])"
)
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\]:,]|[^\s"{}\[\]:,]++', re.DOTALL)
_MAX_DEPTH = 200


@dataclass(frozen=True, slots=True)
class _Step:
    key: str | int | None  # None: any
    deep: bool  # at any depth below


@dataclass(frozen=True, slots=True)
class JsonPath:
    """Places in JSON documents."""

    text: str
    steps: tuple[_Step, ...]

    def __str__(self) -> str:
        return self.text

    @classmethod
    def parse(cls, text: str) -> JsonPath:
        """Read a path. Raises UsageError."""
        rest = text.removeprefix("$")
        if rest and rest[0] not in ".[":
            rest = "." + rest
        steps: list[_Step] = []
        position = 0
        while position < len(rest):
            match = _STEP.match(rest, position)
            if match is None or match.end() == position:
                raise UsageError(
                    f"JSON path {text!r} cannot be read at {rest[position:][:20]!r}; write as in $.user.pin"
                )
            named = match["name"] or match["single"] or match["double"]
            key = int(match["index"]) if match["index"] is not None else named
            steps.append(_Step(key, match["deep"] is not None))
            position = match.end()
        if not steps:
            raise UsageError(f"JSON path {text!r} names the whole document; name a place in it, as in $.user.pin")
        return cls(text, tuple(steps))

    def holds(self, place: Sequence[str | int]) -> bool:
        """Whether the place, or something around it, is named by this path."""
        reached = {0}
        for key in place:
            following: set[int] = set()
            for index in reached:
                step = self.steps[index]
                if step.key is None or step.key == key:
                    if index + 1 == len(self.steps):
                        return True
                    following.add(index + 1)
                if step.deep:
                    following.add(index)
            reached = following
            if not reached:
                return False
        return False


def scalars(data: bytes) -> Iterator[tuple[tuple[str | int, ...], int, int]]:
    """Yield place, start and end of every string, number and word in a JSON text; nothing for other text.

    Text that is cut short is walked as far as it goes; deeper than 200 levels is not looked at.
    """
    brackets = [index for index in (data.find(b"{"), data.find(b"[")) if index >= 0]
    if not brackets:
        return
    expecting_key = False
    place: list[str | int] = []
    kinds: list[bytes] = []
    for match in _TOKEN.finditer(data, min(brackets)):
        token = match[0]
        if token in (b"{", b"["):
            if len(kinds) >= _MAX_DEPTH:
                return
            kinds.append(token)
            place.append("" if token == b"{" else 0)
            expecting_key = token == b"{"
        elif token in (b"}", b"]"):
            if not kinds:
                return
            kinds.pop()
            place.pop()
            expecting_key = False
        elif token == b",":
            if not kinds:
                return
            expecting_key = kinds[-1] == b"{"
            last = place[-1]
            if isinstance(last, int):
                place[-1] = last + 1
        elif token == b":":
            expecting_key = False
        elif kinds and kinds[-1] == b"{" and expecting_key:
            place[-1] = _decoded(token)
        elif place:
            yield tuple(place), match.start(), match.end()


def _decoded(token: bytes) -> str:
    try:
        decoded: object = json.loads(token)
    except ValueError:
        return token.decode("utf-8", "replace")
    return str(decoded)
