"""A real browser logs in and chats through the recorder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from browser import browser, chromium

from wstape.cassettes import Direction, Ending, Kind, Target, read_session
from wstape.recorder import Recorder, Settings

LOGIN = """<!doctype html><title>Log in</title><link rel=stylesheet href=/style.css><img src=/logo.png>
<form method=post action=/login><input name=user><input name=password type=password><button>Log in</button></form>"""

CHAT = """<!doctype html><title>Chat</title><ul id=log></ul><form id=say><input id=text></form><script>
const socket = new WebSocket(`ws://${location.host}/ws`, ["chat.v2"]);
socket.onmessage = event => {
  const item = document.createElement("li");
  item.textContent = JSON.parse(event.data).text;
  log.append(item);
};
say.onsubmit = event => { event.preventDefault(); socket.send(JSON.stringify({type: "say", text: text.value})); };
</script>"""

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
    "e221bc330000000049454e44ae426082"
)
SESSION = "session-7f3a9c51d2e84b60"


@asynccontextmanager
async def web_app() -> AsyncGenerator[str]:
    """A service that knows itself as http://localhost:PORT and lets nobody from elsewhere in; gives that URL."""
    origin = ""

    def inside(request: web.Request) -> bool:
        return request.cookies.get("session") == SESSION

    async def root(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"{origin}/{'chat' if inside(request) else 'login'}"})

    async def form(_request: web.Request) -> web.Response:
        return web.Response(text=LOGIN, content_type="text/html")

    async def login(request: web.Request) -> web.Response:
        data = await request.post()
        assert request.headers["Origin"] == origin
        if (data["user"], data["password"]) != ("alice", "tulip-harbour-62"):
            return web.Response(status=403)
        response = web.Response(status=303, headers={"Location": f"{origin}/"})
        response.set_cookie("session", SESSION, domain="localhost", httponly=True, samesite="Lax")
        return response

    async def chat(request: web.Request) -> web.Response:
        response = web.Response(text=CHAT if inside(request) else "no", content_type="text/html")
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async def socket(request: web.Request) -> web.WebSocketResponse:
        if not inside(request) or request.headers["Origin"] != origin:
            raise web.HTTPForbidden
        response = web.WebSocketResponse(protocols=["chat.v2"])
        await response.prepare(request)
        await response.send_json({"type": "hello", "text": "welcome alice"})
        async for message in response:
            text = json.loads(message.data)["text"]
            if text == "bye":
                await response.close(code=4001, message=b"enough")
                break
            await response.send_json({"type": "said", "text": f"you said {text}"})
        return response

    app = web.Application()
    app.router.add_get("/", root)
    app.router.add_get("/login", form)
    app.router.add_post("/login", login)
    app.router.add_get("/chat", chat)
    app.router.add_get("/ws", socket)
    app.router.add_get("/style.css", style)
    app.router.add_get("/logo.png", logo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://localhost:{runner.addresses[0][1]}"
    try:
        yield origin
    finally:
        await runner.cleanup()


async def style(_request: web.Request) -> web.Response:
    return web.Response(text="body { color: teal }", content_type="text/css")


async def logo(_request: web.Request) -> web.Response:
    return web.Response(body=PIXEL, content_type="image/png")


@pytest.mark.skipif(browser() is None, reason="there is no Chromium on PATH (Debian: apt-get install chromium)")
def test_a_browser_logs_in_and_chats_through_the_recorder(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"

    async def main() -> None:
        async with web_app() as origin, chromium(tmp_path) as page:
            async with Recorder(Settings(target=Target.parse(origin), output=path)) as recorder:
                await page.go(recorder.http_url + "/")
                await page.until("document.title === 'Log in' && document.images[0].complete")
                assert await page.run("document.images[0].naturalWidth") == 1
                assert await page.run("getComputedStyle(document.body).color") == "rgb(0, 128, 128)"
                await page.run(
                    "document.forms[0].user.value = 'alice', document.forms[0].password.value = 'tulip-harbour-62', "
                    "document.forms[0].submit()"
                )
                await page.until("document.title === 'Chat' && log.children.length === 1")
                assert await page.run("location.origin") == recorder.http_url
                assert await page.run("socket.protocol") == "chat.v2"
                for number, text in enumerate(("good morning", "and good night"), 2):
                    await page.run(f"text.value = {json.dumps(text)}, say.requestSubmit()")
                    await page.until(f"log.children.length === {number}")
                    assert await page.run("log.lastChild.textContent") == f"you said {text}"
                closing = "new Promise(done => { socket.onclose = event => done(`${event.code} ${event.reason}`); "
                assert await page.run(closing + 'socket.send(\'{"text": "bye"}\') })') == "4001 enough"
                await page.go("about:blank")
            assert recorder.summary is not None
            assert recorder.summary.complete

    asyncio.run(main())
    session = read_session(path)
    assert session.complete
    asked = [(one.method, one.target, one.status) for one in session.exchanges if one.target != "/favicon.ico"]
    assert sorted(asked) == sorted(
        [
            ("GET", "/", 302),
            ("GET", "/login", 200),
            ("GET", "/style.css", 200),
            ("GET", "/logo.png", 200),
            ("POST", "/login", 303),
            ("GET", "/", 302),
            ("GET", "/chat", 200),
        ]
    )
    (chat,) = [one for one in session.exchanges if one.target == "/chat"]
    assert b"new WebSocket" in chat.response_body  # decoded of gzip
    assert any(f"{len(PIXEL)} bytes of image/png" in note.text for note in session.notes)
    (connection,) = session.connections
    assert connection.handshake.subprotocol == "chat.v2"
    assert connection.closed is not None
    assert connection.closed.ending is Ending.CLEAN
    assert [(one.direction, json.loads(one.text)) for one in connection.messages if one.kind is Kind.TEXT] == [
        (Direction.SERVER, {"type": "hello", "text": "welcome alice"}),
        (Direction.CLIENT, {"type": "say", "text": "good morning"}),
        (Direction.SERVER, {"type": "said", "text": "you said good morning"}),
        (Direction.CLIENT, {"type": "say", "text": "and good night"}),
        (Direction.SERVER, {"type": "said", "text": "you said and good night"}),
        (Direction.CLIENT, {"text": "bye"}),
    ]
    # The cookie flows from the log-in into the handshake, and neither it nor the password is in the file.
    shown = repr(session)
    assert SESSION not in shown
    assert "tulip-harbour-62" not in shown
    (login,) = [one for one in session.exchanges if one.method == "POST"]
    issued = dict(login.response_headers)["Set-Cookie"].partition(";")[0]
    assert issued.startswith("session={{secret:")
    assert issued in dict(connection.handshake.request_headers)["Cookie"]
