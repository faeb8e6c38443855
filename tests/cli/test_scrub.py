"""``wstape scrub``, and the rules that it shares with ``record``."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from recording import recording
from sample_cassette import torn
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from wstape.cassettes import (
    Direction,
    Handshake,
    Header,
    Kind,
    Message,
    Opened,
    Record,
    open_cassette,
    read_session,
    write_records,
)
from wstape.cassettes.scrubbing import raw_parts
from wstape.cli import run

TOKEN = "tk9-Zq4Lw7Rb2Xn8Vd5"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # no settings but those of the test
    for variable in list(os.environ):
        if variable.startswith(("WSTAPE_", "ALICE_")):
            monkeypatch.delenv(variable)


def cassette(path: Path, *payloads: str) -> Path:
    shake = Handshake(target="/ws", request_headers=(), status=101, reason="", response_headers=())
    records: list[Record] = [
        Header(target="ws://h/ws", created="2026-01-31T12:00:00Z", wstape="0"),
        Opened(connection=1, handshake=shake, at_ns=0),
    ]
    for payload in payloads:
        records.append(
            Message(connection=1, direction=Direction.CLIENT, kind=Kind.TEXT, payload=payload.encode(), at_ns=1)
        )
    write_records(path, records, force=True)
    return path


def scrubbed(*arguments: str | Path) -> tuple[int, str, list[str]]:
    """Exit status, standard error and the texts of the first cassette that is named."""
    captured = CliRunner()

    def call() -> Result:
        import click

        @click.command()
        def command() -> None:
            raise SystemExit(run(["scrub", *map(str, arguments)]))

        return captured.invoke(command)

    result = call()
    path = next(Path(one) for one in map(str, arguments) if one.endswith((".cassette", ".jsonl")))
    texts = [one.text for one in open_cassette(path) if isinstance(one, Message) and one.kind is Kind.TEXT]
    return result.exit_code, result.stderr, texts


def test_an_old_cassette_is_scrubbed_in_place(tmp_path: Path) -> None:
    path = cassette(tmp_path / "a.cassette", f"hello {TOKEN}", f'{{"password":"{TOKEN}"}}')
    status, errors, texts = scrubbed(path, "--keep-secrets", tmp_path / "a.secrets")
    assert status == 3  # it was never finished
    assert f"{path}: scrubbed, 1 secret taken out" in errors
    assert texts[0] == "hello {{secret:password:1}}"
    assert json.loads((tmp_path / "a.secrets").read_text()) == {"password:1": TOKEN}
    before = path.read_bytes()
    _, errors, _ = scrubbed(path)
    assert "nothing to scrub" in errors
    assert path.read_bytes() == before


def test_own_rules_come_from_flags_and_settings(tmp_path: Path) -> None:
    (tmp_path / "own_rules.py").write_text(
        "def find(text):\n    return [w for w in text.split() if w.startswith('Q')]\n"
    )
    (tmp_path / "pyproject.toml").write_text(
        '[tool.wstape.redact]\nkeys = ["member_no"]\npaths = ["$.user.pin"]\n'
        'functions = ["own_rules:find"]\npii = true\n'
    )
    path = cassette(
        tmp_path / "a.cassette",
        '{"memberNo":"m1","user":{"pin":"p"},"at":"alice@mail.example"}',
        "say Qxy1",
        '{"ssn":"123","code":"zz-9"}',
    )
    _, _, texts = scrubbed(path, "--redact-key", "ssn", "--redact-pattern", r"zz-\d")
    assert texts == [
        '{"memberNo":"{{secret:member_no:1}}","user":{"pin":"{{secret:pin:1}}"},"at":"{{secret:email:1}}"}',
        "say {{secret:find:1}}",
        '{"ssn":"{{secret:ssn:1}}","code":"{{secret:custom:1}}"}',
    ]
    rules = open_cassette(path).header.redaction
    assert {"key ssn", "key member_no", "path $.user.pin", "pattern custom", "function find", "pii"} <= set(rules)


def test_values_of_the_environment_are_taken_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALICE_PASSWORD", "wonderland")
    path = cassette(tmp_path / "a.cassette", "the word is wonderland")
    assert scrubbed(path)[2] == ["the word is {{secret:env.ALICE_PASSWORD:1}}"]
    (tmp_path / "wstape.toml").write_text("[redact]\nenvironment = false\n")
    path = cassette(tmp_path / "b.cassette", "the word is wonderland")
    assert scrubbed(path)[2] == ["the word is wonderland"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--redact-path", "$.a["], "JSON path"),
        (["--redact-pattern", "("], "redaction pattern"),
        (["--redact-with", "nowhere_:x"], "redaction function"),
        (["--redact", "everything"], "--redact"),
    ],
)
def test_bad_rules_are_refused_in_one_line(tmp_path: Path, arguments: list[str], problem: str) -> None:
    path = cassette(tmp_path / "a.cassette", "x")
    before = path.read_bytes()
    status, errors, _ = scrubbed(path, *arguments)
    assert status == 2
    assert errors.startswith("wstape: error: ")
    assert problem in errors
    assert errors.count("\n") == 1
    assert path.read_bytes() == before


@pytest.mark.parametrize("setting", ['keys = "a"', "pi = true", "keys = [1]"])
def test_bad_settings_are_refused(tmp_path: Path, setting: str) -> None:
    (tmp_path / "wstape.toml").write_text(f"[redact]\n{setting}\n")
    status, errors, _ = scrubbed(cassette(tmp_path / "a.cassette", "x"))
    assert status == 2
    assert "tool.wstape.redact" in errors


def test_a_torn_recording_is_scrubbed_as_far_as_it_goes(tmp_path: Path) -> None:
    status, errors, _ = scrubbed(torn(tmp_path / "a.cassette"))
    assert status == 3
    assert "is incomplete" in errors


def test_unknown_strings_of_high_entropy_are_told(tmp_path: Path) -> None:
    path = cassette(tmp_path / "a.cassette", '{"blob":"q7Xr2Lm9Vt4Kp8Zs1Wd6Yb3N"}')
    _, errors, _ = scrubbed(path)
    assert "1 string behind 'blob' may be a secret that no rule knows" in errors
    assert "q7Xr2Lm9" not in errors


@pytest.fixture(scope="module")
def echo() -> Generator[str]:
    def answer(connection: ServerConnection) -> None:
        for received in connection:
            connection.send(received)

    with serve(answer, "127.0.0.1", 0) as server:
        import threading

        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/ws"
        server.shutdown()
        thread.join()


def test_what_a_recording_learns_late_is_taken_out_at_its_end(echo: str, tmp_path: Path) -> None:
    with recording(echo, tmp_path / "a.cassette") as recorder:
        with connect(recorder.url) as socket:
            for text in (f"hello {TOKEN}", json.dumps({"password": TOKEN}), '{"blob":"q7Xr2Lm9Vt4Kp8Zs1Wd6Yb3N"}'):
                socket.send(text)
                assert socket.recv() == text  # the two ends see what was sent
        assert recorder.stop(signal.SIGINT) == 0
    assert TOKEN.encode() not in b"".join(raw_parts(recorder.path))
    session = read_session(recorder.path)
    assert session.complete
    assert session.connections[0].messages[0].text == "hello {{secret:password:1}}"
    assert "2 strings behind 'blob' may be a secret" in recorder.stderr


@pytest.mark.parametrize("allowed", [False, True])
def test_a_recording_that_still_holds_a_secret_is_not_kept(echo: str, tmp_path: Path, allowed: bool) -> None:
    arguments = ["--allow-unsafe"] if allowed else []
    with recording(echo, tmp_path / "a.cassette", *arguments) as recorder:
        with connect(recorder.url, additional_headers={f"X-{TOKEN}": "1"}) as socket:
            socket.send(json.dumps({"password": TOKEN}))
            socket.recv()
        assert recorder.stop(signal.SIGINT) == (0 if allowed else 2)
    assert recorder.path.exists() is allowed
    assert "{{secret:password:1}} stands in record 2, the handshake of connection 1" in recorder.stderr
    assert TOKEN not in recorder.stderr


def test_a_password_of_the_environment_is_named_after_it(
    echo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALICE_PASSWORD", "wonderland")
    with recording(echo, tmp_path / "a.cassette", "--redact", "pii", "--redact-key", "ssn") as recorder:
        with connect(recorder.url) as socket:
            socket.send('{"user":"alice@mail.example","password":"wonderland","ssn":"1"}')
            socket.recv()
        assert recorder.stop(signal.SIGINT) == 0
    session = read_session(recorder.path)
    assert session.connections[0].messages[0].text == (
        '{"user":"{{secret:email:1}}","password":"{{secret:env.ALICE_PASSWORD:1}}","ssn":"{{secret:ssn:1}}"}'
    )
    assert {"environment", "pii", "key ssn"} <= set(session.header.redaction)
