"""Learning more into a document that remembers nothing but its claims: their own counts go on, as far as they go.

Payload schemas are taken for the shapes that they stand for. A rule stays unless the new recordings break it, and its
evidence adds up. What is new in order and in scopes is not learned: whether the old recordings kept it is not known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..cassettes import Direction, Record
from .checking import Checker
from .claims import EventClaim, Learned, ScopeClaim
from .contract import Contract
from .definitions import Schema, expanded
from .event import CONNECTION, side
from .evidence import is_kept
from .inference import contract_of, payload_schemas
from .isolation import Privacy
from .json_text import resolve, split_pointer
from .recalling import recalled_shape
from .rules import TEMPLATES, Rule
from .stream import Stream
from .summary import Summary

Broken = Mapping[tuple[str, tuple[object, ...]], int]
"""How often a rule was broken in the new recordings, by its scope's name and what it says."""


def recalled_summary(contract: Contract) -> Summary:
    """Return what a contract tells of the events that it was learned from; of their order, nothing."""
    summary = Summary(contract.envelope)
    summary.cassettes = contract.learned.cassettes
    summary.connections = contract.learned.connections
    summary.messages = contract.learned.messages
    for symbol, claim in contract.events.items():
        label = summary.label(symbol)
        label.seen = claim.seen or 1
        label.kinds = {"text", "binary"} if claim.kind == "any" else {claim.kind}
        if claim.payload is None:
            label.shape.observe(None)
            label.shape.count = label.shape.nulls = label.seen
            continue
        label.shape = recalled_shape(claim.payload)
        pointer = contract.envelope.discriminator(side(symbol))
        if pointer:
            place = tuple(step for key in split_pointer(pointer) for step in ("properties", key))
            told = "const" in field if isinstance(field := resolve(claim.payload, place), dict) else False
            label.discriminated = label.seen if told else 0
    return summary


def carried_on(contract: Contract, more: Summary, recordings: Iterable[Iterable[Record]]) -> tuple[Contract, Contract]:
    """Return the contract as it can be recalled from its document, and the same with more learned into it.

    ``more`` is what the recordings amount to; they are held against the contract's rules once more. Raises
    ContractError where they were read under another envelope than those before.
    """
    before, after = _carried(contract, more, {})
    # With the new events and where they stand, which break rules too.
    checker = Checker(after)
    for recording in recordings:
        for record in recording:
            checker.record(record)
    checker.finish()
    broken: Counter[tuple[str, tuple[object, ...]]] = Counter()
    for (scope, rule), often in checker.broken_rules().items():
        broken[scope, _says(rule)] += often
    return before, _carried(contract, more, broken)[1] if broken else after


def _carried(contract: Contract, more: Summary, broken: Broken) -> tuple[Contract, Contract]:
    both = recalled_summary(contract)
    recalled = payload_schemas(both)
    both.merge(more)
    schemas = payload_schemas(both)
    new = contract_of(more) if more.labels else None
    fresh: Mapping[str, EventClaim] = new.events if new is not None else {}
    events = {
        symbol: replace(claim, payload=_kept(claim, recalled[symbol])) for symbol, claim in contract.events.items()
    }
    learned: dict[str, EventClaim] = {}
    for symbol in sorted({*contract.events, *fresh}):
        old, now = contract.events.get(symbol), fresh.get(symbol)
        if old is None or now is None:
            learned[symbol] = events[symbol] if old is not None else replace(fresh[symbol], payload=schemas[symbol])
            continue
        learned[symbol] = EventClaim(
            kind=old.kind if old.kind == now.kind else "any",
            seen=None if old.seen is None else old.seen + (now.seen or 0),
            scopes=old.scopes + now.scopes,
            payload=_kept(old, schemas[symbol]),
        )
    scopes = tuple(_scope(claim, new, more, broken) for claim in contract.scopes)
    after = replace(
        contract,
        envelope=both.envelope,
        learned=Learned(cassettes=both.cassettes, connections=both.connections, messages=both.messages),
        events=learned,
        scopes=scopes,
        streams=tuple(_stream(claim, new) for claim in contract.streams),
        private=tuple(_privacy(claim, new) for claim in contract.private if claim.name not in more.privacy.crossed),
        closings={
            direction: Counter(contract.closings.get(direction, {})) + more.closings[direction]
            for direction in Direction
        },
    )
    return replace(contract, events=events), after


def _kept(claim: EventClaim, schema: Schema | None) -> Schema | None:
    # Of a payload that nothing is claimed of, nothing is known; and no shape stands for what refers to itself.
    if claim.payload is None or "$defs" in expanded(claim.payload):
        return claim.payload
    return schema


def _scope(claim: ScopeClaim, new: Contract | None, more: Summary, broken: Broken) -> ScopeClaim:
    now = next((one for one in new.scopes if one.name == claim.name), None) if new is not None else None
    statistics = more.scopes.statistics(None if claim.name == CONNECTION else claim.scope)
    mined = {_says(rule): rule for template in TEMPLATES.values() for rule in template.mine(statistics)}
    rules: list[Rule] = []
    for rule in claim.rules:
        found = mined.get(_says(rule))
        often = broken.get((claim.name, _says(rule)), 0)
        seen, scopes = rule.seen, rule.scopes
        if seen is None:
            rules.append(rule)
            continue
        seen += (found.seen or 0) if found is not None else often
        scopes += found.scopes if found is not None else often
        surprise = rule.surprise
        if surprise is not None and found is not None:
            surprise += found.surprise or 0
        exceptions = rule.broken + often
        if rule.pinned or is_kept(exceptions, scopes):
            rules.append(replace(rule, seen=seen, scopes=scopes, surprise=surprise, broken=exceptions))
    if now is None or not statistics.count:
        return replace(claim, rules=tuple(rules))
    scope = claim.scope
    return ScopeClaim(
        scope=replace(
            scope,
            paths=dict(sorted({**now.scope.paths, **scope.paths}.items())),
            instances=scope.instances + now.scope.instances if scope.instances else 0,
            events=scope.events + now.scope.events if scope.instances else 0,
        ),
        # Another one was not made for what the old recordings hold.
        expression=claim.expression if claim.expression == now.expression else "",
        rules=tuple(rules),
    )


def _says(rule: Rule) -> tuple[object, ...]:
    return (rule.template, rule.events, rule.times)


def _stream(claim: Stream, new: Contract | None) -> Stream:
    same = (one for one in new.streams if (one.of, one.path) == (claim.of, claim.path)) if new is not None else ()
    now = next(iter(same), None)
    if now is None or claim.seen is None:
        return claim
    return replace(claim, seen=claim.seen + (now.seen or 0), scopes=claim.scopes + now.scopes)


def _privacy(claim: Privacy, new: Contract | None) -> Privacy:
    now = next((one for one in new.private if one.name == claim.name), None) if new is not None else None
    if now is None or claim.values is None:
        return claim
    return replace(claim, values=claim.values + (now.values or 0), connections=claim.connections + now.connections)
