"""Identifiers that tie events together: no longer echoed, or of another form."""

from __future__ import annotations

from collections.abc import Iterator

from ...event import CONNECTION
from ...evidence import is_firm
from ...finding import Severity
from ..contract_pair import names_field
from ..inclusion import Effect
from ..pairs import EventPair, ObjectPair, ValuePair
from ..rule import Change, Evidence, rule

_SCOPED = (
    '{"events": {"D:e": {"payload": {"type": "object", "properties": {"run_id": %s}, "required": ["run_id"]}}}, '
    '"scopes": [{"name": "run_id", "instances": 20, "events": 40, "paths": {"D:e": "/run_id"}}]}'
)


@rule(
    "link-lost",
    ObjectPair,
    Effect.WIDENS,
    old=_SCOPED % '{"type": "string"}',
    new='{"events": {"D:e": {"payload": {"type": "object", "properties": {}}}}}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def link_lost(pair: ObjectPair) -> Iterator[Change]:
    """Clients find out by the identifier what an event belongs to, and it no longer carries it.

    The service finds out by the identifier what an event belongs to, and clients no longer send it.
    """
    for key in pair.gone:
        path = pair.path(key)
        if path in pair.event.old_links:
            message = f"`{path}`, which says what `{pair.event.label}` belongs to, is gone"
            yield pair.change(key, message, baseline=key, effect=Effect.INCOMPARABLE)


@rule(
    "link-broken",
    EventPair,
    Effect.INCOMPARABLE,
    old=_SCOPED % '{"type": "string"}',
    new='{"learned": {"connections": 9}, "events": {"D:e": {"seen": 40, "scopes": 9, "payload": {"type": "object", '
    '"properties": {"run_id": {"type": "string"}}, "required": ["run_id"]}}}}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def link_broken(pair: EventPair) -> Iterator[Change]:
    """The field is still there, and over many events its value no longer ties them together: it is another one.

    Clients still send the field, and over many events its value no longer ties them together: it is another one.
    """
    if _saw_enough(pair):
        yield from _unlinked(pair, "no longer does")


@rule(
    "link-unconfirmed",
    EventPair,
    Effect.UNKNOWN,
    old=_SCOPED % '{"type": "string"}',
    new='{"events": {"D:e": {"payload": {"type": "object", "properties": {"run_id": {"type": "string"}}, '
    '"required": ["run_id"]}}}}',
    server=Severity.WARNING,
    client=Severity.WARNING,
)
def link_unconfirmed(pair: EventPair) -> Iterator[Change]:
    """The field is still there, and the new contract holds too little to tell whether it still ties events together."""
    if not _saw_enough(pair):
        yield from _unlinked(pair, "may or may not still do so")


def _saw_enough(pair: EventPair) -> bool:
    """Tell whether a scope that is not in the new contract is not there, rather than not seen."""
    return pair.new.seen is not None and is_firm(pair.new.seen, pair.new.scopes)


def _unlinked(pair: EventPair, words: str) -> Iterator[Change]:
    now = {scope.name: scope for scope in pair.contracts.new.scopes}
    symbol = f"{pair.direction.value}:{pair.label}"
    for claim in pair.contracts.old.scopes:
        if claim.name == CONNECTION or symbol not in claim.scope.paths:
            continue
        scope = now.get(claim.name)
        if scope is not None and pair.contracts.renamed.get(symbol, symbol) in scope.scope.paths:
            continue
        path = claim.scope.paths[symbol][0]
        if names_field(pair.new, path):
            yield pair.change(
                path,
                f"`{path}` tied `{pair.label}` to other events; it {words}",
                baseline=claim.name,
                evidence=Evidence(seen=claim.scope.events or None, scopes=claim.scope.instances),
            )


@rule(
    "id-format-changed",
    ValuePair,
    Effect.INCOMPARABLE,
    old=_SCOPED % '{"type": "string", "format": "uuid"}',
    new=_SCOPED % '{"type": "integer"}',
    server=Severity.WARNING,
    client=Severity.INFO,
)
def id_format_changed(pair: ValuePair) -> Iterator[Change]:
    """The identifier still ties the same events together, in another form; a client that parses or stores it may fail.

    The service takes the identifier in another form.
    """
    if not pair.linked:
        return
    was, is_ = (
        sorted({*boxes, *(format_ for box in boxes.get("string", ()) for format_ in box.formats)})
        for boxes in (pair.a, pair.b)
    )
    lost = set(was) - set(is_)
    if lost:
        yield pair.change(
            f"{pair.named}, an identifier, was {' '.join(was)}, now {' '.join(is_)}",
            baseline=was,
            candidate=is_,
        )
