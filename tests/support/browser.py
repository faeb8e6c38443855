"""A real Chromium without a window, driven by its devtools protocol.

::

    async with chromium(tmp_path) as page:
        await page.go("http://127.0.0.1:8000/")
        await page.until("document.title === 'Chat'")
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

PATIENCE = 30.0  # seconds that a slow machine may take for anything that is waited for
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)


def browser() -> str | None:
    """The path of a Chromium, None when there is none. ``WSTAPE_TEST_CHROMIUM`` names another one."""
    named = os.environ.get("WSTAPE_TEST_CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One tab."""

    def __init__(self, devtools: ClientConnection, numbers: Iterator[int] | None = None) -> None:
        self._devtools = devtools
        self._numbers = count(1) if numbers is None else numbers
        self._session: dict[str, str] = {}

    @property
    def origin(self) -> str:
        """Where the browser listens for its devtools: ``ws://127.0.0.1:PORT``."""
        return "ws://{}:{}".format(*self._devtools.remote_address[:2])

    @property
    def resource(self) -> str:
        """The path of its devtools."""
        assert self._devtools.request is not None
        return self._devtools.request.path

    async def open(self) -> None:
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}

    @property
    def address(self) -> str:
        """Where the browser's own HTTP server is, ``127.0.0.1:PORT``."""
        host, port = self._devtools.remote_address[:2]
        return f"{host}:{port}"

    async def beside(self) -> Page:
        """Open another tab of the same browser; the two are driven in turn."""
        page = Page(self._devtools, self._numbers)
        await page.open()
        return page

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol. Raises RuntimeError when the browser refuses it."""
        number = next(self._numbers)
        request = {"id": number, "method": method, "params": parameters, **self._session}
        await self._devtools.send(json.dumps(request))
        async for message in self._devtools:
            answer = json.loads(message)
            if answer.get("id") == number:  # all else is events
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
        raise RuntimeError("the browser has gone")

    async def go(self, url: str) -> None:
        """Load a page."""
        result = await self.call("Page.navigate", url=url)
        assert not result.get("errorText"), result["errorText"]

    async def run(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until an expression is true, over page loads."""
        said = ""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    # While a page gives way to another there is nothing to ask.
                    with contextlib.suppress(RuntimeError):
                        if await self.run(condition):
                            return
                        said = await self.run("location + ' ' + document.documentElement.outerHTML")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"never true in the browser: {condition}; it shows {said}") from None


@asynccontextmanager
async def chromium(folder: Path) -> AsyncGenerator[Page]:
    """Start a browser with a fresh profile in ``folder``; end it afterwards."""
    path = browser()
    assert path is not None
    process = await asyncio.create_subprocess_exec(
        path,
        *FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while "DevTools listening on " not in (line := (await process.stderr.readline()).decode()):
                said.append(line)
                assert line, f"the browser did not start: {said}"
        drain = asyncio.create_task(process.stderr.read())
        async with connect(line.split()[-1], max_size=None, proxy=None) as devtools:
            page = Page(devtools)
            await page.open()
            yield page
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
    await drain
