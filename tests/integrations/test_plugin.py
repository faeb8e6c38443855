"""The pytest plugin as a team uses it: tests in a project of their own, run by pytest as a process."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from echoing import Assistant, assistant
from sessions import connection, session

import wstape.integrations.clients  # noqa: F401  # stays loaded when pytester forgets what a run has imported
from wstape.cassettes import read_session, write_records, write_secrets
from wstape.contracts import infer

pytest_plugins = ["pytester"]

CLIENTS = """
import asyncio, json, os, subprocess, sys
import pytest

URL = os.environ["SERVICE"]
TEXT = os.environ.get("TEXT", "hi")
ASK = json.dumps({"type": "ask", "text": TEXT})

pytestmark = pytest.mark.wstape

def test_websockets_asyncio():
    from websockets.asyncio.client import connect
    async def run():
        async with connect(URL + "/chat") as socket:
            await socket.recv()
            await socket.send(ASK)
            return json.loads(await socket.recv())
    assert asyncio.run(run())["text"] == "you said hi"

def test_websockets_sync():
    from websockets.sync.client import connect
    with connect(URL + "/chat") as socket:
        socket.recv()
        socket.send(ASK)
        assert json.loads(socket.recv())["text"] == "you said hi"

@pytest.mark.anyio
async def test_aiohttp(anyio_backend):
    import aiohttp
    async with aiohttp.ClientSession(URL.replace("ws://", "http://")) as client:
        async with client.post("/login", json={"user": "alice"}) as response:
            assert (await response.json())["user"] == "alice"
        async with client.ws_connect("/chat") as socket:
            await socket.receive_json()
            await socket.send_str(ASK)
            assert (await socket.receive_json())["text"] == "you said hi"

@pytest.fixture
def anyio_backend():
    return "asyncio"

def test_websocket_client():
    import websocket
    socket = websocket.create_connection(URL + "/chat", timeout=20)
    socket.recv()
    socket.send(ASK)
    assert json.loads(socket.recv())["text"] == "you said hi"
    socket.close()

def test_httpx_ws():
    import httpx, httpx_ws
    http = URL.replace("ws://", "http://")
    assert httpx.post(http + "/login", json={"user": "alice"}).json()["user"] == "alice"
    with httpx_ws.connect_ws(http + "/chat") as socket:
        socket.receive_text()
        socket.send_text(ASK)
        assert socket.receive_json()["text"] == "you said hi"

