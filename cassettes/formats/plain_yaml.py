"""YAML as plain data, bounded: no tags, aliases only where asked for, and plain scalars as YAML 1.2 reads them.

PyYAML's own safe loader follows YAML 1.1, in which ``2026-01-31``, ``12:30:45`` and ``yes`` are no texts, expands
aliases and recurses in C. So values are built here from its events, one after the other.
"""

from __future__ import annotations

import re
from typing import cast

MAX_DEPTH = 100
MAX_NODES = 1_000_000
"""Values of a document with its aliases written out."""

_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?[0-9]{1,400}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,400}|[0-9]{1,400}(?:\.[0-9]{0,400})?)(?:[eE][-+]?[0-9]{1,5})?")


class YamlError(Exception):
    """A document that is not YAML, or more than plain data; ``line`` counts from 1."""

    def __init__(self, line: int, problem: str) -> None:
        self.line = line
        self.problem = problem
        super().__init__(problem)


class _Anchors:
    """Values with a name, and how large each is with all that it shares: aliases of aliases grow without end."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, int]] = {}
        self.nodes = 0  # so far, aliases written out

    def keep(self, name: str, value: object, nodes: int) -> None:
        """Take a value that is finished, of so many nodes."""
        self._known[name] = value, nodes

    def follow(self, name: str, line: int) -> object:
        """Return what an alias stands for. Raises YamlError for one that is not finished, or too large."""
        if name not in self._known:
            raise YamlError(line, f"the alias {name!r} stands inside what it stands for"[:120])
        value, nodes = self._known[name]
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise YamlError(line, f"its aliases make more than {MAX_NODES} values of it")
        return value


def load_yaml(data: bytes, *, aliases: bool = False) -> object:
    """Return the one document in ``data`` as dicts, lists, texts, numbers, truth values and None. Raises YamlError.

    With ``aliases`` values may be shared, and a mapping takes over others with ``<<``.
    """
    import yaml

    # libyaml's parser, where PyYAML was built with it, is ten times faster.
    loader = cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    holder: list[object] = []
    open_ones: list[list[object]] = [holder]  # of a mapping: keys and values in turn
    named: list[tuple[str | None, int]] = []  # of each that is open its anchor, and the nodes before it
    anchors = _Anchors()
    line = 1
    try:
        for event in yaml.parse(data, Loader=loader):
            line = event.start_mark.line + 1 if event.start_mark is not None else line
            match event:
                case yaml.AliasEvent():
                    if not aliases:
                        raise YamlError(line, "it uses an alias, which no cassette needs")
                    open_ones[-1].append(anchors.follow(str(event.anchor), line))
                case yaml.ScalarEvent():
                    value = _scalar(event.value, plain=bool(event.implicit[0]), tag=event.tag, line=line)
                    open_ones[-1].append(value)
                    anchors.nodes += 1
                    if event.anchor is not None:
                        anchors.keep(event.anchor, value, 1)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    if len(open_ones) > MAX_DEPTH:
                        raise YamlError(line, f"it is nested more than {MAX_DEPTH} deep")
                    open_ones.append([])
                    named.append((event.anchor, anchors.nodes))
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    flat = open_ones.pop()
                    done = _mapping(flat, line, merging=aliases) if isinstance(event, yaml.MappingEndEvent) else flat
                    open_ones[-1].append(done)
                    anchor, before = named.pop()
                    anchors.nodes += 1
                    if anchor is not None:
                        anchors.keep(anchor, done, anchors.nodes - before)
                case yaml.DocumentStartEvent() if holder:
                    raise YamlError(line, "there is a second document")
                case _:
                    pass
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error).splitlines()[0]
        raise YamlError(mark.line + 1 if mark else line, f"not YAML ({problem})"[:200]) from error
    return holder[0] if holder else None


def _mapping(flat: list[object], line: int, *, merging: bool) -> dict[str, object]:
    """Return a mapping of keys and values that stand in turn; what ``<<`` brings, its own keys take precedence over."""
    keys = (key if isinstance(key, str) else _key(key, line) for key in flat[::2])
    own = dict(zip(keys, flat[1::2], strict=True))
    if not merging or "<<" not in own:
        return own
    brought = own.pop("<<")
    merged: dict[str, object] = {}
    for one in reversed(cast("list[object]", brought) if isinstance(brought, list) else [brought]):
        if not isinstance(one, dict):
            raise YamlError(line, "what << brings is no mapping")
        merged |= cast("dict[str, object]", one)
    return merged | own


def _scalar(value: str, *, plain: bool, tag: str | None, line: int) -> object:
    if tag not in (None, "!", "tag:yaml.org,2002:str"):
        raise YamlError(line, f"it uses the tag {tag!r}, which no cassette needs"[:120])
    if not plain or tag is not None:
        return value
    if value in _WORDS:
        return _WORDS[value]
    if _WHOLE.fullmatch(value):
        return int(value)
    return float(value) if _FLOAT.fullmatch(value) else value


def _key(key: object, line: int) -> str:
    if isinstance(key, list | dict):
        raise YamlError(line, "a key is no text")
    return str(key)
