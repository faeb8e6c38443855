"""Which envelope, where: several in one session, named by a person, offered by another package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from recording import WSTAPE, recording
from upstreams import in_thread
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection

from wstape.cassettes import (
    Closed,
    Direction,
    Ending,
    Handshake,
    Header,
    Kind,
    Message,
    Opened,
    Record,
    UsageError,
    write_records,
)
from wstape.cli import run
from wstape.contracts import Checker, Contract, find_envelopes, infer

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "wstape-lines"
CLIENT, SERVER = Direction.CLIENT, Direction.SERVER


def session(*connections: tuple[str, list[tuple[Direction, object]]]) -> list[Record]:
    """A recording of connections to some targets, one after the other."""
    found: list[Record] = [Header(target="ws://service.test/", created="2026-01-31T12:00:00Z", wstape="0.1.0")]
    for number, (target, sent) in enumerate(connections, 1):
        shake = Handshake(target=target, request_headers=(), status=101, reason="", response_headers=())
        found.append(Opened(connection=number, handshake=shake, at_ns=0))
        for direction, value in sent:
            payload = value if isinstance(value, bytes) else json.dumps(value).encode()
            found.append(Message(connection=number, direction=direction, kind=Kind.TEXT, payload=payload, at_ns=0))
        found.append(Closed(connection=number, ending=Ending.CLEAN, by=CLIENT, at_ns=0))
    return found


RPC = [
    (CLIENT, {"jsonrpc": "2.0", "id": 1, "method": "add"}),
    (SERVER, {"jsonrpc": "2.0", "id": 1, "result": 2}),
]
CHAT = [(CLIENT, {"type": "hello", "name": "ann"}), (SERVER, {"type": "welcome", "room": "a"})] * 3
FEED = [(CLIENT, {"op": "sub", "channel": "a"}), (SERVER, {"op": "tick", "price": 1.5})] * 3
MIXED = session(("/rpc", RPC), ("/chat/42?token=x", CHAT), ("/feed", FEED), ("/chat/43", CHAT[:1]))


def labels(contract: Contract) -> set[str]:
    return set(contract.events)


def test_each_path_has_its_own_envelope() -> None:
    detection = find_envelopes([MIXED])
    assert detection.envelope.parameters() == {
        "name": "several",
        "paths": {
            "/feed": {"name": "json", "client": "/op", "server": "/op"},
            "/rpc": {"name": "json-rpc"},
            "*": {"name": "json", "client": "/type", "server": "/type"},
        },
    }
    assert [line.rpartition(" (")[0] for line in detection.lines()] == [
        "envelope of /feed: json", "envelope of /rpc: json-rpc", "envelope of *: json",
    ]  # fmt: skip
    contract = infer([MIXED])
    assert labels(contract) == {
        "client:add", "server:add:result", "client:hello", "server:welcome", "client:sub", "server:tick",
    }  # fmt: skip
    again = Contract.from_document(json.loads(contract.dumps()))
    assert again.dumps() == contract.dumps()
    checker = Checker(again)
    for record in MIXED:
        checker.record(record)
    assert checker.finish() == ()


def test_paths_that_do_not_contradict_each_other_share_an_envelope() -> None:
    one_way = [message for message in CHAT if message[0] is SERVER]
    detection = find_envelopes([session(("/a", CHAT), ("/b", one_way), ("/c", []))])
    assert detection.envelope.parameters() == {"name": "json", "client": "/type", "server": "/type"}


def test_the_order_of_recordings_changes_nothing() -> None:
    parts = [session(("/rpc", RPC)), session(("/chat/1", CHAT)), session(("/feed", FEED))]
    forward, backward = find_envelopes(parts), find_envelopes(parts[::-1])
    assert forward.envelope.parameters() == backward.envelope.parameters()


def test_a_person_names_the_envelope_of_a_path_or_of_all() -> None:
    named = find_envelopes([MIXED], ["/chat/*=opaque", "/feed=json-rpc"]).envelope.parameters()
    assert named == {
        "name": "several",
        "paths": {"/chat/*": {"name": "opaque"}, "/feed": {"name": "json-rpc"}, "*": {"name": "json-rpc"}},
    }
    assert find_envelopes([MIXED], ["opaque"]).lines() == ["envelope: opaque (as named)"]
    assert find_envelopes([MIXED], ["/rpc=json-rpc", "json"]).envelope.parameters()["paths"] == {
        "/rpc": {"name": "json-rpc"},
        "/feed": {"name": "json", "client": "/op", "server": "/op"},
        "*": {"name": "json", "client": "/type", "server": "/type"},
    }


@pytest.mark.parametrize("bad", ["morse", "/chat=morse", "chat=json", "="])
def test_a_name_or_a_pattern_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(UsageError, match="--envelope"):
        find_envelopes([MIXED], [bad])


@pytest.mark.parametrize("paths", [None, {}, {"/a": 7}, {"/a": {"name": "several", "paths": {}}}, {"/a": {}}])
def test_a_document_without_sense_is_refused(paths: object) -> None:
    document = json.loads(infer([MIXED]).dumps())
    document["envelope"]["paths"] = paths
    with pytest.raises(Exception, match=r"/envelope"):
        Contract.from_document(document)


def test_the_command_line_says_what_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cassette = tmp_path / "a.cassette"
    write_records(cassette, MIXED)
    assert run(["infer", str(cassette), "--envelope", "/feed=opaque"]) in (0, 3)
    told = capsys.readouterr()
    assert "  envelope of /feed: opaque (as named)\n" in told.err
    assert '"server:text"' in told.out
    assert run(["show", "--events", str(cassette)]) in (0, 3)
    told = capsys.readouterr()
    assert "envelope of /rpc: json-rpc (confidence 0.95)" in told.err
    assert "add:result" in told.out


@pytest.mark.slow
def test_another_package_offers_an_envelope(tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    source = tmp_path / "source"
    source.mkdir()
    for file in EXAMPLE.iterdir():
        (source / file.name).write_bytes(file.read_bytes())
    command = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target")
    subprocess.run([*command, str(installed), str(source)], check=True, capture_output=True)
    cassette = tmp_path / "a.cassette"
    talk = [(CLIENT, b"JOIN room=7 name=ann\nSAY room=7 text=hi"), (SERVER, b"JOINED room=7")] * 3
    write_records(cassette, session(("/", talk)))
    path = os.pathsep.join(filter(None, (str(installed), os.environ.get("PYTHONPATH"))))

    def wstape(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.run([*WSTAPE, *arguments], env=environment, capture_output=True, text=True, check=False)

    done = wstape("infer", str(cassette))
    assert "envelope: lines (confidence 0.95)" in done.stderr
    document = json.loads(done.stdout)
    assert document["envelope"] == {"name": "lines"}
    assert set(document["events"]) == {"client:JOIN", "client:SAY", "server:JOINED"}

    def rooms(socket: ServerConnection) -> None:
        room = f"r-{uuid.uuid4()}"
        for text in socket:
            known = f" room={room} " in str(text)
            socket.send(f"JOINED room={room}" if "JOIN" in str(text) else f"SAID known={known}")

    talked = tmp_path / "b.cassette"
    with in_thread(rooms) as target, recording(target, talked) as recorder, connect(recorder.url) as socket:
        for _ in range(3):
            socket.send("JOIN name=ann")
            room = str(socket.recv()).partition("=")[2]
            socket.send(f"SAY room={room} text=hi\nSAY room={room} text=bye")
            assert socket.recv() == "SAID known=True"
    with in_thread(rooms) as build:
        saved = tmp_path / "c.cassette"
        assert wstape("replay", str(talked), "--target", build, "--save", str(saved)).returncode == 0
    assert "SAID known=True" in wstape("show", str(saved)).stdout
    assert "SAID known=False" not in wstape("show", str(saved)).stdout
