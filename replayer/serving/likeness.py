"""Whether a client's live message is the recorded one, but for the values that differ between runs. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import cast

from ...cassettes import PLACEHOLDER
from ...contracts.json_text import excerpt
from ..bindings import Scalar
from ..exact import is_volatile
from ..leaves import Path, is_scalar, last_key, pointer

ABSENT = object()
"""Stands on the side of a difference where there is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place in which a live value is not the recorded one. A side may be `ABSENT`."""

    path: str  # JSON pointer; the name of a part of an HTTP request
    recorded: object
    live: object

    def __str__(self) -> str:
        where = f"`{self.path}`" if self.path else "the payload"
        if self.live is ABSENT:
            return f"{where} is missing"
        if self.recorded is ABSENT:
            return f"{where} was not recorded"
        return f"{where} is {excerpt(self.live)}, recorded was {excerpt(self.recorded)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """A value of the client's own: what it was when recorded and what it is now, under the name of its property."""

    recorded: Scalar
    live: Scalar
    key: str


@dataclass(slots=True)
class Likeness:
    """How two values compare."""

    differences: list[Difference] = field(default_factory=list[Difference])
    echoes: list[Echo] = field(default_factory=list[Echo])

    @property
    def same(self) -> bool:
        """Whether nothing but values that differ between runs is different."""
        return not self.differences

    def add(self, path: str, recorded: object, live: object) -> None:
        """Note a difference."""
        self.differences.append(Difference(path=path, recorded=recorded, live=live))


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What is known of a recorded value.

    ``issued`` tells whether the server had issued it before the client said it, and ``expected`` what the client
    is to say in its place. ``volatile`` holds the pointers whose values a contract says to leave out.
    """

    issued: Callable[[Scalar], bool]
    expected: Callable[[Scalar, str], Scalar]
    volatile: Collection[str] = ()


def compare(recorded: object, live: object, knowledge: Knowledge) -> Likeness:
    """Compare two JSON values. An integer and a fraction of one value are the same number, as in JSON Schema."""
    likeness = Likeness()
    _compare(recorded, live, (), knowledge, likeness)
    return likeness


def _compare(recorded: object, live: object, path: Path, knowledge: Knowledge, into: Likeness) -> None:
    if isinstance(recorded, dict) and isinstance(live, dict):
        old, new = cast("dict[str, object]", recorded), cast("dict[str, object]", live)
        for key in (*old, *(key for key in new if key not in old)):
            if key not in new:
                into.add(pointer((*path, key)), old[key], ABSENT)
            elif key not in old:
                into.add(pointer((*path, key)), ABSENT, new[key])
            else:
                _compare(old[key], new[key], (*path, key), knowledge, into)
        return
    if isinstance(recorded, list) and isinstance(live, list):
        olds, news = cast("list[object]", recorded), cast("list[object]", live)
        for index, (old_item, new_item) in enumerate(zip(olds, news, strict=False)):
            _compare(old_item, new_item, (*path, index), knowledge, into)
        for index in range(len(news), len(olds)):
            into.add(pointer((*path, index)), olds[index], ABSENT)
        for index in range(len(olds), len(news)):
            into.add(pointer((*path, index)), ABSENT, news[index])
        return
    _compare_leaf(cast("object", recorded), live, path, knowledge, into)


def _compare_leaf(recorded: object, live: object, path: Path, knowledge: Knowledge, into: Likeness) -> None:
    where, key = pointer(path), last_key(path)
    if knowledge.volatile and not {where, pointer(["*" if isinstance(s, int) else s for s in path])}.isdisjoint(
        knowledge.volatile
    ):
        if is_scalar(recorded) and is_scalar(live):
            into.echoes.append(Echo(recorded=recorded, live=live, key=key))
        return
    if is_scalar(recorded) and knowledge.issued(recorded):
        expected = knowledge.expected(recorded, key)
        if live != expected:
            into.add(where, expected, live)
        return
    if isinstance(recorded, str) and isinstance(live, str) and recorded != live:
        texts = compare_text(recorded, live, knowledge, key)
        if texts is not None:
            into.echoes.extend(texts)
            return
    if is_scalar(recorded) and is_scalar(live) and type(recorded) is type(live):
        if recorded == live:
            return
        if is_volatile(path, recorded, live):
            into.echoes.append(Echo(recorded=recorded, live=live, key=key))
            return
    elif recorded == live and isinstance(recorded, bool) == isinstance(live, bool):
        return
    into.add(where, recorded, live)


def compare_text(recorded: str, live: str, knowledge: Knowledge, key: str = "") -> list[Echo] | None:
    """Compare texts with redaction placeholders in them; None when they differ elsewhere.

    A placeholder that the recorded server had issued stands for what it issues now, another one for any text.
    """
    if recorded == live:
        return []
    names = [match[0] for match in PLACEHOLDER.finditer(recorded)]
    if not names:
        return None
    pattern = ""
    for index, part in enumerate(_split(recorded)):
        if index % 2 == 0:
            pattern += re.escape(part)
        elif knowledge.issued(part):
            pattern += f"({re.escape(str(knowledge.expected(part, key)))})"
        else:
            pattern += "(.+?)"
    found = re.fullmatch(pattern, live, re.DOTALL)
    if found is None:
        return None
    pairs = zip(names, found.groups(), strict=True)
    return [Echo(recorded=name, live=value, key=key) for name, value in pairs if not knowledge.issued(name)]


def _split(text: str) -> list[str]:
    """Split a text at its placeholders, which stand at the odd places."""
    parts: list[str] = []
    end = 0
    for match in PLACEHOLDER.finditer(text):
        parts += [text[end : match.start()], match[0]]
        end = match.end()
    return [*parts, text[end:]]
