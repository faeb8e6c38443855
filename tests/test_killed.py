"""A recorder that is killed in the middle of traffic leaves a recording that every command can read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from pathlib import Path

import aiohttp
import pytest
from agents import Build, converse, serving
from recording import recording

from wstape.cassettes import open_cassette
from wstape.cli import run


async def converse_until_killed(recorder, conversations: int) -> None:
    """Chat without end; kill the recorder once a number of conversations is over and another goes on."""
    users = ("alice", "bob", "carol")

    async def chat(user: str) -> None:
        for _ in range(conversations):
            await converse(recorder.http_url, user, 3)
        # This one is to be cut: whatever it meets is the recorder's death.
        with contextlib.suppress(aiohttp.ClientError, OSError, TypeError, KeyError):
            await converse(recorder.http_url, user, 10_000)

    async def kill() -> None:
        # The flush interval is what may be lost at most, so what came a second ago must be there.
        await asyncio.sleep(1.0)
        recorder.process.send_signal(signal.SIGKILL)

    chats = [asyncio.create_task(chat(user)) for user in users]
    await asyncio.gather(kill(), *chats)


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    path = tmp_path / "cut.cassette"
    with serving() as target, recording(target, path, "--keep-secrets", str(tmp_path / "cut.secrets")) as recorder:
        asyncio.run(converse_until_killed(recorder, conversations=1))
    assert recorder.status == -signal.SIGKILL
    return path


def test_it_is_read_up_to_the_flush_interval_and_said_to_be_incomplete(
    cut: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = open_cassette(cut)
    records = list(reader)
    assert len(records) > 100
    assert not reader.complete

    contract = cut.with_suffix(".contract.json")
    assert run(["show", str(cut)]) == 3
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) > 100
    assert "is incomplete" in shown.err

    assert run(["infer", str(cut), "-o", str(contract)]) == 3
    assert "is incomplete" in capsys.readouterr().err
    assert "server:agent_completed" in json.loads(contract.read_text())["events"]

    assert run(["check", str(cut), "--contract", str(contract), "--json"]) == 3
    checked = json.loads(capsys.readouterr().out)
    assert (checked["verdict"], checked["summary"]["complete"]) == ("compatible", False)


def test_it_is_replayed_as_far_as_it_goes(cut: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secrets = [f"--secret=password:{number}={value}" for number, value in enumerate(_passwords(cut), 1)]
    with serving(Build()) as target:
        status = run(["replay", str(cut), "--target", target, "--json", *secrets])
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert [f for f in document["findings"] if f["severity"] == "breaking"] == []
    assert status == 3
    assert "is incomplete" in captured.err


def _passwords(cut: Path) -> list[str]:
    """The users' passwords in the order in which the recorder met them."""
    from agents import PASSWORDS

    from wstape.cassettes import HttpExchange

    users = dict.fromkeys(
        json.loads(record.request_body)["user"] for record in open_cassette(cut) if isinstance(record, HttpExchange)
    )
    return [PASSWORDS[user] for user in users]
