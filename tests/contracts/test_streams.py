"""Streams: found in traffic, wherever they are cut; a piece that is lost, doubled, swapped or cut off is told."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import Sent, an_id, client, records, server

from wstape.cassettes import Record
from wstape.contracts import Checker, Contract, Finding, Stream, infer
from wstape.contracts.stream import joins_into, what_is_wrong

Change = Callable[[list[str], random.Random], list[str]]


def cut(text: str, chance: random.Random, least: int = 1, most: int = 12) -> list[str]:
    """A text in pieces of random lengths, at least three."""
    inner = range(least, len(text), least)
    places = sorted(chance.sample(inner, k=min(len(inner), max(2, len(text) // most))))
    return [text[a:b] for a, b in pairwise([0, *places, len(text)])]


def same(pieces: list[str], _: random.Random) -> list[str]:
    return pieces


def lost(pieces: list[str], chance: random.Random) -> list[str]:
    gone = chance.randrange(1, len(pieces) - 1)
    return pieces[:gone] + pieces[gone + 1 :]


def doubled(pieces: list[str], chance: random.Random) -> list[str]:
    again = chance.randrange(len(pieces))
    return [*pieces[: again + 1], *pieces[again:]]


def swapped(pieces: list[str], chance: random.Random) -> list[str]:
    number = chance.choice([n for n in range(len(pieces) - 1) if pieces[n] != pieces[n + 1]])
    return [*pieces[:number], pieces[number + 1], pieces[number], *pieces[number + 2 :]]


def truncated(pieces: list[str], _: random.Random) -> list[str]:
    return pieces[:-1]


def words(chance: random.Random) -> str:
    return " ".join(chance.choice(["sun", "rain", "wind", "é", "snow"]) + str(chance.randrange(100)) for _ in range(12))


def text_stream(chance: random.Random, run: str, change: Change) -> list[Sent]:
    said = words(chance)
    pieces = [server("text_delta", run_id=run, text=piece) for piece in change(cut(said, chance), chance)]
    return [*pieces, server("text_done", run_id=run, text=said)]


def json_stream(chance: random.Random, run: str, change: Change) -> list[Sent]:
    call = an_id(chance, "call")
    value = {"city": words(chance), "days": chance.randrange(9)}
    pieces = change(cut(json.dumps(value), chance), chance)
    sent = [server("arguments.delta", run_id=run, tool_call_id=call, partial_json=piece) for piece in pieces]
    return [*sent, server("arguments.done", run_id=run, tool_call_id=call, arguments=value)]


def audio_stream(chance: random.Random, run: str, change: Change) -> list[Sent]:
    sound = chance.randbytes(200)
    sizes = [0, *sorted(chance.sample(range(1, 200), k=7)), 200]
    parts = change([base64.b64encode(sound[a:b]).decode() for a, b in pairwise(sizes)], chance)
    sent = [server("audio_delta", run_id=run, event_id=an_id(chance, "event"), delta=part) for part in parts]
    return [*sent, server("audio_done", run_id=run, audio=base64.b64encode(sound).decode())]


def numbered_stream(chance: random.Random, run: str, change: Change) -> list[Sent]:
    """Without an end that says the value; the pieces are numbered."""
    pieces = cut(words(chance), chance)
    numbered = [f"{number} {piece}" for number, piece in enumerate(pieces)]
    changed = (entry.partition(" ")[::2] for entry in change(numbered, chance))
    return [server("thought_chunk", run_id=run, seq=int(number), text=piece) for number, piece in changed]


STREAMS = {
    "text_delta": text_stream,
    "arguments.delta": json_stream,
    "audio_delta": audio_stream,
    "thought_chunk": numbered_stream,
}


def conversation(chance: random.Random, change: Change = same, label: str = "") -> list[Sent]:
    """Two runs at once, each with all kinds of streams; the change is made to those of one label in the first run."""
    lanes: list[list[Sent]] = []
    for number in range(2):
        run = an_id(chance, "run")
        begun = [client("ask", n=number), server("started", run_id=run, note="", model="sample")]
        made = [make(chance, run, change if name == label and not number else same) for name, make in STREAMS.items()]
        lanes.append([*begun, *(one for stream in made for one in stream), server("ended", run_id=run, model="sample")])
    sent: list[Sent] = []
    while lanes:
        lane = chance.choice(lanes)
        sent.append(lane.pop(0))
        if not lane:
            lanes.remove(lane)
    return sent


def recording(seed: int, change: Change = same, label: str = "") -> list[Record]:
    chance = random.Random(seed)
    return records([conversation(chance, change if not number else same, label) for number in range(3)], chance=chance)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return infer([recording(seed) for seed in range(3)])


def check(contract: Contract, recorded: Sequence[Record]) -> list[Finding]:
    checker = Checker(contract)
    for record in recorded:
        checker.record(record)
    return [finding for finding in checker.finish() if finding.id == "payload/stream-changed"]


def test_families_of_deltas_are_found_with_their_ends(contract: Contract) -> None:
    found = {stream.of: stream for stream in contract.streams}
    assert {symbol: (one.path, one.scope, one.form) for symbol, one in found.items()} == {
        "server:arguments.delta": ("/partial_json", "tool_call_id", "json"),
        "server:audio_delta": ("/delta", "run_id", "base64"),
        "server:text_delta": ("/text", "run_id", "text"),
        "server:thought_chunk": ("/text", "run_id", "text"),
    }
    ends = {symbol: one.final and (one.final.event, one.final.path) for symbol, one in found.items()}
    assert ends == {
        "server:arguments.delta": ("server:arguments.done", "/arguments"),
        "server:audio_delta": ("server:audio_done", "/audio"),
        "server:text_delta": ("server:text_done", "/text"),
        "server:thought_chunk": None,
    }
    assert [(one.index, one.start) for one in contract.streams if one.index] == [("/seq", 0)]
    assert all((one.seen, one.scopes) == (18, 18) for one in contract.streams)


@settings(max_examples=20, deadline=None)
@given(st.integers(min_value=100))
def test_where_streams_are_cut_is_never_told(contract: Contract, seed: int) -> None:
    assert check(contract, recording(seed)) == []


WORDS = {lost: "lost", doubled: "twice", swapped: "order", truncated: "the end is lost"}


@pytest.mark.parametrize("label", STREAMS)
@pytest.mark.parametrize("change", WORDS, ids=lambda change: change.__name__)
def test_a_piece_that_is_missing_or_misplaced_is_told(contract: Contract, change: Change, label: str) -> None:
    for seed in range(200, 205):
        found = check(contract, recording(seed, change, label))
        if label == "thought_chunk" and change is truncated:
            assert found == []  # no end says what is missing
            continue
        (finding,) = found
        assert (finding.label, finding.severity, finding.direction) == (label, "breaking", "server")
        assert finding.path == next(stream.path for stream in contract.streams if stream.of == f"server:{label}")
        if label in ("text_delta",):
            assert WORDS[change] in finding.message


def test_words_for_what_is_wrong() -> None:
    assert what_is_wrong(["ab", "cd"], "abcdef", "text") == "the end is lost, 4 of 6 characters came"
    assert what_is_wrong(["ab", "ef"], "abcdef", "text") == "pieces are lost, 4 of 6 characters came"
    assert what_is_wrong(["ab", "cd", "cd", "ef"], "abcdef", "text") == "piece 3 of 4 came twice"
    assert what_is_wrong(["cd", "ab"], "abcd", "text") == "the pieces came in another order"
    assert what_is_wrong(["xy"], "abcd", "text") == "they differ from it"
    assert what_is_wrong(['{"a"', "1}"], {"a": 1}, "json") == "they do not even make a JSON document"
    assert what_is_wrong(["YQ==", "?"], "YWI=", "base64") == "a piece is no base64"


@given(st.text(), st.text(), st.lists(st.text(max_size=4), max_size=6))
def test_there_are_words_for_everything(one: str, final: str, pieces: list[str]) -> None:
    for form in ("text", "json", "base64"):
        assert what_is_wrong([one, *pieces], final, form)
        assert isinstance(joins_into(pieces, final, form), bool)


def test_the_document_keeps_streams_and_refuses_what_makes_no_sense(contract: Contract) -> None:
    document = json.loads(contract.dumps())
    assert document["streams"][2] == {
        "of": "server:text_delta",
        "path": "/text",
        "in": "run_id",
        "form": "text",
        "final": {"event": "server:text_done", "path": "/text"},
        "seen": 18,
        "scopes": 18,
    }
    assert Contract.from_document(document).streams == contract.streams
    for bad in (
        {},
        {"of": "x"},
        {"form": "morse"},
        {"in": 7},
        {"final": 7},
        {"seen": -1},
        {"path": "x"},
        {"pinned": 1},
    ):
        document["streams"] = [{"of": "server:a", "path": "/a", "in": "connection", **bad}] if bad else [{}]
        with pytest.raises(Exception, match=r"/streams/0"):
            Contract.from_document(document)


def test_a_thin_claim_warns_and_a_pinned_one_breaks(contract: Contract) -> None:
    document = json.loads(contract.dumps())
    stream = document["streams"][2]
    for changes, severity in (
        ({"seen": 3, "scopes": 3}, "warning"),
        ({"seen": 3, "scopes": 3, "pinned": True}, "breaking"),
    ):
        document["streams"] = [{**stream, **changes}]
        (finding,) = check(Contract.from_document(document), recording(200, lost, "text_delta"))
        assert finding.severity == severity


def test_what_only_looks_like_a_stream_is_none() -> None:
    chance = random.Random(1)
    sent: list[Sent] = []
    for _ in range(20):
        run = an_id(chance, "run")
        sent += [server("progress", run_id=run, status="run", note=chance.choice(["a", "b"])) for _ in range(3)]
        sent += [server("result", run_id=run, status="runrun", note="ab")]
    assert infer([records([sent])]).streams == ()


def test_learning_in_parts_finds_the_same(contract: Contract) -> None:
    from wstape.contracts.inference import contract_of, summarise

    parts = [recording(seed) for seed in range(3)]
    whole = summarise(parts)
    merged = summarise(parts[2:])
    again = type(merged).from_state(summarise(parts[:2]).state())
    merged.merge(again)
    assert contract_of(merged).streams == contract_of(whole).streams == contract.streams


@pytest.mark.parametrize(("change", "wrong"), [(same, 0), (doubled, 1), (truncated, 1)])
def test_a_stream_too_long_to_keep_is_judged_by_its_digest(contract: Contract, change: Change, wrong: int) -> None:
    chance = random.Random(1)
    said = "".join(chance.choice("abc ") for _ in range(200_000))
    pieces = change([said[at : at + 5] for at in range(0, len(said), 5)], chance)
    sent = [*(server("text_delta", run_id="run_1a", text=piece) for piece in pieces)]
    found = check(contract, records([[*sent, server("text_done", run_id="run_1a", text=said)]]))
    assert len(found) == wrong


def test_a_stream_written_by_hand_counts() -> None:
    by_hand = Stream(of="server:a", path="/x", scope="connection", index="/n", start=1)
    empty = infer([records([[server("a", x="p", n=1)]])])
    document = json.loads(empty.dumps())
    document["streams"] = [{"of": by_hand.of, "path": by_hand.path, "in": "connection", "index": "/n", "from": 1}]
    contract = Contract.from_document(document)
    assert contract.streams == (by_hand,)
    sent = [server("a", x="p", n=number) for number in (1, 2, 3, 1, 2, 4)]
    (finding,) = check(contract, records([sent]))
    assert finding.message == "piece number 4 of `a` came after number 2: a piece is lost; the contract asks for it"
