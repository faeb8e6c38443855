"""Records as bytes: many messages encoded at once are the same bytes as each by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wstape.cassettes import CassetteWriter, Direction, Handshake, Header, Kind, Message, Opened, open_cassette
from wstape.cassettes.record import LARGE_PAYLOAD, encode_messages, encode_record

numbers = st.integers(0, 1 << 62)


def messages(connection: int, direction: Direction, kind: Kind, payloads: list[bytes], at_ns: int) -> list[Message]:
    return [
        Message(connection=connection, direction=direction, kind=kind, payload=payload, at_ns=at_ns)
        for payload in payloads
    ]


@given(
    connection=numbers,
    direction=st.sampled_from(Direction),
    kind=st.sampled_from(Kind),
    payloads=st.lists(st.binary(max_size=300), max_size=5),
    at_ns=numbers,
)
@example(1, Direction.CLIENT, Kind.TEXT, [b"a" * size for size in (0, 255, 256, 65_535, 65_536)], 127)
@example(128, Direction.SERVER, Kind.CLOSE, [b""], 1 << 32)
def test_messages_at_once_are_the_same_bytes(
    connection: int, direction: Direction, kind: Kind, payloads: list[bytes], at_ns: int
) -> None:
    each = b"".join(map(encode_record, messages(connection, direction, kind, payloads, at_ns)))
    assert encode_messages(connection, direction, kind, payloads, at_ns) == each


@pytest.mark.parametrize(
    "payloads",
    [
        [b"%d" % number for number in range(100)],
        [b"x" * 70_000] * 12,
        [b"small", b"y" * (LARGE_PAYLOAD + 1), b"small again"],
    ],
    ids=["many small", "more than a block", "a large one among them"],
)
def test_messages_written_at_once_are_read_one_by_one(tmp_path: Path, payloads: list[bytes]) -> None:
    header = Header(target="ws://h/", created="2026-01-01T00:00:00Z", wstape="0")
    handshake = Handshake(target="/", request_headers=(), status=101, reason="", response_headers=())
    opened = Opened(connection=1, handshake=handshake, at_ns=1)
    writer = CassetteWriter.create(tmp_path / "a.cassette", header)
    writer.append(opened, 1)
    writer.append_messages(1, Direction.SERVER, Kind.TEXT, payloads, 5, 5)
    assert writer.messages == len(payloads)
    writer.finish(9)
    reader = open_cassette(tmp_path / "a.cassette")
    expected = [header, opened, *messages(1, Direction.SERVER, Kind.TEXT, payloads, 5)]
    assert list(reader)[:-1] == expected
    assert reader.complete
