"""The other question, ``--mode exact``: is anything but volatile values different?

Labels are aligned connection by connection, and the payloads of aligned events compared value by value, less what a
service makes up anew on each run: identifiers, times, and values under names that say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, cast

from ..cassettes import PLACEHOLDER, Direction
from ..contracts import Contract, Event, Finding
from .alignment import align
from .breaking import breaking
from .comparison import Pair
from .folding import folded
from .issued import UUID
from .leaves import Path, last_key, pointer
from .naming import names_identifier, names_time
from .noise import Noise

_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_MADE_UP = re.compile(r"[A-Za-z]{1,12}[_-][0-9A-Za-z_-]{6,}|[0-9a-fA-F]{12,}|[0-9A-Za-z_-]{24,}")


def is_volatile(path: Path, baseline: object, candidate: object) -> bool:
    """Tell whether two differing values at a path are of the kind that differs between runs of one build."""
    name = last_key(path)
    if isinstance(baseline, str) and isinstance(candidate, str):
        shaped = any(
            form.fullmatch(baseline) and form.fullmatch(candidate) for form in (UUID, _TIME, PLACEHOLDER, _MADE_UP)
        )
        return shaped or names_identifier(name) or names_time(name)
    numbers = isinstance(baseline, int | float) and isinstance(candidate, int | float)
    return numbers and (names_identifier(name) or names_time(name))


def exact_differences(pairs: Sequence[Pair], noise: Noise, contract: Contract) -> Iterator[Finding]:
    """Yield every difference of the server's events that is not volatile. All are breaking."""
    for baseline, candidate in pairs:
        old = folded(baseline.events(Direction.SERVER), contract)
        new = folded(candidate.events(Direction.SERVER), contract)
        number = candidate.connection.number
        for edit, i, j in align([event.symbol for event in old], [event.symbol for event in new]):
            match edit:
                case "delete":
                    label = old[i].label
                    yield breaking("event/missing", f"`{label}` did not come", number, label=label, baseline=label)
                case "insert":
                    label, position = new[j].label, new[j].position
                    text = f"`{label}` came; the recording does not have it there"
                    yield breaking("event/unexpected", text, number, label=label, position=position, candidate=label)
                case "equal":
                    yield from payload_differences(old[i], new[j], noise)


def payload_differences(old: Event, new: Event, noise: Noise) -> Iterator[Finding]:
    """Yield the differences of two events' payloads."""
    if old.payload == new.payload:
        return
    # Only for pairs that differ: importing it alone takes longer than comparing thousands of equal ones.
    from deepdiff import DeepDiff

    tree: Any = DeepDiff(old.payload, new.payload, view="tree", ignore_numeric_type_changes=True)
    for kind, levels in cast("dict[str, Any]", tree).items():
        for level in levels:
            path: Path = tuple(level.path(output_format="list"))
            if noise.covers(new.symbol, path):
                continue
            where = pointer(path)
            before, after = cast("object", level.t1), cast("object", level.t2)
            if kind.endswith("_removed"):
                rule, text, after = "payload/field-missing", f"`{where}` is gone", None
            elif kind.endswith("_added"):
                rule, text, before = "payload/field-added", f"`{where}` is new", None
            elif kind == "type_changes":
                rule, text = "payload/type-changed", f"`{where}` is of another type"
            else:
                rule, text = "payload/value-changed", f"`{where}` differs"
                if is_volatile(path, before, after):
                    continue
            yield breaking(
                rule,
                text,
                new.connection,
                label=new.label,
                path=pointer(["*" if isinstance(step, int) else step for step in path]),
                position=new.position,
                baseline=before,
                candidate=after,
            )
