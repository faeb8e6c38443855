"""Records of a simulated agent-chat service: many users, interleaved tools, varying counts, in many builds.

A session is made of connections, a connection of turns; each event is a direction and a payload, so that a mutant
is a change of a list.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

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

Body = dict[str, Any]
Mutation = Callable[[list["Sent"], random.Random], list["Sent"]]


@dataclass
class Sent:
    direction: Direction
    body: Body

    @property
    def label(self) -> str:
        return str(self.body.get("type"))


def server(type_: str, **fields: object) -> Sent:
    return Sent(Direction.SERVER, {"type": type_, **fields})


def client(type_: str, **fields: object) -> Sent:
    return Sent(Direction.CLIENT, {"type": type_, **fields})


def an_id(chance: random.Random, prefix: str) -> str:
    return f"{prefix}_{chance.getrandbits(48):012x}"


def turn(chance: random.Random, thread: str) -> list[Sent]:
    """One question and all that comes of it."""
    run = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    question = " ".join(chance.choices(["what", "is", "the", "weather", "now"], k=4))
    sent = [
        client("user_message", thread_id=thread, text=question),
        server("agent_started", run_id=run, thread_id=thread, model="sample-1"),
    ]
    lanes: list[list[Sent]] = [
        [
            server("agent_thinking", run_id=run, step=step, text=f"thought {chance.random()}")
            for step in range(chance.randint(1, 4))
        ]
    ]
    for _ in range(chance.randint(1, 3)):
        call = an_id(chance, "call")
        took = chance.randint(5, 900)
        lanes.append(
            [
                server("tool_executing", run_id=run, tool_call_id=call, tool=chance.choice(["search", "sum"])),
                server("tool_completed", run_id=run, tool_call_id=call, ok=chance.random() < 0.9, duration_ms=took),
            ]
        )
    while lanes:
        lane = chance.choice(lanes)
        sent.append(lane.pop(0))
        if not lane:
            lanes.remove(lane)
    sent.extend(server("agent_delta", run_id=run, text=f"piece {n}") for n in range(chance.randint(2, 9)))
    tokens = chance.randint(20, 400)
    sent.append(server("agent_completed", run_id=run, usage={"tokens": tokens, "cost": tokens / 1000}))
    return sent


def conversation(chance: random.Random, turns: int, *, threads: int = 1) -> list[Sent]:
    """All that is sent on one connection."""
    names = [an_id(chance, "thread") for _ in range(threads)]
    sent = [server("welcome", session_id=str(uuid.UUID(int=chance.getrandbits(128), version=4)))]
    for thread in names:
        sent += [client("create_thread"), server("thread_created", thread_id=thread)]
    for number in range(turns):
        sent += turn(chance, names[number % threads])
    return sent


def records(
    conversations: Sequence[Sequence[Sent]],
    *,
    chance: random.Random | None = None,
    ending: Ending = Ending.CLEAN,
    finished: bool = True,
    kind: Kind = Kind.TEXT,
) -> list[Record]:
    """The recording of some connections that overlap, closed by the client."""
    chance = chance or random.Random(0)
    header = Header(target="ws://service.test/", created="2026-01-31T12:00:00Z", wstape="0.1.0")
    found: list[Record] = [header]
    now, sent = 0, 0
    queues = {number: list(one) for number, one in enumerate(conversations, 1)}
    for number in queues:
        shake = Handshake(target="/", request_headers=(), status=101, reason="", response_headers=())
        found.append(Opened(connection=number, handshake=shake, at_ns=now))
    while queues:
        number = chance.choice(list(queues))
        now += 1_000_000
        if queues[number]:
            one = queues[number].pop(0)
            payload = json.dumps(one.body).encode()
            sent += 1
            found.append(Message(connection=number, direction=one.direction, kind=kind, payload=payload, at_ns=now))
            continue
        del queues[number]
        if ending is Ending.CLEAN:
            for direction in (Direction.CLIENT, Direction.SERVER):
                payload = (1000).to_bytes(2, "big")
                sent += 1
                found.append(
                    Message(connection=number, direction=direction, kind=Kind.CLOSE, payload=payload, at_ns=now)
                )
        found.append(Closed(connection=number, ending=ending, by=Direction.CLIENT, at_ns=now))
    if finished:
        found.append(End(connections=len(conversations), messages=sent, exchanges=0, at_ns=now))
    return found


def session(
    seed: int,
    *,
    connections: int = 3,
    turns: int = 4,
    threads: int = 1,
    mutation: Mutation | None = None,
    everywhere: bool = False,
) -> list[Record]:
    """A whole recording; the mutation changes the first connection, or ``everywhere`` all of them."""
    chance = random.Random(seed)
    conversations = [conversation(chance, turns, threads=threads) for _ in range(connections)]
    if mutation is not None:
        for number in range(len(conversations) if everywhere else 1):
            conversations[number] = mutation(conversations[number], chance)
    return records(conversations, chance=chance)


def pick(sent: Sequence[Sent], label: str, chance: random.Random) -> int:
    """The index of one event with a label."""
    return chance.choice([index for index, one in enumerate(sent) if one.label == label])
