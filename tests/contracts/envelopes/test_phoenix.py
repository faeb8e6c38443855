"""Phoenix channels: the messages of Phoenix' own serializer and of its tests.

They are those of ``assets/js/phoenix/serializer.js`` and ``assets/test/serializer_test.js``; what its client sends is
recorded in ``test_official_clients.py``.
"""

from __future__ import annotations

import json

import pytest

from wstape.cassettes import Direction, Handshake, Kind, Message
from wstape.contracts.envelopes import PhoenixEnvelope, Sample

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER

JOIN = ["0", "1", "room:lobby", "phx_join", {}]
SESSION: list[tuple[Direction, list[object], list[str]]] = [
    (CLIENT, JOIN, ["phx_join"]),
    (SERVER, ["0", "1", "room:lobby", "phx_reply", {"status": "ok", "response": {}}], ["phx_join:ok"]),
    (CLIENT, [None, "2", "phoenix", "heartbeat", {}], []),
    (SERVER, [None, "2", "phoenix", "phx_reply", {"status": "ok", "response": {}}], []),
    (CLIENT, ["0", "3", "room:lobby", "shout", {"text": "hi"}], ["shout"]),
    (SERVER, [None, None, "room:lobby", "shout", {"text": "hi"}], ["shout"]),
    (SERVER, ["0", "3", "room:lobby", "phx_reply", {"status": "error", "response": {}}], ["shout:error"]),
    (SERVER, ["0", "3", "room:lobby", "phx_reply", {"status": "ok", "response": {}}], ["shout:ok"]),
    (SERVER, ["0", "9", "room:lobby", "phx_reply", 7], ["?:?"]),
    (SERVER, ["0", None, "room:lobby", "phx_error", {}], ["phx_error"]),
]
NAMES = ("join_ref", "ref", "topic", "event", "payload")


def message(value: object, direction: Direction) -> Message:
    binary = isinstance(value, bytes)
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    kind = Kind.BINARY if binary else Kind.TEXT
    return Message(connection=1, direction=direction, kind=kind, payload=payload, at_ns=0)


@pytest.mark.parametrize("version", [1, 2])
def test_a_session_is_read_in_both_versions(version: int) -> None:
    reading, sample = PhoenixEnvelope().open(), Sample()
    target = f"/socket/websocket?vsn={version}.0.0"
    sample.opened(Handshake(target=target, request_headers=(), status=101, reason="", response_headers=()))
    for side, array, labels in SESSION:
        members = dict(zip(NAMES, array, strict=True))
        one = message(members if version == 1 else array, side)
        sample.add(one)
        read = reading.read(one)
        assert [payload.label for payload in read] == labels
        assert all(payload.value == members for payload in read)
    assert PhoenixEnvelope.fit(sample)[0] == 1.0


# serializer_test.js, "binary": push, reply, broadcast.
BINARY = [
    (CLIENT, b"\x00\x01\x01\x01\x010\x31te\x01", ("0", "1", "t", "e"), "e"),
    (SERVER, b"\x00\x03\x03\x0a123topsome-event\x01\x01", ("123", None, "top", "some-event"), "some-event"),
    (SERVER, b"\x01\x03\x02\x03\x0210012topok\x01\x01", ("100", "12", "top", "phx_reply"), "?:ok"),
    (SERVER, b"\x02\x03\x0atopsome-event\x01\x01", (None, None, "top", "some-event"), "some-event"),
]


@pytest.mark.parametrize(("side", "payload", "members", "label"), BINARY)
def test_binary_frames_are_read(side: Direction, payload: bytes, members: tuple[str | None, ...], label: str) -> None:
    (read,) = PhoenixEnvelope().open().read(message(payload, side))
    assert read.label == label
    assert isinstance(read.value, dict)
    assert tuple(read.value[name] for name in NAMES[:4]) == members


def test_what_has_another_form_is_not_looked_into() -> None:
    reading = PhoenixEnvelope().open()
    for payload in (b"", b"\x00", b"\x00\xff\xff\xff\xff", b"\x03abc", b"\x02\x01\x01\xff\xff"):
        assert [one.label for one in reading.read(message(payload, SERVER))] == ["binary"]
    for value in ([], [1, 2, 3, 4, 5], {"topic": "a"}, 7):
        assert [one.label for one in reading.read(message(value, SERVER))] == ["?"]
