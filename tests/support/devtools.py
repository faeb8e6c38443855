"""Chromium's own devtools as a reader and writer of HAR: the front end runs in a second tab over the first one.

``python tests/support/devtools.py URL FILE`` loads a page of ``foreign_site`` and writes what "Save all as HAR" writes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from browser import PATIENCE, Page, chromium

_READY = "import('./models/logs/logs.js').then(logs => !!logs.NetworkLog.NetworkLog.instance())"
_HEARD = "import('./models/logs/logs.js').then(logs => logs.NetworkLog.NetworkLog.instance().requests().length)"
_EXPORT = """(async () => {
  const logs = await import("./models/logs/logs.js");
  const har = await import("./models/har/har.js");
  const progress = {isCanceled: () => false, canceled: false, createSubProgress: () => progress};
  for (const name of ["setTitle", "setTotalWork", "setWorked", "incrementWorked", "done"]) progress[name] = () => {};
  const parts = [];
  const requests = logs.NetworkLog.NetworkLog.instance().requests();
  await har.Writer.Writer.write({write: async part => { parts.push(part); }}, requests, {sanitize: false}, progress);
  return parts.join("");
})()"""
_IMPORT = """(async () => {
  const har = await import("./models/har/har.js");
  const requests = har.Importer.Importer.requestsFromHARLog(new har.HARFormat.HARRoot(%s).log);
  return JSON.stringify(await Promise.all(requests.map(async request => ({
    url: request.url(), method: request.requestMethod, status: request.statusCode, type: request.resourceType().name(),
    body: await request.requestFormData(),
    answer: (content => content.isTextContent ? content.text : null)(await request.requestContentData()),
    frames: request.frames().map(frame => [frame.type, frame.opCode, frame.text, frame.time]),
  }))));
})()"""


class Devtools:
    """The front end in a tab of its own, over ``page``."""

    def __init__(self, page: Page, front: Page) -> None:
        self.page = page
        self._front = front

    async def exported(self) -> str:
        """The HAR of all that the page has loaded."""
        return await self._front.run(_EXPORT)

    async def imported(self, har: str) -> list[dict[str, Any]]:
        """What the front end makes of a HAR, a request an entry."""
        return json.loads(await self._front.run(_IMPORT % har))


@asynccontextmanager
async def devtools(folder: Path) -> AsyncGenerator[Devtools]:
    """Start a browser with its devtools open over an empty page."""
    async with chromium(folder) as page:
        address = page.address
        listed = await asyncio.to_thread(urllib.request.urlopen, f"http://{address}/json/list")
        target = next(one for one in json.load(listed) if one["type"] == "page" and one["url"] == "about:blank")
        front = await page.beside()
        await front.go(
            f"http://{address}/devtools/inspector.html?ws={address}/devtools/page/{target['id']}&panel=network"
        )
        await front.until(_READY)
        async with asyncio.timeout(PATIENCE):
            # The front end begins to listen some time after it is ready, and tells nobody: it is until it has heard.
            while not await front.run(_HEARD):
                await page.go(f"http://{address}/json/version")
                await page.until("document.readyState === 'complete'")
        yield Devtools(page, front)


async def _saved(url: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        async with devtools(Path(folder)) as tools:
            await tools.page.go(url)
            await tools.page.until("document.title.startsWith('closed')")
            return await tools.exported()


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(asyncio.run(_saved(sys.argv[1])), encoding="utf-8")
