"""``wstape convert`` as a user runs it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from foreign_site import PASSWORD, SESSION, TOKEN, site
from sample_cassette import RECORDS, WRITTEN_WHOLE, torn, write_sample

from wstape.cassettes import End, encode_line, open_cassette, read_session
from wstape.cli import run

DATA = Path(__file__).parents[1] / "cassettes" / "data"


def test_there_and_back_is_the_same_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_sample(tmp_path / "a.cassette")
    assert run(["convert", str(source), str(tmp_path / "a.jsonl")]) == 0
    assert run(["convert", str(tmp_path / "a.jsonl"), str(tmp_path / "b.cassette")]) == 0
    back = open_cassette(tmp_path / "b.cassette")
    assert list(back) == RECORDS
    assert back.complete
    assert capsys.readouterr().err == ""


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_sample(tmp_path / "a.cassette")
    target = tmp_path / "a.jsonl"
    target.write_text("mine")
    assert run(["convert", str(source), str(target)]) == 2
    assert target.read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert run(["convert", str(source), str(target), "--force"]) == 0
    assert list(open_cassette(target)) == RECORDS


@pytest.mark.parametrize("name", ["a.txt", "a"])
def test_a_suffix_without_a_format(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_sample(tmp_path / "a.cassette")
    assert run(["convert", str(source), str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert ".cassette" in error
    assert ".jsonl" in error
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["a.asyncapi.yaml", "a.contract.json"])
def test_a_contract_for_a_recording(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / name
    source.write_text("{}")
    assert run(["convert", str(source), str(tmp_path / "b.json")]) == 2
    assert f"{source} is a contract; let OUT end with .asyncapi.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["b.jsonl", "b.cassette"])
def test_an_incomplete_recording_is_converted_as_far_as_it_goes(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = torn(tmp_path / "a.cassette")
    assert run(["convert", str(source), str(tmp_path / name)]) == 3
    assert f"wstape: warning: {source} is incomplete: " in capsys.readouterr().err
    converted = open_cassette(tmp_path / name)
    assert list(converted) == RECORDS[:WRITTEN_WHOLE]
    assert not converted.complete


def test_a_copy_of_a_damaged_recording_does_not_look_whole(tmp_path: Path) -> None:
    twin = tmp_path / "a.jsonl"
    assert run(["convert", str(write_sample(tmp_path / "a.cassette")), str(twin)]) == 0
    lines = twin.read_text(encoding="utf-8").splitlines(keepends=True)
    twin.write_text("".join(lines[:3] + lines[4:]), encoding="utf-8")  # the end record counts a message more
    assert run(["convert", str(twin), str(tmp_path / "b.cassette")]) == 3
    copied = open_cassette(tmp_path / "b.cassette")
    assert not any(isinstance(record, End) for record in copied)
    assert not copied.complete


def test_a_line_that_is_no_record_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twin = tmp_path / "a.jsonl"
    assert run(["convert", str(write_sample(tmp_path / "a.cassette")), str(twin)]) == 0
    twin.write_text(twin.read_text(encoding="utf-8").replace('"kind": "text"', '"kind": "song"'), encoding="utf-8")
    assert run(["convert", str(twin), str(tmp_path / "b.cassette")]) == 2
    assert f"{twin}: line 4: " in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.cassette", "a.jsonl"]


def test_another_tools_recording_comes_in_without_its_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("playwright.har", "playwright-attach.zip", "mitmproxy-21.flow", "chromium-devtools.har"):
        for target in (tmp_path / f"{name}.jsonl", tmp_path / f"{name}.cassette"):
            assert run(["convert", str(DATA / name), str(target)]) == 0
            assert "3 secrets taken out\n" in capsys.readouterr().err
            plain = b"".join(encode_line(record).encode() for record in open_cassette(target))
            for secret in (PASSWORD, SESSION, TOKEN):
                assert secret.encode() not in plain + target.read_bytes()
            (connection,) = read_session(target).connections
            assert connection.handshake.target == "/ws?token={{secret:token:1}}"
            assert "headers" in read_session(target).header.redaction


def test_the_secrets_of_another_tools_recording_can_be_kept_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "a.secrets"
    source = str(DATA / "playwright.har")
    assert run(["convert", source, str(tmp_path / "a.cassette"), "--keep-secrets", str(kept)]) == 0
    assert kept.stat().st_mode & 0o777 == 0o600
    assert set(json.loads(kept.read_text()).values()) == {PASSWORD, SESSION, TOKEN}
    assert run(["convert", source, str(tmp_path / "b.cassette"), "--redact-key", "from"]) == 0
    assert "/app?from={{secret:from:1}}" in {one.target for one in read_session(tmp_path / "b.cassette").exchanges}
    capsys.readouterr()
    assert run(["convert", source, str(tmp_path / "c.cassette"), "--no-redact"]) == 0
    assert "wstape: warning: redaction is off" in capsys.readouterr().err
    assert read_session(tmp_path / "c.cassette").connections[0].handshake.target == f"/ws?token={TOKEN}"


def test_what_a_format_has_no_place_for_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", str(DATA / "playwright.har"), str(tmp_path / "a.cassette")]) == 0
    assert "wstape: left out: 7 x breakdown of an exchange's time, 1 x page\n" in capsys.readouterr().err
    assert run(["convert", str(write_sample(tmp_path / "b.cassette")), str(tmp_path / "b.har")]) == 0
    assert capsys.readouterr().err == (
        "wstape: in a HAR other tools do not see: 2 x ping, pong or Close frame, 2 x note, 1 x ending of a connection\n"
    )
    assert run(["convert", str(tmp_path / "b.har"), str(tmp_path / "c.cassette")]) == 0
    assert read_session(tmp_path / "c.cassette").connections == read_session(tmp_path / "b.cassette").connections


def test_every_command_that_takes_a_cassette_takes_another_tools_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    har, flow, contract = str(DATA / "playwright.har"), str(DATA / "mitmproxy-21.flow"), str(tmp_path / "a.json")
    assert run(["show", har]) == 0
    assert run(["show", "--events", flow]) == 0
    capsys.readouterr()
    assert run(["infer", har, flow, "-o", contract]) == 0
    assert f"wstape: warning: {flow} is not redacted, and a contract quotes values" in capsys.readouterr().err
    assert run(["check", har, "--contract", contract]) == 0
    assert run(["diff", har, flow]) in (0, 1)
    assert "wstape: error" not in capsys.readouterr().err
    for command in (["scrub", har], ["repair", flow]):
        run(command)
        said = capsys.readouterr().err
        assert "'wstape convert' it" in said or "nothing to repair" in said


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--origin", "http://nowhere"], "nothing in it went to http://nowhere"),
        (["--no-redact", "--redact", "pii"], "--no-redact goes with no other option"),
        (["--keep-secrets", "a.cassette"], "the file exists already"),
    ],
)
def test_options_that_make_no_sense(
    tmp_path: Path,
    options: list[str],
    problem: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_sample(Path("a.cassette"))
    assert run(["convert", str(DATA / "playwright.har"), "b.cassette", *options]) == 2
    assert problem in capsys.readouterr().err
    assert not Path("b.cassette").exists()
    assert run(["convert", "a.cassette", "b.jsonl", "--no-redact"]) == 2
    assert "a.cassette is wstape's own" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["chromium-devtools.har", "playwright-attach.zip", "mitmproxy-21.flow"])
def test_another_tools_recording_is_replayed_with_the_secrets_kept_beside_it(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Login, cookie, token in a query and the talk, as a browser did them, against the site as it is now."""
    tape, kept = str(tmp_path / "a.cassette"), str(tmp_path / "a.secrets")
    assert run(["convert", str(DATA / name), tape, "--keep-secrets", kept]) == 0

    async def play(*options: str) -> int:
        async with site() as address:
            return await asyncio.to_thread(run, ["replay", tape, "--target", f"ws://{address}", *options])

    assert asyncio.run(play()) == 2
    assert "password:1" in capsys.readouterr().err
    assert asyncio.run(play("--secrets", kept)) == 0
    assert "COMPATIBLE" in capsys.readouterr().out
