"""Monitors and mining against a naive reading of each template's LTLf formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from wstape.contracts.rules import TEMPLATES, Instance, Rule
from wstape.contracts.rules.rule import OTHER
from wstape.contracts.statistics import ScopeStatistics, Trace

Word = Sequence[str]
# A formula is a function of a trace and a position in it; past the end nothing holds but "weak next" and "globally".
Formula = Callable[[Word, int], bool]


def atom(symbol: str) -> Formula:
    return lambda word, at: at < len(word) and word[at] == symbol


def no(inner: Formula) -> Formula:
    return lambda word, at: not inner(word, at)


def both(*inner: Formula) -> Formula:
    return lambda word, at: all(one(word, at) for one in inner)


def implies(one: Formula, two: Formula) -> Formula:
    return lambda word, at: not one(word, at) or two(word, at)


def strong_next(inner: Formula) -> Formula:
    return lambda word, at: at + 1 < len(word) and inner(word, at + 1)


def weak_next(inner: Formula) -> Formula:
    return lambda word, at: at + 1 >= len(word) or inner(word, at + 1)


def eventually(inner: Formula) -> Formula:
    return lambda word, at: any(inner(word, later) for later in range(at, len(word)))


def globally(inner: Formula) -> Formula:
    return lambda word, at: all(inner(word, later) for later in range(at, len(word)))


def until(one: Formula, two: Formula) -> Formula:
    return lambda word, at: any(
        two(word, end) and all(one(word, before) for before in range(at, end)) for end in range(at, len(word))
    )


def weak_until(one: Formula, two: Formula) -> Formula:
    return lambda word, at: until(one, two)(word, at) or globally(one)(word, at)


def last(word: Word, at: int) -> bool:
    return at == len(word) - 1


FORMULAS: dict[str, Callable[..., Formula]] = {
    "init": lambda a: atom(a),
    "end": lambda a: eventually(both(atom(a), last)),
    "response": lambda a, b: globally(implies(atom(a), eventually(atom(b)))),
    "precedence": lambda a, b: weak_until(no(atom(b)), atom(a)),
    "alternate_succession": lambda a, b: both(
        globally(implies(atom(a), strong_next(until(no(atom(a)), atom(b))))),
        weak_until(no(atom(b)), atom(a)),
        globally(implies(atom(b), weak_next(weak_until(no(atom(b)), atom(a))))),
    ),
}

WORDS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=9)


def monitored(template: str, events: tuple[str, ...], word: Word) -> bool:
    """Whether the monitor accepts a complete trace."""
    monitor = TEMPLATES[template]
    state, broken = 0, False
    for position, symbol in enumerate(word, 1):
        if symbol in events or monitor.hears_all:
            role = events.index(symbol) if symbol in events else OTHER
            state, now = monitor.step(state, role, position)
            broken = broken or now
    return not broken and not monitor.broken_at_end(state)


def test_every_template_has_a_formula() -> None:
    assert FORMULAS.keys() == TEMPLATES.keys()


@settings(max_examples=500)
@given(WORDS)
def test_monitors_accept_what_the_formula_holds_for(word: Word) -> None:
    for name, template in TEMPLATES.items():
        for events in permutations("ab", template.arity):
            assert monitored(name, events, word) == FORMULAS[name](*events)(word, 0), (name, events)


def mined(words: Sequence[Word], cut: Sequence[Word] = ()) -> set[tuple[str, tuple[str, ...]]]:
    return {rule.order for rule in rules(words, cut)}


def rules(words: Sequence[Word], cut: Sequence[Word] = ()) -> list[Rule]:
    statistics = ScopeStatistics()
    for word, complete in [*((word, True) for word in words), *((word, False) for word in cut)]:
        trace = Trace()
        for symbol in word:
            trace.add(symbol)
        statistics.fold(trace, complete=complete)
    return [rule for template in TEMPLATES.values() for rule in template.mine(statistics)]


@settings(max_examples=300)
@given(st.lists(WORDS, min_size=1, max_size=4))
def test_mining_finds_exactly_the_rules_that_hold_and_are_put_to_the_test(words: list[Word]) -> None:
    symbols = sorted({symbol for word in words for symbol in word})
    expected: set[tuple[str, tuple[str, ...]]] = set()
    for name, template in TEMPLATES.items():
        if template.arity == 1 and len(symbols) == 1:
            continue  # says nothing
        for events in permutations(symbols, template.arity):
            if name == "precedence":
                activated = any(events[1] in word for word in words)
            else:
                activated = template.arity == 1 or any(events[0] in word for word in words)
            if activated and all(FORMULAS[name](*events)(word, 0) for word in words):
                expected.add((name, events))
    assert mined(words) == expected


@settings(max_examples=200)
@given(st.lists(WORDS, min_size=1, max_size=3), st.lists(WORDS, max_size=3))
def test_a_trace_that_was_cut_off_breaks_only_what_no_continuation_mends(words: list[Word], cut: list[Word]) -> None:
    found = mined(words, cut)
    for name, events in found:
        for word in cut:
            endings = ["", events[-1], "".join(reversed(events)), "".join(events)]
            assert name == "end" or any(FORMULAS[name](*events)([*word, *ending], 0) for ending in endings), (
                name,
                events,
                word,
            )
    # A cut adds nothing that the complete traces deny, except where only it shows an event at all.
    complete = mined(words)
    known = {symbol for word in words for symbol in word}
    assert {rule for rule in found if rule[0] != "precedence" and set(rule[1]) <= known} <= complete | {
        rule for rule in found if rule[0] in ("init", "end")
    }


@given(st.lists(WORDS, min_size=2, max_size=4))
def test_the_order_of_traces_changes_nothing(words: list[Word]) -> None:
    one = sorted(rules(words), key=lambda rule: rule.order)
    two = sorted(rules(list(reversed(words))), key=lambda rule: rule.order)
    assert one == two


def test_evidence_counts_activations_and_traces() -> None:
    found = {rule.order: rule for rule in rules(["aab", "ab", "c"])}
    response = found["response", ("a", "b")]
    assert (response.seen, response.scopes) == (3, 2)
    assert response.surprise == 2  # log2(3) + log2(2) bits


def test_an_event_that_came_too_seldom_is_missing_and_one_that_came_often_enough_is_misplaced() -> None:
    def cause(ends: int) -> tuple[str, set[str]]:
        pairs = {"end": frozenset({"ask"}), "ask": frozenset({"end"})}
        counts = {"ask": 2, "step": 4, "end": ends}
        instance = Instance(first="ask", last="step", counts=counts, partners=pairs)
        rule = Rule(template="response", events=("step", "end"), seen=9, scopes=3)
        found = TEMPLATES["response"].cause(rule, instance)
        return found.kind, set(found.symbols)

    assert cause(0) == cause(1) == ("missing", {"end"})
    assert cause(2) == ("order", {"step", "end"})
