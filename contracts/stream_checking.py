"""Holding streams against what the service says they join into, and against their numbers; constant work an event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..cassettes import Direction
from .event import Event, ScopeKey, label_of
from .evidence import is_firm
from .finding import Finding, Severity
from .json_text import NOT_JSON, Pointer, excerpt, resolve, split_pointer
from .stream import Joined, Stream, what_is_wrong

KEPT = 1 << 16
"""Characters of one stream that are kept, to say in words what is wrong with it; the rest is a digest."""
MAX_OPEN = 10_000
"""Streams that are followed at once; the oldest is given up."""


class _Followed:
    """A claim with its pointers split."""

    def __init__(self, claim: Stream) -> None:
        self.claim = claim
        self.path = split_pointer(claim.path)
        self.index: Pointer | None = None if claim.index is None else split_pointer(claim.index)
        self.final: Pointer | None = None if claim.final is None else split_pointer(claim.final.path)


class StreamChecker:
    """Takes events in order; `event` gives what is wrong with the streams that they belong to."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._pieces: dict[str, list[_Followed]] = {}
        self._finals: dict[str, list[_Followed]] = {}
        for claim in streams:
            followed = _Followed(claim)
            self._pieces.setdefault(claim.of, []).append(followed)
            if claim.final is not None:
                self._finals.setdefault(claim.final.event, []).append(followed)
        self._open: dict[tuple[int, int, str], Joined] = {}  # by connection, claim and scope instance

    def event(self, event: Event, keys: Sequence[ScopeKey]) -> Iterator[Finding]:
        """Take an event with its scopes; yield what is wrong."""
        symbol = event.symbol
        for followed in self._finals.get(symbol, ()):
            key = _key(followed, event, keys)
            joined = None if key is None else self._open.pop(key, None)
            if joined is not None and not joined.told:
                yield from _ended(followed, event, joined)
        for followed in self._pieces.get(symbol, ()):
            key = _key(followed, event, keys)
            piece = resolve(event.payload, followed.path)
            if key is None or not isinstance(piece, str):
                continue
            joined = self._open.get(key)
            number = None if followed.index is None else resolve(event.payload, followed.index)
            if joined is None or (number == followed.claim.start and _is_anew(followed, joined, piece)):
                if len(self._open) >= MAX_OPEN:
                    del self._open[next(iter(self._open))]
                joined = self._open[key] = Joined(followed.claim.form if followed.final else None, KEPT)
            if followed.index is not None and not joined.told:
                yield from _numbered(followed, event, joined, number)
            if followed.final is not None:
                joined.add(piece)
            joined.last = piece

    def close(self, connection: int) -> None:
        """Forget the streams of a connection that has ended, or of which something is not known."""
        for key in [key for key in self._open if key[0] == connection]:
            del self._open[key]


def _key(followed: _Followed, event: Event, keys: Sequence[ScopeKey]) -> tuple[int, int, str] | None:
    for key in keys:
        if key.name == followed.claim.scope:
            return (event.connection, id(followed), key.value)
    return None


def _is_anew(followed: _Followed, joined: Joined, piece: str) -> bool:
    """Tell whether a first number begins another stream: where no end says the value, unless it is the same piece."""
    if followed.index is None or followed.final is not None:
        return False
    _, last, _ = joined.numbers.get(followed.index, (0, 0, True))
    return last != followed.claim.start or joined.last != piece


def _ended(followed: _Followed, event: Event, joined: Joined) -> Iterator[Finding]:
    claim = followed.claim
    final = resolve(event.payload, followed.final or ())
    if claim.final is None or final is NOT_JSON or final is None or joined.agrees(final):
        return  # a value that is gone or null is a finding of its own
    wrong = what_is_wrong(joined.pieces, final, claim.form) if joined.whole else "they differ from it"
    text = "".join(joined.pieces)
    yield _finding(
        claim,
        event,
        f"the pieces of `{label_of(claim.of)}` do not join into `{claim.final.path}` of `{event.label}`: {wrong}",
        baseline=excerpt(final),
        candidate=excerpt(text),
    )


def _numbered(followed: _Followed, event: Event, joined: Joined, number: object) -> Iterator[Finding]:
    claim = followed.claim
    if not isinstance(number, int):
        return  # which the payload's own check tells
    _, last, _ = joined.numbers.get(followed.index or (), (0, claim.start - 1, True))
    if number != last + 1:
        joined.told = True
        wrong = "a piece is lost" if number > last + 1 else "a piece came twice" if number == last else "out of order"
        before = "first" if joined.last is None else f"after number {last}"
        yield _finding(
            claim,
            event,
            f"piece number {number} of `{label_of(claim.of)}` came {before}: {wrong}",
            baseline=last + 1,
            candidate=number,
        )
    joined.numbers[followed.index or ()] = (claim.start, number, True)


def _finding(claim: Stream, event: Event, what: str, *, baseline: object, candidate: object) -> Finding:
    known = "the contract asks for it" if claim.seen is None else f"they did in all {claim.seen} recorded streams"
    by_client = claim.of.startswith("client:")
    firm = claim.pinned or (is_firm(claim.seen, claim.scopes) and not by_client)
    return Finding(
        id="payload/stream-changed",
        severity=Severity.BREAKING if firm else Severity.WARNING,
        direction=Direction.CLIENT if by_client else Direction.SERVER,
        label=label_of(claim.of),
        path=claim.path,
        connection=event.connection,
        position=event.position,
        message=f"{what}; {known}",
        baseline=baseline,
        candidate=candidate,
    )
