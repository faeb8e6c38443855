"""Two recordings side by side: what the baseline shows and the candidate lacks.

What the baseline itself showed is evidence: an event that every scope of its kind had there and that is gone in the
candidate is breaking, however little a contract knows. How often an event comes, and how scopes interleave, is noise.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..cassettes import (
    PLACEHOLDER,
    Closed,
    Connection,
    Direction,
    Ending,
    Handshake,
    Headers,
    HttpExchange,
    Kind,
    Message,
)
from ..contracts import CONNECTION, Contract, Finding, ScopeKey, Severity, label_of
from ..contracts.evidence import FIRM_SEEN
from .breaking import breaking
from .demands import says_optional
from .digest import digest
from .timeline import Trace

TURN = "turn"
"""Name of the scope that is a turn of the server."""

Pair = tuple[Trace, Trace]
"""A baseline connection and its counterpart."""


def pair_up(baseline: Sequence[Trace], candidate: Sequence[Trace]) -> tuple[list[Pair], list[Trace], list[Trace]]:
    """Pair the connections of two recordings by path and order; return the pairs and what is left of both."""
    waiting: dict[str, list[Trace]] = defaultdict(list)
    for trace in candidate:
        waiting[_path(trace)].append(trace)
    pairs: list[Pair] = []
    alone: list[Trace] = []
    for trace in baseline:
        same = waiting[_path(trace)]
        if same:
            pairs.append((trace, same.pop(0)))
        else:
            alone.append(trace)
    return pairs, alone, [trace for traces in waiting.values() for trace in traces]


def _path(trace: Trace) -> str:
    return trace.connection.handshake.target.partition("?")[0]


def compare(pairs: Sequence[Pair], contract: Contract, stopped: Mapping[int, int]) -> Iterator[Finding]:
    """Yield what the candidate lacks.

    ``stopped`` gives for connections whose play was given up (by the candidate's number) the turn in which it was:
    what the baseline showed from there on is not missed.
    """
    for baseline, candidate in pairs:
        yield from _handshakes(baseline.connection, candidate.connection)
        if candidate.connection.number not in stopped:
            yield from _closes(baseline.connection, candidate.connection)
    # Where the handshake is refused now, that is the finding, and not each event that could not come.
    opened = [(old, new) for old, new in pairs if new.connection.handshake.status == 101]
    yield from _missing_events(opened, contract, stopped)


def compare_exchanges(baseline: Sequence[HttpExchange], candidate: Sequence[HttpExchange]) -> Iterator[Finding]:
    """Yield the requests that are answered with another status; those of one class (RFC 9110 section 15) only warn."""
    recorded = {exchange.number: exchange for exchange in baseline}
    for new in candidate:
        old = recorded.get(new.number)
        if old is None or old.status == new.status:
            continue
        path = new.target.partition("?")[0]
        finding = breaking(
            "http/status",
            f"{new.method} {path} was answered with {f'{new.status} {new.reason}'.strip()}; "
            f"in the recording with {f'{old.status} {old.reason}'.strip()}{_given(old, new, baseline)}",
            None,
            label=f"{new.method} {path}",
            baseline=old.status,
            candidate=new.status,
        )
        same_class = old.status // 100 == new.status // 100
        yield replace(finding, severity=Severity.WARNING) if same_class else finding


def _given(old: HttpExchange, new: HttpExchange, baseline: Sequence[HttpExchange]) -> str:
    """Ask after the secrets from outside that a refused request carried; each recording numbers its own."""
    if new.status not in (401, 403) or old.status in (401, 403):
        return ""
    issued = {
        name for exchange in baseline for name in _placeholders(exchange.response_headers, exchange.response_body)
    }
    asked = _placeholders((("", old.target), *old.request_headers), old.request_body)
    given = [name for name in dict.fromkeys(asked) if name not in issued]
    if not given:
        return ""
    return f"; it carried {', '.join(given)}: was the value given for this recording, and not for another?"


def _placeholders(headers: Headers, body: bytes) -> list[str]:
    text = " ".join((*(value for _, value in headers), body.decode("utf-8", "replace")))
    return [match[0] for match in PLACEHOLDER.finditer(text)]


# --- handshakes and closes


def _handshakes(baseline: Connection, candidate: Connection) -> Iterator[Finding]:
    old, new = baseline.handshake, candidate.handshake
    if old.status != new.status:
        yield breaking(
            "handshake/status",
            f"the handshake was answered with {_status(new)}; in the recording with {_status(old)}",
            candidate.number,
            baseline=old.status,
            candidate=new.status,
        )
    elif old.subprotocol != new.subprotocol:
        yield breaking(
            "handshake/subprotocol",
            f"the server selected {_subprotocol(new)}; in the recording {_subprotocol(old)}",
            candidate.number,
            baseline=old.subprotocol,
            candidate=new.subprotocol,
        )


def _subprotocol(handshake: Handshake) -> str:
    return "no subprotocol" if handshake.subprotocol is None else f"the subprotocol {handshake.subprotocol!r}"


def _status(handshake: Handshake) -> str:
    return f"{handshake.status} {handshake.reason}".strip()


def _closes(baseline: Connection, candidate: Connection) -> Iterator[Finding]:
    if baseline.handshake.status != 101 or candidate.handshake.status != 101:
        return
    if _complete(baseline.closed) and candidate.closed is not None:
        old, new = baseline.closed, candidate.closed
        if old is not None and old.ending is Ending.CLEAN and new.ending in (Ending.EOF, Ending.RESET):
            yield breaking(
                "close/abnormal",
                "the connection ended without a closing handshake; in the recording it closed cleanly",
                candidate.number,
                baseline=str(old.ending),
                candidate=str(new.ending),
            )
            return
    old_code, new_code = _server_close(baseline), _server_close(candidate)
    if old_code is not None and new_code is not None and old_code != new_code:
        yield breaking(
            "close/code",
            f"the server closed with {new_code}; in the recording with {old_code}",
            candidate.number,
            baseline=old_code,
            candidate=new_code,
        )


def _complete(closed: Closed | None) -> bool:
    return closed is not None and closed.ending is not Ending.CUT


def _server_close(connection: Connection) -> int | None:
    """The code of the Close frame with which the server began the closing handshake, None when it did not."""
    first: Message | None = next((message for message in connection.messages if message.kind is Kind.CLOSE), None)
    return first.close_code if first is not None and first.direction is Direction.SERVER else None


# --- events that are gone


@dataclass(slots=True)
class _Like:
    """All baseline scopes of one name that begin with the same event."""

    scopes: int = 0
    having: Counter[str] = field(default_factory=Counter[str])

    def add(self, symbols: Collection[str], times: int = 1) -> None:
        """Add scopes that hold these events."""
        self.scopes += times
        for symbol in symbols:
            self.having[symbol] += times


def _missing_events(pairs: Sequence[Pair], contract: Contract, stopped: Mapping[int, int]) -> Iterator[Finding]:
    alike: dict[tuple[str, str], _Like] = defaultdict(_Like)
    for baseline, _ in pairs:
        recorded = digest(baseline, contract)
        for scope in recorded.scopes:
            alike[scope.name, scope.first].add(scope.symbols)
        for (first, symbols), times in recorded.turns.items():
            alike[TURN, first].add(symbols, times)
    sometimes = {symbol for like in alike.values() for symbol, count in like.having.items() if 0 < count < like.scopes}
    told: set[tuple[int, str]] = set()
    for _, candidate in pairs:
        number = candidate.connection.number
        now = digest(candidate, contract)
        begun = Counter((scope.name, scope.first) for scope in now.scopes)
        # A turn is a place in time, not a piece of work: an answer that comes a turn later is not gone.
        for scope in now.scopes:
            if scope.last_turn >= stopped.get(number, scope.last_turn + 1):
                continue
            like = alike.get((scope.name, scope.first))
            if like is None:
                continue
            enough = begun[scope.name, scope.first]
            for symbol in sorted(like.having):
                # One that came as often as there are scopes came under another identifier or none: it is not gone.
                gone = symbol not in scope.symbols and now.came.get(symbol, 0) < enough
                if not gone or like.having[symbol] < like.scopes:
                    continue
                held = {scope.first, *scope.symbols}
                if not says_optional(contract, symbol, held, scope.name, len(pairs)):
                    told.add((number, symbol))
                    known = "the one recorded scope that begins so has it"
                    if like.scopes > 1:
                        known = f"all {like.scopes} recorded scopes that begin so have it"
                    finding = _gone(
                        symbol,
                        f"after `{label_of(scope.first)}` ({scope.name}={scope.value}); {known}",
                        number,
                        scope.position,
                        ScopeKey(name=scope.name, connection=number, value=scope.value),
                    )
                    # A few recordings need not have shown every way for a piece of work to end.
                    otherwise = not scope.symbols <= like.having.keys() and like.scopes < FIRM_SEEN
                    yield replace(finding, severity=Severity.WARNING) if otherwise else finding
    yield from _gone_from_connections(pairs, contract, sometimes, told, stopped)


def _gone_from_connections(
    pairs: Sequence[Pair],
    contract: Contract,
    sometimes: set[str],
    told: set[tuple[int, str]],
    stopped: Mapping[int, int],
) -> Iterator[Finding]:
    scripts: dict[tuple[str, ...], set[str]] = {}  # by what the client says, what always came
    for baseline, _ in pairs:
        recorded = digest(baseline, contract)
        scripts[recorded.script] = scripts.get(recorded.script, {*recorded.first}) & recorded.first.keys()
    for baseline, candidate in pairs:
        number = candidate.connection.number
        until = stopped.get(number)
        recorded, now = digest(baseline, contract), digest(candidate, contract)
        always = scripts[recorded.script] - sometimes
        for symbol, (turn, _) in recorded.first.items():
            if until is not None and turn >= until:
                break
            if symbol not in always or symbol in now.first or (number, symbol) in told:
                continue
            if not says_optional(contract, symbol, now.came.keys(), CONNECTION, len(pairs)):
                told.add((number, symbol))
                yield _gone(symbol, "on a connection where the recording has it", number, None)


def _gone(symbol: str, where: str, connection: int, position: int | None, scope: ScopeKey | None = None) -> Finding:
    label = label_of(symbol)
    return breaking(
        "event/missing",
        f"`{label}` never came {where}",
        connection,
        position=position,
        baseline=label,
        missing=symbol,
        scope=scope,
    )
