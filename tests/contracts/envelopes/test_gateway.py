"""Events that a number names, and beside it a word: Discord's gateway, spoken by the client that bots are written with.

The opcodes are those of https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-opcodes.
"""

from __future__ import annotations

import asyncio
import json
import uuid
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yarl
from aiohttp import WSMsgType, web
from enveloped import PATIENCE, recorded

from wstape.cli import run
from wstape.contracts.envelopes import JsonEnvelope

USER = {"id": "80351110224678912", "username": "bot", "discriminator": "0000", "avatar": None, "bot": True}
APPLICATION = {
    **{"id": "80351110224678913", "name": "bot", "icon": None, "description": "", "bot_public": False, "flags": 0},
    **{"bot_require_code_grant": False, "verify_key": "", "owner": USER, "team": None, "summary": ""},
}


class Gateway:
    """A service that issues session ids, knows no others, and asks its clients to reconnect in the middle."""

    def __init__(self) -> None:
        self.public = ""  # its address for clients that come back
        self.sessions: set[str] = set()
        self.resumed = 0

    async def me(self, _: web.Request) -> web.Response:
        return plain_json(USER)

    async def application(self, _: web.Request) -> web.Response:
        return plain_json(APPLICATION)

    async def gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await self.send(socket, 10, {"heartbeat_interval": 41250})
        async for data in socket:
            if data.type is not WSMsgType.TEXT:
                break
            body = json.loads(data.data)
            match body["op"]:
                case 1:
                    await self.send(socket, 11, None)
                case 2:
                    await self.begin(socket)
                case 6 if body["d"]["session_id"] in self.sessions:
                    self.resumed += 1
                    await self.send(socket, 0, {}, "RESUMED", 6)
                    await self.say(socket, "again", 7)
                case 6:
                    await self.send(socket, 9, d=False)
                case _:
                    pass
        return socket

    async def begin(self, socket: web.WebSocketResponse) -> None:
        session = uuid.uuid4().hex
        self.sessions.add(session)
        ready = {"v": 10, "user": USER, "guilds": [], "session_id": session, "resume_gateway_url": self.public}
        await self.send(socket, 0, {**ready, "application": {"id": APPLICATION["id"], "flags": 0}}, "READY", 1)
        for number, text in enumerate(("hello", "there", "you"), 2):
            await self.say(socket, text, number)
        await self.send(socket, 0, {"channel_id": "5", "user_id": USER["id"], "timestamp": 7}, "TYPING_START", 5)
        await self.send(socket, 7, None)

    async def say(self, socket: web.WebSocketResponse, text: str, number: int) -> None:
        message = {
            **{"id": str(70000 + number), "channel_id": "5", "author": {**USER, "id": "9"}, "content": text, "type": 0},
            **{"timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": None, "tts": False, "mentions": []},
            **{"mention_everyone": False, "mention_roles": [], "attachments": [], "embeds": [], "pinned": False},
        }
        await self.send(socket, 0, message, "MESSAGE_CREATE", number)

    async def send(self, socket: Any, op: int, d: object, t: str | None = None, s: int | None = None) -> None:
        await socket.send_str(json.dumps({"op": op, "d": d, "s": s, "t": t}))


def plain_json(value: object) -> web.Response:
    """Without a charset, for which this client does not look."""
    return web.Response(body=json.dumps(value).encode(), content_type="application/json")


@asynccontextmanager
async def serving(gateway: Gateway) -> AsyncGenerator[str]:
    app = web.Application()
    app.router.add_get("/api/v10/users/@me", gateway.me)
    app.router.add_get("/api/v10/oauth2/applications/@me", gateway.application)
    app.router.add_get("/", gateway.gateway)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        gateway.public = f"ws://127.0.0.1:{runner.addresses[0][1]}"
        yield gateway.public
    finally:
        await runner.cleanup()


async def bot(http_url: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a bot until it has been asked to reconnect, has resumed, and has heard the last message."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # audioop, which it imports for voices
        import discord
        from discord.gateway import DiscordWebSocket
        from discord.http import Route

    monkeypatch.setattr(Route, "BASE", f"{http_url}/api/v10")
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(url))
    client, heard = discord.Client(intents=discord.Intents.all()), asyncio.Queue[str]()

    @client.event
    async def on_message(message: discord.Message) -> None:
        await heard.put(message.content)

    running = asyncio.create_task(client.start("a-token-of-a-bot"))
    texts = [await asyncio.wait_for(heard.get(), PATIENCE) for _ in range(4)]
    assert texts == ["hello", "there", "you", "again"]
    await client.close()
    await running


def test_a_bot_on_a_gateway_is_read_and_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        gateway = Gateway()
        async with serving(gateway) as url, recorded(url, tmp_path) as traffic:
            gateway.public = traffic.url
            await bot(traffic.http_url, traffic.url, monkeypatch)
        assert traffic.envelope == JsonEnvelope("/op", "/op", server_beside="/t")
        labels = set(traffic.labels)
        assert labels >= {
            *("<- op=10", "<- op=11", "<- op=7", "-> op=1", "-> op=2", "-> op=6"),
            *("<- op=0/READY", "<- op=0/MESSAGE_CREATE", "<- op=0/RESUMED", "<- op=0/TYPING_START"),
        }
        for _ in range(2):
            build = Gateway()
            async with serving(build) as url:
                replay = ("replay", str(traffic.path), "--target", url, "--timeout", "20")
                assert await asyncio.to_thread(run, replay) == 0
                assert build.resumed == 1

    asyncio.run(main())
