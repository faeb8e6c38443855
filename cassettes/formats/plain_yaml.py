"""YAML as plain data, bounded: no tags, no aliases, and plain scalars as YAML 1.2 reads them.

PyYAML's own safe loader follows YAML 1.1, in which ``2026-01-31``, ``12:30:45`` and ``yes`` are no texts, expands
aliases and recurses in C. So values are built here from its events, one after the other.
"""

from __future__ import annotations

import re
from typing import cast

MAX_DEPTH = 100
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


def load_yaml(data: bytes) -> object:
    """Return the one document in ``data`` as dicts, lists, texts, numbers, truth values and None. Raises YamlError."""
    import yaml

    # libyaml's parser, where PyYAML was built with it, is ten times faster.
    loader = cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    holder: list[object] = []
    open_ones: list[list[object]] = [holder]  # of a mapping: keys and values in turn
    line = 1
    try:
        for event in yaml.parse(data, Loader=loader):
            line = event.start_mark.line + 1 if event.start_mark is not None else line
            match event:
                case yaml.AliasEvent():
                    raise YamlError(line, "it uses an alias, which no cassette needs")
                case yaml.ScalarEvent():
                    open_ones[-1].append(_scalar(event.value, plain=bool(event.implicit[0]), tag=event.tag, line=line))
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    if len(open_ones) > MAX_DEPTH:
                        raise YamlError(line, f"it is nested more than {MAX_DEPTH} deep")
                    open_ones.append([])
                case yaml.SequenceEndEvent():
                    done = open_ones.pop()
                    open_ones[-1].append(done)
                case yaml.MappingEndEvent():
                    flat = open_ones.pop()
                    keys = (key if isinstance(key, str) else _key(key, line) for key in flat[::2])
                    open_ones[-1].append(dict(zip(keys, flat[1::2], strict=True)))
                case yaml.DocumentStartEvent() if holder:
                    raise YamlError(line, "there is a second document")
                case _:
                    pass
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error).splitlines()[0]
        raise YamlError(mark.line + 1 if mark else line, f"not YAML ({problem})"[:200]) from error
    return holder[0] if holder else None


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
