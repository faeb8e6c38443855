"""Jupyter kernels as jupyter_server speaks to them, in both subprotocols."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from enveloped import Traffic, recorded
from upstreams import unused_port

from wstape.cassettes import Direction, Kind, Message
from wstape.cli import run
from wstape.contracts.envelopes import JupyterEnvelope
from wstape.contracts.envelopes.jupyter import SUBPROTOCOL


@asynccontextmanager
async def jupyter_server(folder: Path) -> AsyncGenerator[str]:
    """Run the server; gives its ``ws://`` origin."""
    port = unused_port()
    options = (f"port={port}", "port_retries=0", "ip=127.0.0.1", "disable_check_xsrf=True", "open_browser=False")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "jupyter_server", "--allow-root", "--IdentityProvider.token="),
        *(f"--ServerApp.{option}" for option in options),
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "JUPYTER_RUNTIME_DIR": str(folder / "run")},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said: list[bytes] = []
    async with asyncio.timeout(60):
        while b"is running at" not in (line := await process.stderr.readline()):
            said.append(line)
            assert line, b"".join(said).decode()
    drain = asyncio.create_task(process.stderr.read())
    try:
        await listening(port)
        yield f"ws://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()
        await drain


async def listening(port: int) -> None:
    """Wait until the server takes connections: it says that it runs before it does."""
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def request(session: str, code: str) -> dict[str, Any]:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "session": session,
        "username": "",
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": "shell",
        "buffers": [],
    }


def encoded(message: dict[str, Any]) -> bytes:
    """The v1 form: offsets, channel, four objects."""
    objects = [json.dumps(message[part]).encode() for part in ("header", "parent_header", "metadata", "content")]
    parts = [message["channel"].encode(), *objects]
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)


@pytest.mark.slow
@pytest.mark.parametrize("subprotocol", [None, SUBPROTOCOL])
def test_jupyter_server_is_read(subprotocol: str | None, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            jupyter_server(tmp_path) as origin,
            recorded(origin, tmp_path) as traffic,
            aiohttp.ClientSession(traffic.http_url) as client,
        ):
            async with client.post("/api/kernels", json={}) as response:
                assert response.status == 201, await response.text()
                kernel = (await response.json())["id"]
            session = uuid.uuid4().hex
            path, offered = (
                f"/api/kernels/{kernel}/channels?session_id={session}",
                (subprotocol,) if subprotocol else (),
            )
            async with client.ws_connect(path, protocols=offered, max_msg_size=0) as socket:
                assert socket.protocol == subprotocol
                for code in ("print('hello')", "1 / 0"):
                    asked = request(session, code)
                    data = encoded(asked) if subprotocol else json.dumps(asked).encode()
                    await (socket.send_bytes(data) if subprotocol else socket.send_str(data.decode()))
                    wanted = {b"execute_reply", b"idle"}
                    while wanted:
                        answer = await socket.receive(timeout=30)
                        raw = answer.data if isinstance(answer.data, bytes) else answer.data.encode()
                        if asked["header"]["msg_id"].encode() in raw:
                            wanted -= {word for word in wanted if word in raw}
            async with client.delete(f"/api/kernels/{kernel}"):
                pass
        assert traffic.envelope == JupyterEnvelope()
        assert traffic.confidence > 0.98
        assert set(traffic.labels) >= {
            "-> execute_request", "<- execute_input", "<- stream", "<- execute_reply", "<- status", "<- error",
        }  # fmt: skip
        contract = traffic.contract
        assert {"client:execute_request", "server:execute_reply"} <= set(contract.scopes[0].scope.paths)
        assert contract.scopes[0].name == "msg_id"
        # Another server's kernel has another id, and the client's own identifiers may be others, too.
        options = ("--fresh-ids",) if subprotocol else ()
        async with jupyter_server(tmp_path) as origin:
            saved = tmp_path / "saved.cassette"
            replay = ("replay", str(traffic.path), "--target", origin, "--timeout", "90", *options)
            # Not the verdict: the server asks its kernel too, and what comes of that comes at any time.
            assert await asyncio.to_thread(run, (*replay, "--save", str(saved))) in (0, 1)
        replayed = Traffic(saved)
        assert [reply["content"]["status"] for reply in replayed.payloads("execute_reply")] == ["ok", "error"]

    asyncio.run(main())


MESSAGE = {
    "header": {"msg_id": "a", "msg_type": "comm_msg"},
    "parent_header": {},
    "metadata": {},
    "content": {"data": {}},
    "channel": "iopub",
}


def read(payload: bytes, kind: Kind = Kind.BINARY) -> tuple[str, object]:
    message = Message(connection=1, direction=Direction.SERVER, kind=kind, payload=payload, at_ns=0)
    (one,) = JupyterEnvelope().open().read(message)
    return one.label, one.value


def test_buffers_are_read_in_both_forms() -> None:
    data = json.dumps(MESSAGE).encode()
    default = struct.pack(">3I", 2, 12, 12 + len(data)) + data + b"\x00\x01"
    assert read(default) == ("comm_msg", {**MESSAGE, "buffers": [None]})
    v1 = encoded(MESSAGE)
    assert read(v1) == ("comm_msg", {**MESSAGE, "buffers": []})
    assert read(data, Kind.TEXT) == ("comm_msg", MESSAGE)


def test_what_has_another_form_is_not_looked_into() -> None:
    huge = struct.pack("<2Q", 2**60, 16)
    for payload in (b"", b"\x00" * 8, huge, struct.pack(">2I", 1, 8) + b"no", struct.pack(">2I", 1, 8) + b"{}"):
        assert read(payload)[0] in ("binary", "?")
    assert read(b'{"header": {"msg_type": "a"}}', Kind.TEXT)[0] == "?"
