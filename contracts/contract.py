"""The contract: what holds for every event and every scope, with the evidence for each claim.

``docs/contract-document.md`` describes the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, cast

from ..cassettes import Direction
from .asyncapi_import import contract_document, is_asyncapi
from .claims import EventClaim, Learned, ScopeClaim
from .contract_reading import FORMAT, VERSION, ContractReader
from .document import dumps
from .envelopes import Envelope
from .errors import ContractError
from .event import CONNECTION, Event, ScopeKey
from .handshake import HandshakeClaim
from .isolation import Privacy
from .loading import parse_document, read_document
from .rules import TEMPLATES, Rule
from .scopes import ScopeReader
from .stream import Stream
from .stream_document import stream_document
from .volatile import volatile_places

MAX_NESTING = 200
"""Objects and arrays inside one another in a payload's schema."""

_Object = dict[str, object]


@dataclass(frozen=True, kw_only=True, eq=False)
class Contract:
    """A contract in memory. Scopes stand finest first, the connection last."""

    envelope: Envelope
    learned: Learned = field(default_factory=Learned)
    events: Mapping[str, EventClaim]
    scopes: tuple[ScopeClaim, ...]
    streams: tuple[Stream, ...] = ()
    private: tuple[Privacy, ...] = ()
    closings: Mapping[Direction, Mapping[str, int]] = field(default_factory=dict[Direction, Mapping[str, int]])
    handshake: HandshakeClaim | None = None

    def __post_init__(self) -> None:
        reader = ScopeReader([claim.scope for claim in self.scopes if claim.name != CONNECTION])
        object.__setattr__(self, "_reader", reader)

    def scope_keys(self, event: Event) -> tuple[ScopeKey, ...]:
        """Return the scopes that an event belongs to, finest first, its connection last."""
        return cast("ScopeReader", self._reader).keys(event)  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]

    def volatile(self, symbol: str) -> tuple[str, ...]:
        """Return the pointers of an event's payload whose values are not compared, "*" for every item or key."""
        claim = self.events.get(symbol)
        return () if claim is None or claim.payload is None else volatile_places(claim.payload)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a document. Raises FileError, or ContractError with the place in the document."""
        return cls.from_document(read_document(path), where=path)

    @classmethod
    def parse(cls, data: bytes, *, where: Path | str) -> Self:
        """Read a document's bytes. Raises ContractError with the place in the document."""
        return cls.from_document(parse_document(data, where=where), where=where)

    @classmethod
    def from_document(cls, document: object, *, where: Path | str = "contract") -> Self:
        """Return the contract that a document describes, an AsyncAPI document too. Raises ContractError."""
        try:
            if is_asyncapi(document):
                document = contract_document(document, where)
            return cls(**ContractReader(where).contract(document))  # pyright: ignore[reportArgumentType]
        except RecursionError as error:
            raise ContractError(where, "", "nested too deep", "name a contract that is less so") from error

    def document(self) -> dict[str, object]:
        """Return the document as plain JSON values, in the order in which it is written."""
        return {
            "wstape": FORMAT,
            "version": VERSION,
            "envelope": self.envelope.parameters(),
            "learned": {
                "cassettes": self.learned.cassettes,
                "connections": self.learned.connections,
                "messages": self.learned.messages,
            },
            "events": {symbol: _event_document(self.events[symbol]) for symbol in sorted(self.events)},
            "scopes": [_scope_document(claim) for claim in self.scopes],
            **({"streams": [stream_document(claim) for claim in self.streams]} if self.streams else {}),
            "private": [_privacy_document(claim) for claim in self.private],
            "closings": {
                direction.value: dict(sorted(self.closings[direction].items()))
                for direction in Direction
                if self.closings.get(direction)
            },
            **({} if self.handshake is None else {"handshake": self.handshake.document()}),
        }

    def dumps(self) -> str:
        """Return the document's text: the same contract gives the same bytes."""
        return dumps(self.document())


def _event_document(claim: EventClaim) -> _Object:
    document: _Object = {"kind": claim.kind}
    if claim.seen is not None:
        document |= {"seen": claim.seen, "scopes": claim.scopes}
    if claim.payload is not None:
        document["payload"] = claim.payload
    return document


def _scope_document(claim: ScopeClaim) -> _Object:
    document: _Object = {"name": claim.name}
    if claim.scope.instances:
        document |= {"instances": claim.scope.instances, "events": claim.scope.events}
    if claim.scope.named:
        document["named"] = True
    if claim.scope.spans:
        document["spans"] = list(claim.scope.spans)
    if claim.scope.paths:
        document["paths"] = {
            symbol: pointers[0] if len(pointers) == 1 else list(pointers)
            for symbol, pointers in claim.scope.paths.items()
        }
    if claim.expression:
        document["expression"] = claim.expression
    document["rules"] = [_rule_document(rule) for rule in claim.rules]
    return document


def _rule_document(rule: Rule) -> _Object:
    of: list[object] = list(rule.events)
    places = TEMPLATES[rule.template].arity
    if len(of) > places:  # alternatives in the last place
        of[places - 1 :] = [list(rule.events[places - 1 :])]
    document: _Object = {"rule": rule.template, "of": of}
    if rule.times is not None:
        document["times"] = rule.times
    if rule.seen is not None:
        document |= {"seen": rule.seen, "scopes": rule.scopes}
    if rule.surprise is not None:
        document["surprise"] = rule.surprise
    if rule.broken:
        document["broken"] = rule.broken
    if rule.pinned:
        document["pinned"] = True
    return document


def _privacy_document(claim: Privacy) -> _Object:
    document: _Object = {"name": claim.name}
    if claim.values is not None:
        document |= {"values": claim.values, "connections": claim.connections}
    if claim.pinned:
        document["pinned"] = True
    return document
