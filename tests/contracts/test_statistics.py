"""Statistics merge, survive being written down, and refuse what they did not write."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wstape.contracts import state
from wstape.contracts.statistics import ScopeStatistics, Trace

TRACES = st.lists(st.tuples(st.lists(st.sampled_from("abcd"), max_size=8), st.booleans()), max_size=6)


def folded(traces: list[tuple[list[str], bool]]) -> ScopeStatistics:
    statistics = ScopeStatistics()
    for symbols, complete in traces:
        trace = Trace()
        for symbol in symbols:
            trace.add(symbol)
        statistics.fold(trace, complete=complete)
    return statistics


def merged(*parts: ScopeStatistics) -> ScopeStatistics:
    whole = ScopeStatistics()
    for part in parts:
        whole.merge(part)
    return whole


@settings(deadline=None)
@given(TRACES, TRACES, TRACES)
def test_statistics_are_a_commutative_monoid(a: Any, b: Any, c: Any) -> None:
    x, y, z = folded(a), folded(b), folded(c)
    before = copy.deepcopy(x.state())
    assert merged(x, y).state() == merged(y, x).state() == folded([*a, *b]).state()
    assert merged(merged(x, y), z).state() == merged(x, merged(y, z)).state()
    assert merged(x, ScopeStatistics()).state() == x.state() == before


@settings(deadline=None)
@given(TRACES, st.integers(0, 5))
def test_equal_traces_may_be_folded_at_once(traces: Any, times: int) -> None:
    at_once = ScopeStatistics()
    for symbols, complete in traces:
        trace = Trace()
        for symbol in symbols:
            trace.add(symbol)
        at_once.fold(trace, complete=complete, times=times)
    assert at_once.state() == folded(traces * times).state()


@settings(deadline=None)
@given(TRACES)
def test_a_state_is_read_back(traces: Any) -> None:
    statistics = folded(traces)
    line = state.encode(statistics.state())
    read = ScopeStatistics.from_state(state.mapping(state.decode(line), lambda value: value))
    assert read.state() == statistics.state()
    assert state.encode(read.state()) == line


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@settings(deadline=None)
@given(st.data())
def test_any_other_data_is_refused(data: st.DataObject) -> None:
    plain: dict[str, Any] = folded([(list("abba"), True), (list("ac"), False)]).state()
    key = data.draw(st.sampled_from(sorted(plain)))
    plain[key] = data.draw(JSON)
    with contextlib.suppress(ValueError):  # and nothing else
        assert ScopeStatistics.from_state(plain).state().keys() == plain.keys()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"version": 2}, "version 2 is not 1"),
        ({"data": "!"}, "not base64"),
        ({"data": "AAAA"}, "the checksum does not fit"),
        ({"data": 1}, "int where a text belongs"),
    ],
)
def test_a_damaged_line_is_refused(edit: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        state.decode(state.encode({}) | edit)
