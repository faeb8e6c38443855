"""A stream in a contract's document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from .event import SYMBOL
from .json_text import split_pointer
from .stream import FORMS, Final, Stream

_COUNTS = ("seen", "scopes", "from")


def stream_document(claim: Stream) -> dict[str, object]:
    """Return a claim as it is written."""
    document: dict[str, object] = {"of": claim.of, "path": claim.path, "in": claim.scope, "form": claim.form}
    if claim.final is not None:
        document["final"] = {"event": claim.final.event, "path": claim.final.path}
    if claim.index is not None:
        document |= {"index": claim.index, "from": claim.start}
    if claim.seen is not None:
        document |= {"seen": claim.seen, "scopes": claim.scopes}
    if claim.pinned:
        document["pinned"] = True
    return document


def stream_from(document: Mapping[str, object]) -> Stream:
    """Return a claim as a document writes it. Raises ValueError with the reason when it makes no sense."""
    form = document.get("form", "text")
    if form not in FORMS:
        raise ValueError(f"form {form!r} is not one of {', '.join(FORMS)}")
    scope, pinned, final = document.get("in"), document.get("pinned", False), document.get("final")
    if not isinstance(scope, str) or not scope:
        raise ValueError("a stream needs the name of a scope, in")
    if not isinstance(pinned, bool):
        raise ValueError("pinned is neither true nor false")
    counts = {name: document.get(name) for name in _COUNTS}
    for name, value in counts.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise ValueError(f"{name} {value!r} is not a count")
    index = document.get("index")
    end = None
    if final is not None:
        if not isinstance(final, dict):
            raise ValueError("final is not an object of event and path")
        said = cast("dict[str, object]", final)
        end = Final(event=_symbol(said.get("event")), path=_pointer(said.get("path")))
    return Stream(
        of=_symbol(document.get("of")),
        path=_pointer(document.get("path")),
        scope=scope,
        form=form,
        final=end,
        index=None if index is None else _pointer(index),
        start=cast("int | None", counts["from"]) or 0,
        seen=cast("int | None", counts["seen"]),
        scopes=cast("int | None", counts["scopes"]) or 0,
        pinned=pinned,
    )


def _symbol(value: object) -> str:
    if not isinstance(value, str) or not SYMBOL.fullmatch(value):
        raise ValueError(f"{value!r} is not an event, written client:LABEL or server:LABEL")
    return value


def _pointer(value: object) -> str:
    if not isinstance(value, str) or not split_pointer(value):
        raise ValueError(f"{value!r} is not a JSON pointer into a payload")
    return value
