"""``wstape show`` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sample_cassette import RECORDS, torn, write_sample
from sessions import connection, session

from wstape.cassettes import Direction, Header, Kind, Message, Record, encode_line, printable, write_records
from wstape.cli import run
from wstape.cli.listing import Listing


def test_a_line_for_every_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(write_sample(tmp_path / "a.cassette"))]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out == (
        "target    ws://127.0.0.1:8000/chat\n"
        "created   2026-01-31T12:00:00Z\n"
        "wstape    0.1.0\n"
        "redaction headers, json\n"
        "note      build=7\n"
        "\n"
        "    0.001  http 1 -- http              POST /login 200 OK in 2.5 ms\n"
        '    >      36 B  {"password":"{{secret:password:1}}"}\n'
        '    <       8 B  {"ok":1}\n'
        "    0.005  #1     -- open              /chat 101 Switching Protocols (chat.v1)\n"
        '    0.006  #1     -> text        22 B  {"type":"hi","n":"é"}\n'
        "    0.007  #1     <- binary       3 B  00ff10\n"
        "    0.008  #1     <- ping         1 B  p\n"
        "    0.009  #1     !! note              lost its place\\nhere\n"
        "    0.010  #1     <- close        5 B  1000 bye\n"
        "    0.011  #1     -- closed            clean by server\n"
        "    0.012         -- end               1 connection, 4 messages, 1 HTTP exchange\n"
    )


def test_textconv_has_no_times_cuts_nothing_and_shows_fields(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = Message(connection=1, direction=Direction.CLIENT, kind=Kind.TEXT, payload=b"x" * 5000, at_ns=6_500_000)
    path = tmp_path / "a.cassette"
    write_records(path, [*RECORDS[:4], long, *RECORDS[4:]])
    assert run(["show", "--textconv", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "x" * 5000 in shown
    assert "    > Host: 127.0.0.1\n" in shown
    assert "    < Sec-WebSocket-Protocol: chat.v1\n" in shown
    assert "0.006" not in shown
    assert "ms" not in shown
    assert "\x1b" not in shown


def test_a_long_payload_is_cut_to_the_width(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.cassette"
    payloads = [b"y" * 5000, "é".encode() * 5000, "你".encode() * 5000]
    write_records(
        path,
        RECORDS[:3]
        + [
            Message(connection=1, direction=Direction.SERVER, kind=Kind.TEXT, payload=payload, at_ns=7_000_000)
            for payload in payloads
        ],
    )
    assert run(["show", str(path)]) == 3
    ascii_line, latin_line, wide_line = [line for line in capsys.readouterr().out.splitlines() if "<- text" in line]
    assert len(ascii_line) == len(latin_line) == 120
    assert wide_line.endswith("你…")
    assert len(wide_line) + wide_line.count("你") in (119, 120)


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b31m", "a\rb", "a\nb", "\u202edlrow", "\ud800", "\u2028", "\x07"])
def test_untrusted_text_cannot_drive_the_terminal(hostile: str) -> None:
    shown = printable(f"<{hostile}>")
    assert shown.isprintable()
    assert shown.startswith("<")


def test_every_line_of_hostile_records_is_printable() -> None:
    evil = "\x1b]0;x\x07\u202e\n"
    records: list[Record] = [
        Header(target=evil, created=evil, wstape=evil, redaction=(evil,), notes={evil: evil}),
        *(
            Message(connection=1, direction=Direction.SERVER, kind=kind, payload=b"\x03\xe8" + evil.encode(), at_ns=1)
            for kind in Kind
        ),
    ]
    for record in records:
        for listing in (Listing(width=80), Listing(width=None, fields=True, times=False)):
            assert all(line.isprintable() for line in listing.lines(record))


def test_the_twin_on_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "--jsonl", str(write_sample(tmp_path / "a.cassette"))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [encode_line(record) for record in RECORDS]
    assert json.loads(lines[0])["record"] == "header"
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert run(["show", str(tmp_path / "a.jsonl")]) == 0


def test_a_torn_cassette_is_shown_and_then_said_to_be_incomplete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = torn(tmp_path / "a.cassette")
    assert run(["show", str(path)]) == 3
    shown = capsys.readouterr()
    assert "#1     -> text" in shown.out
    assert shown.err.startswith(f"wstape: warning: {path} is incomplete: ")
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["nowhere"], ["--jsonl", "--textconv", "x"], [], ["."], ["{garbage}"]])
def test_bad_input_is_one_line_and_status_2(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"no cassette at all")
    assert run(["show", *(argument.replace("{garbage}", str(garbage)) for argument in arguments)]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("wstape: error: ")
    assert shown.err.count("\n") == 1


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    write_records(path, [*RECORDS[:3], *RECORDS[3:4] * 20_000])
    process = subprocess.Popen(
        [sys.executable, "-m", "wstape.cli", "show", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(b"target")
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("options", [[], ["--pretty"]], ids=["lines", "pretty"])
@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colour_on_a_terminal_unless_told_otherwise(
    tmp_path: Path, options: list[str], no_color: str, coloured: bool
) -> None:
    path = write_sample(tmp_path / "a.cassette")
    controller, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "wstape.cli", "show", *options, str(path)],
        stdout=terminal,
        env={**os.environ, "NO_COLOR": no_color},
        cwd=tmp_path,
    )
    os.close(terminal)
    shown = b""
    try:
        while piece := os.read(controller, 65536):
            shown += piece
    except OSError:  # Linux ends a terminal whose other side is closed with EIO
        pass
    os.close(controller)
    assert process.wait(timeout=60) == 0
    assert (b"\x1b[" in shown) == coloured
    assert b"closed" in shown


@pytest.fixture
def conversation(tmp_path: Path) -> Path:
    """Two tools at work on one connection, a client that hands back an identifier, and a secret."""
    path = tmp_path / "tools.cassette"
    said: list[tuple[str, object]] = [
        (">", {"type": "login", "password": "{{secret:password:1}}"}),
        ("<", {"type": "welcome", "session_id": "s-4f9a7d1e66b0"}),
    ]
    for number in (1, 2):
        said += [
            (">", {"type": "work", "session_id": "s-4f9a7d1e66b0"}),
            ("<", {"type": "executing", "call_id": f"call_{number}x{number}"}),
            ("<", {"type": "completed", "call_id": f"call_{number}x{number}"}),
        ]
    write_records(path, session(connection(*said)).records())
    return path


def test_events_with_their_scopes(conversation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "--events", str(conversation)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert lines[3].split() == ["0.014", "#1", "4", "<-", "executing", "call_id=call_1x1"]


def test_bindings_with_their_sources(conversation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "--bindings", str(conversation)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "s-4f9a7d1e66b0  from server:welcome /session_id (connection 1), sent by the client 2 times; "
        "high: 'session_id' names an identifier",
        "{{secret:password:1}}  from outside: replay needs --secret password:1=VALUE or --secrets FILE",
    ]


def test_one_view_at_a_time(conversation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "--events", "--bindings", str(conversation)]) == 2
    assert "choose one" in capsys.readouterr().err


def test_the_script_of_a_replay(conversation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "--script", str(conversation)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "needs from outside: password:1"
    assert "    after s-4f9a7d1e66b0 from server:welcome /session_id (connection 1)" in lines


def test_bindings_beside_another_recording(conversation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "--bindings", str(conversation), "--beside", str(conversation)]) == 0
    assert "low: the same in all 2 recordings" in capsys.readouterr().out
    assert run(["show", str(conversation), "--beside", str(conversation)]) == 2
