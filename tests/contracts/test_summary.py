"""Learning is a fold: in any order, in parts and in parallel recordings amount to the same."""

from __future__ import annotations

import random
from typing import Any

import pytest
from conversations import CONVERSATIONS, ENDINGS
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import records, server, session

from wstape.cassettes import Message, Note, Record
from wstape.contracts import ContractError, state
from wstape.contracts.inference import contract_of, infer, summarise
from wstape.contracts.sampling import BEGINNING, TrafficSample
from wstape.contracts.summary import Summary


def stored(summary: Summary) -> Summary:
    """Written down and read back."""
    return Summary.from_state(state.decode(state.encode(summary.state())))


def folded(recordings: list[list[Record]], whole: Summary) -> Summary:
    """Each recording by itself, written down in between."""
    folded = Summary(whole.envelope)
    for recording in recordings:
        part = Summary.of(recording, whole.envelope)
        part.traffic = TrafficSample.of(recording)
        folded.merge(stored(part))
    return folded


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(CONVERSATIONS, ENDINGS, st.booleans()), min_size=1, max_size=4).filter(
        lambda services: any(sent for service in services for sent in service[0])
    ),
    st.randoms(),
)
def test_recordings_amount_to_the_same_in_any_order_and_in_parts(services: Any, chance: random.Random) -> None:
    recordings: list[list[Record]] = []
    for conversations, ending, lost in services:
        recording = records(conversations, ending=ending)
        if lost:
            recording.insert(len(recording) // 2, Note(text="lost", at_ns=0, connection=None, lost=True))
        recordings.append(recording)
    whole = summarise(recordings)
    text = contract_of(whole).dumps()
    line = state.encode(whole.state())
    chance.shuffle(recordings)
    assert infer(recordings).dumps() == text
    parts = folded(recordings, whole)
    assert state.encode(parts.state()) == line
    assert contract_of(parts).dumps() == text


def test_simulated_sessions_in_parts() -> None:
    recordings = [session(seed, threads=1 + seed % 2) for seed in range(6)]
    whole = summarise(recordings)
    assert contract_of(folded(recordings[::-1], whole)).dumps() == contract_of(whole).dumps()


def test_a_state_is_small() -> None:
    summary = summarise([session(seed) for seed in range(10)])
    assert len(summary.labels) >= 8
    assert len(str(state.encode(summary.state())["data"])) < 40_000


def test_what_was_read_otherwise_is_not_merged() -> None:
    one = summarise([session(1)])
    other = summarise([session(2)], envelope="opaque")
    said = r"some recordings were read as opaque, and all together are json \(client /type, server /type\); learn"
    with pytest.raises(ContractError, match=said):
        one.merge(other)
    with pytest.raises(ContractError, match=said):
        Summary(one.envelope).merge(other)


def test_a_side_that_was_silent_does_not_stand_in_the_way() -> None:
    greetings = [records([[server("hello"), server("bye")]])]
    one, both = summarise(greetings), summarise([session(1)])
    assert one.envelope.parameters()["client"] is None
    one.merge(both)
    assert one.envelope.parameters() == both.envelope.parameters()


def test_a_sample_is_bounded_and_keeps_no_text_of_a_person() -> None:
    chance = random.Random(3)
    told = [
        server("said", text="".join(chance.choices("abcdefgh ", k=30)), number=chance.random(), many=[1] * 500)
        for _ in range(3 * BEGINNING)
    ]
    sample = TrafficSample.of(records([told]))
    kept = [record for record in sample.records() if isinstance(record, Message)]
    assert 1 <= len(kept) <= BEGINNING
    assert sum(len(record.payload) for record in kept) < 500_000
    spoken = {one.body["text"] for one in told if " " in one.body["text"]}
    assert not any(text.encode() in record.payload for record in kept for text in spoken)


@settings(deadline=None)
@given(st.data())
def test_a_state_of_other_data_is_refused(data: st.DataObject) -> None:
    plain: Any = summarise([session(1, connections=1, turns=1)]).state()
    place: Any = plain
    while isinstance(place, (dict, list)) and place:
        key: Any = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or data.draw(st.booleans()):
            place[key] = data.draw(st.none() | st.integers() | st.text(max_size=3) | st.just([]) | st.just({}))
            break
        place = place[key]
    try:
        contract_of(Summary.from_state(plain)).dumps()
    except (ValueError, ContractError) as error:
        assert "\n" not in str(error)  # noqa: PT017
