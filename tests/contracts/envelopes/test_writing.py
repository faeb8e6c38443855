"""Values put back into messages: what is read afterwards differs in them and in nothing else."""

from __future__ import annotations

import base64
import json
import struct
import uuid
from collections.abc import Sequence
from typing import Any

import cbor2
import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wstape.cassettes import Direction, Kind, Message
from wstape.contracts.envelopes import (
    ENVELOPES,
    CborEnvelope,
    CdpEnvelope,
    Envelope,
    GraphqlTransportWsEnvelope,
    GraphqlWsEnvelope,
    JsonEnvelope,
    JsonRpcEnvelope,
    JupyterEnvelope,
    MessagePackEnvelope,
    OcppEnvelope,
    OpaqueEnvelope,
    Payload,
    PhoenixEnvelope,
    SignalrEnvelope,
    SocketIoEnvelope,
    written,
)
from wstape.replayer.leaves import Path, leaves, replaced

TEXT, BINARY = Kind.TEXT, Kind.BINARY


def message(payload: bytes, kind: Kind) -> Message:
    return Message(connection=1, direction=Direction.CLIENT, kind=kind, payload=payload, at_ns=0)


def read(envelope: Envelope, payload: bytes, kind: Kind) -> Sequence[Payload]:
    return envelope.open().read(message(payload, kind))


def text(value: object) -> bytes:
    return json.dumps(value, separators=(",", ": ")).encode()


def packed(*records: object) -> bytes:
    parts = [msgpack.packb(record) for record in records]
    return b"".join((bytes([len(part) & 0x7F | 0x80, len(part) >> 7]) if len(part) > 127 else bytes([len(part)])) + part
                    for part in parts)  # fmt: skip


def kernel_message(code: str, *, v1: bool) -> bytes:
    header = {"msg_id": "m-1", "msg_type": "execute_request", "session": "s-1"}
    parts: list[dict[str, Any]] = [header, {"msg_id": "m-0"}, {}, {"code": code, "silent": False}]
    if not v1:
        names = ("header", "parent_header", "metadata", "content")
        body = text({**dict(zip(names, parts, strict=True)), "channel": "shell"})
        return struct.pack(">3I", 2, 12, 12 + len(body)) + body + b"\x00\x01"
    pieces = [b"shell", *map(text, parts), b"\x00\x01"]
    places = [8 * (len(pieces) + 2) + sum(map(len, pieces[:number])) for number in range(len(pieces) + 1)]
    return struct.pack(f"<{len(pieces) + 2}Q", len(places), *places) + b"".join(pieces)


ROOM = {"type": "join", "room": "r-1", "seats": [4, "é"], "open": True, "rate": 1.5}
BYTES = {"type": "join", "room": uuid.UUID(int=5).bytes, 7: "seven", "n": 70000}

# Each envelope's messages, and the places in their payloads that stay as they are.
MESSAGES: list[tuple[Envelope, bytes, Kind, set[str]]] = [
    (JsonEnvelope("/type", None), text(ROOM), TEXT, set()),
    (JsonEnvelope("/type", None), text(ROOM), BINARY, set()),
    (JsonEnvelope(), b"JOIN r-1", TEXT, set()),
    (MessagePackEnvelope("/type", None), msgpack.packb(BYTES), BINARY, set()),
    (MessagePackEnvelope("/type", None), msgpack.packb({"e": msgpack.ExtType(3, b"ab")}), BINARY, {"/e/tag"}),
    (MessagePackEnvelope("/type", None), text(ROOM), TEXT, set()),
    (CborEnvelope("/type", None), cbor2.dumps({**BYTES, "id": uuid.UUID(int=6)}), BINARY, set()),
    (CborEnvelope("/type", None), cbor2.dumps({"e": cbor2.CBORTag(4711, "a")}), BINARY, {"/e/tag"}),
    (JsonRpcEnvelope(), text({"jsonrpc": "2.0", "id": 7, "method": "join", "params": ROOM}), TEXT, set()),
    (JsonRpcEnvelope(), text([{"jsonrpc": "2.0", "id": n, "method": "a", "params": [n]} for n in "ab"]), TEXT, set()),
    (CdpEnvelope(), text({"id": 7, "method": "Page.enable", "sessionId": "s-1"}), TEXT, set()),
    (GraphqlTransportWsEnvelope(), text({"id": "1", "type": "subscribe", "payload": {"query": "{a}"}}), TEXT, set()),
    (GraphqlWsEnvelope(), text({"id": "1", "type": "start", "payload": {"query": "{a}"}}), TEXT, set()),
    (OcppEnvelope(), text([2, "id-1", "StopTransaction", {"transactionId": 7}]), TEXT, set()),
    (OcppEnvelope(), text([3, "id-1", {"status": "ok"}]), TEXT, set()),
    (OcppEnvelope(), text([4, "id-1", "GenericError", "no", {"a": "b"}]), TEXT, set()),
    (PhoenixEnvelope(), text(["1", "2", "room:r-1", "shout", {"text": "hi"}]), TEXT, set()),
    (PhoenixEnvelope(), text({"ref": "2", "topic": "room:r-1", "event": "shout", "payload": {"n": 1}}), TEXT, set()),
    (PhoenixEnvelope(), b"\x00\x01\x01\x06\x0510room:1shout\xff\xfe", BINARY, set()),
    (SignalrEnvelope(), text({"type": 1, "invocationId": "1", "target": "a", "arguments": [1]}) + b"\x1e", TEXT, set()),
    (SignalrEnvelope(), b'{"type":6}\x1e{"type":1,"target":"a","arguments":["x"]}\x1e{"type":7}\x1e', TEXT, set()),
    (SignalrEnvelope(), packed([1, {}, "1", "join", [ROOM, "x" * 130]], [6], [3, {}, "2", 1, "no"]), BINARY, {"/type"}),
    (JupyterEnvelope(), kernel_message("1 + 1", v1=True), BINARY, {"/channel"}),
    (JupyterEnvelope(), kernel_message("1 + 1", v1=False), BINARY, set()),
    (SocketIoEnvelope(), b'42["join",{"room" : "r-1"},[7]]', TEXT, {"/namespace"}),
    (SocketIoEnvelope(), b'42/admin,12["join",{"room":"r-1"}]', TEXT, {"/namespace"}),
    (SocketIoEnvelope(), b'4312["ok",7]', TEXT, {"/namespace"}),
    (SocketIoEnvelope(), b'451-["pic","a",{"_placeholder":true,"num":0}]', TEXT, {"/namespace"}),
    (SocketIoEnvelope(), b'40/admin,{"token":"t"}', TEXT, {"/namespace"}),
    (SocketIoEnvelope(), b'0{"sid":"s-1","pingInterval":25000}', TEXT, set()),
    (SocketIoEnvelope(), b"4hello", TEXT, set()),
    (OpaqueEnvelope(), b"SEND\nroom:r-1\n\n\x00", TEXT, set()),
]  # fmt: skip


