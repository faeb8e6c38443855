"""A site with a bit of all that other recording tools write down: what the files in ``tests/cassettes/data`` show.

``python tests/support/foreign_site.py PORT`` serves it; ``tests/cassettes/data/README.md`` has the rest.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

SESSION = "session-7f3a9c51d2e84b60"
PASSWORD = "tulip-harbour-62"
TOKEN = "tok-5d1c7be09a3f4826"
BINARY = bytes([0, 255, 16, 128, 10])
REPLY = BINARY[::-1]
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
    "e221bc330000000049454e44ae426082"
)
SAID = [
    json.dumps({"type": "say", "text": "héllo 你"}, ensure_ascii=False, separators=(",", ":")),
    json.dumps({"type": "say", "text": "second"}, separators=(",", ":")),
]
PAGE = """<!doctype html><meta charset=utf-8><title>Site</title><link rel=icon href="data:,"><img src=/logo.png><script>
(async () => {
  const body = new URLSearchParams({user: "alice", password: "PASSWORD"});
  await fetch("/login", {method: "POST", body});
  await (await fetch("/me.json")).json();
  const socket = new WebSocket(`ws://${location.host}/ws?token=TOKEN`, ["chat.v2", "chat.v1"]);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => socket.send(FIRST);
  let seen = 0;
  socket.onmessage = () => {
    seen += 1;
    if (seen == 1) socket.send(SECOND);
    if (seen == 2) socket.send(new Uint8Array(BINARY));
    if (seen == 3) socket.send("bye");
  };
  socket.onclose = event => { document.title = `closed ${event.code}`; };
})();
</script>"""
for name, value in {
    "PASSWORD": PASSWORD,
    "TOKEN": TOKEN,
    "FIRST": json.dumps(SAID[0]),
    "SECOND": json.dumps(SAID[1]),
    "BINARY": str(list(BINARY)),
}.items():
    PAGE = PAGE.replace(name, value)


@asynccontextmanager
async def site(port: int = 0) -> AsyncGenerator[str]:
    """Serve it on 127.0.0.1; gives ``127.0.0.1:PORT``."""

    async def root(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/app?from=root"})

    async def app(_request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def login(request: web.Request) -> web.Response:
        data = await request.post()
        assert data["password"] == PASSWORD
        response = web.Response(status=303, headers={"Location": "/welcome"})
        response.set_cookie("session", SESSION, httponly=True, samesite="Lax")
        return response

    async def welcome(_request: web.Request) -> web.Response:
        return web.Response(text="welcome")

    async def me(_request: web.Request) -> web.Response:
        response = web.json_response({"user": "alice", "teams": ["red", "blue"] * 20})
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async def logo(_request: web.Request) -> web.Response:
        return web.Response(body=PIXEL, content_type="image/png")

    async def talk(request: web.Request) -> web.WebSocketResponse:
        assert request.query["token"] == TOKEN
        socket = web.WebSocketResponse(protocols=["chat.v2"])
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                await socket.send_bytes(REPLY)
            elif message.data == "bye":
                await socket.close(code=4001, message=b"told to go")
            else:
                await socket.send_str(json.dumps({"type": "said", "text": json.loads(message.data)["text"]}))
        return socket

    application = web.Application()
    application.router.add_get("/", root)
    application.router.add_get("/app", app)
    application.router.add_post("/login", login)
    application.router.add_get("/welcome", welcome)
    application.router.add_get("/me.json", me)
    application.router.add_get("/logo.png", logo)
    application.router.add_get("/ws", talk)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", port)
    await listener.start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _serve(port: int) -> None:
    async with site(port) as address:
        print(f"http://{address}/", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
