"""The order of events: what came before, what came after, how often, and what is now asked for first."""

from __future__ import annotations

from collections.abc import Iterator

from ....cassettes import Direction
from ...claims import ScopeClaim
from ...event import CONNECTION, label_of, side
from ...evidence import FIRM_ABSENCE_BITS, FIRM_SCOPES, FIRM_SEEN, VACUOUS_BITS, rule_is_firm
from ...finding import Severity
from ...rules import TEMPLATES
from ...rules import Rule as SequenceRule
from ..inclusion import Effect
from ..order import Order, Place, places
from ..pairs import ScopePair
from ..rule import Change, Evidence, Levels, rule

_OWN_ORDER = "in which order a client sends is up to it, until the service asks for one: that is handshake-grew"
_EVENTS = '"events": {"D:a": {}, "D:b": {}, "client:c": {}}'
_RULES = '{%s, "scopes": [{"name": "%s", "instances": 50, "events": 100, "paths": {}, "rules": [%s]}]}'
_SEEN = '"seen": 50, "scopes": 50'
_COUNTED = frozenset(("existence", "absence", "exactly"))
_PAIRED = frozenset(("response", "responded_existence", "succession", "chain_response", "alternate_succession"))


def _scoped(*rules: str, name: str = "run_id") -> str:
    return _RULES % (_EVENTS, name, ", ".join(f"{{{one}, {_SEEN}}}" for one in rules))


_A_THEN_B = '"rule": "precedence", "of": ["D:a", "D:b"]'


@rule(
    "predecessor-lost",
    ScopePair,
    Effect.WIDENS,
    old=_scoped(_A_THEN_B),
    new=_scoped(),
    server=Severity.BREAKING,
    alone=_OWN_ORDER,
)
def predecessor_lost(pair: ScopePair) -> Iterator[Change]:
    """A client that prepares for an event when the one before it comes is not prepared."""
    for old, events, words in _lost(pair):
        first_of_all = old.template == "init" and all(side(one) is Direction.SERVER for one in _named(events))
        before = old.template == "precedence" and not _turned(pair, events)
        turned = old.template != "chain_response" and _still(pair, old, events) == (True, False)
        before = before or turned
        if first_of_all or before:
            what = f"no longer begins with {words[0]}" if first_of_all else f"{words[-1]} may come without {words[0]}"
            yield _change(pair, old, events, what if not first_of_all else f"a scope {what}", kind="order")


@rule(
    "terminal-lost",
    ScopePair,
    Effect.WIDENS,
    old=_scoped('"rule": "end", "of": ["server:b"]'),
    new=_scoped(),
    server=Severity.BREAKING,
    alone=_OWN_ORDER,
)
def terminal_lost(pair: ScopePair) -> Iterator[Change]:
    """A client waits for the last event to know that all is said; it is missing now, or others come after it."""
    for old, events, words in _lost(pair):
        if old.template == "end":
            yield _change(pair, old, events, f"{words[0]} is no longer the last event", kind="missing")


