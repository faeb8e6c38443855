"""What a replay left over: every recorded message is played, matched or allowed, and anything else is told.

A client's message is accounted for when it was sent. A server's is when an event of its label came in its scope: how
often an event comes varies from run to run, so its number counts only where every recorded scope of the kind agrees
on it. Events that keep a connection alive are always allowed, and so are the labels that the user names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..cassettes import Direction, HttpExchange
from ..contracts import Contract, Finding, Severity, label_of
from ..contracts.evidence import FIRM_SCOPES
from .breaking import breaking
from .comparison import Pair
from .digest import Digest, Scope, digest
from .keep_alive import keeps_alive, label_keeps_alive
from .timeline import Trace

OFTEN = 5
"""Times that an event was recorded, though not always, before its absence is more than chance (less than 1 %)."""

NEVER = 1 << 62
"""A turn that no play reaches."""

_UNASKED = frozenset(("event/unknown-label", "event/unexpected", "event/missing", "replay/leftover"))


def unplayed(
    asked: Sequence[HttpExchange],
    answers: Sequence[HttpExchange],
    old: Sequence[Trace],
    new: Sequence[Trace],
    found: Sequence[Finding],
) -> Iterator[Finding]:
    """Yield what a replay did not send although nothing breaking says why: stopping early never passes.

    ``asked`` and ``old`` were recorded, ``answers`` and ``new`` are what came of it. What only reacts to an event of
    the server is sent as often as that comes.
    """
    reasons = [finding for finding in found if finding.severity is Severity.BREAKING]
    places = {finding.connection for finding in reasons}
    # A play that stopped where the server is known to drop connections is incomplete, which the exit status says.
    places |= {
        finding.connection
        for finding in found
        if finding.id in ("close/abnormal", "replay/timeout", "replay/unbound") and finding.connection is not None
    }
    if None in places:  # a request failed, on which anything may depend
        return
    played = {trace.connection.number: trace.steps for trace in new}
    for trace in old:
        connection = trace.connection
        number = connection.number
        if connection.handshake.status == 0 or number in places:
            continue
        recorded = trace.steps
        left = recorded - played.get(number, 0)
        if number not in played or left > 0:
            text = f"connection {number} was not played"
            if number in played:
                text = f"{left} of {recorded} recorded client messages of connection {number} were not sent"
            yield breaking("replay/leftover", text, number, baseline=recorded, candidate=played.get(number))
    answered = {exchange.number for exchange in answers}
    for exchange in asked:
        if exchange.status and exchange.number not in answered:
            path = exchange.target.partition("?")[0]
            yield breaking(
                "replay/leftover", f"{exchange.method} {path} was not played", None, label=f"{exchange.method} {path}"
            )


def unmatched(pairs: Sequence[Pair], contract: Contract, stopped: Mapping[int, int]) -> Iterator[Finding]:
    """Yield the recorded events of the server that nothing in the candidate answers to.

    That an event which always came is gone is another finding (``event/missing``); here are those that did not come
    always, and those that came less often than they always did.
    """
    # Where the handshake is refused now, that is the finding, and not each event that could not come.
    opened = [(old, new) for old, new in pairs if new.connection.handshake.status == old.connection.handshake.status]
    yield from _never_again(opened, contract, stopped)
    yield from _fewer(opened, contract, stopped)


def _never_again(pairs: Sequence[Pair], contract: Contract, stopped: Mapping[int, int]) -> Iterator[Finding]:
    recorded: Counter[str] = Counter()
    first: dict[str, tuple[int, int]] = {}
    came: set[str] = set()
    for baseline, candidate in pairs:
        number = candidate.connection.number
        came |= digest(candidate, contract).first.keys()
        known = digest(baseline, contract)
        for symbol, times in _recorded(baseline, known, stopped.get(number, NEVER)).items():
            recorded[symbol] += times
            first.setdefault(symbol, (number, known.first[symbol][1]))
    for symbol, times in recorded.items():
        if symbol in came:
            continue
        connection, position = first[symbol]
        often = "once" if times == 1 else f"{times} times"
        finding = _left(symbol, f"`{label_of(symbol)}` was recorded {often} and never came", connection, times, 0)
        chance = times < OFTEN
        yield replace(finding, position=position, severity=Severity.INFO if chance else Severity.WARNING)


def _recorded(baseline: Trace, known: Digest, until: int) -> Mapping[str, int]:
    """Count the server's events of a recorded connection up to a turn."""
    if until == NEVER:
        return {symbol: known.came[symbol] for symbol in known.first if not label_keeps_alive(label_of(symbol))}
    return Counter(
        event.symbol
        for moment in baseline.moments
        if moment.message.direction is Direction.SERVER and moment.turn < until
        for event in moment.events
        if not keeps_alive(event)
    )


@dataclass(slots=True)
class _Usual:
    """What all recorded scopes of one kind agree on."""

    counts: Mapping[str, int]
    scopes: int = 0

    def add(self, scope: Scope) -> None:
        self.scopes += 1
        self.counts = {symbol: count for symbol, count in self.counts.items() if scope.counts.get(symbol) == count}


def _fewer(pairs: Sequence[Pair], contract: Contract, stopped: Mapping[int, int]) -> Iterator[Finding]:
    alike: dict[tuple[str, str], _Usual] = {}
    for baseline, _ in pairs:
        for scope in digest(baseline, contract).scopes:
            alike.setdefault((scope.name, scope.first), _Usual(scope.counts)).add(scope)
    for _, candidate in pairs:
        number = candidate.connection.number
        for scope in digest(candidate, contract).scopes:
            usual = alike.get((scope.name, scope.first))
            if usual is None or usual.scopes < FIRM_SCOPES or scope.last_turn >= stopped.get(number, NEVER):
                continue
            for symbol, came in scope.counts.items():
                count = usual.counts.get(symbol, came)
                if came < count:
                    label = label_of(symbol)
                    text = (
                        f"`{label}` came {came} of {count} times ({scope.name}={scope.value}); "
                        f"all {usual.scopes} recorded scopes that begin so have it {count} times"
                    )
                    yield _left(symbol, text, number, count, came)


def _left(symbol: str, message: str, connection: int, baseline: int, candidate: int) -> Finding:
    finding = breaking("replay/leftover", message, connection, baseline=baseline, candidate=candidate, missing=symbol)
    return replace(finding, severity=Severity.WARNING)


def without_allowed(findings: Sequence[Finding], allowed: Collection[str]) -> list[Finding]:
    """Return the findings less those that say only that an event with an allowed label came, or did not."""
    return [finding for finding in findings if not (finding.id in _UNASKED and finding.label in allowed)]
