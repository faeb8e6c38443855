"""The sample service without its sockets: its rules, and what its two builds look like to a contract."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import cast

import pytest

from wstape.cassettes import (
    Closed,
    Direction,
    End,
    Ending,
    Handshake,
    Header,
    Kind,
    Message,
    Opened,
    Record,
)
from wstape.contracts import Checker, Severity, infer
from wstape.demo.build import REGRESSIONS, Build
from wstape.demo.chat import PASSWORDS, Chat, Conversation
from wstape.demo.questions import OTHER, TASKS

Event = dict[str, object]


def said(conversation: Conversation, **event: object) -> list[Event]:
    """What a conversation answers to an event."""
    return [timed.event for timed in conversation.receive(json.dumps(event))]


def logged_in(chat: Chat, user: str = "alice") -> tuple[Conversation, str]:
    """A conversation after its login, and the access token."""
    conversation = Conversation(chat)
    (welcome,) = said(conversation, type="login", user=user, password=PASSWORDS[user])
    assert welcome["type"] == "login_ok"
    return conversation, cast("str", welcome["access_token"])


def in_a_thread(chat: Chat, user: str = "alice") -> tuple[Conversation, str]:
    """A conversation with a thread, and the thread's id."""
    conversation, token = logged_in(chat, user)
    (created,) = said(conversation, type="create_thread", access_token=token)
    assert created["type"] == "thread_created"
    return conversation, cast("str", created["thread_id"])


@pytest.fixture
def chat() -> Chat:
    return Chat(Build.GOOD, random.Random(1))


def test_a_wrong_password_is_refused(chat: Chat) -> None:
    (refusal,) = said(Conversation(chat), type="login", user="alice", password="bob's")
    assert (refusal["type"], refusal["code"]) == ("error", "login_failed")


def test_a_token_that_was_never_issued_is_refused(chat: Chat) -> None:
    conversation, _ = logged_in(chat)
    (refusal,) = said(conversation, type="create_thread", access_token="made-up")
    assert refusal["code"] == "bad_token"


def test_a_token_of_another_user_is_refused(chat: Chat) -> None:
    conversation, _ = logged_in(chat, "alice")
    _, token = logged_in(chat, "bob")
    (refusal,) = said(conversation, type="create_thread", access_token=token)
    assert refusal["code"] == "bad_token"


def test_a_thread_of_another_user_is_unknown(chat: Chat) -> None:
    conversation, _ = in_a_thread(chat, "alice")
    _, thread_id = in_a_thread(chat, "bob")
    (refusal,) = said(conversation, type="user_message", thread_id=thread_id, text="Plan my Friday.")
    assert refusal["code"] == "unknown_thread"


@pytest.mark.parametrize("message", ["not JSON", "[]", '{"type": "dance"}', "{}", b"\xff", "[" * 100_000])
def test_what_is_no_event_is_answered_by_an_error(chat: Chat, message: str | bytes) -> None:
    (timed,) = Conversation(chat).receive(message)
    assert timed.event["code"] == "bad_message"


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("question", [*TASKS, "Who are you?"])
def test_a_run_keeps_its_order(question: str, seed: int) -> None:
    conversation, thread_id = in_a_thread(Chat(Build.GOOD, random.Random(seed)))
    events = said(conversation, type="user_message", thread_id=thread_id, text=question)
    labels = [event["type"] for event in events]
    task = TASKS.get(question, OTHER)
    assert labels[0] == "agent_started"
    assert labels[-1] == "agent_completed"
    assert labels.count("tool_executing") == labels.count("tool_completed") == len(task.tools)
    assert 1 <= labels.count("agent_thinking") <= 4
    assert len({event["run_id"] for event in events}) == 1
    deltas = [event for event in events if event["type"] == "agent_delta"]
    assert "".join(cast("str", event["text"]) for event in deltas) == events[-1]["answer"] == task.answer
    assert [event["index"] for event in deltas] == list(range(len(deltas)))
    for call in {event["tool_call_id"] for event in events if "tool_call_id" in event}:
        assert [event["type"] for event in events if event.get("tool_call_id") == call] == [
            "tool_executing",
            "tool_completed",
        ]


def test_no_two_runs_are_alike(chat: Chat) -> None:
    conversation, thread_id = in_a_thread(chat)
    runs = [
        tuple(
            event["type"]
            for event in said(conversation, type="user_message", thread_id=thread_id, text="Plan my Friday.")
        )
        for _ in range(10)
    ]
    assert len(set(runs)) > 5


def session(build: Build, seed: int) -> Iterator[Record]:
    """What a recorder would have seen of the sample client, its four connections one after the other."""
    chat = Chat(build, random.Random(seed))
    clock = itertools.count(1)
    shake = Handshake(target="/", request_headers=(), status=101, reason="", response_headers=())
    yield Header(target="ws://service", created="2026-01-31T12:00:00Z", wstape="0.1.0")
    messages = 0
    for number, user in enumerate([user for user in PASSWORDS for _ in range(2)], 1):
        yield Opened(connection=number, handshake=shake, at_ns=next(clock))
        conversation = Conversation(chat)
        token = thread_id = ""
        for event in (
            {"type": "login", "user": user, "password": PASSWORDS[user]},
            {"type": "create_thread"},
            *({"type": "user_message", "text": question} for question in TASKS),
        ):
            event |= {"create_thread": {"access_token": token}, "user_message": {"thread_id": thread_id}}.get(
                event["type"], {}
            )
            answers = said(conversation, **event)
            token = cast("str", answers[0].get("access_token", token))
            thread_id = cast("str", answers[0].get("thread_id", thread_id))
            for direction, sent in ((Direction.CLIENT, [event]), (Direction.SERVER, answers)):
                for one in sent:
                    messages += 1
                    payload = json.dumps(one).encode()
                    yield Message(
                        connection=number, direction=direction, kind=Kind.TEXT, payload=payload, at_ns=next(clock)
                    )
        for direction in Direction:
            messages += 1
            yield Message(
                connection=number, direction=direction, kind=Kind.CLOSE, payload=b"\x03\xe8", at_ns=next(clock)
            )
        yield Closed(connection=number, ending=Ending.CLEAN, by=Direction.SERVER, at_ns=next(clock))
    yield End(connections=4, messages=messages, exchanges=0, at_ns=next(clock))


@pytest.mark.parametrize("seed", range(0, 20, 2))
def test_a_contract_tells_the_two_builds_apart(seed: int) -> None:
    contract = infer([list(session(Build.GOOD, seed))])
    good, broken = Checker(contract), Checker(contract)
    for record in session(Build.GOOD, seed + 1):
        good.record(record)
    for record in session(Build.BROKEN, seed + 1):
        broken.record(record)
    assert [finding for finding in good.finish() if finding.severity is not Severity.INFO] == []
    breaking = [finding for finding in broken.finish() if finding.severity is Severity.BREAKING]
    assert Counter(finding.label for finding in breaking) == Counter(regression.label for regression in REGRESSIONS)