@rule(
    "pairing-broken",
    ScopePair,
    Effect.WIDENS,
    old=_scoped('"rule": "alternate_succession", "of": ["D:a", "D:b"]'),
    new=_scoped(_A_THEN_B),
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def pairing_broken(pair: ScopePair) -> Iterator[Change]:
    """What has begun may never be completed, and a client waits for it.

    The service waits for a completion that clients may leave out.
    """
    for old, events, words in _lost(pair):
        if old.template in _PAIRED and not _is_reply(events) and not _still(pair, old, events)[0]:
            yield _change(pair, old, events, f"{words[0]} may come without {words[-1]}", kind="missing")


@rule(
    "reply-lost",
    ScopePair,
    Effect.WIDENS,
    old=_scoped('"rule": "response", "of": ["client:c", "server:a"]'),
    new=_scoped(),
    server=Severity.BREAKING,
    alone="a reply is what the service owes; a client's answer to the service is told as pairing-broken",
)
def reply_lost(pair: ScopePair) -> Iterator[Change]:
    """A client asks and is no longer answered."""
    for old, events, words in _lost(pair):
        if old.template in _PAIRED and _is_reply(events) and not _still(pair, old, events)[0]:
            yield _change(pair, old, events, f"{words[0]} need no longer be answered by {words[-1]}", kind="missing")


@rule(
    "cardinality-loosened",
    ScopePair,
    Effect.WIDENS,
    old=_scoped('"rule": "alternate_succession", "of": ["D:a", "D:b"]'),
    new=_scoped(_A_THEN_B, '"rule": "response", "of": ["D:a", "D:b"]'),
    server=Severity.BREAKING,
    alone=_OWN_ORDER,
)
def cardinality_loosened(pair: ScopePair) -> Iterator[Change]:
    """An event that came once may come never, or twice."""
    for old, events, words in _lost(pair):
        if old.template in _COUNTED:
            yield _change(pair, old, events, f"{words[0]} may come another number of times", kind="extra")
        elif old.template == "alternate_succession" and pair.name != CONNECTION and all(_still(pair, old, events)):
            yield _change(pair, old, events, f"{words[0]} and {words[-1]} no longer take turns", kind="extra")


@rule(
    "cardinality-tightened",
    ScopePair,
    Effect.NARROWS,
    old=_scoped(),
    new=_scoped('"rule": "exactly", "of": ["server:a"], "times": 1'),
    server=Severity.INFO,
    alone=_OWN_ORDER,
)
def cardinality_tightened(pair: ScopePair) -> Iterator[Change]:
    """An event that came any number of times now comes a certain number of times."""
    if pair.new is None or pair.old is None:
        return
    before = Order(pair.old.rules, pair.contracts.renamed)
    for one, events in Order(pair.new.rules).rules:
        counted = any(known.template in _COUNTED and places == events for known, places in before.rules)
        if one.template in _COUNTED and not counted and not before.implies(one, events):
            yield _change(pair, one, events, f"{_word(events[0])} now comes a certain number of times", kind="extra")


@rule(
    "order-changed",
    ScopePair,
    Effect.INCOMPARABLE,
    old=_scoped(_A_THEN_B),
    new=_scoped('"rule": "precedence", "of": ["D:b", "D:a"]'),
    server=Severity.BREAKING,
    client=Severity.WARNING,
)
def order_changed(pair: ScopePair) -> Iterator[Change]:
    """Two events of one piece of work come the other way round.

    The service is sent two events of one piece of work the other way round.
    """
    for old, events, words in _lost(pair):
        if old.template == "precedence" and _turned(pair, events):
            yield _change(pair, old, events, f"{words[0]} came before {words[-1]}, now it comes after", kind="order")


@rule(
    "order-loosened",
    ScopePair,
    Effect.WIDENS,
    old=_scoped('"rule": "not_succession", "of": ["D:b", "D:a"]'),
    new=_scoped(),
    server=Levels(default=Severity.BREAKING, lenient=Severity.INFO),
    client=Levels(default=Severity.WARNING, lenient=Severity.INFO),
)
def order_loosened(pair: ScopePair) -> Iterator[Change]:
    """Two events of one piece of work came in one order only, and now may come in either.

    The service is sent two events of one piece of work in either order.
    """
    for old, events, words in _lost(pair):
        if old.template == "not_succession":
            yield _change(pair, old, events, f"{words[-1]} never came after {words[0]}, now it may", kind="order")


@rule(
    "interleaving-added",
    ScopePair,
    Effect.WIDENS,
    old=_scoped('"rule": "alternate_succession", "of": ["D:a", "D:b"]', name="connection"),
    new=_scoped(_A_THEN_B, '"rule": "response", "of": ["D:a", "D:b"]', name="connection"),
    server=Levels(default=Severity.INFO),
    client=Severity.INFO,
)
def interleaving_added(pair: ScopePair) -> Iterator[Change]:
    """Pieces of work overlap on a connection that came one after the other; in each of them the order is kept."""
    for old, events, words in _given_up(pair):
        finer = _holds_in_a_finer_scope(pair, old, events)
        turns = old.template == "alternate_succession" and pair.name == CONNECTION and all(_still(pair, old, events))
        if old.template == "chain_response" and _still(pair, old, events)[0]:
            yield _change(pair, old, events, f"others may come between {words[0]} and {words[-1]}", kind="order")
        elif finer or turns:
            yield _change(
                pair, old, events, f"{words[0]} and {words[-1]} of several pieces of work overlap", kind="order"
            )


@rule(
    "handshake-grew",
    ScopePair,
    Effect.NARROWS,
    old=_scoped(name="connection"),
    new=_scoped(
        '"rule": "precedence", "of": ["client:c", "server:a"]',
        '"rule": "precedence", "of": ["client:hello", "server:b"]',
        name="connection",
    ),
    server=Severity.BREAKING,
    client=Severity.BREAKING,
)
def handshake_grew(pair: ScopePair) -> Iterator[Change]:
    """The service keeps an event back until the client has sent one more than it did before.

    Clients must send an event first that they never sent.
    """
    if pair.new is None:
        return
    before = Order(pair.old.rules if pair.old else (), pair.contracts.renamed)
    known = pair.contracts.old.events
    for one, events in Order(pair.new.rules).rules:
        asked = events[0]
        if not all(side(symbol) is Direction.CLIENT for symbol in asked) or before.implies(one, events):
            continue
        unheard = not any(symbol in known for symbol in asked)
        if one.template == "init" and unheard and _evident(pair.old, pair, old=True):
            yield _demand(pair, one, asked, f"{_word(events[0])} must now be sent first", told=True)
        elif one.template in ("precedence", "succession", "alternate_succession"):
            answer = events[-1]
            served = all(side(symbol) is Direction.SERVER and symbol in known for symbol in answer)
            if served and not before.preceded(*events):
                direction = asked if unheard else answer
                message = f"{_word(events[1])} now comes only after {_word(events[0])}"
                yield _demand(pair, one, direction, message, told=unheard)


def _lost(pair: ScopePair) -> Iterator[tuple[SequenceRule, tuple[Place, ...], list[str]]]:
    """Yield the rules that were given up, less those that hold where it matters: in a finer scope."""
    for old, events, words in _given_up(pair):
        if not _holds_in_a_finer_scope(pair, old, events):
            yield old, events, words


def _given_up(pair: ScopePair) -> Iterator[tuple[SequenceRule, tuple[Place, ...], list[str]]]:
    if pair.old is None or (pair.new is None and pair.name != CONNECTION):
        return  # a scope that is gone altogether is a lost link
    if "order" in pair.contracts.unstated:
        return
    now = Order(pair.new.rules if pair.new else ())
    for old, events in Order(pair.old.rules, pair.contracts.renamed).rules:
        present = all(symbol in pair.contracts.new.events for symbol in _named(events))
        if present and not now.implies(old, events) and not _counted_by_partner(pair, now, old, events):
            yield old, events, [_word(event) for event in events]


def _counted_by_partner(pair: ScopePair, now: Order, old: SequenceRule, events: tuple[Place, ...]) -> bool:
    """Tell whether an event comes as often as it did because one does with which it takes turns in a finer scope."""
    if old.template not in _COUNTED or len(events[0]) != 1:
        return False
    for claim in pair.contracts.new.scopes:
        for one in claim.rules:
            if one.template == "alternate_succession":
                a, b = places(one, {})
                other = b if events[0] == a else a if events[0] == b else None
                if other is not None and now.implies(old, (other,)):
                    return True
        if claim.name == pair.name:
            break  # finest first: the rest is coarser
    return False


def _holds_in_a_finer_scope(pair: ScopePair, old: SequenceRule, events: tuple[Place, ...]) -> bool:
    for claim in pair.contracts.new.scopes:
        if claim.name == pair.name:
            return False  # finest first: the rest is coarser
        joined = _named(events) <= claim.scope.paths.keys()
        if len(events) == 2 and joined and Order(claim.rules).implies(old, events):
            return True
    return False


def _still(pair: ScopePair, old: SequenceRule, events: tuple[Place, ...]) -> tuple[bool, bool]:
    """Tell what is left of a rule in both directions: that the second event follows, that the first went before."""
    now = Order(pair.new.rules if pair.new else ())
    if old.template not in ("succession", "chain_response", "alternate_succession"):
        return False, False
    return now.answered(*events), now.preceded(*events)


def _turned(pair: ScopePair, events: tuple[Place, ...]) -> bool:
    now = Order(pair.new.rules if pair.new else ())
    return len(events) == 2 and now.preceded(events[1], events[0])


def _is_reply(events: tuple[Place, ...]) -> bool:
    asks = {side(symbol) for symbol in events[0]}
    answers = {side(symbol) for symbol in events[-1]}
    return asks == {Direction.CLIENT} and answers == {Direction.SERVER}


def _change(pair: ScopePair, broken: SequenceRule, events: tuple[Place, ...], message: str, *, kind: str) -> Change:
    symbol = sorted(events[-1])[0]
    where = "on a connection" if pair.name == CONNECTION else f"in one `{pair.name}`"
    evident = _evident(pair.new, pair, broken)
    return Change(
        direction=side(symbol),
        label=label_of(symbol),
        path=None,
        message=f"{message} {where}" + ("" if evident else "; the new contract holds too little to tell"),
        baseline=f"{broken.template}({', '.join(map(_plain, events))})",
        evidence=_evidence(broken, kind),
        level=None if evident else Severity.WARNING,
        effect=None if evident else Effect.UNKNOWN,
    )


def _demand(pair: ScopePair, asked: SequenceRule, of: frozenset[str], message: str, *, told: bool) -> Change:
    symbol = sorted(of)[0]
    # Of an event that clients sent all along a learned contract may have left out that it came first.
    evident = _evident(pair.old, pair, old=True) and (told or pair.contracts.old.learned.connections == 0)
    return Change(
        direction=side(symbol),
        label=label_of(symbol),
        path=None,
        message=message + ("" if evident else "; the old contract holds too little to tell"),
        candidate=f"{asked.template}({', '.join(map(str, asked.events))})",
        evidence=_evidence(asked, "order"),
        level=None if evident else Severity.WARNING,
        effect=None if evident else Effect.UNKNOWN,
    )


def _evidence(one: SequenceRule, kind: str) -> Evidence:
    firm = rule_is_firm(one.seen, one.scopes, one.surprise, kind)
    return Evidence(seen=None if firm else 0, scopes=one.scopes, pinned=one.pinned)


def _evident(
    claim: ScopeClaim | None, pair: ScopePair, broken: SequenceRule | None = None, *, old: bool = False
) -> bool:
    """Tell whether a contract's silence means something: it saw enough of the scope, or a person wrote it.

    Of what may come about by chance, ``broken`` for one, it must have seen so much that the rule would stand in it.
    """
    learned = (pair.contracts.old if old else pair.contracts.new).learned.connections
    instances = learned if claim is None or pair.name == CONNECTION else claim.scope.instances
    if learned == 0:
        return True
    if instances < FIRM_SCOPES:
        return False
    if broken is None or broken.surprise is None or not broken.scopes:
        return True
    # Surprise grows with the traces; half of what is to be expected may be missing by chance.
    expected = broken.surprise * instances // broken.scopes // 2
    if len(broken.events) > TEMPLATES[broken.template].arity:
        return expected >= FIRM_ABSENCE_BITS
    return expected >= VACUOUS_BITS or rule_is_firm(FIRM_SEEN, instances, expected, "missing")


def _named(events: tuple[Place, ...]) -> frozenset[str]:
    return frozenset(symbol for event in events for symbol in event)


def _word(event: Place) -> str:
    return " or ".join(f"`{label_of(symbol)}`" for symbol in sorted(event))


def _plain(event: Place) -> str:
    return "|".join(sorted(event))
