"""A JSON-RPC 2.0 service: identifiers of the client's own making, requests that overlap, notifications in between."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from pathlib import Path

import pytest
from recording import recording
from upstreams import in_thread
from websockets.asyncio.client import connect
from websockets.sync.server import ServerConnection

from wstape.cli import run


def service(variant: str = "same"):
    """Answers two requests at a time, in an order that chance decides, with progress notifications."""

    def reply(request: dict) -> dict:
        match request["method"]:
            case "initialize":
                result: dict[str, object] = {"capabilities": {"hover": True}, "server": "sample"}
            case "document/open" if "uri" not in request["params"]:
                return {"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32602, "message": "no uri"}}
            case "document/open":
                result = {"handle": f"doc-{random.randrange(16**8):08x}", "lines": random.randrange(100)}
            case _:
                result = {"text": "hover " * random.randrange(1, 4), "range": [1, 2]}
                if variant == "no-range":
                    del result["range"]
        return {"jsonrpc": "2.0", "id": request["id"], "result": result}

    def handler(ws: ServerConnection) -> None:
        waiting: list[dict] = []
        for text in ws:
            request = json.loads(text)
            waiting.append(request)
            if request["method"] == "hover" and len(waiting) < 2:
                continue
            random.shuffle(waiting)
            for one in waiting:
                # Before its reply: one that came after would fall between the next requests now and then.
                for _ in range(random.randrange(3)):
                    progress = {"jsonrpc": "2.0", "method": "progress", "params": {"percent": random.randrange(100)}}
                    ws.send(json.dumps(progress))
                if variant != "silent" or one["method"] != "hover":
                    ws.send(json.dumps(reply(one)))
            waiting.clear()

    return in_thread(handler)


async def edit(url: str) -> None:
    """Open documents with the handles that the server issues, hover over each twice at once."""
    async with connect(url) as ws:
        numbers = itertools.count(1)

        async def ask(*requests: tuple[str, dict]) -> list[dict]:
            ids = [next(numbers) for _ in requests]
            for number, (method, params) in zip(ids, requests, strict=True):
                await ws.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
            answers: dict[int, dict] = {}
            while len(answers) < len(ids):
                message = json.loads(await ws.recv())
                if "id" in message:
                    answers[message["id"]] = message
            return [answers[number] for number in ids]

        await ask(("initialize", {"client": "test"}))
        (failed,) = await ask(("document/open", {}))
        assert "error" in failed
        for name in "abcd":
            (opened,) = await ask(("document/open", {"uri": f"file:///{name}.txt"}))
            handle = opened["result"]["handle"]
            await ask(("hover", {"handle": handle, "line": 1}), ("hover", {"handle": handle, "line": 2}))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rpc") / "rpc.cassette"

    async def three(url: str) -> None:
        await asyncio.gather(*(edit(url) for _ in range(3)))

    with service() as target, recording(target, path) as recorder:
        asyncio.run(three(recorder.url))
    assert recorder.status == 0, recorder.stderr
    return path


def replayed(
    recorded: Path, variant: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[tuple[str, str, str | None]]]:
    with service(variant) as target:
        status = run(["replay", str(recorded), "--target", target, "--timeout", "1", "--json"])
    findings = json.loads(capsys.readouterr().out)["findings"]
    return status, [(f["id"], f["label"], f["path"]) for f in findings if f["severity"] == "breaking"]


def test_the_contract_pairs_responses_with_their_requests(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["infer", str(recorded)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["envelope"]["name"] == "json-rpc"
    assert {"client:hover", "server:hover:result", "server:document/open:error", "server:progress"} <= set(
        document["events"]
    )
    rules = [rule for scope in document["scopes"] for rule in scope["rules"] if scope["name"] != "connection"]
    assert {"rule": "alternate_succession", "of": ["client:hover", "server:hover:result"]}.items() <= next(
        rule for rule in rules if rule["of"] == ["client:hover", "server:hover:result"]
    ).items()


def test_the_same_service_is_compatible(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(5):
        assert replayed(recorded, "same", capsys) == (0, [])


def test_a_field_gone_from_a_result(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, findings = replayed(recorded, "no-range", capsys)
    assert (status, [(id, label) for id, label, _ in findings]) == (1, [("payload/field-missing", "hover:result")])
    assert findings[0][2] is not None
    assert findings[0][2].endswith("/range")


def test_requests_that_get_no_response(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, findings = replayed(recorded, "silent", capsys)
    assert (status, [(id, label) for id, label, _ in findings]) == (1, [("replay/timeout", "hover:result")])
