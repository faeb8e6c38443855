"""What sequence rules imply: never more than holds, and what contracts leave out for being implied."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wstape.contracts import Rule
from wstape.contracts.compatibility.order import Order, places
from wstape.contracts.rules import TEMPLATES
from wstape.contracts.rules.rule import role

WORDS = st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=7), min_size=1, max_size=3)


def made(template: str, *events: str, times: int | None = None) -> Rule:
    return Rule(template=template, events=events, times=times, seen=None, scopes=0)


EVERY = [
    made(name, *events, times=times)
    for name, template in TEMPLATES.items()
    for extra in ((0, 1) if template.takes_alternatives else (0,))
    for events in permutations("abcd", template.arity + extra)
    for times in ((1, 2) if template.counts else (None,))
]


def holds(rule: Rule, word: list[str]) -> bool:
    """By the rule's own monitor."""
    monitor, state, broken = TEMPLATES[rule.template], 0, False
    for position, symbol in enumerate(word, 1):
        if symbol in rule.events or monitor.hears_all:
            state, now = monitor.step(rule, state, role(monitor, rule.events, symbol), position)
            broken = broken or now
    return not broken and not monitor.broken_at_end(rule, state)


def implied(rule: Rule, *base: Rule) -> bool:
    return Order(base).implies(rule, places(rule, {}))


@given(WORDS, st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_implied_holds_in_every_trace_in_which_the_rules_do(
    words: list[list[str]], data: st.DataObject
) -> None:
    true = [rule for rule in EVERY if all(holds(rule, word) for word in words)]
    if not true:
        return
    order = Order(data.draw(st.lists(st.sampled_from(true), max_size=5)))
    for rule in EVERY:
        # The turns of a and c are taken for implied by those of a and b, and b and c, as the pruning of rules does.
        if rule.template != "alternate_succession" and order.implies(rule, places(rule, {})):
            assert all(holds(rule, word) for word in words), rule


@pytest.mark.parametrize(
    ("rule", "base"),
    [
        (made("response", "a", "b"), [made("succession", "a", "b")]),
        (made("response", "a", "c"), [made("response", "a", "b"), made("chain_response", "b", "c")]),
        (made("response", "a", "b"), [made("end", "b")]),
        (made("response", "a", "b", "c"), [made("response", "a", "b")]),
        (made("precedence", "a", "c"), [made("alternate_succession", "a", "b", "c")]),
        (made("precedence", "a", "c"), [made("init", "a")]),
        (made("responded_existence", "a", "b"), [made("precedence", "b", "a")]),
        (made("existence", "b", times=1), [made("init", "a"), made("response", "a", "b")]),
        (made("existence", "a", times=1), [made("exactly", "a", times=2)]),
        (made("absence", "a", times=3), [made("exactly", "a", "b", times=2)]),
        (made("alternate_succession", "a", "c"), [made("alternate_succession", *pair) for pair in ("ab", "bc")]),
    ],
)
def test_what_a_contract_may_leave_out_is_implied(rule: Rule, base: list[Rule]) -> None:
    assert implied(rule, *base)
    assert not implied(rule, *base[1:])


def test_less_is_not_enough() -> None:
    assert not implied(made("response", "a", "b"), made("response", "a", "b", "c"))
    assert not implied(made("end", "a"), made("end", "a", "b"))
    assert not implied(made("existence", "a", times=2), made("existence", "a", times=1))
