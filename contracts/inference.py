"""Learning a contract from recordings, with memory that does not grow with their length.

The envelope is found in the beginnings of all recordings, each is then summarised in one pass, and the contract is a
function of the merged summaries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..cassettes import Direction, Record
from .claims import EventClaim, Learned, ScopeClaim
from .constants import constants_of, words_in
from .contract import Contract
from .detection import find_envelopes
from .envelopes import Envelope
from .errors import ContractError
from .event import CONNECTION, label_of, side
from .evidence import CONSTANT_CONNECTIONS
from .expressing import express
from .json_text import split_pointer
from .pruning import Mined, mine
from .sampling import TrafficSample
from .schema import Schema, to_schema
from .scopes import Scope
from .sharing import shared
from .summary import NOTHING_NAMED, Summary


def infer(
    cassettes: Iterable[Iterable[Record]],
    *,
    envelope: Envelope | str | None = None,
    scopes: Mapping[str, str] = NOTHING_NAMED,
) -> Contract:
    """Return the contract that all the recordings keep.

    Each recording is iterated twice; one that is an iterator is gathered in memory first. Neither the
    order of the recordings nor the numbers of their connections matter. ``envelope`` is the one to read them with,
    or names it; otherwise it is found. ``scopes`` are identifiers to take for scopes, besides those that are found: by
    key, or by name with a JSON pointer. Raises UsageError for an unknown envelope and ContractError when there is no
    event to learn from.
    """
    return contract_of(summarise(cassettes, envelope=envelope, scopes=scopes))


def summarise(
    cassettes: Iterable[Iterable[Record]],
    *,
    envelope: Envelope | str | None = None,
    scopes: Mapping[str, str] = NOTHING_NAMED,
) -> Summary:
    """Return what all the recordings show together, from which `contract_of` makes the contract."""
    recordings = [list(records) if isinstance(records, Iterator) else records for records in cassettes]
    traffic = TrafficSample()
    for records in recordings:
        traffic.merge(TrafficSample.of(records))
    if envelope is None or isinstance(envelope, str):
        envelope = find_envelopes([list(traffic.records())], () if envelope is None else (envelope,)).envelope
    summary = Summary(envelope, scopes)
    summary.traffic = traffic
    for records in recordings:
        summary.merge(Summary.of(records, envelope, scopes))
    return summary


def contract_of(summary: Summary) -> Contract:
    """Return the contract that a summary amounts to. Raises ContractError when there is no event in it."""
    if not summary.labels:
        raise ContractError(
            "contract", "", "the recordings hold no event to learn from", "record a session with messages in it"
        )
    scopes = summary.scopes.scopes()

    def mined_in(scope: Scope) -> Mined:
        return Mined(
            scope=scope,
            statistics=summary.scopes.statistics(scope),
            covers=lambda symbol: summary.scopes.covers(scope, symbol),
        )

    mined = [
        *map(mined_in, scopes),
        Mined(scope=None, statistics=summary.scopes.statistics(None), covers=lambda symbol: True),
    ]
    rules = mine(mined)
    connection = Scope(name=CONNECTION, paths={})
    claims = tuple(
        ScopeClaim(scope=scope, expression="" if expression is None else str(expression), rules=of)
        for scope, expression, of in zip((*scopes, connection), express(mined), rules, strict=True)
    )
    events: dict[str, EventClaim] = {}
    payloads = payload_schemas(summary)
    for symbol, label in sorted(summary.labels.items()):
        finest = next((entry for entry in mined if entry.covers(symbol)), mined[-1])
        events[symbol] = EventClaim(
            kind=next(iter(label.kinds)) if len(label.kinds) == 1 else "any",
            seen=label.seen,
            scopes=finest.statistics.traces[symbol],
            payload=payloads[symbol],
        )
    return Contract(
        envelope=summary.envelope,
        learned=Learned(cassettes=summary.cassettes, connections=summary.connections, messages=summary.messages),
        events=events,
        scopes=claims,
        streams=summary.streams.claims([scope.name for scope in scopes]),
        private=summary.privacy.claims(),
        closings=summary.closings,
    )


def payload_schemas(summary: Summary) -> dict[str, Schema | None]:
    """Return what is claimed of each event's payload; None where there never was one."""
    said = set[str]().union(
        *(words_in(label.shape) for symbol, label in summary.labels.items() if side(symbol) is Direction.CLIENT)
    )
    schemas: dict[str, Schema | None] = {}
    for symbol, label in summary.labels.items():
        pointer = summary.envelope.discriminator(side(symbol))
        constants = {split_pointer(pointer): label_of(symbol)} if pointer and label.discriminated == label.seen else {}
        # What clients send is their own doing, and so is what the service repeats after them.
        if side(symbol) is Direction.SERVER and summary.connections >= CONSTANT_CONNECTIONS:
            constants = constants_of(label.shape, said) | constants
        silent = label.shape.nulls == label.seen
        schemas[symbol] = None if silent else shared(to_schema(label.shape, constants=constants))
    return schemas
