"""What was seen of one place that may hold the pieces of streams."""

from __future__ import annotations

import re
from collections import Counter

from .event import label_of
from .state import count, counter, sequence
from .stream import FORMS, Form

LEAST = 3
"""Streams that must have joined exactly, or been numbered, before it is claimed."""
_HINT = re.compile(
    r"(?i:(?:^|[^a-z])(?:delta|chunk|token|partial|fragment|piece))|[a-z](?:Delta|Chunk|Token|Partial|Fragment|Piece)"
)


class StreamTally:
    """What was seen of one place, in groups of one name."""

    def __init__(self) -> None:
        self.several = 0  # groups with two pieces or more
        self.pieces = 0
        self.varied = 0  # pieces that were not the one before
        self.finals: dict[tuple[str, str, Form], list[int]] = {}  # hits, misses, groups with a hit
        self.numbered: Counter[str] = Counter()  # by pointer and start, "/index 0": streams numbered one by one
        self.unnumbered: Counter[str] = Counter()  # by pointer: streams that were not

    def merge(self, other: StreamTally) -> None:
        """Take into account all that another one has seen."""
        self.several += other.several
        self.pieces += other.pieces
        self.varied += other.varied
        self.numbered += other.numbered
        self.unnumbered += other.unnumbered
        for key, counts in other.finals.items():
            own = self.finals.setdefault(key, [0, 0, 0])
            self.finals[key] = [a + b for a, b in zip(own, counts, strict=True)]

    def state(self) -> list[object]:
        """Return all of it as plain data; equal content gives equal data."""
        finals = [[*key, *counts] for key, counts in sorted(self.finals.items())]
        numbered = [dict(sorted(counts.items())) for counts in (self.numbered, self.unnumbered)]
        return [self.several, self.pieces, self.varied, finals, *numbered]

    @classmethod
    def from_state(cls, state: object) -> StreamTally:
        """Return the tally that `state` described. Raises ValueError for other data."""
        tally = cls()
        several, pieces, varied, finals, numbered, unnumbered = sequence(state, lambda part: part)
        tally.several, tally.pieces, tally.varied = count(several), count(pieces), count(varied)
        tally.numbered, tally.unnumbered = counter(numbered), counter(unnumbered)
        for entry in sequence(finals, lambda part: sequence(part, lambda item: item)):
            symbol, path, form, *counts = entry
            if form not in FORMS or len(counts) != 3:
                raise ValueError("a stream of an unknown form")
            tally.finals[str(symbol), str(path), form] = [count(number) for number in counts]
        return tally


def numbering(tally: StreamTally) -> tuple[str | None, int]:
    """Return where pieces were numbered one by one, and the first number; None and 0 when they were not."""
    for entry, times in sorted(tally.numbered.items(), key=lambda item: (-item[1], item[0])):
        path, _, start = entry.rpartition(" ")
        others = sum(tally.numbered.values()) and sum(
            number for key, number in tally.numbered.items() if key != entry and key.rpartition(" ")[0] == path
        )
        if times >= LEAST and not others and not tally.unnumbered[path]:
            return path, int(start)
    return None, 0


def is_hinted(symbol: str, path: str) -> bool:
    """Tell whether an event or a field is called a piece of something."""
    return bool(_HINT.search(label_of(symbol)) or _HINT.search(path.rpartition("/")[2]))
