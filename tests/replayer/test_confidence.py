"""How sure bindings are, and what several recordings say to them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sessions import connection, session

from wstape.cassettes import Secrets, Session, UsageError
from wstape.contracts import infer
from wstape.replayer import Overrides, Reading, find_bindings, prepare, traces
from wstape.replayer.bindings import Bindings
from wstape.replayer.confidence import confidence, constants

MODEL = "sample-2026-01"


def recorded(room: str, model: str = MODEL) -> Session:
    return session(
        connection(
            ("<", {"type": "welcome", "room": room, "default": model, "order_id": 7, "key": "{{secret:key:1}}"}),
            (">", {"type": "join", "room": room, "model": model, "order_id": 7, "key": "{{secret:key:1}}"}),
        )
    )


def found(one: Session) -> Bindings:
    return find_bindings(one, traces(one, infer([one.records()]).envelope))


def levels(*recordings: Session) -> dict[object, str]:
    all_found = [found(one) for one in recordings]
    return {binding.value: confidence(binding, all_found).level for binding in all_found[0].bindings}


def test_one_recording_is_judged_by_how_values_look() -> None:
    assert levels(recorded("r4f9a7d1e66b04c0c91aa")) == {
        "r4f9a7d1e66b04c0c91aa": "high",
        MODEL: "medium",
        7: "medium",
        "{{secret:key:1}}": "certain",
    }


def test_several_recordings_agree_or_show_a_word_that_both_sides_know() -> None:
    one, two = recorded("r4f9a7d1e66b04c0c91aa"), recorded("r11d1e66b04c0c91aa4f9")
    assert levels(one, two) == {
        "r4f9a7d1e66b04c0c91aa": "certain",
        MODEL: "low",
        7: "low",
        "{{secret:key:1}}": "certain",
    }
    assert constants([found(one), found(two)]) == {MODEL}  # an identifier by name stays bound
    assert constants([found(one)]) == frozenset()


def bound(reading: Reading, *recordings: Session) -> set[object]:
    contract = infer([one.records() for one in recordings])
    takes = prepare([(str(n), one) for n, one in enumerate(recordings)], contract, Secrets({"key": "k"}), reading)
    return {binding.value for binding in takes[0].script.bindings}


def test_a_replay_of_several_recordings_leaves_words_alone() -> None:
    one, two = recorded("r4f9a7d1e66b04c0c91aa"), recorded("r11d1e66b04c0c91aa4f9")
    assert MODEL in bound(Reading(), one)
    assert MODEL not in bound(Reading(), one, two)


def test_several_recordings_show_a_short_number_to_be_issued() -> None:
    def subscribed(sub: int) -> Session:
        return session(
            connection(("<", {"type": "welcome", "sub": sub, "n": sub}), (">", {"type": "stop", "sub": sub, "n": sub}))
        )

    assert bound(Reading(), subscribed(4)) == set()
    assert bound(Reading(), subscribed(4), subscribed(4)) == set()
    assert bound(Reading(), subscribed(4), subscribed(5)) == {4}


def test_a_person_has_the_last_word(tmp_path: Path) -> None:
    one = recorded("a room", "b")
    assert "a room" not in bound(Reading(), one)
    path = tmp_path / "bindings.json"
    path.write_text(json.dumps({"never": [7], "bind": [{"value": "a room", "from": "server:welcome /room"}]}))
    assert bound(Reading(overrides=Overrides.load(path)), one) == {"a room", "{{secret:key:1}}"}
    path.write_text(json.dumps({"bind": [{"value": "a room", "from": "server:welcome /hall"}]}))
    with pytest.raises(UsageError, match="never sends 'a room' after it came from 'server:welcome /hall'"):
        bound(Reading(overrides=Overrides.load(path)), one)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[]", "not an object"),
        ('{"bound": []}', "'bound' is not known"),
        ('{"bind": {}}', "'bind' is not a list"),
        ('{"bind": [{"value": 1}]}', "is no binding"),
        ('{"never": [1.5]}', "something else than texts and whole numbers"),
    ],
)
def test_a_file_that_makes_no_sense(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "bindings.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=problem):
        Overrides.load(path)
