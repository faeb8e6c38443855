"""SignalR and Phoenix as their own clients from npm speak them, replayed against servers that issue other values.

What the clients send is real. There is no server of either that they work with outside .NET and Elixir's own package
index: what servers send is written after SignalR's HubProtocol.md and ``Phoenix.Socket.V2.JSONSerializer``. (aiosignalr
sends its JSON in binary messages, which Microsoft's client refuses.)
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Any

import msgpack
import pytest
from enveloped import recorded
from upstreams import websocket_upstream
from websockets.asyncio.server import ServerConnection

from wstape.cli import run
from wstape.contracts.envelopes import PhoenixEnvelope, SignalrEnvelope

pytestmark = pytest.mark.slow

SIGNALR = """
const signalR = require("@microsoft/signalr");
const { MessagePackHubProtocol } = require("@microsoft/signalr-protocol-msgpack");
(async () => {
  const options = { skipNegotiation: true, transport: signalR.HttpTransportType.WebSockets };
  let builder = new signalR.HubConnectionBuilder().withUrl(process.argv[2], options);
  if (process.argv[3] === "messagepack") builder = builder.withHubProtocol(new MessagePackHubProtocol());
  const hub = builder.configureLogging(signalR.LogLevel.Error).build();
  const told = new Promise((resolve) => hub.on("told", resolve));
  await hub.start();
  const room = await hub.invoke("open", { name: "tea" });
  await hub.invoke("say", room, "hello");
  await told;
  let items = 0;
  await new Promise((complete, error) =>
    hub.stream("count", 3).subscribe({ next: () => { items += 1; }, complete, error }));
  const failed = await hub.invoke("say", "no-such-room-1", "x").then(() => false, () => true);
  await hub.stop();
  process.exit(items === 3 && failed ? 0 : 1);
})().catch((error) => { console.error(error); process.exit(1); });
"""

PHOENIX = """
const { Socket } = require("phoenix");
const socket = new Socket(process.argv[2] + "/socket", { transport: require("ws"), heartbeatIntervalMs: 100 });
socket.onError((error) => { console.error(error); process.exit(1); });
socket.connect();
const asked = (push) => new Promise((ok, error) =>
  push.receive("ok", ok).receive("error", error).receive("timeout", error));
