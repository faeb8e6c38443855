"""MessagePack and CBOR, from a service that speaks them, and what JSON has no word for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import cbor2
import msgpack
import pytest
from enveloped import recorded
from hypothesis import given
from hypothesis import strategies as st
from upstreams import websocket_upstream
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection

from wstape.contracts.envelopes.binary_value import unpack_cbor, unpack_messagepack
from wstape.contracts.json_text import NOT_JSON

ENCODINGS: dict[str, tuple[Callable[[Any], bytes], Callable[[bytes], Any]]] = {
    "msgpack": (msgpack.packb, partial(msgpack.unpackb, strict_map_key=False)),
    "cbor": (cbor2.dumps, cbor2.loads),
}


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_service_that_speaks_it_is_read(name: str, tmp_path: Path) -> None:
    pack, unpack = ENCODINGS[name]

    async def serve(socket: ServerConnection) -> None:
        async for data in socket:
            assert isinstance(data, bytes)
            asked = unpack(data)
            await socket.send(pack({"op": "started", "run_id": asked["run_id"]}))
            for step in range(3):
                await socket.send(
                    pack({"op": "level", "run_id": asked["run_id"], "step": step, "data": b"\x00" * step})
                )
            await socket.send(pack({"op": "done", "run_id": asked["run_id"], "levels": {1: 0.5, 2: None}}))

    async def main() -> None:
        async with (
            websocket_upstream(serve) as upstream,
            recorded(upstream, tmp_path) as traffic,
            connect(traffic.url) as socket,
        ):
            for number in range(4):
                await socket.send(pack({"op": "start", "run_id": f"run_{number}"}))
                while unpack(await socket.recv())["op"] != "done":
                    pass
        assert traffic.envelope.parameters() == {"name": name, "client": "/op", "server": "/op"}
        assert traffic.labels[:6] == ["-> start", "<- started", *["<- level"] * 3, "<- done"]
        assert traffic.payloads("level")[1]["data"] == "AA=="
        assert traffic.payloads("done")[0]["levels"] == {"1": 0.5, "2": None}
        contract = traffic.contract
        assert contract.events["server:started"].kind == "binary"
        assert "run_id" in [claim.name for claim in contract.scopes]

    asyncio.run(main())


def test_what_json_has_no_word_for() -> None:
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert unpack_messagepack(msgpack.packb([moment, msgpack.ExtType(5, b"\x01")], datetime=True)) == [
        "2026-01-31T12:00:00Z", {"tag": 5, "value": "AQ=="},
    ]  # fmt: skip
    value = [moment, cbor2.CBORTag(4000, [b"\x01"]), cbor2.undefined, cbor2.CBORSimpleValue(99), {3, 1}, {(1, "a"): 2}]
    assert unpack_cbor(cbor2.dumps(value)) == [
        "2026-01-31T12:00:00Z", {"tag": 4000, "value": ["AQ=="]}, None, {"simple": 99}, [1, 3], {'[1, "a"]': 2},
    ]  # fmt: skip


BAD_CBOR = [
    b"\xd8\x1c\x81\xd8\x1d\x00",  # a list that holds itself
    b"\x82\xd8\x1c\x98\x40" + b"\x00" * 64 + b"\x98\xc8" + b"\xd8\x1d\x00" * 200,  # what is shared, 200 times
    b"\x81" * 100_000,
    b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xc2\x5a\x00\x01\x00\x00" + b"\xff" * 65536,  # an integer of half a million bits
    b"\xc1\xfb\x7e\x37\xe4\x3c\x88\x00\x75\x9c",  # a moment in the year 10 ** 290
    b"\xd8\x23\x61(",  # a regular expression that is none
    b"\xa1\x01\x02\x03",  # and three more bytes
    b"",
]
BAD_MESSAGEPACK = [
    b"\x91" * 100_000,
    b"\xdf\xff\xff\xff\xff",
    b"\xc1",
    b"",
    b"\x81\x81\x01\x01\x01",
    b"\xa1\xff",
    b"\x01\x02",
]


def test_bytes_that_are_none_of_it_or_a_trap_are_refused() -> None:
    assert [unpack_cbor(data) for data in BAD_CBOR] == [NOT_JSON] * len(BAD_CBOR)
    assert [unpack_messagepack(data) for data in BAD_MESSAGEPACK] == [NOT_JSON] * len(BAD_MESSAGEPACK)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    unpack_cbor(data)
    unpack_messagepack(data)
