"""What is said to people only: no rule reports it unless a project asks for it."""

from __future__ import annotations

from collections.abc import Iterator

from ..inclusion import Effect
from ..pairs import ValuePair
from ..rule import Change, rule

_WORDS = ("title", "description", "examples", "$comment")


@rule(
    "documentation-changed",
    ValuePair,
    Effect.NONE,
    old='{"events": {"D:e": {"payload": {"title": "An event"}}}}',
    new='{"events": {"D:e": {"payload": {"title": "One event"}}}}',
)
def documentation_changed(pair: ValuePair) -> Iterator[Change]:
    """Titles, descriptions and examples allow and forbid nothing; neither does the order of keys."""
    changed = [name for name in _WORDS if pair.old.annotation(name) != pair.new.annotation(name)]
    if changed:
        yield pair.change(f"the {' and the '.join(changed)} of {pair.named} changed")
