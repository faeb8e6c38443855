"""Which rules of a scope say what the service owes, and which only mirror what the recorded clients decided.

Clients decide how often they ask, in which order, and whether they ask again. What the server owes is judged from
what it was asked: where b is the answer to a client's c, and c comes after a, then b after a is nothing that the server
could keep by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..cassettes import Direction
from .event import side
from .evidence import FIRM_ABSENCE_SCOPES
from .outcomes import MAX_ALTERNATIVES, is_exclusive
from .rules import TEMPLATES, Rule
from .statistics import ScopeStatistics


def owed(rules: Iterator[Rule], statistics: ScopeStatistics, *, whole: bool) -> Iterator[Rule]:
    """Yield the rules that may say something of the service; ``whole``: of all events of a connection."""
    clients = [symbol for symbol in statistics.traces if side(symbol) is Direction.CLIENT]
    for rule in rules:
        if _is_the_servers(rule, statistics, clients, whole=whole):
            if whole or clients:  # the client decides when it ends
                yield rule
            else:
                yield from _or_an_early_end(rule, statistics)


def _is_the_servers(rule: Rule, statistics: ScopeStatistics, clients: Sequence[str], *, whole: bool) -> bool:
    """Tell whether a rule may say something of the service, and not of what the recorded clients happened to do.

    Where clients take part in a scope, they decide how often they ask and in which order. What comes before they
    ask is the server's own.
    """
    match rule.template:
        case "existence" | "exactly" | "absence":
            if whole and not clients:
                return False  # how long a client listens
            return all(_precedes(statistics, symbol, client) for symbol in rule.events for client in clients)
        case "not_succession" | "responded_existence" | "chain_response":
            return not whole and not clients
        case "end":
            if whole:
                return len(rule.events) == 1 and (
                    _is_last_once(rule, statistics) or _is_an_outcome(rule, statistics, clients)
                )
            return not clients or _is_an_outcome(rule, statistics, clients)
        case "response" | "succession":
            return not any(_asks_between(rule, client, statistics) for client in clients)
        case "alternate_succession":
            return not any(
                _asks_between(rule, client, statistics) and _take_turns(statistics, client, rule.targets)
                for client in clients
            )
        case _:
            return True


def _take_turns(statistics: ScopeStatistics, asked: str, answers: Sequence[str]) -> bool:
    """Tell whether an answer came to each question, so that a second one is noticed."""
    if len(answers) > 1:
        return is_exclusive(statistics, (asked,), answers)
    pair = statistics.pair(asked, answers[0])
    return not pair.clashed and pair.met_settled == statistics.settled[asked]


def _precedes(statistics: ScopeStatistics, a: str, b: str) -> bool:
    """Tell whether an a came before the first b in all traces with a b."""
    return statistics.pair(a, b).preceded == statistics.traces[b]


def _follows(statistics: ScopeStatistics, b: str, a: str) -> bool:
    """Tell whether a b came after the last a of all complete traces with an a."""
    return statistics.pair(a, b).answered == statistics.complete_traces[a]


def _answers(statistics: ScopeStatistics, asked: str, answers: Sequence[str]) -> bool:
    """Tell whether events came only after a client had asked, and one of them always did after it asked last."""
    sets = statistics.outcomes.get(asked)
    return (
        asked not in answers
        and all(_precedes(statistics, asked, answer) for answer in answers)
        and bool(sets)
        and all(not set(answers).isdisjoint(after) for after in sets)
    )


def _asks_between(rule: Rule, client: str, statistics: ScopeStatistics) -> bool:
    """Tell whether what comes after a is the answer to what a client asked after a."""
    return (
        client not in rule.events
        and (_precedes(statistics, rule.a, client) or _follows(statistics, client, rule.a))
        and _answers(statistics, client, rule.targets)
    )


def _is_last_once(rule: Rule, statistics: ScopeStatistics) -> bool:
    return statistics.complete_events[rule.a] == statistics.complete_traces[rule.a]


def _is_an_outcome(rule: Rule, statistics: ScopeStatistics, clients: Sequence[str]) -> bool:
    """Tell whether work that clients take part in ends by the server, and not when they leave or ask for it."""
    last = all(statistics.lasts[symbol] == statistics.complete_traces[symbol] for symbol in rule.events)
    if len(rule.events) > 1 and not last and not _exclude_each_other(rule.events, statistics):
        return False
    return not any(
        statistics.firsts[client] < statistics.count and _answers(statistics, client, rule.events) for client in clients
    )


def _exclude_each_other(symbols: Sequence[str], statistics: ScopeStatistics) -> bool:
    """Tell whether after the last of some other event always came just one of these, and each of them now and then."""
    return any(
        a not in symbols
        and set(symbols) <= {symbol for after in sets for symbol in after}
        and all(len(set(symbols).intersection(after)) == 1 for after in sets)
        for a, sets in statistics.outcomes.items()
        if sets
    )


def _or_an_early_end(rule: Rule, statistics: ScopeStatistics) -> Iterator[Rule]:
    """Yield a rule as far as it may hold of work that ends in a way that was seldom recorded, a failure.

    What the usual end never lacks, the seldom one may lack at any point: of a few failures none need have come before
    the event. So the seldom end becomes an alternative to it.
    """
    ends = statistics.lasts
    if len(ends) < 2 or len(ends) > MAX_ALTERNATIVES or (not rule.targets and set(rule.events) <= ends.keys()):
        yield rule
        return
    owes = TEMPLATES[rule.template].owes
    if rule.targets:
        seldom = [end for end in ends if end != rule.a and statistics.pair(rule.a, end).answered < FIRM_ABSENCE_SCOPES]
    else:
        seldom = [end for end, times in ends.items() if times < FIRM_ABSENCE_SCOPES]
    early = tuple(sorted(set(seldom).difference(rule.events)))
    if not early or not owes:
        yield rule
    elif rule.template == "response":
        yield replace(rule, events=(*rule.events, *early))
