"""The verdict on builds of a real service: what breaks its clients is told, what does not is not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from agents import PASSWORDS, Build, converse_all, serving
from recording import recording
from truth import BREAKING, COMPATIBLE, breaking

from wstape.cassettes import read_session
from wstape.cli import run


class Recorded:
    """A recording of the service, its contract and its secrets."""

    def __init__(self, folder: Path) -> None:
        self.cassette = folder / "chat.cassette"
        self.contract = folder / "chat.contract.json"
        self.secrets = folder / "chat.secrets"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    files = Recorded(tmp_path_factory.mktemp("verdicts"))
    with (
        serving() as target,
        recording(target, files.cassette, "--keep-secrets", str(files.secrets)) as recorder,
    ):
        asyncio.run(converse_all(recorder.http_url))
    assert recorder.status == 0, recorder.stderr
    assert run(["infer", str(files.cassette), "-o", str(files.contract)]) == 0
    return files


@pytest.fixture
def replay(recorded: Recorded, capsys: pytest.CaptureFixture[str]):
    def play(build: Build, *options: str) -> tuple[int, dict]:
        with serving(build) as target:
            status = run(
                [
                    *("replay", str(recorded.cassette), "--contract", str(recorded.contract)),
                    *("--target", target, "--secrets", str(recorded.secrets), "--json", *options),
                ]
            )
        return status, json.loads(capsys.readouterr().out)

    return play


def test_the_recording_holds_the_session_and_no_secret(recorded: Recorded) -> None:
    session = read_session(recorded.cassette)
    assert session.complete
    assert len(session.connections) == len(session.exchanges) == 3
    assert all(password.encode() not in recorded.cassette.read_bytes() for password in PASSWORDS.values())
    for exchange in session.exchanges:
        assert b"{{secret:password:" in exchange.request_body
        assert b"{{secret:access_token:" in exchange.response_body
    assert all("{{secret:access_token:" in connection.handshake.target for connection in session.connections)


def test_the_same_build_is_compatible_ten_times(replay) -> None:
    for _ in range(10):
        status, document = replay(Build())
        assert (status, document["verdict"], breaking(document)) == (0, "compatible", [])
        assert document["summary"]["connections"] == 3


@pytest.mark.parametrize("variant", BREAKING)
def test_a_breaking_build_gives_its_one_finding(replay, variant: str) -> None:
    status, document = replay(Build(variant), "--timeout", "1")
    assert (status, document["verdict"]) == (1, "breaking")
    assert breaking(document) == [BREAKING[variant]]


@pytest.mark.parametrize("variant", COMPATIBLE)
def test_a_compatible_build_is_compatible(replay, variant: str) -> None:
    status, document = replay(Build(variant))
    assert (status, document["verdict"], breaking(document)) == (0, "compatible", [])
    assert {finding["id"] for finding in document["findings"]} == COMPATIBLE[variant]


def test_another_number_of_thoughts_is_compatible(replay) -> None:
    status, document = replay(Build(thoughts=(4, 6)))
    assert (status, document["verdict"], document["findings"]) == (0, "compatible", [])
