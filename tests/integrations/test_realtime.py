"""The official client of a realtime API records once and replays offline, with new event ids on each run."""

from __future__ import annotations

import hashlib
import json

import pytest
from realtime import AUDIO, realtime

pytest_plugins = ["pytester"]

CLIENT = """
import asyncio, base64, hashlib, json, os, uuid
import pytest
from openai import AsyncOpenAI

async def talk():
    client = AsyncOpenAI(api_key="sk-test-1234567890abcdef", websocket_base_url=os.environ["SERVICE"])
    audio, ids = b"", []
    async with client.realtime.connect(model="sample-realtime") as connection:
        async def until(kind):
            while True:
                event = await connection.recv()
                ids.append(event.event_id)
                if event.type == kind:
                    return

        await connection.session.update(session={"type": "realtime", "instructions": "be brief"})
        await until("session.updated")
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello"}]},
            event_id=str(uuid.uuid4()),
        )
        await until("conversation.item.added")
        await connection.response.create()
        async for event in connection:
            ids.append(event.event_id)
            if event.type == "response.output_audio.delta":
                audio += base64.b64decode(event.delta)
            if event.type == "response.done":
                return audio, ids

@pytest.mark.wstape(fresh_ids=True)
def test_talk():
    for _ in range(int(os.environ.get("RUNS", "1"))):
        audio, ids = asyncio.run(talk())
        with open("heard.jsonl", "a") as file:
            file.write(json.dumps({"audio": hashlib.sha256(audio).hexdigest(), "ids": ids}) + "\\n")
"""


@pytest.mark.slow
@pytest.mark.timeout(600)  # the package's own imports alone take many seconds
def test_the_openai_client_records_once_and_replays_offline(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openai", reason="the openai package is not installed")
    monkeypatch.delenv("CI", raising=False)
    pytester.makepyfile(test_talk=CLIENT)
    with realtime() as url:
        monkeypatch.setenv("SERVICE", url)
        pytester.runpytest_subprocess("--wstape-mode=once").assert_outcomes(passed=1)
    monkeypatch.setenv("RUNS", "2")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
    heard = [json.loads(line) for line in pytester.path.joinpath("heard.jsonl").read_text().splitlines()]
    assert {run["audio"] for run in heard} == {hashlib.sha256(AUDIO).hexdigest()}
    assert len({identifier for run in heard for identifier in run["ids"]}) == sum(len(run["ids"]) for run in heard)
    (cassette,) = pytester.path.glob("cassettes/*/*.cassette")
    assert b"sk-test-1234567890abcdef" not in cassette.read_bytes()
