"""A small real service for tests of clients: a greeting on every WebSocket, an answer to each question, a login."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Generator
from contextlib import contextmanager

from aiohttp import WSMsgType, web


class Assistant:
    """A running service. ``asked`` counts the connections and requests that it has seen."""

    def __init__(self) -> None:
        self.asked = 0
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(20)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_post("/login", self._login)
        app.router.add_get("/{path}", self._chat)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}"

    async def _login(self, request: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response({"user": (await request.json())["user"]})

    async def _chat(self, request: web.Request) -> web.WebSocketResponse:
        self.asked += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        session = f"sess_{uuid.uuid4().hex[:8]}"
        await socket.send_json({"type": "welcome", "session_id": session})
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                text = f"you said {json.loads(message.data)['text']}"
                await socket.send_json({"type": "answer", "text": text, "session_id": session})
        return socket

    def stop(self) -> None:
        """Stop it; a second time does nothing."""
        if self._runner is not None:
            asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(20)
            self._runner = None
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(20)
            self._loop.close()


@contextmanager
def assistant() -> Generator[Assistant]:
    """Run the service on a free loopback port."""
    running = Assistant()
    try:
        yield running
    finally:
        running.stop()