(async () => {
  const channel = socket.channel("room:lobby", { name: "ann" });
  const pictured = new Promise((resolve) => channel.on("picture", resolve));
  const { ticket } = await asked(channel.join());
  await asked(channel.push("say", { ticket, text: "hello" }));
  await asked(channel.push("upload", new Uint8Array([0, 255, 1]).buffer));
  if ((await pictured).byteLength !== 3) process.exit(1);
  const refused = await asked(channel.push("say", { ticket: "no-such-ticket-1" })).then(() => false, () => true);
  await new Promise((resolve) => setTimeout(resolve, 300));  // for a heartbeat
  await asked(channel.leave());
  socket.disconnect(() => process.exit(refused ? 0 : 1));
})().catch((error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clients from npm; skips where they cannot be had."""
    if shutil.which("npm") is None:
        pytest.skip("there is no Node.js with npm on this machine")
    folder = tmp_path_factory.mktemp("packages")
    wanted = ("@microsoft/signalr", "@microsoft/signalr-protocol-msgpack", "phoenix", "ws")
    command = ("npm", "install", "--no-fund", "--no-audit", *wanted)
    got = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200)
    if got.returncode:
        pytest.skip(f"npm cannot install them here: {got.stderr.strip().splitlines()[-1:]}")
    (folder / "signalr.js").write_text(SIGNALR)
    (folder / "phoenix.js").write_text(PHOENIX)
    return folder


async def talk(packages: Path, script: str, *arguments: str) -> None:
    command = ("node", str(packages / script), *arguments)
    done = await asyncio.to_thread(subprocess.run, command, cwd=packages, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


async def replay(path: Path, target: str) -> int:
    return await asyncio.to_thread(run, ["replay", str(path), "--target", target, "--timeout", "20"])


def text_records(data: str | bytes) -> list[dict[str, Any]]:
    return [json.loads(part) for part in str(data).split("\x1e") if part]


def text_record(*members: Any) -> str:
    type_, _, id_, *rest = members
    record: dict[str, Any] = {"type": type_, **({"invocationId": id_} if id_ is not None else {})}
    if type_ == 1:
        record |= {"target": rest[0], "arguments": rest[1]}
    elif type_ == 2:
        record["item"] = rest[0]
    else:
        record |= {1: {"error": rest[-1]}, 2: {}, 3: {"result": rest[-1]}}[rest[0]]
    return json.dumps(record) + "\x1e"


def packed_records(data: str | bytes) -> list[dict[str, Any]]:
    assert isinstance(data, bytes)
    assert len(data) < 128 + 1, "a length of one byte"
    record = msgpack.unpackb(data[1:])
    if record[0] not in (1, 4):
        return [{"type": record[0]}]
    return [{"type": record[0], "invocationId": record[2], "target": record[3], "arguments": record[4]}]


def packed_record(*members: Any) -> bytes:
    data = msgpack.packb(list(members))
    return (bytes([len(data)]) if len(data) < 128 else bytes([len(data) & 127 | 128, len(data) >> 7])) + data


async def hub(socket: ServerConnection) -> None:
    """Rooms of which it knows only those that it has made, in either protocol."""
    shake = json.loads(str(await socket.recv()).removesuffix("\x1e"))
    packed = shake["protocol"] == "messagepack"
    await socket.send(b"{}\x1e" if packed else "{}\x1e")
    write, rooms = packed_record if packed else text_record, set[str]()
    async for data in socket:
        for record in packed_records(data) if packed else text_records(data):
            match record.get("target"), record.get("arguments"):
                case "open", _:
                    room = f"room-{uuid.uuid4()}"
                    rooms.add(room)
                    await socket.send(write(3, {}, record["invocationId"], 3, room))
                case "say", [room, said] if room in rooms:
                    await socket.send(write(1, {}, None, "told", [{"room": room, "text": said}]))
                    await socket.send(write(3, {}, record["invocationId"], 2))
                case "say", _:
                    await socket.send(write(3, {}, record["invocationId"], 1, "unknown room"))
                case "count", [most]:
                    for number in range(most):
                        await socket.send(write(2, {}, record["invocationId"], number))
                    await socket.send(write(3, {}, record["invocationId"], 2))
                case _:
                    pass


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_microsofts_client_of_signalr(protocol: str, packages: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with websocket_upstream(hub) as url, recorded(url, tmp_path) as traffic:
            await talk(packages, "signalr.js", f"{traffic.http_url}/hub", protocol)
        assert traffic.envelope == SignalrEnvelope()
        assert set(traffic.labels) >= {
            *("-> handshake", "<- handshake:result", "-> open", "<- open:result", "-> say", "<- told", "<- say:result"),
            *("-> count", "<- count:item", "<- count:result", "<- say:error"),
        }
        for _ in range(2):
            async with websocket_upstream(hub) as url:
                assert await replay(traffic.path, url) == 0

    asyncio.run(main())


async def lobby(socket: ServerConnection) -> None:
    """Answer as Phoenix does."""
    ticket = f"ticket-{uuid.uuid4()}"

    async def reply(join: str | None, ref: str, topic: str, status: str, **response: object) -> None:
        await socket.send(json.dumps([join, ref, topic, "phx_reply", {"status": status, "response": response}]))

    async for data in socket:
        if isinstance(data, bytes):
            lengths, texts = data[1:5], data[5:]
            join, ref, topic = (texts[sum(lengths[:n]) : sum(lengths[: n + 1])].decode() for n in range(3))
            await reply(join, ref, topic, "ok")
            name = b"picture"
            await socket.send(bytes([2, len(topic), len(name)]) + topic.encode() + name + texts[sum(lengths) :])
            continue
        join, ref, topic, event, payload = json.loads(data)
        if event == "phx_join":
            await reply(join, ref, topic, "ok", ticket=ticket)
        elif event == "say" and payload["ticket"] != ticket:
            await reply(join, ref, topic, "error", reason="unknown ticket")
        else:
            await reply(join, ref, topic, "ok")
            if event == "phx_leave":
                await socket.send(json.dumps([join, ref, topic, "phx_close", {}]))


def test_the_client_of_phoenix(packages: Path, tmp_path: Path) -> None:
    async def main() -> None:
        async with websocket_upstream(lobby) as url, recorded(url, tmp_path) as traffic:
            await talk(packages, "phoenix.js", traffic.url)
        assert traffic.envelope == PhoenixEnvelope()
        assert traffic.confidence == 1.0
        assert set(traffic.labels) == {
            *("-> phx_join", "<- phx_join:ok", "-> say", "<- say:ok", "<- say:error", "-> upload", "<- upload:ok"),
            *("<- picture", "-> phx_leave", "<- phx_leave:ok", "<- phx_close"),
        }
        for _ in range(2):
            async with websocket_upstream(lobby) as url:
                assert await replay(traffic.path, url) == 0

    asyncio.run(main())
