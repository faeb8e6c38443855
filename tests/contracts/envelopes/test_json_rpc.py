"""JSON-RPC 2.0 as the ``json-rpc`` package answers it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from enveloped import recorded
from jsonrpc import JSONRPCResponseManager
from upstreams import websocket_upstream
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection

from wstape.contracts.envelopes import JsonRpcEnvelope

METHODS = {"add": lambda a, b: a + b, "refuse": lambda: 1 // 0, "log": lambda text: None}


def test_json_rpc_is_read(tmp_path: Path) -> None:
    async def serve(socket: ServerConnection) -> None:
        async for request in socket:
            answer = JSONRPCResponseManager.handle(str(request), METHODS)
            if answer is not None:
                await socket.send(answer.json)

    async def main() -> None:
        async with (
            websocket_upstream(serve) as upstream,
            recorded(upstream, tmp_path) as traffic,
            connect(traffic.url) as socket,
        ):

            async def send(**fields: object) -> None:
                await socket.send(json.dumps({"jsonrpc": "2.0", **fields}))

            await send(method="log", params=["begun"])
            for number, (method, params) in enumerate([("add", [1, 2]), ("refuse", []), ("nonsense", [])]):
                await send(id=number, method=method, params=params)
                await socket.recv()
            batch = [{"jsonrpc": "2.0", "id": f"b{n}", "method": "add", "params": [n, n]} for n in range(2)]
            await socket.send(json.dumps(batch))
            await socket.recv()
        assert traffic.envelope == JsonRpcEnvelope()
        assert traffic.labels == [
            "-> log", "-> add", "<- add:result", "-> refuse", "<- refuse:error", "-> nonsense", "<- nonsense:error",
            "-> add", "-> add", "<- add:result", "<- add:result",
        ]  # fmt: skip

    asyncio.run(main())
