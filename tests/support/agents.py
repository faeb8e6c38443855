"""An agent-chat service on FastAPI and uvicorn, in many builds, and a client on aiohttp: neither is ours.

The service is not deterministic: identifiers, counts, interleavings, chunking and durations change from run to run.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import threading
import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import aiohttp
import uvicorn
from fastapi import FastAPI, HTTPException, WebSocket
from starlette.websockets import WebSocketDisconnect

PASSWORDS = {"alice": "wonder-Land-42", "bob": "builder-Yes-99", "carol": "christmas-Eve-24"}
QUESTIONS = ("What is the weather in Oslo?", "Add 2 and 3.", "Find flights.", "Summarise the news.")


Event = dict[str, object]


@dataclass
class Build:
    """What a build does otherwise: a name of `VARIANTS`, or of one of those that `Chat` and `make_app` know."""

    variant: str = "same"
    thoughts: tuple[int, int] = (1, 3)
    random: random.Random = field(default_factory=random.Random)

    def has(self, variant: str) -> bool:
        return self.variant == variant

    def change(self, event: Event) -> list[Event]:
        """What this build sends where the recorded one sends an event."""
        changed = VARIANTS.get(self.variant)
        return [event] if changed is None else changed(event, self.random)


def on(label: str, change: Callable[[Event, random.Random], Event | list[Event]]):
    """A variant that changes events of one label, each a copy."""

    def variant(event: Event, chance: random.Random) -> list[Event]:
        if event["type"] != label:
            return [event]
        changed = change(dict(event), chance)
        return changed if isinstance(changed, list) else [changed]

    return variant


def without(event: Event, *path: str) -> Event:
    if len(path) > 1:
        return {**event, path[0]: without(dict(event[path[0]]), *path[1:])}  # type: ignore[call-overload]
    return {key: value for key, value in event.items() if key != path[0]}


def renamed(event: Event, old: str, new: str) -> Event:
    return {**without(event, old), new: event[old]}


VARIANTS: dict[str, Callable[[Event, random.Random], list[Event]]] = {
    "renamed-field": on("agent_completed", lambda event, _: renamed(event, "answer", "completion")),
    "renamed-nested-field": on(
        "agent_completed", lambda event, _: {**event, "usage": renamed(event["usage"], "input_tokens", "prompt_tokens")}
    ),
    "removed-field": on("agent_completed", lambda event, _: without(event, "finish_reason")),
    "removed-nested-field": on("agent_completed", lambda event, _: without(event, "usage", "output_tokens")),
    "integer-to-string": on("tool_completed", lambda event, _: {**event, "duration_ms": str(event["duration_ms"])}),
    "string-to-object": on("agent_thinking", lambda event, _: {**event, "note": {"text": event["note"]}}),
    "boolean-to-string": on("tool_completed", lambda event, _: {**event, "ok": "yes"}),
    "nullable": on("agent_completed", lambda event, _: {**event, "answer": None}),
    "sometimes-null": on(
        "tool_completed", lambda event, chance: {**event, "duration_ms": chance.choice((None, event["duration_ms"]))}
    ),
    "uuid-to-number": on("welcome", lambda event, chance: {**event, "session_id": chance.randrange(10**6)}),
    "enum-grown": on("agent_completed", lambda event, _: {**event, "finish_reason": "tool_limit"}),
    "enum-shrunk": on("agent_completed", lambda event, _: {**event, "finish_reason": "stop"}),
    "added-field": on("agent_completed", lambda event, chance: {**event, "cost_cents": chance.randrange(1, 9)}),
    "added-object": on("tool_executing", lambda event, _: {**event, "trace": {"span": "a", "parents": []}}),
    "new-event": on("agent_started", lambda event, _: [event, {"type": "agent_note", "run_id": event["run_id"]}]),
    "renamed-event": on("agent_completed", lambda event, _: {**event, "type": "agent_finished"}),
    "missing-start": on("agent_started", lambda event, _: []),
    "missing-end": on("agent_completed", lambda event, _: []),
    "doubled-end": on("agent_completed", lambda event, _: [event, event]),
    "doubled-tool-completed": on("tool_completed", lambda event, _: [event, event]),
    "identifier-gone": on("tool_completed", lambda event, _: without(event, "tool_call_id")),
    "identifier-wrong": on(
        "tool_completed", lambda event, _: {**event, "tool_call_id": f"call_{uuid.uuid4().hex[:12]}"}
    ),
    "thread-not-echoed": on(
        "agent_started", lambda event, _: {**event, "thread_id": f"thread_{uuid.uuid4().hex[:16]}"}
    ),
    "constant-changed": on("agent_started", lambda event, _: {**event, "model": "sample-2"}),
    "other-words": on("agent_completed", lambda event, _: {**event, "answer": "Something else altogether."}),
    "reordered-keys": lambda event, _: [dict(reversed(event.items()))],
}


def deltas(text: str, build: Build) -> list[tuple[int, str]]:
    """The numbered pieces in which a build sends a text of 30 characters or more: at least three, but in one chunk."""
    pieces: list[tuple[int, str]] = []
    while text and not build.has("no-deltas"):
        size = len(text) if build.has("one-chunk") else build.random.randint(3, 10)
        pieces.append((len(pieces), text[:size]))
        text = text[size:]
    if build.has("lost-delta"):
        del pieces[1]
    if build.has("doubled-delta"):
        pieces.insert(1, pieces[1])
    if build.has("swapped-deltas"):
        pieces[1], pieces[2] = pieces[2], pieces[1]
    if build.has("stream-cut-off"):
        del pieces[-1]
    return pieces


def make_app(build: Build) -> FastAPI:
    app = FastAPI()
    tokens: dict[str, str] = {}
    chats: list[Chat] = []

    @app.post("/login")
    async def login(credentials: dict[str, str]) -> dict[str, object]:
        user = credentials.get("user", "")
        if PASSWORDS.get(user) != credentials.get("password"):
            raise HTTPException(401, "wrong user or password")
        token = uuid.uuid4().hex + uuid.uuid4().hex
        tokens[token] = user
        return {"access_token": token, "expires_in": 3600}

    @app.websocket("/chat")
    async def chat(ws: WebSocket, token: str = "") -> None:
        if token not in tokens or build.has("handshake-refused"):
            await ws.close(1008, "unknown token")
            return
        await ws.accept(subprotocol=None if build.has("subprotocol-dropped") else "chat.v1")
        one = Chat(ws, tokens[token], build, chats)
        chats.append(one)
        await one.talk()
        chats.remove(one)

    return app


class Chat:
    """One user's connection."""

    def __init__(self, ws: WebSocket, user: str, build: Build, everybody: list[Chat]) -> None:
        self.ws = ws
        self.everybody = everybody
        self.user = user
        self.build = build
        self.threads: set[str] = set()
        self.runs = 0

    async def send(self, event: Event) -> None:
        others = [chat.ws for chat in self.everybody if chat is not self]
        if self.build.has("leak") and event["type"] == "agent_completed" and others:
            await others[0].send_json(event)
        for changed in self.build.change(event):
            if self.build.has("text-to-binary"):
                await self.ws.send_json(changed, mode="binary")
            else:
                await self.ws.send_json(changed)

    async def talk(self) -> None:
        await self.send({"type": "welcome", "user": self.user, "session_id": str(uuid.uuid4())})
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                match await self.ws.receive_json():
                    case {"type": "create_thread"}:
                        thread = f"thread_{uuid.uuid4().hex[:16]}"
                        self.threads.add(thread)
                        await self.send({"type": "thread_created", "thread_id": thread})
                    case {"type": "user_message", "thread_id": thread} if thread in self.threads:
                        self.runs += 1
                        if self.build.has("crash") and self.runs == 2:
                            await self.ws.close(1011)
                            return
                        await self.run_agent(thread)
                    case {"type": "bye"}:
                        await self.ws.close(4001 if self.build.has("close-code") else 4000, "see you")
                        return
                    case _:
                        await self.send({"type": "error", "code": "bad_request", "message": "what do you mean?"})

    async def run_agent(self, thread: str) -> None:
        chance, build = self.build.random, self.build
        run = str(uuid.uuid4())
        if build.has("slower"):
            await asyncio.sleep(0.1)
        started: Event = {"type": "agent_started", "run_id": run, "thread_id": thread, "model": "sample-1"}
        if not build.has("late-start"):
            await self.send(started)
        for step in range(chance.randint(*build.thoughts)):
            await asyncio.sleep(chance.random() * 0.002)
            await self.send({"type": "agent_thinking", "run_id": run, "step": step, "note": "hm " * (step + 1)})
        if build.has("late-start"):
            await self.send(started)
        late = await self.call_tools(run)
        answer = "The answer is " + " ".join(str(chance.randrange(100)) for _ in range(10))
        for index, piece in deltas(answer, build):
            await self.send({"type": "agent_delta", "run_id": run, "index": index, "text": piece})
        await self.send(
            {
                "type": "agent_completed",
                "run_id": run,
                "thread_id": thread,
                "answer": "The answer is as above.",
                "transcript": answer,
                "usage": {"input_tokens": chance.randrange(50, 900), "output_tokens": chance.randrange(10, 90)},
                "finish_reason": chance.choice(("stop", "length")),
            }
        )
        for event in late:
            await asyncio.sleep(0.002)
            await self.send(event)

    async def call_tools(self, run: str) -> list[Event]:
        """Two tools at once, their ends in an order that chance decides; return the events to be sent too late."""
        chance, build = self.build.random, self.build
        calls = [f"call_{uuid.uuid4().hex[:12]}" for _ in range(2)]
        steps = [("executing", 0), ("executing", 1), ("completed", 0), ("completed", 1)]
        if build.has("sequential-tools"):
            steps = [("executing", 1), ("completed", 1), ("executing", 0), ("completed", 0)]
        elif chance.random() < 0.5:
            steps[2], steps[3] = steps[3], steps[2]
        if build.has("completed-before-executing"):
            steps.reverse()
        late: list[Event] = []
        for number, (step, tool) in enumerate(steps):
            common = {"run_id": run, "tool_call_id": calls[tool], "tool": ("search", "calculator")[tool]}
            if step == "executing":
                event: Event = {"type": "tool_executing", **common, "arguments": {"query": "weather"}}
            else:
                event = {"type": "tool_completed", **common, "duration_ms": chance.randrange(1, 500), "ok": True}
            if build.has("missing-tool-completed") and number == 3:
                continue
            if build.has("completed-too-early") and number == 3:
                late.append(event)
                continue
            await self.send(event)
            await asyncio.sleep(chance.random() * 0.002)
        return late


