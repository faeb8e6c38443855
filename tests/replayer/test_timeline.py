"""A session as it is compared: the same each time that it is asked for, and never all of it at once."""

from __future__ import annotations

import tracemalloc

from sessions import connection, session

from wstape.cassettes import Connection, Session
from wstape.contracts import infer
from wstape.replayer import judge_recordings, timeline, traces
from wstape.replayer.digest import digest
from wstape.replayer.timeline import in_time


def conversation(connections: int, rounds: int) -> Session:
    """Each connection asks and is told of two steps and an answer, all under the number of the run."""
    made: list[Connection] = []
    for number in range(1, connections + 1):
        said: list[tuple[str, object]] = [("<", {"type": "welcome"})]
        for turn in range(rounds):
            run = f"run-{number:03}-{turn:06}"
            said.append((">", {"type": "ask", "text": "what is it?"}))
            said += [("<", {"type": "step", "run_id": run, "n": n}) for n in range(2)]
            said.append(("<", {"type": "answer", "run_id": run, "text": "it is this and that"}))
        made.append(connection(*said, number=number, begin_ms=number))
    return session(*made)


def test_a_connection_says_the_same_each_time_however_long_it_is() -> None:
    recorded = conversation(1, 3)
    envelope = infer([recorded.records()]).envelope
    (trace,) = traces(recorded, envelope)
    labels = [event.label for event in trace.events()]
    assert labels == ["welcome", *("ask", "step", "step", "answer") * 3]
    assert [moment.turn for moment in trace.moments] == [0, *(1,) * 4, *(2,) * 4, *(3,) * 4]
    assert [(turn.beginning, len(turn.moments)) for turn in trace.turns] == [("", 1), *(("client:ask", 3),) * 3]
    (other,) = traces(conversation(1, 300), envelope)
    assert len(other.connection.messages) > timeline.LONG
    assert [event.label for event in other.each()] == [event.label for event in other.each()]
    assert [moment.index for moment in other.moments] == list(range(1201))


def test_connections_are_read_side_by_side_in_the_order_of_time() -> None:
    recorded = conversation(3, 2)
    times = [moment.message.at_ns for moment in in_time(traces(recorded, infer([recorded.records()]).envelope))]
    assert times == sorted(times)
    assert len(times) == 27


def test_a_digest_holds_what_came_and_is_made_once() -> None:
    recorded = conversation(1, 2)
    contract = infer([conversation(5, 10).records()])
    (trace,) = traces(recorded, contract.envelope)
    made = digest(trace, contract)
    assert digest(trace, contract) is made
    assert made.came == {"server:welcome": 1, "client:ask": 2, "server:step": 4, "server:answer": 2}
    assert made.first == {"server:welcome": (0, 1), "server:step": (1, 3), "server:answer": (1, 5)}
    assert made.script == ("client:ask", "client:ask")
    assert [(scope.name, scope.value, scope.first, scope.position, scope.last_turn) for scope in made.scopes] == [
        ("run_id", "run-001-000000", "server:step", 3, 1),
        ("run_id", "run-001-000001", "server:step", 7, 2),
    ]
    assert made.turns == {
        ("server:welcome", frozenset({"server:welcome"})): 1,
        ("client:ask", frozenset({"server:step", "server:answer"})): 2,
    }


def peak(rounds: int) -> int:
    """The most memory that the judgement on a recording takes at a time, in bytes."""
    recorded = conversation(20, rounds)
    contract = infer([conversation(5, 10).records()])
    tracemalloc.start()
    try:
        assert judge_recordings(recorded, recorded, contract) == ()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_judging_takes_less_memory_than_the_messages_do() -> None:
    few, many = peak(5), peak(50)
    # As events a message of each side takes more than a kilobyte; what is kept of a run is its scope.
    assert (many - few) / (20 * 45 * 4) < 400
