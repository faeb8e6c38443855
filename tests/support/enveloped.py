"""What an envelope reads in the traffic of a real service: recorded in this process, then read.

::

    async with recorded("ws://127.0.0.1:8000", tmp_path) as traffic:
        ...  # connect to traffic.url
    assert traffic.envelope.name == "json-rpc"
    assert traffic.labels == ["-> initialize", "<- initialize:result"]
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn

from wstape.cassettes import Direction, Message, Opened, Recording, Target
from wstape.contracts import Contract, Detection, Envelope, Event, EventReader, find_envelopes, infer
from wstape.recorder import Recorder, Settings

PATIENCE = 30.0  # seconds that a slow machine may take for anything that is waited for
_ARROWS = {Direction.CLIENT: "->", Direction.SERVER: "<-"}


class Traffic:
    """A recorder in front of a service; once it has stopped, what its recording holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.address = ""

    @property
    def url(self) -> str:
        return f"ws://{self.address}"

    @property
    def http_url(self) -> str:
        return f"http://{self.address}"

    @property
    def detection(self) -> Detection:
        return find_envelopes([Recording(self.path)])

    @property
    def envelope(self) -> Envelope:
        return self.detection.envelope

    @property
    def confidence(self) -> float:
        (found,) = self.detection.found
        return found.confidence

    @property
    def contract(self) -> Contract:
        return infer([Recording(self.path)])

    @property
    def events(self) -> list[Event]:
        reader = EventReader(self.envelope)
        found: list[Event] = []
        for record in Recording(self.path):
            if isinstance(record, Opened):
                reader.opened(record)
            elif isinstance(record, Message):
                found.extend(reader.read(record))
        return found

    @property
    def labels(self) -> list[str]:
        return [f"{_ARROWS[event.direction]} {event.label}" for event in self.events]

    def payloads(self, label: str) -> list[Any]:
        return [event.payload for event in self.events if event.label == label]


@asynccontextmanager
async def recorded(target: str, folder: Path, *, grace: float = PATIENCE) -> AsyncGenerator[Traffic]:
    """Record what goes through ``Traffic.url``; connections have ``grace`` seconds to end by themselves."""
    traffic = Traffic(folder / "traffic.cassette")
    settings = Settings(target=Target.parse(target), output=traffic.path, redact=False)
    said: list[str] = []
    async with Recorder(settings, said.append) as recorder, asyncio.timeout(PATIENCE):
        traffic.address = recorder.url.partition("://")[2].rstrip("/")
        yield traffic
        await recorder.stop(grace=grace)
    assert said == []


@asynccontextmanager
async def served(app: Any) -> AsyncGenerator[str]:
    """Run an ASGI application; gives its ``ws://`` URL."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        config = uvicorn.Config(
            app, log_level="error", lifespan="off", ws="websockets-sansio", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve([sock]))
        try:
            yield f"ws://127.0.0.1:{sock.getsockname()[1]}"  # connections wait until the server has begun
        finally:
            server.should_exit = True
            await running
