"""Replays of services whose messages are not plain JSON: what the build issues is what it gets back."""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import socketio
from dialects import DIALECTS, rooms, visit
from enveloped import PATIENCE, recorded, served
from recording import recording
from upstreams import in_thread
from websockets.asyncio.client import connect
from websockets.sync.server import ServerConnection

from wstape.cassettes import Direction, Message, Recording
from wstape.cli import run

ALL = pytest.mark.parametrize("name", DIALECTS)


def record(name: str, folder: Path, *, target: str | None = None) -> Path:
    async def main(url: str) -> Path:
        async with recorded(url, folder) as traffic:
            await visit(DIALECTS[name], traffic.url)
        assert traffic.envelope.name == name
        return traffic.path

    if target is not None:
        return asyncio.run(main(target))
    with rooms(DIALECTS[name]) as service:
        return asyncio.run(main(service.url))


def replay(path: Path, target: str, *options: str, patience: int = 20) -> int:
    return run(["replay", str(path), "--target", target, "--timeout", str(patience), *options])


@ALL
def test_what_the_build_issues_is_put_into_messages(name: str, tmp_path: Path) -> None:
    path = record(name, tmp_path)
    for number in range(2):
        with rooms(DIALECTS[name]) as build:
            assert replay(path, build.url, "--save", str(tmp_path / f"{number}.cassette")) == 0
            assert build.heard == ["hello", "世界"] * 2
            assert len(build.rooms) == 2
    sent, replayed = (
        [one for one in Recording(each) if isinstance(one, Message) and one.direction is Direction.CLIENT]
        for each in (path, tmp_path / "1.cassette")
    )
    assert [len(one.payload) for one in sent] == [len(one.payload) for one in replayed]
    assert [one.payload for one in sent] != [one.payload for one in replayed]


@pytest.mark.parametrize(
    "name", [name for name in DIALECTS if name != "opaque"]
)  # in which a refusal is a text like any other
def test_a_build_that_does_not_know_what_it_issued_is_breaking(name: str, tmp_path: Path) -> None:
    path = record(name, tmp_path)
    with rooms(DIALECTS[name], deaf=True) as build:
        assert replay(path, build.url, patience=1) == 1


@ALL
def test_identifiers_of_the_client_are_renewed(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with rooms(DIALECTS[name]) as service:
        path = record(name, tmp_path, target=service.url)
        assert (
            replay(path, service.url, "--json", patience=1) == 1
        )  # each of the client's identifiers is good for one time
        assert json.loads(capsys.readouterr().out)["verdict"] == "breaking"
        assert replay(path, service.url, "--fresh-ids") == 0
        assert len(service.requests) == 4


@pytest.mark.parametrize("name", ["msgpack", "cbor"])
def test_secrets_in_binary_messages_come_from_outside(name: str, tmp_path: Path) -> None:
    dialect, key = DIALECTS[name], f"sk-{'proj0123456789ABCDEFGHIJ' * 2}"

    def service(known: str) -> AbstractContextManager[str]:
        def handle(socket: ServerConnection) -> None:
            for data in socket:
                _, body = dialect.unpack(data)
                socket.send(dialect.pack("welcome", {"ok": True}) if body["key"] == known else dialect.pack("no", {}))

        return in_thread(handle)

    async def enter(url: str) -> None:
        async with connect(url) as socket:
            await socket.send(dialect.pack("login", {"key": key, "n": 7}))
            assert dialect.unpack(await socket.recv())[0] == "welcome"

    path = tmp_path / "a.cassette"
    with service(key) as target, recording(target, path) as recorder:
        asyncio.run(enter(recorder.url))
    (asked,) = [one for one in Recording(path) if isinstance(one, Message) and one.direction is Direction.CLIENT][:1]
    label, body = dialect.unpack(asked.payload)
    assert (label, body["n"]) == ("login", 7)
    assert body["key"].startswith("{{secret:")
    secret = body["key"][len("{{secret:") : -2]
    with service("another key") as build:
        assert replay(path, build) == 2  # nobody gave it
        assert replay(path, build, "--secret", f"{secret}=another key") == 0
        assert replay(path, build, "--secret", f"{secret}=a wrong one", patience=1) == 1


class Rooms(socketio.AsyncNamespace):
    """Rooms by Socket.IO: made by an acknowledgement, entered by an emit that is acknowledged in turn."""

    def __init__(self) -> None:
        super().__init__("/rooms")
        self.known: set[str] = set()
        self.drawn = 0
        self.deaf = False

    async def on_create(self, sid: str, wish: dict[str, str]) -> dict[str, str]:
        room = f"room-{uuid.uuid4()}"
        self.known.add(room)
        return {"room": room}

    async def on_enter(self, sid: str, room: str) -> None:
        if self.deaf or room not in self.known:
            await self.emit("refused", {"reason": "unknown room"}, to=sid)
            return
        entered = asyncio.Event()
        ticket = f"tkt_{uuid.uuid4().hex}"

        def confirmed(again: str) -> None:
            if again == ticket:
                entered.set()

        await self.emit("confirm", {"ticket": ticket}, to=sid, callback=confirmed)
        await asyncio.wait_for(entered.wait(), PATIENCE)
        await self.emit("entered", {"room": room}, to=sid)

    async def on_draw(self, sid: str, room: str, picture: bytes) -> dict[str, object]:
        self.drawn += room in self.known
        return {"ok": True, "size": len(picture)} if room in self.known else {"reason": "unknown room"}


async def paint(url: str) -> None:
    """Make two rooms, enter and draw."""
    client = socketio.AsyncClient()
    entered = asyncio.Queue[object]()
    client.on("confirm", lambda asked: asked["ticket"], namespace="/rooms")
    client.on("entered", entered.put, namespace="/rooms")
    await client.connect(url, transports=["websocket"], namespaces=["/rooms"])
    for _ in range(2):
        made = await client.call("create", {"name": "a"}, namespace="/rooms")
        await client.emit("enter", made["room"], namespace="/rooms")
        assert await asyncio.wait_for(entered.get(), PATIENCE) == made
        drawn = await client.call("draw", (made["room"], b"\x00\x01"), namespace="/rooms")
        assert drawn == {"ok": True, "size": 2}
    await client.disconnect()


def test_python_socketio_gets_back_what_it_issues(tmp_path: Path) -> None:
    def app() -> tuple[Rooms, socketio.ASGIApp]:
        server, rooms = socketio.AsyncServer(async_mode="asgi"), Rooms()
        server.register_namespace(rooms)
        return rooms, socketio.ASGIApp(server)

    async def main() -> None:
        async with served(app()[1]) as url, recorded(url, tmp_path) as traffic:
            await paint(traffic.http_url)
        for number in range(2):
            build, asgi = app()
            async with served(asgi) as url:
                saved = tmp_path / f"{number}.cassette"
                assert await asyncio.to_thread(replay, traffic.path, url, "--save", str(saved)) == 0
                assert (len(build.known), build.drawn) == (2, 2)
        build, asgi = app()
        build.deaf = True
        async with served(asgi) as url:
            assert await asyncio.to_thread(replay, traffic.path, url, patience=1) == 1

    asyncio.run(main())
