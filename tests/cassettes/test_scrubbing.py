"""Old cassettes come out clean, once and for all; what cannot be cleaned is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from sample_cassette import RECORDS, torn, write_sample
from strategies import recordings

from wstape.cassettes import (
    Direction,
    Handshake,
    Header,
    Kind,
    Message,
    Opened,
    Record,
    Redactor,
    find_leaks,
    open_cassette,
    scrub,
    secure,
    unknown_secrets,
    write_records,
)
from wstape.cassettes.scrubbing import raw_parts

TOKEN = "tk9-Zq4Lw7Rb2Xn8Vd5"
HEADER = Header(target="ws://h/ws", created="2026-01-31T12:00:00Z", wstape="0")


def opened(*fields: tuple[str, str]) -> Opened:
    shake = Handshake(target="/ws", request_headers=fields, status=101, reason="", response_headers=())
    return Opened(connection=1, handshake=shake, at_ns=0)


def message(payload: str | bytes) -> Message:
    raw = payload.encode() if isinstance(payload, str) else payload
    return Message(connection=1, direction=Direction.SERVER, kind=Kind.TEXT, payload=raw, at_ns=1)


# The token is echoed before anything says that it is one.
LOGIN = message(f'{{"password":"{TOKEN}"}}')
LATE: list[Record] = [HEADER, opened(("X-Echo", TOKEN)), message(f"hello {TOKEN}"), LOGIN]


def written(path: Path, records: list[Record]) -> Path:
    write_records(path, records, force=True)
    return path


@pytest.mark.parametrize("name", ["a.cassette", "a.jsonl"])
def test_a_secret_that_is_named_late_is_taken_out_everywhere(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, LATE)
    path.chmod(0o640)
    redactor = Redactor()
    assert scrub(path, redactor)
    assert redactor.secrets == {"password:1": TOKEN}
    assert TOKEN.encode() not in b"".join(raw_parts(path))
    assert find_leaks(path, redactor) == []
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in tmp_path.iterdir()] == [name]
    texts = [one.text for one in open_cassette(path) if isinstance(one, Message)]
    assert texts == ["hello {{secret:password:1}}", '{"password":"{{secret:password:1}}"}']
    assert open_cassette(path).header.redaction == Redactor().rules


@pytest.mark.parametrize("name", ["a.cassette", "a.jsonl"])
def test_scrubbing_twice_changes_nothing(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, LATE)
    assert scrub(path, Redactor())
    before, inode = path.read_bytes(), path.stat().st_ino
    assert not scrub(path, Redactor())
    assert (path.read_bytes(), path.stat().st_ino) == (before, inode)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(recordings())
def test_any_recording_is_scrubbed_once(tmp_path: Path, records: list[Record]) -> None:
    path = written(tmp_path / "any.cassette", records)
    scrub(path, Redactor())
    before = path.read_bytes()
    assert not scrub(path, Redactor())
    assert path.read_bytes() == before


def test_placeholders_of_an_earlier_recording_keep_their_meaning(tmp_path: Path) -> None:
    records = [HEADER, opened(), message('{"password":"fresh-one-1"}'), message('{"password":"{{secret:password:1}}"}')]
    path = written(tmp_path / "a.cassette", records)
    redactor = Redactor()
    scrub(path, redactor)
    assert redactor.secrets == {"password:2": "fresh-one-1"}


def test_what_is_whole_stays_whole_and_what_is_torn_stays_torn(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "a.cassette")
    records = [replace(one, payload=b'{"password":"abc-1234"}') if one is RECORDS[3] else one for one in RECORDS]
    scrub(written(path, records), Redactor())
    reader = open_cassette(path)
    assert len(list(reader)) == len(RECORDS)
    assert reader.complete
    path = torn(tmp_path / "torn.cassette")
    scrub(path, Redactor())
    reader = open_cassette(path)
    list(reader)
    assert not reader.complete


def test_a_place_that_redaction_does_not_reach_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.cassette", [HEADER, opened((f"X-{TOKEN}", "1")), LOGIN])
    (leak,) = secure(path, Redactor(known={"password:1": TOKEN}))
    assert str(leak) == "{{secret:password:1}} stands in record 2, the handshake of connection 1"
    assert TOKEN not in str(leak)


def test_a_recording_without_leaks_is_not_rewritten(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "a.cassette")
    inode = path.stat().st_ino
    assert secure(path, Redactor(known={"password": "nowhere-to-be-found"})) == []
    assert path.stat().st_ino == inode


def test_a_secret_behind_damage_is_found(tmp_path: Path) -> None:
    filler = [message(json.dumps({"n": [number, "x" * 4000]})) for number in range(200)]
    path = written(tmp_path / "a.cassette", [HEADER, opened(), *filler, message(f"again {TOKEN}")])
    data = bytearray(path.read_bytes())
    data[data.index(b"\xabWSB", 200) + 40] ^= 0xFF
    path.write_bytes(data)
    assert list(open_cassette(path))[-1] == message(f"again {TOKEN}")
    assert [leak.name for leak in find_leaks(path, Redactor(known={"t:1": TOKEN}))] == ["t:1"]


def test_strings_of_high_entropy_are_counted_by_key(tmp_path: Path) -> None:
    payloads = [
        '{"blob":"q7Xr2Lm9Vt4Kp8Zs1Wd6Yb3N"}',
        '{"data":{"blob": "aQ3xW8eR5tY2uI9oP4sD7fG1"}}',
        r'{"inner":"{\"stamp\":\"Zx3Cv7Bn1Mq5Wl9Er2Ty6Ui\"}"}',
        '{"thread_id":"q7Xr2Lm9Vt4Kp8Zs1Wd6Yb3N","cursor":"aQ3xW8eR5tY2uI9oP4sD7fG1"}',
        '{"digest":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","at":"2026-01-31T12:00:00.123Z"}',
        '{"name":"a-perfectly-harmless-name-42","word":"internationalization"}',
    ]
    path = written(tmp_path / "a.cassette", [HEADER, opened(), *map(message, payloads)])
    assert unknown_secrets(path) == {"blob": 2, "stamp": 1}