@pytest.mark.wstape(target=URL)
def test_subprocess():
    code = (
        "import os; from websockets.sync.client import connect\\n"
        "with connect(os.environ['WSTAPE_URL'] + '/chat') as socket:\\n"
        f"    socket.recv(); socket.send({ASK!r}); print(socket.recv())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "you said hi" in done.stdout
"""

MISTAKES = """
import asyncio, json
import pytest
from socket import IPPROTO_TCP, TCP_CORK
from websockets.asyncio.client import connect as connect_asyncio
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

ASK = json.dumps({"type": "ask", "text": "hi"})
MORE = json.dumps({"type": "more"})
pytestmark = pytest.mark.wstape("../chat.cassette")

def chat(*sent, greeted=True):
    try:
        with connect("ws://service") as socket:
            if greeted:
                socket.recv()
            for text in sent:
                socket.socket.setsockopt(IPPROTO_TCP, TCP_CORK, text is not None)
                socket.recv() if text is None else socket.send(text)
            socket.socket.setsockopt(IPPROTO_TCP, TCP_CORK, 0)
    except ConnectionClosed:
        pass

def test_right():
    chat(ASK, None, MORE, None)

def test_wrong_message():
    chat(ASK.replace("hi", "bye"), None)

def test_missing_message():
    chat(ASK, None)

def test_extra_message():
    chat(ASK, None, MORE, None, MORE, None)

def test_too_early():
    chat(ASK, MORE, None, None)

def test_never_read():
    chat(ASK, None, MORE)

def test_closing_early():
    chat()

def test_nothing_dialled():
    pass

def test_swallowed_in_a_background_task():
    async def background():
        async with connect_asyncio("ws://service") as socket:
            await socket.recv()
            await socket.send(ASK.replace("hi", "bye"))
            await socket.recv()

    async def main():
        task = asyncio.create_task(background())
        await asyncio.wait([task])
        task.exception()

    asyncio.run(main())

@pytest.mark.wstape("../chat.cassette", allow=["ask", "more"])
def test_allowed():
    chat()

@pytest.mark.wstape("../chat.cassette", match="lenient")
def test_lenient():
    chat(ASK.replace("hi", "bye"), None, MORE, None)

@pytest.fixture
def held():
    socket = connect("ws://service")
    yield socket
    socket.close()

def test_a_connection_that_a_fixture_holds(held):
    held.recv()
    held.send(ASK)
    held.recv()
"""

FIXTURES = """
import json
from pathlib import Path
import pytest
from websockets.sync.client import connect
from wstape.integrations import assert_compatible
import os
URL = os.environ["SERVICE"]

def talk(url):
    with connect(url + "/chat") as socket:
        socket.recv()
        socket.send('{"type": "ask", "text": "hi"}')
        return json.loads(socket.recv())["text"]

def test_record(wstape_record, wstape_serve, wstape_replay):
    recorder = wstape_record(URL, "made.cassette")
    assert talk(recorder.url) == "you said hi"

def test_serve_and_replay(wstape_serve, wstape_replay):
    assert talk(wstape_serve("made.cassette", fresh_ids=True).url) == "you said hi"
    assert wstape_replay("made.cassette", URL) == ()

def test_assertion():
    assert_compatible("made.cassette", "good.contract.json")

def test_assertion_fails():
    assert_compatible("made.cassette", "bad.contract.json")

@pytest.mark.wstape("made.cassette")
def test_handle(cassette):
    assert talk(cassette.url) == "you said hi"
    assert not cassette.recording
"""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Generator[Assistant]:
    monkeypatch.delenv("CI", raising=False)
    with assistant() as running:
        monkeypatch.setenv("SERVICE", running.url)
        yield running


@pytest.mark.slow
def test_every_client_library_records_once_and_replays_without_the_service(
    pytester: pytest.Pytester, service: Assistant
) -> None:
    pytester.makepyfile(test_clients=CLIENTS)
    pytester.runpytest_subprocess("--wstape-mode=once").assert_outcomes(passed=6)
    folder = pytester.path / "cassettes" / "test_clients"
    assert len(list(folder.glob("*.cassette"))) == 6
    asked = service.asked
    service.stop()
    # By itself, and by two workers at once.
    pytester.runpytest_subprocess("-n", "2", "--wstape-orphans").assert_outcomes(passed=6)
    assert service.asked == asked


def test_strict_catches_what_a_client_does_otherwise(pytester: pytest.Pytester) -> None:
    conversation = connection(
        ("<", {"type": "welcome"}),
        (">", {"type": "ask", "text": "hi"}),
        ("<", {"type": "answer"}),
        (">", {"type": "more"}),
        ("<", {"type": "answer"}),
    )
    pytester.mkdir("tests")
    pytester.path.joinpath("tests", "test_mistakes.py").write_text(MISTAKES)
    recorded = session(conversation)
    write_records(pytester.path / "chat.cassette", recorded.records())
    result = pytester.runpytest_inprocess("-rA")
    result.assert_outcomes(passed=4, failed=8, errors=1)
    text = result.stdout.str()
    words = {
        "test_wrong_message": '`/text` is "bye", recorded was "hi"',
        "test_missing_message": "never sent `more`, which the recording has",
        "test_extra_message": "has no more messages of the client",
        "test_too_early": "allow it (--allow-extra more, in tests allow='more')",
        "test_never_read": "answer",
        "test_closing_early": "never sent `ask` and 1 more",
        "test_nothing_dialled": "the test never asked for connection 1",
        "test_swallowed_in_a_background_task": '`/text` is "bye"',
        "test_a_connection_that_a_fixture_holds": "never sent `more`",
    }
    for name, expected in words.items():
        section = re.search(rf"^_+ .*{name} _+$(.*?)^(?:_{{5,}}|={{5,}})", text, re.MULTILINE | re.DOTALL)
        assert section is not None, name
        assert expected in " ".join(section[1].split()), name
    assert "replay/leftover" in text
    assert 'wstape_finding" value="' not in text


@pytest.mark.slow
def test_modes(pytester: pytest.Pytester, service: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(
        test_modes="""
        import os
        import pytest
        from websockets.sync.client import connect

        @pytest.mark.wstape(mode="once")
        def test_it():
            for path in os.environ.get("PATHS", "/chat").split():
                with connect(os.environ["SERVICE"] + path) as socket:
                    socket.recv()
            assert "FAIL" not in os.environ
        """
    )
    path = pytester.path / "cassettes" / "test_modes" / "test_it.cassette"
    aside = path.with_name("test_it.failed.cassette")

    monkeypatch.setenv("CI", "true")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*there is no such cassette; record it with --wstape-mode once*"])
    assert not path.exists()
    monkeypatch.delenv("CI")

    monkeypatch.setenv("FAIL", "1")
    pytester.runpytest_subprocess().assert_outcomes(failed=1)
    assert (path.exists(), aside.exists()) == (False, True)
    monkeypatch.delenv("FAIL")

    pytester.runpytest_subprocess().assert_outcomes(passed=1)
    first = path.read_bytes()
    asked = service.asked
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
    assert service.asked == asked
    assert path.read_bytes() == first

    monkeypatch.setenv("PATHS", "/chat /other")
    pytester.runpytest_subprocess("--wstape-mode=new").assert_outcomes(passed=1)
    assert service.asked == asked + 1
    assert [one.handshake.target for one in read_session(path).connections] == ["/chat", "/other"]
    pytester.runpytest_subprocess("--wstape-mode=none").assert_outcomes(passed=1)

    monkeypatch.setenv("PATHS", "/other")
    pytester.runpytest_subprocess("--wstape-mode=all").assert_outcomes(passed=1)
    assert [one.handshake.target for one in read_session(path).connections] == ["/other"]


def test_fixtures_and_the_assertion(pytester: pytest.Pytester, service: Assistant) -> None:
    conversation = connection(
        ("<", {"type": "welcome", "session_id": "sess_00aa11bb"}),
        (">", {"type": "ask", "text": "hi"}),
        ("<", {"type": "answer", "text": "you said hi", "session_id": "sess_00aa11bb"}),
        target="/chat",
    )
    contract = infer([session(conversation).records()])
    pytester.path.joinpath("good.contract.json").write_text(contract.dumps())
    document = json.loads(contract.dumps())
    answer = document["events"]["server:answer"]["payload"]
    answer["properties"]["text"] = {"type": "integer"}
    answer["x-wstape-pinned"] = True
    pytester.path.joinpath("bad.contract.json").write_text(json.dumps(document))
    pytester.makepyfile(test_fixtures=FIXTURES)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*breaking payload/type-changed  server answer /text*", "*BREAKING  1 breaking*"])


def test_cassettes_are_items(pytester: pytest.Pytester) -> None:
    good = session(connection(("<", {"type": "welcome"}), (">", {"type": "ask"}), ("<", {"type": "answer", "to": "a"})))
    bad = session(connection(("<", {"type": "welcome"}), (">", {"type": "ask"}), ("<", {"type": "answer", "to": 1})))
    folder = pytester.mkdir("tapes")
    write_records(folder / "good.cassette", good.records())
    write_records(folder / "bad.cassette", bad.records())
    document = json.loads(infer([good.records()]).dumps())
    document["events"]["server:answer"]["payload"]["properties"]["to"]["x-wstape-pinned"] = True
    pytester.path.joinpath("chat.contract.json").write_text(json.dumps(document))
    result = pytester.runpytest_inprocess(
        "tapes", "--wstape-contract=chat.contract.json", "--junit-xml=junit.xml", "-o", "junit_family=xunit1"
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*payload/type-changed  server answer /to*"])
    assert "Traceback" not in result.stdout.str()
    properties = ElementTree.parse(pytester.path / "junit.xml").iter("property")
    assert [(entry.get("name"), entry.get("value")) for entry in properties] == [
        ("wstape_finding", "payload/type-changed")
    ]
    gone = pytester.runpytest_inprocess("tapes/good.cassette", "--wstape-target=ws://127.0.0.1:9")
    gone.assert_outcomes(failed=1)
    gone.stdout.fnmatch_lines(["*wstape: error: ws://127.0.0.1:9*"])


def test_cassettes_are_replayed_with_secrets(pytester: pytest.Pytester) -> None:
    log_in = session(connection((">", {"type": "log_in", "password": "{{secret:password:1}}"}), ("<", {"type": "in"})))
    write_records(pytester.path / "in.cassette", log_in.records())
    write_secrets(pytester.path / "in.secrets", {"password:1": "hunter2"})

    def said(*options: str) -> str:
        result = pytester.runpytest_inprocess("in.cassette", "--wstape-target=ws://127.0.0.1:9", *options)
        result.assert_outcomes(failed=1)
        return next(line for line in result.outlines if "wstape: error" in line)

    assert said().endswith("give it with --wstape-secret password:1=VALUE or --wstape-secrets FILE")
    for option in ("--wstape-secret=password:1=hunter2", "--wstape-secrets=in.secrets"):
        assert "cannot connect" in said(option)


SKIPS = """
import pytest

pytestmark = pytest.mark.wstape("chat.cassette")

@pytest.fixture
def absent():
    pytest.skip("not installed")

@pytest.fixture
def broken():
    raise RuntimeError("fixture")

@pytest.mark.skip
def test_marked(): pass
@pytest.mark.xfail(run=False)
def test_not_run(): pass
def test_by_a_fixture(absent): pass
def test_in_the_body(): pytest.skip("not now")
def test_fixture_fails(broken): pass
@pytest.mark.skip
@pytest.mark.wstape("not recorded yet.cassette")
def test_without_a_cassette(): pass
"""


def test_a_test_that_does_not_run_is_not_judged(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_skips=SKIPS)
    write_records(pytester.path / "chat.cassette", session(connection((">", {"type": "ask"}))).records())
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(skipped=4, xfailed=1, errors=1)
    result.stdout.fnmatch_lines(["E       RuntimeError: fixture"])
    result.stdout.no_fnmatch_line("*never asked*")


def test_a_missing_cassette_is_told_without_its_cause(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it="import pytest\n@pytest.mark.wstape\ndef test_it(): pass\n")
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["wstape: *no such cassette; record it with --wstape-mode once"])
    result.stdout.no_fnmatch_line("*another exception*")


def test_an_address_that_was_not_recorded_is_told_beside_the_failure(pytester: pytest.Pytester) -> None:
    recorded = session(connection(("<", {"type": "hello"})))
    write_records(pytester.path / "chat.cassette", recorded.records())
    pytester.makepyfile(
        test_it="""
        import pytest
        from websockets.sync.client import connect

        @pytest.mark.wstape("chat.cassette")
        def test_it():
            connect("ws://127.0.0.1:1")
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*ws://127.0.0.1:1 was dialled and left alone: chat.cassette was recorded for ws://service:80*"]
    )


def test_orphans_are_listed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one="import pytest\n@pytest.mark.wstape(allow_unused=True)\ndef test_a(): pass\n")
    folder = pytester.path / "cassettes" / "test_one"
    folder.mkdir(parents=True)
    records = session(connection(("<", {"type": "welcome"}))).records()
    for name in ("test_a", "test_gone"):
        write_records(folder / f"{name}.cassette", records)
    result = pytester.runpytest_inprocess("--wstape-orphans")
    result.assert_outcomes(passed=1)
    listed = [line for line in result.stdout.lines if line.endswith(".cassette")]
    assert [Path(line).name for line in listed] == ["test_gone.cassette"]


def test_the_plugin_is_light_and_silent_when_unused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        def test_it():
            heavy = {"websockets", "jsonschema", "msgpack", "rich", "aiohttp", "wstape.cassettes", "wstape.contracts"}
            assert not heavy & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:anyio", "-p", "no:asyncio")
    result.assert_outcomes(passed=1)
    assert "cassette" not in result.stdout.str()
