"""Which messages of a client only react to an event of the server, and what such a message holds then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from playing import play
from sessions import connection, session
from websockets.asyncio.server import ServerConnection

from wstape.cassettes import Direction, Kind, Session
from wstape.contracts import infer
from wstape.replayer import compile_script, screenplay
from wstape.replayer.reactions import reactive_traces

Said = tuple[str, object]


def beat(number: float) -> list[Said]:
    return [("<", {"type": "heartbeat", "ts": number}), (">", {"type": "heartbeat_ack", "ts": number})]


def approval(number: int) -> list[Said]:
    value = f"apr-{number:04}-c0ffee"
    return [
        ("<", {"type": "need_approval", "approval_id": value}),
        (">", {"type": "approve", "approval_id": value, "note": f"note {number}"}),
    ]


def asked(number: int, *inside: Said) -> list[Said]:
    run = f"run-{number:04}-9d1e66b0"
    return [
        (">", {"type": "ask", "n": number}),
        ("<", {"type": "started", "run_id": run}),
        *inside,
        ("<", {"type": "completed", "run_id": run}),
    ]


def recorded(*parts: Sequence[Said]) -> Session:
    return session(connection(*(said for part in parts for said in part)))


def reactions(one: Session) -> list[tuple[str, str]]:
    _, found = reactive_traces(one, infer([one.records()]))
    return [(reaction.cause, reaction.effect) for reaction in found]


BEATING = recorded(asked(1, *beat(0.25)), asked(2), beat(1.5), asked(3, *beat(2.75), *beat(3.5)))
APPROVED = recorded(asked(1, *approval(1), *approval(2)), asked(2, *approval(3)))


def test_a_heartbeat_is_answered_and_begins_no_turn() -> None:
    assert reactions(BEATING) == [("server:heartbeat", "client:heartbeat_ack")]
    (one,) = compile_script(BEATING, infer([BEATING.records()])).connections
    assert [(send.label, send.gate.awaited) for send in one.sends] == [
        ("ask", None),
        ("ask", "server:completed"),
        ("ask", "server:completed"),
    ]
    assert one.finish.gate.awaited == "server:completed"
    (line,) = [line for line in screenplay(compile_script(BEATING, infer([BEATING.records()]))) if "heartbeat" in line]
    assert line == "  send heartbeat_ack, whenever heartbeat comes"
    assert one.finish.gate.counts == {"server:started": 1, "server:completed": 1}


def test_a_question_that_comes_again_and_again_within_a_turn_is_answered_by_itself() -> None:
    assert reactions(APPROVED) == [("server:need_approval", "client:approve")]


def test_what_a_client_asks_after_an_answer_is_a_step_of_its_own() -> None:
    created = [("<", {"type": "created", "thread": f"thr-{n}-c0ffee"}) for n in (1, 2)]
    said = [(">", {"type": "say", "thread": f"thr-{n}-c0ffee"}) for n in (1, 2)]
    pairs = [[(">", {"type": "create"}), created[n], said[n], ("<", {"type": "answer"})] for n in (0, 1)]
    assert reactions(session(*(connection(*pair, number=n) for n, pair in enumerate(pairs, 1)))) == []
    assert reactions(recorded(*pairs)) == []


def test_answers_in_another_order_than_the_questions_are_no_reactions() -> None:
    (first, yes), (second, no) = approval(1), approval(2)
    assert reactions(recorded(asked(1, first, second, no, yes), asked(2, *approval(3), *approval(4)))) == []


def test_a_client_that_beats_by_itself_reacts_to_nothing() -> None:
    own: list[Said] = [(">", {"type": "ping"}), ("<", {"type": "pong"})]
    assert reactions(recorded(asked(1, *own), own, asked(2), own)) == []


def sent(messages: Sequence[object], label: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for message in messages:
        if getattr(message, "direction", None) is Direction.CLIENT and getattr(message, "kind", None) is Kind.TEXT:
            payload = json.loads(getattr(message, "payload", b"{}"))
            found += [payload] if payload["type"] == label else []
    return found


def test_each_event_is_answered_when_it_comes_however_often_that_is() -> None:
    async def beating_otherwise(ws: ServerConnection) -> None:
        """None at first, then more than were recorded, and only the answer to all of them ends the last turn."""
        async for text in ws:
            number = json.loads(text)["n"]
            run = f"run-live-{number}"
            await ws.send(json.dumps({"type": "started", "run_id": run}))
            for beat in range(6 if number == 3 else 0):
                await ws.send(json.dumps({"type": "heartbeat", "ts": beat + 0.125}))
                assert json.loads(await ws.recv()) == {"type": "heartbeat_ack", "ts": beat + 0.125}
            await ws.send(json.dumps({"type": "completed", "run_id": run}))

    played, findings = play(BEATING, beating_otherwise)
    assert [finding for finding in findings if finding.severity != "info"] == []
    assert len(sent(played.session.connections[0].messages, "heartbeat_ack")) == 6


def test_a_reaction_carries_the_values_of_its_event_and_the_recorded_words() -> None:
    async def asking(ws: ServerConnection) -> None:
        async for text in ws:
            number = json.loads(text)["n"]
            await ws.send(json.dumps({"type": "started", "run_id": f"run-live-{number}"}))
            for turn in range(3 if number == 1 else 1):
                value = f"apr-live-{number}-{turn}"
                await ws.send(json.dumps({"type": "need_approval", "approval_id": value}))
                assert json.loads(await ws.recv())["approval_id"] == value
            await ws.send(json.dumps({"type": "completed", "run_id": f"run-live-{number}"}))

    played, findings = play(APPROVED, asking)
    assert [finding for finding in findings if finding.severity == "breaking"] == []
    answers = sent(played.session.connections[0].messages, "approve")
    assert [answer["note"] for answer in answers] == ["note 1", "note 2", "note 3", "note 3"]


def test_a_run_that_stalls_after_a_heartbeat_is_still_found() -> None:
    async def stalling(ws: ServerConnection) -> None:
        await ws.recv()
        await ws.send(json.dumps({"type": "started", "run_id": "run-live-1"}))
        while True:
            await ws.send(json.dumps({"type": "heartbeat", "ts": 0.5}))
            await ws.recv()
            await asyncio.sleep(0.02)

    _, findings = play(BEATING, stalling)
    assert [(one.id, one.label) for one in findings if one.severity == "breaking"] == [("replay/timeout", "completed")]
