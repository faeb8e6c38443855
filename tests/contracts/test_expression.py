"""Expressions: what is learned is accepted, what is written is read back, and diagrams draw it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import services
import simulated
from hypothesis import given, settings
from hypothesis import strategies as st

from wstape.contracts import Contract, EventReader, infer
from wstape.contracts.diagram import diagram_lines
from wstape.contracts.expressing import express
from wstape.contracts.expression import Expression, parse
from wstape.contracts.pruning import Mined
from wstape.contracts.statistics import ScopeStatistics, Trace

NAMES = {letter: f"server:{letter}" for letter in "abcdef"}


def accepts(expression: Expression, trace: Sequence[str]) -> bool:
    """Whether a trace is of the expression's language, by definition; finer work is not looked into."""
    if not trace:
        return expression.optional or (bool(expression.parts) and inside(expression, trace))
    return inside(expression, trace)


def inside(expression: Expression, trace: Sequence[str]) -> bool:
    own = set(expression.symbols())
    if not set(trace) <= own:
        return False
    projected = [[symbol for symbol in trace if symbol in set(part.symbols())] for part in expression.parts]
    match expression.kind:
        case "event":
            return len(trace) == 1 or (len(trace) > 1 and expression.many)
        case "work":
            return bool(trace)
        case "choice":
            return any(accepts(part, trace) for part in expression.parts)
        case "interleaved":
            return all(accepts(part, some) for part, some in zip(expression.parts, projected, strict=True))
        case "sequence":
            if not expression.many:
                in_order = [symbol for some in projected for symbol in some] == list(trace)
                return in_order and all(
                    accepts(part, some) for part, some in zip(expression.parts, projected, strict=True)
                )
            once = [part.name for part in expression.parts]  # only single events take turns
            return bool(trace) and list(trace) == once * (len(trace) // len(once))


def expressed(words: Sequence[str]) -> Expression:
    statistics = ScopeStatistics()
    for word in words:
        trace = Trace()
        for letter in word:
            trace.add(NAMES[letter])
        statistics.fold(trace, complete=True)
    (expression,) = express([Mined(scope=None, statistics=statistics, covers=lambda symbol: True)])
    assert expression is not None
    return expression


@settings(max_examples=400, deadline=None)
@given(st.lists(st.text("abcdef", min_size=1, max_size=9), min_size=1, max_size=6))
def test_every_trace_is_accepted_and_the_text_is_read_back(words: list[str]) -> None:
    expression = expressed(words)
    assert parse(str(expression)) == expression
    assert sorted(expression.symbols()) == sorted({NAMES[letter] for word in words for letter in word})
    for word in words:
        assert accepts(expression, [NAMES[letter] for letter in word]), (str(expression), word)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["abc", "abc"], "a b c"),
        (["abbc", "ac"], "a b* c"),
        (["ab", "ac"], "a (b | c)"),
        (["a", "b"], "a | b"),
        (["aded", "a"], "a (d+ & e)?"),
        (["adede", "ade"], "a (d e)+"),
        (["abcd", "acbd"], "a (b & c) d"),
        (["ab", "acb"], "a c? b"),
        (["abcd", "ad"], "a (b c)? d"),
        (["aa"], "a+"),
    ],
)
def test_what_is_said_of_some_traces(words: list[str], text: str) -> None:
    assert str(expressed(words)) == text


def test_a_service_is_said_in_a_line_with_its_finer_work() -> None:
    contract = infer([simulated.session(seed) for seed in range(4)])
    said = {claim.name: claim.expression for claim in contract.scopes}
    assert said["tool_call_id"] == "tool_executing tool_completed"
    assert said["run_id"] == (
        "agent_started (agent_thinking+ & tool_call_id[tool_executing tool_completed]+) agent_delta+ agent_completed"
    )
    assert said["connection"].startswith("welcome client:create_thread thread_created (client:user_message+ & run_id[")


@pytest.mark.parametrize("number", range(100, 106))
def test_every_scope_that_a_contract_was_learned_from_is_accepted(number: int) -> None:
    one = services.service(number)
    recordings = [services.recorded(services.users(one, seed), seed) for seed in range(3)]
    contract = infer(recordings)
    expressions = {claim.name: parse(claim.expression) for claim in contract.scopes if claim.expression}
    assert expressions
    for records in recordings:
        reader = EventReader(contract.envelope)
        traces: dict[object, list[str]] = {}
        for record in records:
            if record.__class__.__name__ == "Message":
                for event in reader.read(record):  # type: ignore[arg-type]
                    for key in contract.scope_keys(event):
                        traces.setdefault(key, []).append(event.symbol)
        for key, trace in traces.items():
            assert accepts(expressions[key.name], trace), (key, str(expressions[key.name]), trace)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text", ["a b | c", "(a", "a)", "a a", "?", "", "a[b", '"a', "a ; b", '"\\ud83"', "(" * 99 + "a"]
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_odd_labels_are_quoted() -> None:
    names = ["client:ask", "server:client:ask", "server:a b", "server:tools/call:result", 'server:"', "client:*"]
    expression = Expression(kind="sequence", parts=tuple(Expression(kind="event", name=name) for name in names))
    assert str(expression) == 'client:ask server:client:ask "server:a b" tools/call:result "server:\\"" "client:*"'
    assert parse(str(expression)) == expression


def test_diagrams_draw_each_scope_coarsest_first() -> None:
    contract = infer([simulated.session(seed) for seed in range(4)])
    text = "\n".join(diagram_lines(Contract.from_document(contract.document())))
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## connection",
        "## run_id",
        "## tool_call_id",
    ]
    assert text.endswith(
        """## tool_call_id

```mermaid
stateDiagram-v2
    state "tool_executing (server)" as s1
    state "tool_completed (server)" as s2
    s1 --> s2
    [*] --> s1
    s2 --> [*]
```"""
    )
