"""What a client does to repeat a session, and what each step waits for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sessions import MS, connection, exchange, session

from wstape.cassettes import Session
from wstape.contracts import infer
from wstape.replayer import Script, compile_script
from wstape.replayer.script import LONGEST_PAUSE_NS


def script(*said: tuple[str, object], pauses_ms: tuple[int, ...] = ()) -> Script:
    """The script of one connection; ``pauses_ms`` are added before its messages, in order."""
    one = connection(*said)
    later = 0
    messages = list(one.messages)
    for number, pause_ms in enumerate(pauses_ms):
        later += pause_ms
        messages[number] = replace(messages[number], at_ns=messages[number].at_ns + later * MS)
    recorded = session(replace(one, messages=tuple(messages)))
    return compile_script(recorded, infer([recorded.records()]))


@pytest.mark.parametrize(("pause_ms", "kept_ns"), [(200, 201 * MS), (60_000, LONGEST_PAUSE_NS)])
def test_a_pause_that_nothing_explains_is_kept(pause_ms: int, kept_ns: int) -> None:
    asked = script(
        (">", {"type": "start"}), (">", {"type": "cancel"}), ("<", {"type": "cancelled"}), pauses_ms=(0, pause_ms)
    )
    assert [send.unexplained_ns for send in asked.connections[0].sends] == [MS, kept_ns]


def test_a_pause_that_an_answer_or_a_value_explains_is_not_kept() -> None:
    key = "k-9d1e66b04f9a"
    asked = script(
        ("<", {"type": "welcome", "key": key}),
        (">", {"type": "ask"}),
        (">", {"type": "more", "key": key}),
        (">", {"type": "ping"}),
        ("<", {"type": "answer"}),
        (">", {"type": "bye"}),
        pauses_ms=(500, 500, 500, 500, 500, 500),
    )
    assert [(send.label, send.unexplained_ns) for send in asked.connections[0].sends] == [
        ("ask", 0),  # after the welcome
        ("more", 0),  # after the key
        ("ping", 0),  # whenever
        ("bye", 0),  # after the answer
    ]


def ended(*ends: str) -> Session:
    """A client that asks again and again, and is answered in one of several ways."""
    said: list[tuple[str, object]] = []
    for turn, end in enumerate(ends):
        said.append((">", {"type": "ask", "id": f"ask-{turn:08}"}))
        said += [("<", {"type": label, "id": f"ask-{turn:08}"}) for label in ("begun", end)]
    return session(connection(*said))


def test_a_turn_may_end_in_each_way_that_the_contract_knows() -> None:
    recorded = ended("done", "done")
    both = infer([ended(*["done", "failed"] * 6).records(), recorded.records()])
    (line,) = compile_script(recorded, both).connections
    gates = [line.sends[1].gate, line.finish.gate]
    assert [gate.ends for gate in gates] == [("server:done", "server:failed")] * 2
    assert gates[0].others is gates[1].others
    (line,) = compile_script(recorded, infer([recorded.records()])).connections
    assert line.finish.gate.ends == ("server:done",)


def test_a_connection_is_over_at_its_close_frame() -> None:
    """Its transport may go a moment after the client has sent a request elsewhere."""
    work = connection((">", {"type": "ask"}), ("<", {"type": "answer"}))
    assert work.closed is not None
    late = replace(work, closed=replace(work.closed, at_ns=60 * MS))
    recorded = session(late, exchanges=(exchange({}, {}, at_ms=1), exchange({}, {}, number=2, at_ms=50)))
    script = compile_script(recorded, infer([recorded.records()]))
    assert [one.after_connections for one in script.exchanges] == [(), (1,)]


def runs(*kinds: str) -> Session:
    """A client that asks again and again: with tools or without, and one that cancels while the server is at work."""
    said: list[tuple[str, object]] = []
    for number, kind in enumerate(kinds):
        run = f"run-{number:04}-9d1e66b0"
        said += [(">", {"type": "ask", "text": f"question {number}"}), ("<", {"type": "started", "run_id": run})]
        said += [("<", {"type": "tool", "run_id": run})] * (kind in ("completed", "failed"))
        said += [("<", {"type": "delta", "run_id": run, "text": "a"})] * 2
        if kind == "cancelled":
            said += [(">", {"type": "cancel", "run_id": run}), ("<", {"type": "cancel_ack", "run_id": run})]
        said.append(("<", {"type": kind, "run_id": run}))
    return session(connection(*said))


def test_a_message_in_mid_run_changes_nothing_in_what_others_wait_for() -> None:
    recorded = runs("completed", "cancelled", "completed", "completed")
    contract = infer([recorded.records(), runs(*["completed", "cancelled", "completed"] * 4).records()])
    (one,) = compile_script(recorded, contract).connections
    assert [(send.label, send.gate.awaited) for send in one.sends] == [
        ("ask", None),
        ("ask", "server:completed"),
        ("cancel", "server:delta"),
        ("ask", "server:cancelled"),
        ("ask", "server:completed"),
    ]
    assert one.finish.gate.awaited == "server:completed"
    assert one.sends[1].gate.others == {"server:cancelled"}


def test_a_turn_ends_with_what_ends_its_run_though_other_runs_ended_otherwise() -> None:
    recorded = runs("completed", "failed", "completed", "completed", "failed", "completed")
    (one,) = compile_script(recorded, infer([recorded.records()])).connections
    ends = [one.sends[1].gate.ends, one.sends[2].gate.ends]
    assert ends == [("server:completed", "server:failed"), ("server:failed", "server:completed")]


def test_a_turn_without_a_run_ends_with_what_always_comes_after_its_beginning() -> None:
    """An order is accepted and later done, amid news; one that rests is cancelled before."""
    said: list[tuple[str, object]] = []
    for number in range(6):
        said += [(">", {"type": "order", "price": number}), ("<", {"type": "accepted", "state": "open"})]
        said += [(">", {"type": "cancel"}), ("<", {"type": "cancelled"})] * (number == 2)
        said += [("<", {"type": "tick", "bid": 1.5 + number})] * (1 + number % 3)
        said += [("<", {"type": "done", "reason": "filled"})] + [("<", {"type": "tick", "bid": 2.5})] * (number % 2)
    recorded = session(connection(*said))
    (one,) = compile_script(recorded, infer([recorded.records()])).connections
    assert [(send.label, send.gate.awaited) for send in one.sends] == [
        ("order", None),
        ("order", "server:done"),
        ("order", "server:done"),
        ("cancel", "server:accepted"),
        ("order", "server:done"),
        ("order", "server:done"),
        ("order", "server:done"),
    ]
