"""``wstape serve`` as a user runs it."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from agents import converse_all, serving
from recording import WSTAPE, Recording, recording
from sessions import connection, session
from websockets.sync.client import connect

from wstape.cassettes import write_records

NODE_CLIENT = """
const WebSocket = require('ws');
const socket = new WebSocket(process.env.WSTAPE_URL);
const steps = [null, {type: 'ask', text: process.argv[2]}, null];
let at = 0;
const go = () => { while (at < steps.length && steps[at]) socket.send(JSON.stringify(steps[at++])); };
socket.on('open', go);
socket.on('message', (data) => {
  at++; console.error(JSON.parse(data).type); go(); if (at >= steps.length) socket.close(1000);
});
socket.on('close', (code) => process.exit(code === 1008 ? 7 : 0));
"""


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of three users of the agent service at once."""
    path = tmp_path_factory.mktemp("served") / "agents.cassette"
    with serving() as origin, recording(origin, path) as recorder:
        asyncio.run(converse_all(recorder.http_url, 2))
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.cassette"
    conversation = connection(
        ("<", {"type": "welcome"}), (">", {"type": "ask", "text": "hi"}), ("<", {"type": "answer"})
    )
    write_records(path, session(conversation).records())
    return path


def serve(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*WSTAPE, "serve", *arguments], capture_output=True, text=True, timeout=60, env=env)


def client(text: str) -> list[str]:
    """A command that has the small conversation."""
    code = (
        "import json, os\nfrom websockets.sync.client import connect\n"
        "with connect(os.environ['WSTAPE_URL']) as socket:\n"
        f"    socket.recv(); socket.send(json.dumps({{'type': 'ask', 'text': {text!r}}})); socket.recv()\n"
    )
    return ["--", sys.executable, "-c", code]


@pytest.mark.parametrize("options", [[], ["--fresh-ids", "--now", "--seed", "7"]])
def test_the_recorded_service_is_served_to_its_own_client(agents: Path, options: list[str]) -> None:
    code = (
        f"import sys, os, asyncio; sys.path.insert(0, {str(Path(__file__).parents[1] / 'support')!r})\n"
        "from agents import converse_all\nasyncio.run(converse_all(os.environ['WSTAPE_HTTP_URL'], 2))"
    )
    done = serve(str(agents), *options, "--json", "--", sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["findings"] == []
    assert report["summary"]["connections"] == 3
    assert report["summary"]["exchanges"] == 3
    assert report["summary"]["never_asked"] == []


def test_what_a_client_does_otherwise_is_said_and_ends_with_1(small: Path) -> None:
    done = serve(str(small), *client("bye"))
    assert done.returncode == 1
    assert 'connection 1: `ask` is not the recorded one: `/text` is "bye", recorded was "hi"' in done.stderr
    assert "BREAKING  1 breaking" in done.stdout
    assert "Traceback (most" in done.stderr  # the client's own


def test_a_command_that_fails_ends_with_1(small: Path) -> None:
    done = serve(str(small), "--", sys.executable, "-c", "raise SystemExit(5)")
    assert done.returncode == 1
    assert "the command ended with exit status 5" in done.stderr
    assert "never asked for: connection 1 to /" in done.stderr


def test_ctrl_c_ends_it_with_a_report(small: Path) -> None:
    process = subprocess.Popen(
        [*WSTAPE, "serve", str(small)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    running = Recording(process, small)
    url = running.wait_for_line(r"^listening on (ws://\S+)$")[1]
    with connect(url) as socket:
        assert json.loads(socket.recv(timeout=10)) == {"type": "welcome"}
        socket.send('{"text":"hi","type":"ask"}')
        assert json.loads(socket.recv(timeout=10)) == {"type": "answer"}
    assert running.stop(signal.SIGINT) == 0
    assert process.stdout is not None
    with process.stdout as stdout:
        assert stdout.read().startswith("COMPATIBLE")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.cassette"], "missing.cassette"),
        (["{small}", "--listen", "nowhere"], "--listen 'nowhere' is not HOST:PORT"),
        (["{small}", "--listen", "192.0.2.1:80"], "cannot listen on 192.0.2.1 port 80"),
        (["{small}", "--tls-cert", "missing.pem"], "missing.pem"),
        (["{small}", "--", "no-such-command"], "command 'no-such-command' is not found"),
    ],
)
def test_bad_usage_is_one_line_and_2(small: Path, arguments: list[str], words: str) -> None:
    done = serve(*(argument.format(small=small) for argument in arguments))
    assert done.returncode == 2
    *warnings, line = done.stderr.splitlines()
    assert all("not a loopback address" in warning for warning in warnings)
    assert words in line


@pytest.fixture(scope="module")
def node_ws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the npm package ws; skips where it cannot be had."""
    if shutil.which("npm") is None:
        pytest.skip("there is no Node.js with npm on this machine")
    folder = tmp_path_factory.mktemp("node")
    got = subprocess.run(["npm", "install", "ws"], cwd=folder, capture_output=True, text=True, timeout=100)
    if got.returncode:
        pytest.skip(f"npm cannot install ws here: {got.stderr.strip().splitlines()[-1:]}")
    (folder / "client.js").write_text(NODE_CLIENT)
    return folder / "client.js"


@pytest.mark.parametrize(("text", "status"), [("hi", 0), ("bye", 1)])
def test_a_node_client(small: Path, node_ws: Path, text: str, status: int) -> None:
    done = serve(str(small), "--", "node", str(node_ws), text)
    assert done.returncode == status, done.stderr
    assert done.stderr.splitlines()[1] == "welcome"
