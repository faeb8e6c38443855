"""Monitors and mining against a naive reading of each template's LTLf formula."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from wstape.contracts.rules import TEMPLATES, Instance, Rule
from wstape.contracts.rules.rule import role
from wstape.contracts.statistics import ScopeStatistics, Trace

Word = Sequence[str]
# A formula is a function of a trace and a position in it; past the end nothing holds but "weak next" and "globally".
Formula = Callable[[Word, int], bool]


def atom(symbol: str) -> Formula:
    return lambda word, at: at < len(word) and word[at] == symbol


def no(inner: Formula) -> Formula:
    return lambda word, at: not inner(word, at)


def any_of(symbols: Iterable[str]) -> Formula:
    return lambda word, at: at < len(word) and word[at] in symbols


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


def least(a: Formula, times: int) -> Formula:
    return eventually(both(a, strong_next(least(a, times - 1)))) if times > 1 else eventually(a)


def response(a: Formula, b: Formula) -> Formula:
    return globally(implies(a, eventually(b)))


def precedence(a: Formula, b: Formula) -> Formula:
    return weak_until(no(b), a)


FORMULAS: dict[str, Callable[..., Formula]] = {
    "init": lambda a: a,
    "end": lambda a: eventually(both(a, last)),
    "existence": lambda a, times=1: least(a, times),
    "absence": lambda a, times=1: no(least(a, times)),
    "exactly": lambda a, times=1: both(least(a, times), no(least(a, times + 1))),
    "response": response,
    "precedence": precedence,
    "succession": lambda a, b: both(response(a, b), precedence(a, b)),
    "chain_response": lambda a, b: globally(implies(a, strong_next(b))),
    "alternate_succession": lambda a, b: both(
        globally(implies(a, strong_next(until(no(a), b)))),
        weak_until(no(b), a),
        globally(implies(b, weak_next(weak_until(no(b), a)))),
    ),
    "not_succession": lambda a, b: globally(implies(a, no(eventually(b)))),
    "responded_existence": lambda a, b: implies(eventually(a), eventually(b)),
}

WORDS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=9)


def holds(rule: Rule, word: Word) -> bool:
    """The rule by its formula."""
    arity = TEMPLATES[rule.template].arity
    places = [*(atom(symbol) for symbol in rule.events[: arity - 1]), any_of(rule.events[arity - 1 :])]
    times = () if rule.times is None else (rule.times,)
    return FORMULAS[rule.template](*places, *times)(word, 0)


def monitored(rule: Rule, word: Word) -> bool:
    """Whether the monitor accepts a complete trace."""
    monitor = TEMPLATES[rule.template]
    state, broken = 0, False
    for position, symbol in enumerate(word, 1):
        if symbol in rule.events or monitor.hears_all:
            state, now = monitor.step(rule, state, role(monitor, rule.events, symbol), position)
            broken = broken or now
    return not broken and not monitor.broken_at_end(rule, state)


def every_rule(symbols: Sequence[str]) -> Iterator[Rule]:
    """All rules of one to three events."""
    for name, template in TEMPLATES.items():
        for extra in (0, 1, 2) if template.takes_alternatives else (0,):
            for events in permutations(symbols, template.arity + extra):
                for times in (1, 2, 3) if template.counts else (None,):
                    yield Rule(template=name, events=events, times=times, seen=1, scopes=1)


def test_every_template_has_a_formula() -> None:
    assert FORMULAS.keys() == TEMPLATES.keys()


@settings(max_examples=200, deadline=None)
@given(WORDS)
def test_monitors_accept_what_the_formula_holds_for(word: Word) -> None:
    for rule in every_rule("abc"):
        assert monitored(rule, word) == holds(rule, word), rule


def test_the_last_place_may_hold_alternatives() -> None:
    ended = Rule(template="end", events=("b", "c"), seen=1, scopes=1)
    answered = Rule(template="response", events=("a", "b", "c"), seen=1, scopes=1)
    assert [monitored(ended, word) for word in ("ab", "ac", "aba")] == [True, True, False]
    assert [monitored(answered, word) for word in ("ab", "ac", "acba", "ad")] == [True, True, False, False]


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


def is_put_to_the_test(rule: Rule, words: Sequence[Word]) -> bool:
    """Whether some trace puts the rule to the test."""
    match rule.template, rule.events:
        case "precedence" | "absence", (*_, symbol):
            return any(symbol in word for word in words)
        case "not_succession", (a, b):
            return any(a in word and b in word for word in words)
        case "responded_existence", (a, b):
            return any(a in word for word in words) and not all(b in word for word in words)
        case (("existence" | "exactly" | "init" | "end"), _):
            return True
        case _, (a, *_):
            return any(a in word for word in words)


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=4))
def test_mining_finds_exactly_the_rules_that_hold_and_are_put_to_the_test(words: list[Word]) -> None:
    symbols = sorted({symbol for word in words for symbol in word})
    expected: set[tuple[object, ...]] = set()
    for rule in every_rule(symbols):
        if len(rule.events) != TEMPLATES[rule.template].arity:
            continue  # alternatives have tests of their own
        if rule.times not in {None, 1, 2} or (rule.template, rule.times) in {("existence", 2), ("absence", 1)}:
            continue  # not looked for
        if len(rule.events) == len(symbols) == 1 and rule.template != "absence":
            continue  # says nothing
        if is_put_to_the_test(rule, words) and all(holds(rule, word) for word in words):
            expected.add((*rule.order, rule.times))
    found = {(*rule.order, rule.times) for rule in rules(words) if rule.times not in {3, 4, 5, 6, 7, 8}}
    assert {one for one in found if len(one[1]) == TEMPLATES[str(one[0])].arity} == expected


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6), st.lists(WORDS, max_size=2))
def test_no_rule_is_broken_by_a_trace_that_it_was_learned_from(words: list[Word], cut: list[Word]) -> None:
    for rule in rules(words, cut):
        assert not rule.broken
        assert all(holds(rule, word) for word in words), rule


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=3), st.lists(WORDS, max_size=3))
def test_a_trace_that_was_cut_off_breaks_only_what_no_continuation_mends(words: list[Word], cut: list[Word]) -> None:
    known = {symbol for word in words for symbol in word}
    complete = mined(words)
    for rule in rules(words, cut):
        for word in cut:
            endings = ["", *rule.events, "".join(reversed(rule.events)), "".join(rule.events)]
            repeated = [symbol * times for symbol in rule.events for times in range(1, 9)]
            mended = any(holds(rule, [*word, *ending]) for ending in (*endings, *repeated))
            assert rule.template == "end" or mended, (rule, word)
        # A cut adds nothing that the complete traces deny, except where only it shows an event at all.
        by_cut = rule.template in ("init", "end", "precedence", "absence", "chain_response", "not_succession")
        vacuous = rule.template in ("exactly", "existence") and len(known) == 1
        assert by_cut or vacuous or not set(rule.events) <= known or rule.order in complete, rule


@given(st.lists(WORDS, min_size=2, max_size=4))
def test_the_order_of_traces_changes_nothing(words: list[Word]) -> None:
    one = sorted(rules(words), key=lambda rule: (rule.order, rule.times or 0))
    two = sorted(rules(list(reversed(words))), key=lambda rule: (rule.order, rule.times or 0))
    assert one == two


def test_outcomes_of_which_always_one_came_are_alternatives() -> None:
    found = {rule.order: rule for rule in rules(["arp", "ae", "are", "arrp", "ap"])}
    assert ("response", ("a", "e", "p")) in found
    assert ("alternate_succession", ("a", "e", "p")) in found
    assert ("end", ("e", "p")) in found
    assert ("exactly", ("e", "p")) in found
    assert ("response", ("a", "p")) not in found


def test_an_outcome_after_a_retry_is_the_last_one() -> None:
    found = mined(["axfxd", "axd", "axfxf", "axf"])
    assert ("response", ("x", "d", "f")) in found
    assert ("alternate_succession", ("x", "d", "f")) not in found


def test_a_rule_that_one_trace_in_many_broke_is_kept_with_its_exception() -> None:
    found = {rule.order: rule for rule in rules(["ab"] * 300 + ["a"])}
    for order in (("response", ("a", "b")), ("alternate_succession", ("a", "b")), ("end", ("b",))):
        assert found[order].broken == 1
        assert found[order].scopes == 301
    assert found["init", ("a",)].broken == 0
    assert mined(["ab"] * 30 + ["a"]).isdisjoint({("response", ("a", "b")), ("end", ("b",))})


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
