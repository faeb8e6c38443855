"""permessage-deflate through the recorder: each parameter is negotiated as it is directly, each message is read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from upstreams import echo, websocket_upstream
from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

from wstape.cassettes import Kind, Target, header, read_session
from wstape.recorder import Recorder, Settings

NO_CLIENT, NO_SERVER = "client_no_context_takeover", "server_no_context_takeover"
CLIENT_BITS, SERVER_BITS = "client_max_window_bits", "server_max_window_bits"

Parameters = dict[str, Any]


@pytest.mark.parametrize(
    ("offered", "wanted"),
    [
        ({}, {}),
        ({NO_CLIENT: True}, {}),
        ({NO_SERVER: True}, {}),
        ({NO_CLIENT: True, NO_SERVER: True}, {}),
        ({CLIENT_BITS: True}, {CLIENT_BITS: 9}),
        ({CLIENT_BITS: 10}, {}),
        ({SERVER_BITS: 9}, {}),
        ({CLIENT_BITS: 9, SERVER_BITS: 15, NO_CLIENT: True}, {}),
        ({}, {NO_SERVER: True, NO_CLIENT: True}),
        ({CLIENT_BITS: True}, {SERVER_BITS: 9, CLIENT_BITS: 12, NO_SERVER: True}),
    ],
    ids=str,
)
def test_each_parameter(tmp_path: Path, offered: Parameters, wanted: Parameters) -> None:
    # Repeated over more than the smallest window, so that a context that is kept or lost wrongly shows.
    sent = [f"{number} some words to be found again" * (40 if number % 2 else 1) for number in range(8)]

    async def talk(url: str) -> str | None:
        extensions = [ClientPerMessageDeflateFactory(**offered)]
        async with connect(url, extensions=extensions, compression=None) as socket:
            for text in sent:
                await socket.send(text)
                assert await socket.recv() == text
            assert socket.response is not None
            return socket.response.headers.get("Sec-WebSocket-Extensions")

    async def main() -> tuple[str | None, str | None]:
        extensions = [ServerPerMessageDeflateFactory(**wanted)]
        async with (
            asyncio.timeout(30),
            websocket_upstream(echo, extensions=extensions, compression=None) as upstream,
        ):
            settings = Settings(target=Target.parse(upstream), output=tmp_path / "a.cassette")
            async with Recorder(settings) as recorder:
                return await talk(upstream), await talk(recorder.url)

    direct, through = asyncio.run(main())
    assert direct is not None
    assert direct == through
    (connection,) = read_session(tmp_path / "a.cassette").connections
    assert header(connection.handshake.response_headers, "sec-websocket-extensions") == direct
    for sender in ("client", "server"):
        texts = [one.text for one in connection.messages if one.direction == sender and one.kind is Kind.TEXT]
        assert texts == sent
