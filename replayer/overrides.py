"""What a person says about bindings against what was found: ``replay --bindings FILE``.

::

    {
      "never": ["gpt-4o-mini", 42],
      "bind": [{"value": "room-7", "from": "server:joined /room"}],
      "latest": {"client:resume /last_seq": "the latest /seq of its run_id", "client:list /after": null}
    }

``from`` is a source as ``show --bindings`` prints it; what it prints in brackets may be left out.
``latest`` has places of the client with the counter of which they take the latest value; null for none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from ..cassettes import FileError, UsageError
from .issued import Place
from .latest import Counter
from .leaves import is_scalar

_WANTED = (
    'write {"never": [VALUE, ...], "bind": [{"value": VALUE, "from": SOURCE}, ...], "latest": {PLACE: COUNTER, ...}}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Values that are never bound, and values that are bound to a source."""

    never: frozenset[str | int] = frozenset()
    sources: Mapping[str | int, str] = field(default_factory=dict[str | int, str])
    counters: Mapping[str, Counter | None] = field(default_factory=dict[str, Counter | None])  # by the client's place
    agreed: frozenset[Place] = frozenset()  # not said, but shown by several recordings: places of issued numbers

    def allows(self, value: str | int, source: str) -> bool | None:
        """Tell whether a value may come from a source; None when nothing is said of the value."""
        if value in self.never:
            return False
        wanted = self.sources.get(value)
        return None if wanted is None else source == wanted or source.partition(" (")[0] == wanted

    @classmethod
    def load(cls, path: Path) -> Overrides:
        """Read a file. Raises FileError and UsageError."""
        try:
            document: object = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise FileError.from_os_error(path, error) from error
        except (ValueError, RecursionError) as error:
            raise UsageError(f"--bindings {path}: not JSON; {_WANTED}") from error
        if not isinstance(document, dict):
            raise UsageError(f"--bindings {path}: not an object; {_WANTED}")
        members = cast("dict[str, object]", document)
        unknown = sorted(members.keys() - {"never", "bind", "latest"})
        if unknown:
            raise UsageError(f"--bindings {path}: {unknown[0]!r} is not known; {_WANTED}")
        sources: dict[str | int, str] = {}
        for entry in _list(path, members, "bind"):
            match entry:
                case {"value": str() | int() as value, "from": str() as source} if not isinstance(value, bool):
                    sources[value] = source
                case _:
                    raise UsageError(f"--bindings {path}: an entry of 'bind' is no binding; {_WANTED}")
        never = _list(path, members, "never")
        if not all(map(is_scalar, never)):
            raise UsageError(f"--bindings {path}: 'never' holds something else than texts and whole numbers; {_WANTED}")
        return cls(
            never=frozenset(cast("list[str | int]", never)),
            sources=sources,
            counters=_counters(path, members.get("latest", {})),
        )


def _counters(path: Path, said: object) -> dict[str, Counter | None]:
    if not isinstance(said, dict):
        raise UsageError(f"--bindings {path}: 'latest' is not an object; {_WANTED}")
    counters: dict[str, Counter | None] = {}
    for place, text in cast("dict[str, object]", said).items():
        counter = Counter.parse(text) if isinstance(text, str) else None
        if text is not None and counter is None:
            raise UsageError(
                f"--bindings {path}: {text!r} is no counter; write 'the latest /PATH of its NAME', 'of the connection' "
                "or 'of a connection before'"
            )
        counters[place] = counter
    return counters


def _list(path: Path, members: dict[str, object], name: str) -> list[object]:
    found = members.get(name, [])
    if not isinstance(found, list):
        raise UsageError(f"--bindings {path}: {name!r} is not a list; {_WANTED}")
    return cast("list[object]", found)
