"""A service with a login: the token that it issues opens the socket, in a header, a query, a cookie or a subprotocol.

Every run issues other tokens. Where the token does not fit, the handshake is refused with 401.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import threading
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import quote

import aiohttp
from aiohttp import web

PASSWORD = "wonder-Land/42+x"
WAYS = ("header", "query", "cookie", "subprotocol", "basic")


class TokenService:
    """One running service."""

    def __init__(self) -> None:
        self.tokens: set[str] = set()
        self.url = ""

    async def login(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body.get("password") != PASSWORD:
            return web.json_response({"error": f"{body.get('password')} is not the password"}, status=403)
        token = f"tk-{secrets.token_urlsafe(24)}"
        self.tokens.add(token)
        response = web.json_response({"access_token": token, "token_type": "bearer"})
        response.set_cookie("session", token)
        return response

    async def socket(self, request: web.Request) -> web.StreamResponse:
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        shown = {
            "header": credentials if scheme == "Bearer" else "",
            "query": request.query.get("token", ""),
            "cookie": request.cookies.get("session", ""),
            "subprotocol": offered.partition("bearer.")[2],
            "basic": base64.b64decode(credentials).decode() if scheme == "Basic" else "",
        }
        way = request.match_info["way"]
        if shown[way] not in self.tokens:
            return web.json_response({"error": "who are you?"}, status=401)
        ws = web.WebSocketResponse(protocols=("chat.v1",))
        await ws.prepare(request)
        async for message in ws:
            asked = json.loads(message.data)
            if asked.get("token") not in (None, shown[way]):
                await ws.send_json({"type": "refused"})
                continue
            await ws.send_json({"type": "started", "echo": f"hello {shown[way]}"})
            await ws.send_json({"type": "completed"})
        return ws


@contextmanager
def token_service() -> Generator[TokenService]:
    """Run one in a thread of its own."""
    service = TokenService()
    loop = asyncio.new_event_loop()
    app = web.Application()
    app.router.add_post("/login", service.login)
    app.router.add_get("/ws/{way}", service.socket)
    runner = web.AppRunner(app)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        service.url = "ws://{}:{}".format(*runner.addresses[0])

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield service
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


async def work(http_url: str, way: str) -> list[str]:
    """Log in, open the socket by one of `WAYS`, ask twice; return the labels of what came."""
    came: list[str] = []
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        async with session.post(f"{http_url}/login", json={"user": "alice", "password": PASSWORD}) as answer:
            token = (await answer.json())["access_token"]
        fields = {
            "header": {"Authorization": f"Bearer {token}"},
            "cookie": {"Cookie": f"session={token}"},
            "basic": {"Authorization": f"Basic {base64.b64encode(token.encode()).decode()}"},
        }.get(way, {})
        target = f"/ws/{way}?v=2&token={quote(token)}" if way == "query" else f"/ws/{way}"
        protocols = ("chat.v1", f"bearer.{token}") if way == "subprotocol" else ("chat.v1",)
        async with session.ws_connect(f"{http_url}{target}", headers=fields, protocols=protocols) as ws:
            for question in ({"type": "ask", "text": "one"}, {"type": "ask", "text": "two", "token": token}):
                await ws.send_json(question)
                came += [(await ws.receive_json())["type"] for _ in range(2)]
    return came
