"""The verdict on builds of a real service: what breaks its clients is told, what does not is not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from agents import PASSWORDS, Build, converse_all, serving
from recording import recording

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


def breaking(document: dict) -> list[tuple[str, str | None, str | None]]:
    return [(f["id"], f["label"], f["path"]) for f in document["findings"] if f["severity"] == "breaking"]


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


BREAKING = {
    "renamed-field": ("payload/field-renamed", "agent_completed", "/answer"),
    "renamed-nested-field": ("payload/field-renamed", "agent_completed", "/usage/input_tokens"),
    "removed-field": ("payload/field-missing", "agent_completed", "/finish_reason"),
    "removed-nested-field": ("payload/field-missing", "agent_completed", "/usage/output_tokens"),
    "integer-to-string": ("payload/type-changed", "tool_completed", "/duration_ms"),
    "string-to-object": ("payload/type-changed", "agent_thinking", "/note"),
    "boolean-to-string": ("payload/type-changed", "tool_completed", "/ok"),
    "nullable": ("payload/type-changed", "agent_completed", "/answer"),
    "sometimes-null": ("payload/type-changed", "tool_completed", "/duration_ms"),
    "uuid-to-number": ("payload/type-changed", "welcome", "/session_id"),
    "renamed-event": ("event/renamed", "agent_completed", None),
    "missing-start": ("event/missing", "agent_started", None),
    "missing-tool-completed": ("event/missing", "tool_completed", None),
    "missing-end": ("replay/timeout", "agent_completed", None),
    "no-deltas": ("event/missing", "agent_delta", None),
    "doubled-end": ("sequence/alternate_succession", "agent_completed", None),
    "doubled-tool-completed": ("sequence/alternate_succession", "tool_completed", None),
    "late-start": ("sequence/init", "agent_started", None),
    "completed-too-early": ("sequence/end", "agent_completed", None),
    "completed-before-executing": ("sequence/alternate_succession", "tool_completed", None),
    "identifier-gone": ("payload/field-missing", "tool_completed", "/tool_call_id"),
    "identifier-wrong": ("link/lost", "tool_completed", "/tool_call_id"),
    "thread-not-echoed": ("link/lost", "agent_started", "/thread_id"),
    "handshake-refused": ("handshake/status", None, None),
    "subprotocol-dropped": ("handshake/subprotocol", None, None),
    "text-to-binary": ("message/kind-changed", None, None),
    "close-code": ("close/code", None, None),
    "leak": ("isolation/leak", "agent_completed", "/run_id"),
    "crash": ("close/abnormal", "agent_completed", None),
}
COMPATIBLE = {
    "added-field": {"payload/field-added"},
    "added-object": {"payload/field-added"},
    "new-event": {"event/unknown-label"},
    "enum-grown": {"payload/enum-value"},
    "enum-shrunk": set(),
    "sequential-tools": set(),
    "one-chunk": set(),
    "other-words": set(),
    "reordered-keys": set(),
    "slower": set(),
}


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
