"""Served recordings whose messages are not plain JSON: clients hear their own identifiers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from dialects import DIALECTS, rooms, visit
from enveloped import recorded
from served import served

from wstape.cassettes import Session, read_session


def record(name: str, folder: Path) -> Session:
    async def main(url: str) -> Path:
        async with recorded(url, folder) as traffic:
            await visit(DIALECTS[name], traffic.url)
        return traffic.path

    with rooms(DIALECTS[name]) as service:
        return read_session(asyncio.run(main(service.url)))


@pytest.mark.parametrize("fresh_ids", [False, True])
@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "opaque"])  # a text is heard as a whole
def test_a_client_hears_its_own_identifiers(name: str, fresh_ids: bool, tmp_path: Path) -> None:
    with served(record(name, tmp_path), fresh_ids=fresh_ids) as service:
        asyncio.run(visit(DIALECTS[name], service.url))
    assert service.findings == ()


def test_paths_have_envelopes_of_their_own(tmp_path: Path) -> None:
    names = ("msgpack", "cbor")

    async def talk(url: str) -> None:
        for name in names:
            await visit(DIALECTS[name], f"{url}/{name}")

    async def main(url: str) -> Path:
        async with recorded(url, tmp_path) as traffic:
            await talk(traffic.url)
        assert len(traffic.detection.found) == 2
        return traffic.path

    with rooms(*(DIALECTS[name] for name in names)) as service:
        session = read_session(asyncio.run(main(service.url)))
    with served(session) as cassette:
        asyncio.run(talk(cassette.url))
    assert cassette.findings == ()
