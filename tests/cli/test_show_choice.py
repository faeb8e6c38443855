"""What ``wstape show`` shows of a recording, how it spreads payloads, and how it follows one in progress."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from recording import PATIENCE, WSTAPE, recording
from sample_cassette import HEADER, RECORDS, torn, write_sample
from sessions import connection, session
from upstreams import echo_in_thread
from websockets.asyncio.client import connect

from wstape.cassettes import CassetteWriter, Direction, Kind, Message, follow, write_records
from wstape.cli import run
from wstape.cli.pretty import Pretty

SENT = Direction.CLIENT


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Two connections, each with an event of three labels, 11, 12 and 13 ms after the beginning."""
    path = tmp_path / "two.cassette"
    talks = [
        connection(
            (">", {"type": "ask", "n": number}),
            ("<", {"type": "answer", "n": number}),
            ("<", {"type": "done"}),
            number=number,
            closed=False,
        )
        for number in (1, 2)
    ]
    write_records(path, session(*talks).records())
    return path


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    """The lines of ``wstape show`` below the header."""
    capsys.readouterr()
    assert run(["show", *map(str, arguments)]) == 0
    return capsys.readouterr().out.partition("\n\n")[2].splitlines()


@pytest.mark.parametrize(
    ("options", "count", "everywhere"),
    [
        (["--connection", "2"], 4, "#2"),
        (["--connection", "1", "--connection", "2"], 8, "#"),
        (["--direction", "client"], 2, "->"),
        (["--label", "answer"], 2, '"answer"'),
        (["--label", "answer", "--label", "ask", "--connection", "1"], 2, '"n": 1'),
        (["--grep", '"n": [2-9]'], 2, '"n": 2'),
        (["--from", "0.0115", "--to", "0.0125"], 2, "0.012"),
        (["--from", "0.013"], 2, "0.013"),
        (["--limit", "3"], 3, ""),
        (["--direction", "server", "--limit", "1"], 1, "answer"),
        (["--label", "nothing"], 0, ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_only_what_is_chosen(
    two: Path, options: list[str], count: int, everywhere: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(capsys, *options, two)
    assert len(lines) == count
    assert all(everywhere in line for line in lines)


def test_a_choice_goes_with_the_other_views(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "--jsonl", "--connection", "2", "--direction", "client", str(two)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["record"] for line in lines] == ["header", "message"]
    assert lines[1]["json"] == {"type": "ask", "n": 2}
    assert run(["show", "--events", "--label", "ask", "--limit", "1", str(two)]) == 0
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["ask"]


def test_grep_looks_into_exchanges_and_handshakes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_sample(tmp_path / "a.cassette")
    assert "POST /login" in shown(capsys, "--grep", '"ok"', path)[0]
    assert "/chat" in shown(capsys, "--grep", "(?i)upgrade: WEBSOCKET", path)[0]
    assert "lost its place" in shown(capsys, "--grep", "place\nhere", path)[0]
    assert shown(capsys, "--grep", "é", path)[0].endswith('{"type":"hi","n":"é"}')


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--grep", "("], "not a regular expression"),
        (["--from", "2", "--to", "1"], "--to 1 lies before --from 2"),
        (["--bindings", "--limit", "1"], "--bindings is of the whole recording"),
        (["--pretty", "--jsonl"], "--pretty does not go with --jsonl"),
        (["--follow", "--events"], "--follow does not go with --events"),
        (["--follow", "{twin}"], "not a .cassette"),
    ],
)
def test_what_makes_no_sense(two: Path, options: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    twin = two.with_suffix(".jsonl")
    run(["convert", str(two), str(twin)])
    arguments = [str(twin) if option == "{twin}" else option for option in options]
    assert run(["show", *arguments, *([] if "{twin}" in options else [str(two)])]) == 2
    assert problem in capsys.readouterr().err


def test_payloads_over_lines_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "--pretty", str(write_sample(tmp_path / "a.cassette"))]) == 0
    out = capsys.readouterr().out
    assert '    0.006  #1     -> text        22 B\n    {\n      "type": "hi",\n      "n": "é"\n    }\n' in out
    assert '    <       8 B\n    {\n      "ok": 1\n    }\n' in out
    assert "binary       3 B\n    000000  00 ff 10                                         ...\n" in out
    assert "close        5 B  1000 bye\n" in out


def test_pretty_lines_are_bounded_and_safe_to_print() -> None:
    pretty = Pretty(colour=False)
    evil = json.dumps({"a": "\x1b[2J\u202e", "b\x07": ["\x9b"]}, ensure_ascii=False).encode()
    assert all(line.isprintable() for line in pretty.lines(evil, binary=False))
    assert all(line.isprintable() for line in pretty.lines(b"\x1b\n\xc2\x9b", binary=False))
    assert len(list(pretty.lines(bytes(1 << 20), binary=True))) == 257
    assert len(list(pretty.lines(b"\n" * 100_000, binary=False))) == 10_001
    assert list(pretty.lines(b"[" * 100_000, binary=False)) == ["    " + "[" * 100_000]
    coloured = "".join(Pretty(colour=True).lines(b'{"a":1}', binary=False))
    assert "\x1b[" in coloured
    assert "\x1b[" not in "".join(pretty.lines(b'{"a":1}', binary=False))


def test_following_a_recording_in_progress(tmp_path: Path) -> None:
    """Blocks appear one by one, the last one in two halves; the end record ends it."""
    path = tmp_path / "a.cassette"
    whole = write_sample(tmp_path / "whole.cassette").read_bytes()
    steps = [whole[:7], whole[:30], whole[:-40], whole[:-3], whole]

    def wait() -> None:
        path.write_bytes(steps.pop(0))

    path.write_bytes(b"")
    assert list(follow(path, wait)) == RECORDS
    assert not steps


def test_following_passes_over_damage_and_ends_when_the_file_goes(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    writer = CassetteWriter.create(path, HEADER)
    for record in RECORDS[1:-1]:
        writer.append(record, 0)
        writer.flush()
    writer.abandon()
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4] = b"\xff" * 4
    path.write_bytes(data)
    followed = list(follow(path, path.unlink))
    assert followed[0] == HEADER
    assert followed[-1] == RECORDS[-2]
    assert 0 < len(RECORDS) - 1 - len(followed) <= 2


def test_follow_shows_a_real_recording_until_it_ends(tmp_path: Path) -> None:
    async def talk(url: str, *words: str) -> None:
        async with connect(url) as client:
            for word in words:
                await client.send(word)
                assert await client.recv() == word

    path = tmp_path / "a.cassette"
    with echo_in_thread() as upstream, recording(upstream, path) as recorder:
        asyncio.run(talk(recorder.url, "first"))
        with subprocess.Popen([*WSTAPE, "show", "--follow", str(path)], stdout=subprocess.PIPE, text=True) as follower:
            assert follower.stdout is not None
            lines = iter(follower.stdout.readline, "")
            assert any("<- text" in line and "first" in line for line in lines)
            asyncio.run(talk(recorder.url, "second"))
            assert any("<- text" in line and "second" in line for line in lines)
            recorder.stop()
            assert any("-- end" in line and "2 connections" in line for line in lines)
            assert follower.wait(PATIENCE) == 0


def test_ctrl_c_ends_following(tmp_path: Path) -> None:
    path = torn(tmp_path / "a.cassette")
    with subprocess.Popen(
        [*WSTAPE, "show", "--follow", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as follower:
        assert follower.stdout is not None
        assert any("-> text" in line for line in iter(follower.stdout.readline, ""))
        follower.send_signal(signal.SIGINT)
        _, said = follower.communicate(timeout=PATIENCE)
    assert (follower.returncode, said) == (0, "")


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody, with no settings but the repository's."""
    identity = {
        f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    result = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env={**os.environ, **identity, **nobody},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return result.stdout


def test_git_diff_shows_what_changed_between_two_recordings(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitattributes").write_text("*.cassette diff=wstape\n")
    git(tmp_path, "config", "diff.wstape.textconv", f"{sys.executable} -m wstape.cli show --textconv")
    path = tmp_path / "a.cassette"
    write_records(path, RECORDS)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    later = Message(connection=1, direction=SENT, kind=Kind.TEXT, payload=b'{"type":"hello"}', at_ns=6_500_000)
    write_records(path, [*RECORDS[:3], later, *RECORDS[4:]], force=True)
    changed = [
        line for line in git(tmp_path, "diff").splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    assert changed == [
        '-#1     -> text        22 B  {"type":"hi","n":"é"}',
        '+#1     -> text        16 B  {"type":"hello"}',
    ]
    path.unlink()
    torn(path)
    assert "+!! incomplete: " in git(tmp_path, "diff")
