"""SignalR as the ``signalrcore`` client speaks it.

There is no server in Python: what the server sends here is written after the specification of the hub protocol.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import msgpack
import pytest
from enveloped import PATIENCE, recorded
from upstreams import Handler, websocket_upstream
from websockets.asyncio.server import ServerConnection

from wstape.cassettes import Direction, Kind, Message
from wstape.contracts.envelopes import SignalrEnvelope

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER


def text(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\x1e" for record in records)


def packed(*records: object) -> bytes:
    found = b""
    for record in records:
        data = msgpack.packb(record)
        length, prefix = len(data), b""
        while length > 0x7F:
            prefix, length = prefix + bytes([length & 0x7F | 0x80]), length >> 7
        found += prefix + bytes([length]) + data
    return found


async def json_hub(socket: ServerConnection) -> None:
    assert "protocol" in str(await socket.recv())
    await socket.send(text({}).decode())
    async for data in socket:
        for part in str(data).split("\x1e")[:-1]:
            record = json.loads(part)
            if record["type"] == 1:
                told = {"type": 1, "target": "told", "arguments": record["arguments"]}
                answer = {"type": 3, "invocationId": record["invocationId"], "result": 7}
                await socket.send(text({"type": 6}, told, answer).decode())


async def packed_hub(socket: ServerConnection) -> None:
    assert "messagepack" in str(await socket.recv())
    await socket.send(text({}).decode())
    async for data in socket:
        assert isinstance(data, bytes)
        (record,) = [msgpack.unpackb(data[1:])]
        if record[0] == 1:
            told = [1, {}, None, "told", record[4], []]
            await socket.send(packed([6], told, [3, {}, record[2], 3, 7]))


# The client in a process of its own: its stop() waits for the server's next ping, and leaves its socket open.
CLIENT_SCRIPT = f"""
import os, sys, threading
from signalrcore.hub_connection_builder import HubConnectionBuilder
from signalrcore.protocol.messagepack_protocol import MessagePackHubProtocol

opened, told, answered = threading.Event(), threading.Event(), threading.Event()
builder = HubConnectionBuilder().with_url(sys.argv[1], options={{"skip_negotiation": True}})
if sys.argv[2] == "messagepack":
    builder = builder.with_hub_protocol(MessagePackHubProtocol())
connection = builder.build()
connection.on_open(opened.set)
connection.on("told", lambda _: told.set())
connection.start()
assert opened.wait({PATIENCE})
connection.send("tell", ["news"], lambda _: answered.set())
assert told.wait({PATIENCE}) and answered.wait({PATIENCE})
os._exit(0)
"""


@pytest.mark.parametrize(("hub", "protocol"), [(json_hub, "json"), (packed_hub, "messagepack")])
def test_signalrcore_is_read(hub: Handler, protocol: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with websocket_upstream(hub) as upstream, recorded(upstream, tmp_path) as traffic:
            command = (sys.executable, "-c", CLIENT_SCRIPT, traffic.url + "/hub", protocol)
            client = await asyncio.create_subprocess_exec(*command)
            assert await client.wait() == 0
        assert traffic.envelope == SignalrEnvelope()
        assert [label for label in traffic.labels if label != "-> close"] == [
            "-> handshake", "<- handshake:result", "-> tell", "<- told", "<- tell:result",
        ]  # fmt: skip
        assert traffic.payloads("told")[0]["arguments"] == ["news"]
        assert traffic.payloads("tell:result")[0]["result"] == 7

    asyncio.run(main())


# The specification's own examples, in both encodings: type, label.
EXAMPLES: list[tuple[Direction, object, object, list[str]]] = [
    (CLIENT, {"type": 4, "invocationId": "1", "target": "Counter", "arguments": [3]},
     [4, {}, "1", "Counter", [3], []], ["Counter"]),
    (SERVER, {"type": 2, "invocationId": "1", "item": 0}, [2, {}, "1", 0], ["Counter:item"]),
    (CLIENT, {"type": 5, "invocationId": "1"}, [5, {}, "1"], ["Counter:cancel"]),
    (SERVER, {"type": 3, "invocationId": "1", "error": "no"}, [3, {}, "1", 1, "no"], ["Counter:error"]),
    (SERVER, {"type": 3, "invocationId": "1"}, [3, {}, "1", 2], ["Counter:result"]),
    (SERVER, {"type": 6}, [6], []),
    (SERVER, {"type": 8, "sequenceId": 1}, [8, 1], []),
    (SERVER, {"type": 9, "sequenceId": 1}, [9, 1], ["sequence"]),
    (SERVER, {"type": 7, "error": "bye"}, [7, "bye"], ["close"]),
    (SERVER, {"type": 99}, None, ["?"]),
]  # fmt: skip


def test_the_examples_of_the_specification_are_read_in_both_encodings() -> None:
    for binary in (False, True):
        reading = SignalrEnvelope().open()
        for side, record, array, labels in EXAMPLES:
            if binary and array is None:
                continue
            payload = packed(array) if binary else text(record)
            kind = Kind.BINARY if binary else Kind.TEXT
            message = Message(connection=1, direction=side, kind=kind, payload=payload, at_ns=0)
            read = reading.read(message)
            assert [one.label for one in read] == labels
            if read:
                assert read[0].value == record


def test_what_has_another_form_is_not_looked_into() -> None:
    for payload in (b"", b"\x05", b"\x80", b"\xff" * 9, packed([6])[:-1], packed([99]), packed({}), b"no\x1e", b"{}"):
        for kind in (Kind.TEXT, Kind.BINARY):
            message = Message(connection=1, direction=SERVER, kind=kind, payload=payload, at_ns=0)
            assert [one.label for one in SignalrEnvelope().open().read(message)] == [str(kind)]