@contextlib.contextmanager
def serving(build: Build | None = None) -> Generator[str]:
    """Run a build in a thread on a free loopback port; give its ``ws://`` origin."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        make_app(build or Build()),
        log_level="warning",
        ws="websockets-sansio",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


async def converse(http_url: str, user: str, messages: int) -> int:
    """Log in and chat as one user; return how many events came."""
    came = 0
    async with aiohttp.ClientSession(http_url) as session:
        async with session.post("/login", json={"user": user, "password": PASSWORDS[user]}) as response:
            assert response.status == 200
            token = (await response.json())["access_token"]
        async with session.ws_connect("/chat", params={"token": token}, protocols=("chat.v1",)) as ws:
            assert (await ws.receive_json())["type"] == "welcome"
            await ws.send_json({"type": "create_thread"})
            thread = (await ws.receive_json())["thread_id"]
            for number in range(messages):
                text = QUESTIONS[number % len(QUESTIONS)]
                await ws.send_json({"type": "user_message", "thread_id": thread, "text": text})
                while True:
                    event = await ws.receive_json(timeout=10)
                    came += 1
                    if event["type"] == "agent_completed":
                        break
            await ws.send_json({"type": "bye"})
            assert (await ws.receive(timeout=10)).data == 4000
    return came


async def converse_all(http_url: str, messages: int = 5) -> list[int]:
    """Three users at once."""
    return await asyncio.gather(*(converse(http_url, user, messages) for user in PASSWORDS))
