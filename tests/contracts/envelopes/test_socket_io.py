"""Socket.IO as python-socketio speaks it, and the framing of both protocol revisions."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import socketio
from enveloped import PATIENCE, recorded, served

from wstape.cassettes import Direction, Kind, Message
from wstape.contracts.envelopes import Sample, SocketIoEnvelope

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER


def test_python_socketio_is_read(tmp_path: Path) -> None:
    async def main() -> None:
        service = socketio.AsyncServer(async_mode="asgi")

        @service.event
        async def ask(sid: str, question: dict[str, str]) -> dict[str, object]:
            answered = asyncio.Event()
            await service.emit("confirm", {"of": question["text"]}, to=sid, callback=lambda _: answered.set())
            await asyncio.wait_for(answered.wait(), PATIENCE)
            await service.emit("picture", {"name": "a", "data": b"\x00\x01"}, to=sid)
            return {"ok": True}

        @service.on("news", namespace="/admin")
        async def news(sid: str, text: str) -> None:
            await service.emit("told", text, to=sid, namespace="/admin")

        async with served(socketio.ASGIApp(service)) as url, recorded(url, tmp_path) as traffic:
            client = socketio.AsyncClient()
            seen, told = asyncio.Event(), asyncio.Event()
            client.on("confirm", lambda _: "yes")
            client.on("picture", lambda _: seen.set())
            client.on("told", lambda _: told.set(), namespace="/admin")
            await client.connect(traffic.http_url, transports=["websocket"], namespaces=["/", "/admin"])
            assert await client.call("ask", {"text": "why"}) == {"ok": True}
            await asyncio.wait_for(seen.wait(), PATIENCE)
            await client.emit("news", "now", namespace="/admin")
            await asyncio.wait_for(told.wait(), PATIENCE)
            await client.disconnect()
        assert traffic.envelope == SocketIoEnvelope()
        assert traffic.confidence > 0.98
        labels = traffic.labels
        assert [label for label in labels if "socket.io" not in label and "engine.io" not in label] == [
            "-> ask",
            "<- confirm",
            "-> confirm:ack",
            "<- picture",
            "<- picture:attachment",
            "<- ask:ack",
            "-> /admin,news",
            "<- /admin,told",
        ]
        assert labels[0] == "<- engine.io:open"
        assert {"-> socket.io:connect", "<- /admin,socket.io:connect"} <= set(labels)
        (answer,) = traffic.payloads("ask:ack")
        assert answer["args"] == [{"ok": True}]
        assert "server:picture" in traffic.contract.events

    asyncio.run(main())


def read(*sent: tuple[Direction, bytes]) -> list[tuple[str, object]]:
    reading = SocketIoEnvelope().open()
    found: list[tuple[str, object]] = []
    for direction, payload in sent:
        kind = Kind.BINARY if payload[:1] in (b"\x00", b"\x04") else Kind.TEXT
        message = Message(connection=1, direction=direction, kind=kind, payload=payload, at_ns=0)
        found += [(one.label, one.value) for one in reading.read(message)]
    return found


# From the protocols' own pages: Socket.IO revision 5, "Sample session" and "Packet encoding".
PACKETS = [
    (b'0{"sid":"a"}', "engine.io:open", {"sid": "a"}),
    (b"40", "socket.io:connect", {"namespace": "/"}),
    (b'40/admin,{"token":"x"}', "/admin,socket.io:connect", {"namespace": "/admin", "data": {"token": "x"}}),
    (b"40/admin?token=x,", "/admin,socket.io:connect", {"namespace": "/admin"}),  # revision 4
    (b"41/admin,", "/admin,socket.io:disconnect", {"namespace": "/admin"}),
    (b'44{"message":"no"}', "socket.io:connect_error", {"namespace": "/", "data": {"message": "no"}}),
    (b'42["foo"]', "foo", {"namespace": "/", "args": []}),
    (b'42/admin,["bar",1]', "/admin,bar", {"namespace": "/admin", "args": [1]}),
    (b'4212["foo",{"a":1}]', "foo", {"namespace": "/", "id": 12, "args": [{"a": 1}]}),
    (b'43/admin,13["bar"]', "?:ack", {"namespace": "/admin", "id": 13, "args": ["bar"]}),
    (b"42[1]", "?", {"namespace": "/", "args": []}),
    (b"4hello", "engine.io:message", "hello"),
    (b"1", "engine.io:close", None),
    (b"hello", "text", "hello"),
]


@pytest.mark.parametrize(("payload", "label", "value"), PACKETS)
def test_packets_are_read(payload: bytes, label: str, value: object) -> None:
    assert read((SERVER, payload)) == [(label, value)]


def test_heartbeats_and_probes_are_no_events() -> None:
    assert (
        read(*((side, packet) for side in Direction for packet in (b"2", b"3", b"2probe", b"3probe", b"5", b"6"))) == []
    )


def test_acknowledgements_are_told_apart_by_side_and_namespace() -> None:
    asked = [(CLIENT, b'421["a"]'), (CLIENT, b'42/x,1["b"]'), (SERVER, b'421["c"]')]
    acked = [(SERVER, b"43/x,1[]"), (SERVER, b"431[]"), (CLIENT, b"431[]"), (CLIENT, b"431[]")]
    labels = [label for label, _ in read(*asked, *acked)]
    assert labels == ["a", "/x,b", "c", "/x,b:ack", "a:ack", "c:ack", "c:ack"]


def test_attachments_belong_to_their_event_in_both_revisions() -> None:
    event = b'452-["pic",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    sent = [(SERVER, event), (CLIENT, b"\x00\x01"), (SERVER, b"\x04\x01"), (SERVER, b"bAAE="), (SERVER, b"\x00")]
    assert [label for label, _ in read(*sent)] == ["pic", "binary", "pic:attachment", "pic:attachment", "binary"]


def test_numbers_in_text_are_not_socket_io() -> None:
    sample = Sample()
    for payload in (b"42", b"40", b"41", b"3"):
        sample.add(Message(connection=1, direction=SERVER, kind=Kind.TEXT, payload=b"7" + payload, at_ns=0))
    assert SocketIoEnvelope.fit(sample)[0] == 0
