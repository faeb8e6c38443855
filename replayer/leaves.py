"""The scalar values of a JSON payload and where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeGuard, cast

from ..cassettes.splicing import Path, Scalar
from ..contracts.json_text import join_pointer


def leaves(value: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Yield path and value of every scalar, in document order. Empty containers have none."""
    if isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def is_scalar(value: object) -> TypeGuard[Scalar]:
    """Tell whether a value is a text or a whole number, which truth values are not."""
    return isinstance(value, str | int) and not isinstance(value, bool)


def at(value: object, path: Path) -> object:
    """Return what stands at a path. Raises LookupError when nothing does."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = cast("dict[str, object]", value)[step]
        elif isinstance(value, list) and isinstance(step, int):
            value = cast("list[object]", value)[step]
        else:
            raise LookupError(step)
    return value


def replaced(value: object, path: Path, new: object) -> object:
    """Return a copy of the value with ``new`` at the path. Raises LookupError when nothing stands there."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(value, dict) and isinstance(step, str):
        items = cast("dict[str, object]", value)
        return {**items, step: replaced(items[step], rest, new)}
    if isinstance(value, list) and isinstance(step, int):
        elements = list(cast("list[object]", value))
        elements[step] = replaced(elements[step], rest, new)
        return elements
    raise LookupError(step)


def pointer(path: Sequence[str | int]) -> str:
    """Return the path as a JSON Pointer (RFC 6901)."""
    return join_pointer(tuple(str(step) for step in path))


def last_key(path: Path) -> str:
    """Return the name of the nearest property: list indexes have none of their own."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")
