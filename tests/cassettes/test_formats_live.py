"""HAR between wstape and a real Chromium's devtools, both ways."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from browser import browser
from devtools import devtools
from foreign_site import BINARY, PASSWORD, SAID, site

from wstape.cassettes import Direction, Kind, read_session
from wstape.cassettes.formats.har_writing import har_text


@pytest.mark.skipif(browser() is None, reason="no Chromium on this machine")
def test_devtools_write_what_wstape_reads_and_read_what_wstape_writes(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.har"

    def ours(har: str) -> str:
        theirs.write_text(har, encoding="utf-8")
        return har_text(read_session(theirs))

    async def scene() -> tuple[str, list[dict[str, object]]]:
        async with site() as address, devtools(tmp_path) as tools:
            await tools.page.go(f"http://{address}/")
            await tools.page.until("document.title === 'closed 4001'")
            return address, await tools.imported(ours(await tools.exported()))

    address, seen = asyncio.run(scene())
    session = read_session(theirs)
    (connection,) = session.connections
    sent = [message.payload for message in connection.messages if message.direction is Direction.CLIENT]
    assert sent == [SAID[0].encode(), SAID[1].encode(), BINARY, b"bye"]
    assert {exchange.target for exchange in session.exchanges} >= {"/", "/login", "/me.json", "/logo.png"}

    (socket,) = [one for one in seen if one["type"] == "websocket"]
    assert socket["url"] == f"ws://{address}{connection.handshake.target}"
    frames = socket["frames"]
    assert isinstance(frames, list)
    assert [(kind, opcode) for kind, opcode, _, _ in frames] == [
        ("send" if message.direction is Direction.CLIENT else "receive", 1 if message.kind is Kind.TEXT else 2)
        for message in connection.messages
    ]
    assert frames[0][2] == SAID[0]
    login = next(one for one in seen if one["method"] == "POST")
    assert login["body"] == f"user=alice&password={PASSWORD}"
    me = next(one for one in seen if str(one["url"]).endswith("/me.json"))
    assert json.loads(str(me["answer"]))["user"] == "alice"
