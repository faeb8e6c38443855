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
from collections.abc import Generator
from dataclasses import dataclass, field

import aiohttp
import uvicorn
from fastapi import FastAPI, HTTPException, WebSocket
from starlette.websockets import WebSocketDisconnect

PASSWORDS = {"alice": "wonder-Land-42", "bob": "builder-Yes-99", "carol": "christmas-Eve-24"}
QUESTIONS = ("What is the weather in Oslo?", "Add 2 and 3.", "Find flights.", "Summarise the news.")


@dataclass
class Build:
    """What a build does otherwise. The defaults are the build that is recorded."""

    variant: str = "same"
    thoughts: tuple[int, int] = (1, 3)
    random: random.Random = field(default_factory=random.Random)

    def has(self, variant: str) -> bool:
        return self.variant == variant


def make_app(build: Build) -> FastAPI:
    app = FastAPI()
    tokens: dict[str, str] = {}

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
        if token not in tokens:
            await ws.close(1008, "unknown token")
            return
        await ws.accept()
        await ws.send_json({"type": "welcome", "user": tokens[token], "session_id": str(uuid.uuid4())})
        threads: set[str] = set()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = await ws.receive_json()
                match message:
                    case {"type": "create_thread"}:
                        thread = f"thread_{uuid.uuid4().hex[:16]}"
                        threads.add(thread)
                        await ws.send_json({"type": "thread_created", "thread_id": thread})
                    case {"type": "user_message", "thread_id": thread} if thread in threads:
                        await run_agent(ws, thread, build)
                    case _:
                        await ws.send_json({"type": "error", "code": "bad_request", "message": "what do you mean?"})

    return app


async def run_agent(ws: WebSocket, thread: str, build: Build) -> None:
    chance = build.random
    run = str(uuid.uuid4())
    await ws.send_json({"type": "agent_started", "run_id": run, "thread_id": thread, "model": "sample-1"})
    for step in range(chance.randint(*build.thoughts)):
        await asyncio.sleep(chance.random() * 0.002)
        await ws.send_json({"type": "agent_thinking", "run_id": run, "step": step, "note": "hm " * (step + 1)})
    late = await call_tools(ws, run, build)
    answer = "The answer is " + " ".join(str(chance.randrange(100)) for _ in range(10))
    index = 0
    while answer and not build.has("no-deltas"):
        size = chance.randint(3, 12)
        piece, answer = answer[:size], answer[size:]
        await ws.send_json({"type": "agent_delta", "run_id": run, "index": index, "text": piece})
        index += 1
    completed: dict[str, object] = {
        "type": "agent_completed",
        "run_id": run,
        "thread_id": thread,
        "answer": "The answer is as above.",
        "usage": {"input_tokens": chance.randrange(50, 900), "output_tokens": chance.randrange(10, 90)},
        "finish_reason": "stop",
    }
    if build.has("renamed-field"):
        completed["completion"] = completed.pop("answer")
    if build.has("added-field"):
        completed["cost_cents"] = chance.randrange(1, 9)
    if build.has("renamed-event"):
        completed["type"] = "agent_finished"
    if not build.has("missing-end"):
        await ws.send_json(completed)
    for event in late:
        await asyncio.sleep(0.002)
        await ws.send_json(event)


async def call_tools(ws: WebSocket, run: str, build: Build) -> list[dict[str, object]]:
    """Two tools at once, as threads in an order that chance decides; return the events to be sent too late."""
    chance = build.random
    calls = [f"call_{uuid.uuid4().hex[:12]}" for _ in range(2)]
    steps = [("executing", 0), ("executing", 1), ("completed", 0), ("completed", 1)]
    if build.has("sequential-tools"):
        steps = [("executing", 1), ("completed", 1), ("executing", 0), ("completed", 0)]
    elif chance.random() < 0.5:
        steps[2], steps[3] = steps[3], steps[2]
    late: list[dict[str, object]] = []
    for number, (step, tool) in enumerate(steps):
        common = {"run_id": run, "tool_call_id": calls[tool], "tool": ("search", "calculator")[tool]}
        if step == "executing":
            event: dict[str, object] = {"type": "tool_executing", **common, "arguments": {"query": "weather"}}
        else:
            milliseconds = chance.randrange(1, 500)
            duration: object = str(milliseconds) if build.has("integer-to-string") else milliseconds
            event = {"type": "tool_completed", **common, "duration_ms": duration, "ok": True}
        if build.has("missing-tool-completed") and number == 3:
            continue
        if build.has("completed-too-early") and number == 3:
            late.append(event)
            continue
        await ws.send_json(event)
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
        async with session.ws_connect("/chat", params={"token": token}) as ws:
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
    return came


async def converse_all(http_url: str, messages: int = 5) -> list[int]:
    """Three users at once."""
    return await asyncio.gather(*(converse(http_url, user, messages) for user in PASSWORDS))
