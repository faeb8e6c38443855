"""What happens before and after the events: how they are encoded, in which frames, and how connections end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ....cassettes import Direction
from ...event import side
from ...evidence import FIRM_SCOPES
from ...finding import Severity
from ..contract_pair import ContractPair
from ..inclusion import Effect
from ..pairs import EventPair
from ..rule import Change, Evidence, rule

_ASKED = "what a handshake must hold is asked of clients; the service sends none"


@rule(
    "encoding-changed",
    ContractPair,
    Effect.INCOMPARABLE,
    old='{"envelope": {"name": "json", "client": "/type", "server": "/type"}}',
    new='{"envelope": {"name": "json-rpc"}}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def encoding_changed(pair: ContractPair) -> Iterator[Change]:
    """Clients cannot read a message of another envelope.

    The service cannot read what clients send in the old envelope.
    """
    was, is_ = pair.old.envelope.name, pair.new.envelope.name
    if was != is_:
        for direction in Direction:
            if any(side(symbol) is direction for symbol in (*pair.old.events, *pair.new.events)):
                yield Change(
                    direction=direction,
                    label=None,
                    path=None,
                    message=f"what the {direction.value} sends was wrapped as {was}, now as {is_}",
                    baseline=was,
                    candidate=is_,
                )


@rule(
    "frame-kind-changed",
    EventPair,
    Effect.INCOMPARABLE,
    old='{"events": {"D:chunk": {"kind": "text"}}}',
    new='{"events": {"D:chunk": {"kind": "binary"}}}',
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def frame_kind_changed(pair: EventPair) -> Iterator[Change]:
    """A client that reads text frames is handed binary ones, or the other way round.

    The service reads one kind of frame, and clients send the other.
    """
    server = pair.direction is Direction.SERVER
    promised, offered = (pair.old.kind, pair.new.kind) if server else (pair.new.kind, pair.old.kind)
    if promised not in ("any", offered):
        claim = pair.old if server else pair.new
        yield pair.change(
            None,
            f"`{pair.label}` came in {pair.old.kind} frames, now in {pair.new.kind} ones",
            baseline=pair.old.kind,
            candidate=pair.new.kind,
            evidence=Evidence(seen=claim.seen, scopes=claim.scopes),
        )


@rule(
    "close-code-changed",
    ContractPair,
    Effect.INCOMPARABLE,
    old='{"learned": {"connections": 9}, "closings": {"D": {"1000": 9}}}',
    new='{"learned": {"connections": 9}, "closings": {"D": {"1011": 9}}}',
    server=Severity.BREAKING,
    alone="with which code a client closes is its own affair; the service takes any",
)
def close_code_changed(pair: ContractPair) -> Iterator[Change]:
    """A client decides by the code whether to come back; it does not know the new one."""
    was, is_ = (one.closings.get(Direction.SERVER, {}) for one in (pair.old, pair.new))
    came = sorted(is_.keys() - was.keys())
    if was and came:
        gone = "" if is_.keys() >= was.keys() else "no longer so but "
        message = f"the service closed with {_codes(was)}, now {gone or 'also '}with {_codes(came)}"
        yield _closing(pair, message, was, came)


@rule(
    "server-closes",
    ContractPair,
    Effect.INCOMPARABLE,
    old='{"learned": {"connections": 9}, "closings": {"client": {"1000": 9}}}',
    new='{"learned": {"connections": 9}, "closings": {"server": {"1000": 9}}}',
    server=Severity.BREAKING,
    alone="a client may leave whenever it likes",
)
def server_closes(pair: ContractPair) -> Iterator[Change]:
    """The service ends connections that it left to the client to end."""
    was, is_ = (one.closings.get(Direction.SERVER, {}) for one in (pair.old, pair.new))
    others = pair.old.closings.get(Direction.CLIENT, {})
    if not was and is_ and others:
        message = f"the service never closed first, now it does, with {_codes(is_)}"
        yield _closing(pair, message, others, sorted(is_))


@rule(
    "subprotocol-lost",
    ContractPair,
    Effect.NARROWS,
    old='{"handshake": {"subprotocols": ["v1", "v2"]}}',
    new='{"handshake": {"subprotocols": ["v2"]}}',
    server=Severity.BREAKING,
    alone="which subprotocols a client asks for is its own affair; the service selects one of those that it offers",
)
def subprotocol_lost(pair: ContractPair) -> Iterator[Change]:
    """A client that speaks only this subprotocol is no longer served."""
    if pair.old.handshake is not None and pair.new.handshake is not None:
        for name in sorted(set(pair.old.handshake.subprotocols) - set(pair.new.handshake.subprotocols)):
            offered = sorted(pair.new.handshake.subprotocols)
            message = f"the subprotocol {name} is no longer offered"
            yield _shaken(Direction.SERVER, message, name, offered, Effect.INCOMPARABLE)


@rule(
    "path-changed",
    ContractPair,
    Effect.INCOMPARABLE,
    old='{"handshake": {"path": "/chat"}}',
    new='{"handshake": {"path": "/v2/chat"}}',
    client=Severity.BREAKING,
    alone=_ASKED,
)
def path_changed(pair: ContractPair) -> Iterator[Change]:
    """Clients connect to a path at which nobody answers."""
    if pair.old.handshake is not None and pair.new.handshake is not None:
        was, is_ = pair.old.handshake.path, pair.new.handshake.path
        if was is not None and is_ is not None and was != is_:
            yield _shaken(Direction.CLIENT, f"clients connected to {was}, now to {is_}", was, is_)


@rule(
    "handshake-parameter-added",
    ContractPair,
    Effect.NARROWS,
    old='{"handshake": {"path": "/chat"}}',
    new='{"handshake": {"path": "/chat", "query": ["token"]}}',
    client=Severity.BREAKING,
    alone=_ASKED,
)
def handshake_parameter_added(pair: ContractPair) -> Iterator[Change]:
    """A client that does not send the parameter or the header field is refused before the first event."""
    for what, was, is_ in _parameters(pair):
        for name in sorted(is_ - was):
            yield _shaken(Direction.CLIENT, f"the {what} {name} must now be sent", None, name)


@rule(
    "handshake-parameter-removed",
    ContractPair,
    Effect.WIDENS,
    old='{"handshake": {"path": "/chat", "query": ["token"]}}',
    new='{"handshake": {"path": "/chat"}}',
    client=Severity.INFO,
    alone=_ASKED,
)
def handshake_parameter_removed(pair: ContractPair) -> Iterator[Change]:
    """Clients need no longer send the parameter or the header field."""
    for what, was, is_ in _parameters(pair):
        for name in sorted(was - is_):
            yield _shaken(Direction.CLIENT, f"the {what} {name} need no longer be sent", name, None)


@rule(
    "handshake-unstated",
    ContractPair,
    Effect.UNKNOWN,
    old='{"handshake": {"path": "/chat"}}',
    new="{}",
    client=Severity.WARNING,
    alone=_ASKED,
)
def handshake_unstated(pair: ContractPair) -> Iterator[Change]:
    """The old contract says how to connect, and the new one does not: nobody can tell whether clients still can."""
    if pair.old.handshake is not None and pair.new.handshake is None:
        yield _shaken(Direction.CLIENT, "the new contract does not say how clients connect", "stated", None)


def _parameters(pair: ContractPair) -> Iterator[tuple[str, set[str], set[str]]]:
    if pair.old.handshake is not None and pair.new.handshake is not None:
        old, new = pair.old.handshake, pair.new.handshake
        yield "query parameter", set(old.query), set(new.query)
        yield "header field", set(old.headers), set(new.headers)


def _shaken(
    direction: Direction, message: str, baseline: object, candidate: object, effect: Effect | None = None
) -> Change:
    return Change(
        direction=direction,
        label=None,
        path=None,
        message=message,
        baseline=baseline,
        candidate=candidate,
        effect=effect,
    )


def _closing(pair: ContractPair, message: str, was: Mapping[str, int], came: Sequence[str]) -> Change:
    by_hand = pair.old.learned.connections == 0
    seen = sum(was.values())
    return Change(
        direction=Direction.SERVER,
        label=None,
        path=None,
        message=message,
        baseline=sorted(was),
        candidate=came,
        # As for a check: connections, not samples, are what is counted.
        evidence=Evidence(seen=None if by_hand or seen >= FIRM_SCOPES else 0, scopes=0),
    )


def _codes(codes: Iterable[str]) -> str:
    return ", ".join(sorted(codes))
