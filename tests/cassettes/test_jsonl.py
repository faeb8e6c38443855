"""The .jsonl twin loses nothing and can be edited by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import payloads, recordings

from wstape.cassettes import Direction, Kind, Message, Record, encode_line, open_cassette, write_records
from wstape.cassettes.jsonl import decode_fields, decode_payload, encode_payload


@settings(max_examples=100, deadline=None)
@given(records=recordings())
def test_to_jsonl_and_back(tmp_path_factory: pytest.TempPathFactory, records: list[Record]) -> None:
    folder = tmp_path_factory.mktemp("twin")
    write_records(folder / "a.jsonl", records)
    reader = open_cassette(folder / "a.jsonl")
    assert list(reader) == records
    assert reader.complete


@given(payload=payloads | st.binary())
@example(payload=b'{"a": 1.0, "a": 2}')
@example(payload=b'{"a":1e5}')
@example(payload=b'{"a": 1}\n')
@example(payload=b'{"a":"\\ud800"}')
@example(payload=b'{"a":"\\u00e9"}')
@example(payload=b'{"a":NaN}')
@example(payload=b"[" * 5000)
@example(payload=b"[" + b"9" * 5000 + b"]")
def test_a_payload_keeps_its_bytes(payload: bytes) -> None:
    line = json.dumps(encode_payload(payload), ensure_ascii=False).encode("utf-8")
    assert decode_payload(json.loads(line)) == payload


@pytest.mark.parametrize(
    ("payload", "fields"),
    [
        (b'{"a":1}', {"json": {"a": 1}}),
        (b'{"a": 1}', {"json": {"a": 1}, "spacing": "spaced"}),
        (b'{"a":  1}', {"text": '{"a":  1}'}),
        (b"hello", {"text": "hello"}),
        (b"\xff\x00", {"base64": "/wA="}),
    ],
)
def test_a_payload_stands_in_its_most_readable_form(payload: bytes, fields: dict[str, object]) -> None:
    assert encode_payload(payload) == fields


def test_an_edited_payload_is_read_in_its_spacing() -> None:
    message = Message(connection=1, direction=Direction.SERVER, kind=Kind.TEXT, payload=b'{"a": 1}', at_ns=0)
    line = encode_line(message).replace('{"a": 1}', '{"a": 2, "b": []}')
    edited = decode_fields(json.loads(line))
    assert isinstance(edited, Message)
    assert edited.payload == b'{"a": 2, "b": []}'


@pytest.mark.parametrize("payload", [b"", b"\x03\xe8", b"\x03\xe8bye", b"\x03", b"\x03\xe8\xff"])
def test_close_frames_keep_their_bytes(payload: bytes, tmp_path: Path) -> None:
    message = Message(connection=1, direction=Direction.CLIENT, kind=Kind.CLOSE, payload=payload, at_ns=0)
    assert decode_fields(json.loads(encode_line(message))) == message