def pointer(path: Path) -> str:
    return "".join(f"/{step}" for step in path)


@pytest.mark.parametrize(("envelope", "payload", "kind", "kept"), MESSAGES)
def test_each_value_can_be_put_back_and_another_in_its_place(
    envelope: Envelope, payload: bytes, kind: Kind, kept: set[str]
) -> None:
    events = read(envelope, payload, kind)
    assert events
    refused: set[str] = set()
    for number, event in enumerate(events):
        for path, value in leaves(event.value):
            if isinstance(value, bool | float | None):
                continue
            around: list[dict[Path, str | int]] = [{} for _ in events]
            around[number] = {path: value}  # type: ignore[dict-item]
            same = written(envelope, message(payload, kind), around)
            if same is None:
                refused.add(pointer(path))
                continue
            assert same == payload
            new = another(value)
            around[number] = {path: new}
            there = written(envelope, message(payload, kind), around)
            assert there is not None, path
            again = read(envelope, there, kind)
            wanted = [one.value for one in events]
            wanted[number] = replaced(wanted[number], path, new)
            if pointer(path) not in ("/type", "/header/msg_type"):  # which say what the rest is
                assert [one.value for one in again] == wanted
    assert refused == kept


def another(value: object) -> str | int:
    """A value of the same form."""
    if isinstance(value, int):
        return value + 1
    assert isinstance(value, str)
    if len(value) == 36:
        return str(uuid.UUID(int=99))
    try:
        known = base64.b64decode(value, validate=True)
    except ValueError:
        return value + "é-and more"
    return base64.b64encode(known + b"\x00\xff").decode() if len(value) == 24 or value == "YWI=" else value + "x"


def test_bytes_that_are_none_and_numbers_that_are_too_large_are_not_written() -> None:
    envelope, payload = MessagePackEnvelope(), msgpack.packb({"id": b"ab", "n": 7})
    assert written(envelope, message(payload, BINARY), [{("id",): "no base64!"}]) is None
    assert written(envelope, message(payload, BINARY), [{("n",): 2**70}]) is None
    long = b"\x00\x01\x01\x06\x0510room:1shout"
    assert written(PhoenixEnvelope(), message(long, BINARY), [{("topic",): "x" * 256}]) is None
    assert written(PhoenixEnvelope(), message(long, BINARY), [{("payload", "x"): "y"}]) is None
    assert written(SocketIoEnvelope(), message(b'421["a"]', TEXT), [{("id",): "no number"}]) is None
    assert written(OpaqueEnvelope(), message(b"\x00", BINARY), [{(): "text"}]) is None


PATHS = st.lists(st.sampled_from(["id", "args", "payload", "arguments", "header", 0, 1]), max_size=3).map(tuple)


@settings(max_examples=15)
@pytest.mark.parametrize("envelope", [envelope() for envelope in ENVELOPES], ids=lambda envelope: envelope.name)
@given(st.data())
def test_damaged_messages_are_written_back_or_not_at_all(envelope: Envelope, data: st.DataObject) -> None:
    _, payload, kind, _ = data.draw(st.sampled_from([one for one in MESSAGES if one[0].name == envelope.name]))
    cut = data.draw(st.integers(0, len(payload)))
    damaged = payload[:cut] + data.draw(st.binary(max_size=4)) + payload[cut + data.draw(st.integers(0, 3)) :]
    events = read(envelope, damaged, kind) if kind is BINARY or is_text(damaged) else ()
    known = [
        {path: value for path, value in leaves(event.value) if isinstance(value, str | int) and value not in (0, 1)}
        for event in events
    ]
    assert written(envelope, message(damaged, kind), known) in (damaged, None)
    wild = data.draw(st.lists(st.dictionaries(PATHS, st.text(max_size=3) | st.integers()), max_size=3))
    written(envelope, message(damaged, kind), wild)


def is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
