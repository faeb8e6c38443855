"""When a server's turn is over."""

from __future__ import annotations

from dataclasses import replace

from wstape.cassettes import Direction, Kind
from wstape.contracts import Event
from wstape.replayer.script import Gate
from wstape.replayer.turn import FLOOR_NS, Turn

MS = 1_000_000
GATE = Gate(
    turn=1,
    awaited="server:completed",
    counts={"server:started": 1, "server:thinking": 3, "server:completed": 1},
    longest_gap_ns=400 * MS,
    took_ns=900 * MS,
)


def event(label: str) -> Event:
    return Event(connection=1, direction=Direction.SERVER, label=label, payload={}, kind=Kind.TEXT, position=1, at_ns=0)


def after(*labels: str) -> Turn:
    """A turn that began at 0 and got an event each 10 ms."""
    turn = Turn()
    turn.begin(0)
    for number, label in enumerate(labels, 1):
        turn.receive(event(label), number * 10 * MS)
    return turn


def test_the_event_that_ended_the_turn_is_awaited() -> None:
    assert not after("started", "thinking").reached(GATE)
    assert after("started", "thinking", "completed").reached(GATE)
    assert after().reached(Gate(turn=1))


def test_other_counts_settle_at_once() -> None:
    assert after("started", "thinking", "completed").settled(GATE, pending=0, now_ns=30 * MS)


def test_what_is_still_owed_is_waited_for_until_the_server_is_silent() -> None:
    turn = after("started", "thinking", "completed")
    assert not turn.settled(GATE, pending=1, now_ns=31 * MS)
    assert turn.settle_ns(GATE) == (30 + 2 * 400) * MS
    assert turn.settled(GATE, pending=1, now_ns=turn.settle_ns(GATE))


def test_a_server_that_is_never_silent_is_not_waited_for_beyond_what_the_turn_may_take() -> None:
    turn = after("completed")
    for tenth in range(1, 50):
        turn.receive(event("news"), tenth * 99 * MS)
    until = (10 + 4 * 800) * MS
    assert not turn.settled(GATE, pending=1, now_ns=until - MS)
    assert turn.settled(GATE, pending=1, now_ns=until)
    slow = Gate(turn=1, awaited="server:completed", counts=GATE.counts, longest_gap_ns=400 * MS, took_ns=9_000 * MS)
    assert turn.settle_ns(slow) == (49 * 99 + 800) * MS
    assert Turn(timeout_ns=7).settle_ns(slow) == 7


def test_what_keeps_the_connection_alive_does_not_break_the_silence() -> None:
    turn = after("completed")
    for tenth in range(1, 9):
        turn.receive(event("ping"), tenth * 99 * MS)
    assert turn.settled(GATE, pending=1, now_ns=(10 + 800) * MS)


def test_a_label_that_lacks_is_waited_for_too() -> None:
    assert not after("completed").settled(GATE, pending=0, now_ns=11 * MS)


def test_two_runs_in_one_turn_both_end() -> None:
    gate = Gate(turn=1, awaited="server:completed", counts={"server:completed": 2})
    assert after("completed").reached(gate)
    assert not after("completed").settled(gate, pending=0, now_ns=11 * MS)
    assert after("completed", "completed").settled(gate, pending=0, now_ns=21 * MS)


def test_the_server_gets_three_times_the_recorded_time_and_five_seconds_at_least() -> None:
    assert after().deadline_ns(GATE) == FLOOR_NS
    slow = Gate(turn=1, awaited="server:completed", took_ns=4_000 * MS)
    assert after().deadline_ns(slow) == 12_000 * MS
    assert Turn(timeout_ns=7).deadline_ns(slow) == 7


def test_a_new_turn_forgets_the_one_before() -> None:
    turn = after("started", "completed")
    turn.begin(50 * MS)
    assert turn.number == 2
    assert not turn.reached(GATE)


def test_another_end_that_the_contract_knows_will_do() -> None:
    gate = replace(GATE, others=frozenset({"server:failed", "server:cancelled"}))
    assert not after("started").reached(gate)
    turn = after("started", "thinking", "failed")
    assert turn.reached(gate)
    assert not turn.settled(gate, pending=0, now_ns=31 * MS)
    assert turn.settled(gate, pending=0, now_ns=(30 + 800) * MS)
