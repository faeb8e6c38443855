"""What a recorded WebSocket test notices: wstape's pytest plugin beside cassetter's, on the same client and service.

Six mistakes of a client that a test ought to fail for, and two harmless differences that it ought not. Run it where
both are installed: ``pip install wstape cassetter httpx && python benchmarks/strictness.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from websockets.sync.server import ServerConnection, serve

CLIENT = """
import asyncio, json, os, uuid
import pytest, websockets

CASE, URL = os.environ["CASE"], os.environ["SERVICE"]
ASK = {"type": "ask", "request_id": "11111111-1111-4111-8111-111111111111", "text": "hi"}
MORE = {"type": "more"}

async def talk():
    ask, more = dict(ASK), dict(MORE)
    if CASE == "wrong message":
        ask["text"] = "bye"
    if CASE == "fresh UUID each run":
        ask["request_id"] = str(uuid.uuid4())
    first = json.dumps(ask, indent=1) if CASE == "same JSON, other spacing" else json.dumps(ask)
    async with websockets.connect(URL) as socket:
        await socket.recv()
        if CASE == "client closing early":
            return
        await socket.send(first)
        if CASE == "message sent too early":
            await socket.send(json.dumps(more))
        await socket.recv()
        if CASE == "missing message":
            return
        if CASE != "message sent too early":
            await socket.send(json.dumps(more))
        if CASE == "server event never read":
            return
        await socket.recv()
        if CASE == "extra message":
            await socket.send(json.dumps(more))
            await socket.recv()

@pytest.fixture(scope="module")
def vcr_config():
    return {"intercept": ["websockets"]}

MARK
def test_client():
    asyncio.run(asyncio.wait_for(talk(), 10))
"""

TOOLS = {
    "wstape": ("@pytest.mark.wstape", ["-p", "no:cassetter"], ["--wstape-mode=once"]),
    "cassetter": ("@pytest.mark.vcr", ["-p", "no:wstape"], ["--record-mode=once"]),
    "cassetter, match_on body": (
        "@pytest.mark.vcr(match_on=['method', 'uri', 'body'])",
        ["-p", "no:wstape"],
        ["--record-mode=once"],
    ),
}
MISTAKES = (
    "wrong message",
    "missing message",
    "extra message",
    "message sent too early",
    "server event never read",
    "client closing early",
)
HARMLESS = ("same JSON, other spacing", "fresh UUID each run")


def answer(socket: ServerConnection) -> None:
    socket.send(json.dumps({"type": "welcome"}))
    for text in socket:
        asked = json.loads(text)
        echo = {"request_id": asked["request_id"]} if "request_id" in asked else {}
        socket.send(json.dumps({"type": "answer", "to": asked["type"], **echo}))


def passes(folder: Path, case: str, url: str, options: list[str]) -> bool:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options, "test_client.py"],
        cwd=folder,
        env={**{key: value for key, value in os.environ.items() if key != "CI"}, "CASE": case, "SERVICE": url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"pytest could not run:\n{done.stdout}{done.stderr}")
    return done.returncode == 0


def main() -> None:
    """Print the table."""
    table: dict[str, list[str]] = {case: [] for case in (*MISTAKES, *HARMLESS)}
    for mark, quiet, record in TOOLS.values():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "test_client.py").write_text(CLIENT.replace("MARK", mark), encoding="utf-8")
            with serve(answer, "127.0.0.1", 0) as service:
                thread = threading.Thread(target=service.serve_forever)
                thread.start()
                url = f"ws://127.0.0.1:{service.socket.getsockname()[1]}"
                recorded = passes(folder, "as recorded", url, [*quiet, *record])
                service.shutdown()
                thread.join()
            if not recorded or not passes(folder, "as recorded", url, quiet):
                raise SystemExit(f"{mark}: the recording does not replay")
            for case in MISTAKES:
                table[case].append("missed" if passes(folder, case, url, quiet) else "caught")
            for case in HARMLESS:
                table[case].append("passes" if passes(folder, case, url, quiet) else "false alarm")
    print(f"| the client's test | {' | '.join(TOOLS)} |")
    print("|---|" + "---|" * len(TOOLS))
    for case, cells in table.items():
        print(f"| {case} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
