"""Learning more into a document that people have edited: their decisions stay.

Three documents are compared, as version control does it: what was learned last time (which the ``state`` member
remembers), what stands in the document now, and what is learned now. What a person changed stays changed, what they
deleted stays deleted, what they added stays; all else is as it is learned now.

A claim that is pinned keeps what it says. One that was only relaxed or described goes when the recordings no longer
bear it out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ..cassettes import Record
from . import state
from .asyncapi_import import is_asyncapi
from .carrying import carried_on, recalled_summary
from .contract import Contract
from .definitions import expanded, references
from .detection import Detection, Found
from .envelopes.several import ANYWHERE
from .errors import ContractError
from .inference import contract_of
from .json_text import items, members
from .loading import read_document
from .schema import PINNED, SEEN
from .summary import Summary

_Object = dict[str, object]

# Members of a schema that hold other schemas: a pinned schema speaks for itself, not for them.
_SCHEMAS = ("additionalProperties", "items")
_SCHEMA_MAPS = ("$defs", "properties")
_SCHEMA_LISTS = ("anyOf", "oneOf", "prefixItems")
_SETS = ("enum", "required", "type")


@dataclass(frozen=True, kw_only=True, eq=False)
class Previous:
    """A document to learn more into, and what it remembers of how it was learned."""

    document: Mapping[str, object]
    summary: Summary | None  # None: nothing is remembered; see `carried_document`
    learned: Mapping[str, object]  # the document as it was learned, before any edit
    named: tuple[str, ...]  # the envelopes that a person named

    @classmethod
    def read(cls, path: Path) -> Previous:
        """Read a document. Raises FileError, and ContractError when it makes no sense or cannot be learned into."""
        value = read_document(path)
        if is_asyncapi(value):
            problem = "an AsyncAPI document, which is not learned into"
            raise ContractError(path, "", problem, "turn it into a contract first: 'wstape convert'")
        Contract.from_document(value, where=path)
        document = cast("_Object", value)
        again = "learn from all recordings in one go"
        if "state" not in document:
            return cls(document=document, summary=None, learned={}, named=())
        try:
            parts = state.mapping(state.decode(document["state"]), lambda part: part)
            previous = cls(
                document=document,
                summary=Summary.from_state(parts.get("summary")),
                learned=state.mapping(parts.get("learned"), lambda part: part),
                named=tuple(state.sequence(parts.get("named"), state.text)),
            )
        except (ValueError, ContractError) as error:
            raise ContractError(path, "/state", f"cannot be read: {error}", again) from error
        if document["envelope"] != previous.learned.get("envelope"):
            problem = "changed by hand, but the recordings were read under another one"
            raise ContractError(path, "/envelope", problem, "learn from all recordings in one go, with --envelope")
        return previous

    def reading(self, detection: Detection, *, named: bool) -> Detection:
        """Return how to read more recordings, of which nothing but the document tells how the old ones were read.

        ``detection`` is what was found in the new ones, or what a person ``named``, which counts even if more cannot be
        learned so.
        """
        before = recalled_summary(Contract.from_document(self.document))
        if named or before.reads_like(detection.envelope):
            return detection
        return Detection(found=(Found(pattern=ANYWHERE, envelope=before.envelope, confidence=1, named=True),))


def learned_document(
    summary: Summary, *, previous: Previous | None = None, named: tuple[str, ...] = (), keep_state: bool = True
) -> _Object:
    """Return the document of all that is summarised, with the edits of a previous one; ``state`` is its last member.

    Raises ContractError when there is no event in it.
    """
    learned = contract_of(summary).document()
    document = learned if previous is None else _merge_documents(previous.learned, previous.document, learned)
    document = {key: value for key, value in document.items() if key != "state"}
    if keep_state:
        document["state"] = state.encode({"summary": summary.state(), "learned": learned, "named": list(named)})
    return document


def carried_document(previous: Previous, more: Summary, recordings: Iterable[Iterable[Record]]) -> _Object:
    """Return a document that remembers nothing with more learned into it; it has no ``state`` either.

    ``more`` is what the recordings amount to. Raises ContractError where they were read under another envelope.
    """
    base, learned = carried_on(Contract.from_document(previous.document), more, recordings)
    return _merge_documents(base.document(), previous.document, learned.document())


def _merge_documents(
    base: Mapping[str, object], edited: Mapping[str, object], learned: Mapping[str, object]
) -> _Object:
    merged = _merge_objects(
        base,
        edited,
        learned,
        {
            "events": _merge_events,
            "scopes": _merge_named(_merge_scope),
            "streams": _merge_streams,
            "private": _merge_named(_merge_claim),
            "closings": _merge_deep,
        },
    )
    for member in ("version", "envelope", "learned"):
        merged[member] = learned[member]
    # What an editor reads first stays first.
    order = dict.fromkeys(("$schema", *learned, *merged))
    return {key: merged[key] for key in order if key in merged}


_Merge = Callable[[object, object, object], object]


def _merge_value(base: object, edited: object, learned: object) -> object:
    """What a person changed stays."""
    return learned if edited == base else edited


def _merge_objects(
    base: object, edited: object, learned: object, merges: Mapping[str, _Merge], default: _Merge = _merge_value
) -> _Object:
    before, now, new = map(members, (base, edited, learned))
    merged: _Object = {}
    for key in (*new, *(key for key in now if key not in new)):
        if key not in now:
            if key not in before:
                merged[key] = new[key]
        elif key not in before:
            merged[key] = now[key]
        elif key in new:
            merged[key] = merges.get(key, default)(before[key], now[key], new[key])
        elif now[key] != before[key]:
            merged[key] = now[key]
    return merged


def _merge_deep(base: object, edited: object, learned: object) -> object:
    if all(isinstance(part, dict) for part in (base, edited, learned)):
        return _sorted(_merge_objects(base, edited, learned, {}, _merge_deep))
    return _merge_value(base, edited, learned)


def _merge_events(base: object, edited: object, learned: object) -> object:
    return _sorted(_merge_objects(base, edited, learned, {}, _merge_event))


def _merge_event(base: object, edited: object, learned: object) -> object:
    return _merge_objects(base, edited, learned, {"payload": _merge_payload})


def _merge_payload(base: object, edited: object, learned: object) -> object:
    if edited == base:
        return learned
    three = tuple(map(members, (base, edited, learned)))
    if references(three[0]) != references(three[2]):
        # An edit belongs to its place, whether what stands there is shared with another place now or was before.
        three = tuple(map(expanded, three))
    return _merge_schema(*three)


def _merge_schema(base: object, edited: object, learned: object) -> object:
    if edited == base:
        return learned
    if not (isinstance(base, dict) and isinstance(edited, dict) and isinstance(learned, dict)):
        return cast("object", edited)
    before, now, new = cast("_Object", base), cast("_Object", edited), cast("_Object", learned)
    merges: dict[str, _Merge] = dict.fromkeys(_SCHEMAS, _merge_schema)
    merges |= dict.fromkeys(_SCHEMA_MAPS, _merge_schema_map)
    merges |= dict.fromkeys(_SCHEMA_LISTS, _merge_schema_list)
    if now.get(PINNED) is True:
        # All that it says of its own value stands; only the evidence and what lies below go on.
        below = {*merges, SEEN}
        merged = _merge_objects(_only(before, below), _only(now, below), _only(new, below), merges)
        kept = {key: value for key, value in now.items() if key not in below}
        return {key: (merged | kept)[key] for key in (*now, *merged) if key in merged or key in kept}
    merges |= dict.fromkeys(_SETS, _merge_set)
    merged = _merge_objects(before, now, new, merges)
    if "enum" in merged and "enum" in before and "enum" not in new:
        del merged["enum"]  # the values turned out to be no closed set
    if merged.get("required") == []:
        del merged["required"]
    return merged


def _only(schema: Mapping[str, object], keys: set[str]) -> _Object:
    return {key: value for key, value in schema.items() if key in keys}


def _merge_schema_map(base: object, edited: object, learned: object) -> object:
    return _sorted(_merge_objects(base, edited, learned, {}, _merge_schema))


def _merge_schema_list(base: object, edited: object, learned: object) -> object:
    before, now, new = map(items, (base, edited, learned))
    if not len(before) == len(now) == len(new):
        return _merge_value(base, edited, learned)
    return [_merge_schema(*three) for three in zip(before, now, new, strict=True)]


def _merge_set(base: object, edited: object, learned: object) -> object:
    before, now, new = (
        cast("list[object]", part) if isinstance(part, list) else [part] for part in (base, edited, learned)
    )
    merged = [item for item in new if item in now or item not in before]
    merged += [item for item in now if item not in before and item not in merged]
    if all(isinstance(item, str) for item in merged):
        merged.sort(key=str)
    # A type that stands alone is written without a list.
    return merged[0] if len(merged) == 1 and not isinstance(learned, list) else merged


def _merge_named(merge: _Merge) -> _Merge:
    def named(base: object, edited: object, learned: object) -> object:
        return _merge_list(base, edited, learned, lambda entry: str(entry.get("name")), merge)

    return named


def _merge_streams(base: object, edited: object, learned: object) -> object:
    return _merge_list(base, edited, learned, _stream_key, _merge_claim)


def _stream_key(stream: Mapping[str, object]) -> str:
    return json.dumps([stream.get("of"), stream.get("path")])


def _merge_scope(base: object, edited: object, learned: object) -> object:
    merges: dict[str, _Merge] = {"paths": _merge_deep, "rules": _merge_rules}
    return _merge_objects(base, edited, learned, merges)


def _merge_rules(base: object, edited: object, learned: object) -> object:
    return _merge_list(base, edited, learned, _rule_key, _merge_claim)


def _rule_key(rule: Mapping[str, object]) -> str:
    return json.dumps([rule.get("rule"), rule.get("of")])


def _merge_claim(base: object, edited: object, learned: object) -> object:
    return _merge_objects(base, edited, learned, {})


def _merge_list(
    base: object, edited: object, learned: object, key_of: Callable[[Mapping[str, object]], str], merge: _Merge
) -> list[object]:
    """Merge arrays of objects that have a key; what a person added stays behind what it stood behind."""
    before, now, new = ({key_of(members(entry)): entry for entry in items(part)} for part in (base, edited, learned))
    merged: dict[str, object] = {}
    for key, entry in new.items():
        if key in now and key in before:
            merged[key] = merge(before[key], now[key], entry)
        elif key in now:
            merged[key] = now[key]
        elif key not in before:
            merged[key] = entry
    order = list(merged)
    behind = -1
    for key, entry in now.items():
        if key in merged:
            behind = order.index(key)
        elif key not in before or _is_decided(members(entry)):
            behind += 1
            order.insert(behind, key)
            merged[key] = entry
    return [merged[key] for key in order]


def _is_decided(claim: Mapping[str, object]) -> bool:
    """Tell whether a claim stays though the recordings no longer bear it out: pinned, or made a person's own."""
    return (
        claim.get("pinned") is True
        or not any(evidence in claim for evidence in ("seen", "values", "instances"))
        or any(members(rule).get("pinned") is True for rule in items(claim.get("rules")))
    )


def _sorted(merged: Mapping[str, object]) -> _Object:
    return {key: merged[key] for key in sorted(merged)}
