"""OCPP as the ``ocpp`` package speaks it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from enveloped import recorded
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import RegistrationStatus
from upstreams import websocket_upstream
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from wstape.cassettes import Direction, Kind, Message
from wstape.contracts.envelopes import OcppEnvelope


class Central(ChargePoint):
    @on("BootNotification")
    def boot(self, **_: Any) -> call_result.BootNotification:
        return call_result.BootNotification(
            current_time="2026-01-31T12:00:00Z", interval=10, status=RegistrationStatus.accepted
        )


class Point(ChargePoint):
    @on("Reset")
    def reset(self, **_: Any) -> call_result.Reset:
        return call_result.Reset(status="Accepted")  # type: ignore[arg-type]


def test_the_ocpp_package_is_read(tmp_path: Path) -> None:
    async def central(socket: ServerConnection) -> None:
        point = Central("point", socket)
        listening = asyncio.create_task(point.start())
        await point.call(call.Reset(type="Soft"))  # type: ignore[arg-type]
        with pytest.raises(ConnectionClosed):
            await listening

    async def main() -> None:
        protocol = Subprotocol("ocpp1.6")
        async with (
            websocket_upstream(central, subprotocols=[protocol]) as upstream,
            recorded(upstream, tmp_path) as traffic,
        ):
            async with connect(traffic.url + "/point", subprotocols=[protocol]) as socket:
                point = Point("point", socket)
                listening = asyncio.create_task(point.start())
                booted = await point.call(call.BootNotification("model", "vendor"))
                assert booted.interval == 10
                refused = await point.call(call.Heartbeat(), suppress=True)
                assert refused is None
            with pytest.raises(ConnectionClosed):
                await listening
        assert (traffic.envelope, traffic.confidence) == (OcppEnvelope(), 1.0)
        labels = traffic.labels
        assert sorted(labels) == sorted(
            [
                "-> BootNotification", "<- BootNotification:result", "<- Reset", "-> Reset:result",
                "-> Heartbeat", "<- Heartbeat:error",
            ]
        )  # fmt: skip
        (error,) = traffic.payloads("Heartbeat:error")
        assert error["code"] in ("NotImplemented", "NotSupported")
        (boot,) = traffic.payloads("BootNotification")
        assert boot["payload"] == {"chargePointModel": "model", "chargePointVendor": "vendor"}

    asyncio.run(main())


def test_messages_of_version_2_1_and_others() -> None:
    reading = OcppEnvelope().open()
    sent = [
        (b'[6,"1","NotifyPeriodicEventStream",{}]', "NotifyPeriodicEventStream"),
        (b'[5,"1","FormatViolation","",{}]', "?:result-error"),
        (b'[3,"1",{}]', "?:result"),
        (b'[true,"1",{}]', "?"),
        (b'[2,"1","Reset"]', "?"),
        (b"[]", "?"),
        (b"hello", "text"),
    ]
    for payload, label in sent:
        message = Message(connection=1, direction=Direction.CLIENT, kind=Kind.TEXT, payload=payload, at_ns=0)
        assert [one.label for one in reading.read(message)] == [label]
