"""One service in many envelopes: rooms that it makes up, and that are the only ones it knows.

::

    with rooms(DIALECTS["msgpack"]) as service:
        asyncio.run(visit(DIALECTS["msgpack"], service.url))
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import cbor2
import msgpack
from upstreams import in_thread
from websockets.asyncio.client import connect
from websockets.sync.server import ServerConnection

Event = tuple[str, dict[str, Any]]
"""A label and what comes with it."""


@dataclass(frozen=True)
class Dialect:
    """How events are written and read, and what a room is called."""

    pack: Callable[[str, dict[str, Any]], str | bytes]
    unpack: Callable[[str | bytes], Event]
    room: Callable[[], object] = lambda: f"room-{uuid.uuid4()}"


@dataclass
class Rooms:
    """The running service: ``url``, and what it knows."""

    url: str = ""
    deaf: bool = False  # it knows no room any more
    rooms: set[object] = field(default_factory=set)
    requests: set[str] = field(default_factory=set)  # ids that clients made up, each good for one time
    heard: list[str] = field(default_factory=list)


@contextmanager
def rooms(dialect: Dialect, *others: Dialect, deaf: bool = False) -> Generator[Rooms]:
    """Run the service; with several dialects each on the path of its name."""
    service = Rooms(deaf=deaf)
    by_path = {f"/{name}": one for name, one in DIALECTS.items() if others and one in (dialect, *others)}

    def handle(socket: ServerConnection) -> None:
        assert socket.request is not None
        speak(socket, by_path.get(socket.request.path, dialect))

    def speak(socket: ServerConnection, dialect: Dialect) -> None:
        for data in socket:
            label, body = dialect.unpack(data)
            if label == "create" and body["request"] not in service.requests:
                service.requests.add(body["request"])
                room = dialect.room()
                service.rooms.add(room)
                socket.send(dialect.pack("created", {"room": room, "request": body["request"]}))
            elif label == "say" and not service.deaf and body["room"] in service.rooms:
                service.heard.append(body["text"])
                socket.send(dialect.pack("said", {"room": body["room"], "size": len(body["text"])}))
            else:
                socket.send(dialect.pack("refused", {"reason": "unknown"}))

    with in_thread(handle) as url:
        service.url = url
        yield service


async def visit(dialect: Dialect, url: str) -> None:
    """A client: makes two rooms and speaks in each."""
    async with connect(url) as socket:

        async def ask(label: str, **body: object) -> dict[str, Any]:
            await socket.send(dialect.pack(label, body))
            answer, found = dialect.unpack(await socket.recv())
            assert answer != "refused"
            return found

        made: list[object] = []
        for _ in range(2):
            request = str(uuid.uuid4())
            created = await ask("create", request=request)
            assert created["request"] == request
            made.append(created["room"])
        for room in made:
            for text in ("hello", "世界"):
                await ask("say", room=room, text=text)


def _signalr(data: str | bytes) -> Event:
    assert isinstance(data, str)
    (record,) = (json.loads(part) for part in data.split("\x1e") if part)
    return record["target"], record["arguments"][0]


def _packed_signalr(data: str | bytes) -> Event:
    assert isinstance(data, bytes)
    record = msgpack.unpackb(data[1 if data[0] < 128 else 2 :])
    return record[3], record[4][0]


def _pack_signalr(label: str, body: dict[str, Any]) -> bytes:
    data = msgpack.packb([1, {}, None, label, [body], []])
    return (bytes([len(data)]) if len(data) < 128 else bytes([len(data) & 127 | 128, len(data) >> 7])) + data


def _stomp(data: str | bytes) -> Event:
    head, _, text = str(data).removesuffix("\0").partition("\n\n")
    label, *fields = head.split("\n")
    return label, {**dict(line.split(":", 1) for line in fields), **({"text": text} if text else {})}


def _pack_stomp(label: str, body: dict[str, Any]) -> str:
    fields = "".join(f"\n{name}:{value}" for name, value in body.items() if name != "text")
    return f"{label}{fields}\n\n{body.get('text', '')}\0"


def _typed(body: dict[str, Any]) -> Event:
    return body["type"], body


DIALECTS: dict[str, Dialect] = {
    "msgpack": Dialect(
        lambda label, body: msgpack.packb({"type": label, **body}),
        lambda data: _typed(msgpack.unpackb(data)),
        lambda: uuid.uuid4().bytes,
    ),
    "cbor": Dialect(
        lambda label, body: cbor2.dumps({"type": label, **body}), lambda data: _typed(cbor2.loads(data)), uuid.uuid4
    ),
    "signalr": Dialect(
        lambda label, body: (
            '{"type":6}\x1e' * (label == "said")
            + json.dumps({"type": 1, "target": label, "arguments": [body]})
            + "\x1e"
        ),
        lambda data: _signalr(str(data).removeprefix('{"type":6}\x1e')),
    ),
    "opaque": Dialect(_pack_stomp, _stomp),
}
PACKED_SIGNALR = Dialect(_pack_signalr, _packed_signalr)
