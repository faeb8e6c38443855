"""What a contract claims of several events together: streams whose pieces join, identifiers that are private."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ....cassettes import Direction
from ...event import label_of, side
from ...evidence import FIRM_PRIVATE_CONNECTIONS, FIRM_SEEN, is_firm
from ...finding import Severity
from ...stream import Stream
from ..contract_pair import ContractPair, names_field
from ..inclusion import Effect
from ..rule import Change, Evidence, rule

_DELTA = '"events": {"D:delta": {"payload": {"properties": {"text": {"type": "string"}}}}, "D:done": {}}'
_SENT_BY_SERVICE = (
    "what the service sends to one client and to no other is its own promise; a client has one connection"
)
_RUN = '"events": {"server:e": {"payload": {"properties": {"run_id": {"type": "string"}}}}}'


@rule(
    "stream-broken",
    ContractPair,
    Effect.WIDENS,
    old=f'{{{_DELTA}, "streams": [{{"of": "D:delta", "path": "/text", "in": "connection", '
    '"final": {"event": "D:done", "path": "/answer"}}]}',
    new=f'{{{_DELTA}, "streams": [{{"of": "D:delta", "path": "/text", "in": "connection"}}]}}',
    server=Severity.BREAKING,
    client=Severity.INFO,
)
def stream_broken(pair: ContractPair) -> Iterator[Change]:
    """A client that joins the pieces no longer gets the whole: one may be lost, come twice or in another order.

    Clients need no longer send pieces that join.
    """
    if "streams" in pair.unstated:
        return
    for old in pair.old.streams:
        symbol = pair.renamed.get(old.of, old.of)
        event = pair.new.events.get(symbol)
        if event is None or not names_field(event, old.path):
            continue  # told as what it is: an event or a field that is gone
        now = next((one for one in pair.new.streams if one.of == symbol and one.path == old.path), None)
        # Streams are only learned from pieces: a text that comes whole says nothing.
        pieces = event.seen is None or event.seen >= 2 * event.scopes
        evident = pair.new.learned.connections == 0 or (is_firm(event.seen, event.scopes) and pieces)
        for what, was, is_ in islice(_lost(pair, old, now), 1):  # one cause, one finding
            # The numbers help to find what was lost; who joins the pieces still gets the whole.
            helps = now is not None and (old.form, old.final) == (now.form, now.final)
            yield Change(
                direction=side(old.of),
                label=label_of(old.of),
                path=old.path,
                message=what + ("" if evident else "; the new contract holds too little to tell"),
                baseline=was,
                candidate=is_,
                evidence=Evidence(seen=old.seen, scopes=old.scopes, pinned=old.pinned),
                level=None if evident and not helps else Severity.WARNING,
                effect=None if evident else Effect.UNKNOWN,
            )


def _lost(pair: ContractPair, old: Stream, now: Stream | None) -> Iterator[tuple[str, str, str | None]]:
    """Yield what no longer holds of a stream, the gravest first: in words, as it was, as it is."""
    if now is None:
        yield f"the pieces in `{old.path}` are no stream any more", old.form, None
        return
    if old.form != now.form:
        yield f"the pieces in `{old.path}` were {old.form}, now {now.form}", old.form, now.form
    if old.final is not None:
        event, path = pair.renamed.get(old.final.event, old.final.event), old.final.path
        if now.final is None or (now.final.event, now.final.path) != (event, path):
            said = f"`{path}` of `{label_of(old.final.event)}`"
            value = None if now.final is None else f"{label_of(now.final.event)}{now.final.path}"
            yield f"the pieces in `{old.path}` no longer join into {said}", label_of(old.final.event) + path, value
    if old.index is not None and (old.index, old.start) != (now.index, now.start):
        value = None if now.index is None else f"{now.index} from {now.start}"
        what = f"the pieces are no longer numbered in `{old.index}` from {old.start} on"
        yield what, f"{old.index} from {old.start}", value


@rule(
    "privacy-lost",
    ContractPair,
    Effect.WIDENS,
    old=f'{{{_RUN}, "private": [{{"name": "run_id"}}]}}',
    new=f'{{{_RUN}, "private": []}}',
    server=Severity.BREAKING,
    alone=_SENT_BY_SERVICE,
)
def privacy_lost(pair: ContractPair) -> Iterator[Change]:
    """One user's events may come to another: the identifier's values were private to a connection."""
    if "private identifiers" in pair.unstated:
        return
    private = {claim.name for claim in pair.new.private}
    for claim in pair.old.private:
        key = claim.name.rpartition(".")[2]
        places = [symbol for symbol, event in pair.new.events.items() if names_field(event, f"/{key}")]
        if claim.name in private or not places:
            continue
        connections = pair.new.learned.connections
        evident = connections == 0 or (
            connections >= FIRM_PRIVATE_CONNECTIONS
            and sum(pair.new.events[symbol].seen or FIRM_SEEN for symbol in places) >= FIRM_SEEN
        )
        firm = claim.values is None or (claim.values >= FIRM_SEEN and claim.connections >= FIRM_PRIVATE_CONNECTIONS)
        yield Change(
            direction=Direction.SERVER,
            label=None,
            path=None,
            message=f"`{claim.name}` was private to a connection, now it need not be"
            + ("" if evident else "; the new contract holds too little to tell"),
            baseline=claim.name,
            evidence=Evidence(seen=None if firm else 0, scopes=0, pinned=claim.pinned),
            level=None if evident else Severity.WARNING,
            effect=None if evident else Effect.UNKNOWN,
        )


@rule(
    "behaviour-unstated",
    ContractPair,
    Effect.UNKNOWN,
    old='{"scopes": [{"name": "connection", "rules": [{"rule": "response", "of": ["client:ask", "server:answer"]}]}]}',
    new='{"events": {"client:ask": {}, "server:answer": {}}}',
    server=Severity.WARNING,
    alone="order, streams and private identifiers are the service's to keep",
)
def behaviour_unstated(pair: ContractPair) -> Iterator[Change]:
    """The new contract says what events look like, and of all that they do together nothing: nobody can tell."""
    if pair.unstated:
        yield Change(
            direction=Direction.SERVER,
            label=None,
            path=None,
            message=f"the new contract says nothing of {', '.join(pair.unstated)}",
            baseline=list(pair.unstated),
        )
