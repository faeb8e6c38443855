"""The Chrome DevTools Protocol as Chromium speaks it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from browser import Page, browser, chromium
from enveloped import recorded
from websockets.asyncio.client import connect

from wstape.cassettes import Direction, Kind, Message
from wstape.contracts.envelopes import CdpEnvelope


@pytest.mark.skipif(browser() is None, reason="no Chromium on this machine")
def test_chromium_is_read(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            chromium(tmp_path) as page,
            recorded(page.origin, tmp_path) as traffic,
            connect(traffic.url + page.resource, max_size=None, proxy=None) as devtools,
        ):
            second = Page(devtools)
            await second.open()
            await second.call("Page.enable")
            await second.go("data:text/html,<title>Chat</title>")
            await second.until("document.title === 'Chat'")
            with pytest.raises(RuntimeError):
                await second.call("Page.nonsense")
        assert traffic.envelope == CdpEnvelope()
        assert traffic.confidence > 0.98
        labels = set(traffic.labels)
        assert labels >= {
            "-> Target.createTarget", "<- Target.createTarget:result", "<- Target.attachedToTarget",
            "-> Runtime.evaluate", "<- Runtime.evaluate:result", "<- Page.nonsense:error", "<- Page.frameNavigated",
        }  # fmt: skip
        assert not any("?" in label for label in labels)

    asyncio.run(main())


def test_sessions_number_their_commands_by_themselves() -> None:
    reading = CdpEnvelope().open()

    def read(side: Direction, payload: bytes) -> list[str]:
        message = Message(connection=1, direction=side, kind=Kind.TEXT, payload=payload, at_ns=0)
        return [one.label for one in reading.read(message)]

    assert read(Direction.CLIENT, b'{"id":1,"method":"A.a","sessionId":"s"}') == ["A.a"]
    assert read(Direction.CLIENT, b'{"id":1,"method":"B.b"}') == ["B.b"]
    assert read(Direction.SERVER, b'{"id":1,"result":{}}') == ["B.b:result"]
    assert read(Direction.SERVER, b'{"id":1,"result":{},"sessionId":"s"}') == ["A.a:result"]
    assert read(Direction.SERVER, b'{"id":1,"error":{}}') == ["B.b:error"]
    assert [read(Direction.SERVER, bad) for bad in (b"{}", b"[]", b"no")] == [["?"], ["?"], ["text"]]
