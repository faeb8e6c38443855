"""The frame reader's two ways of reading, many frames at once and one by one, held against each other."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from wstape.cassettes import Kind
from wstape.recorder.deflate import Inflater
from wstape.recorder.frame import FrameError, FrameReader

ONE_BY_ONE = 65_534
"""A message limit with which nothing is read many at once: a length of two bytes could go beyond it."""


def read(data: bytes, *, masked: bool, squeezed: bool, limit: int, size: int) -> tuple[list[tuple[Kind, bytes]], str]:
    """The messages that a reader makes of ``data`` in chunks of ``size`` bytes, and why it gave up."""
    inflater = Inflater(takeover=True, limit=limit) if squeezed else None
    reader = FrameReader(masked=masked, inflater=inflater, limit=limit)
    runs: list[tuple[Kind, list[bytes]]] = []
    problem = ""
    try:
        for start in range(0, len(data), size):
            reader.receive_data(data[start : start + size], runs)
    except FrameError as error:
        problem = str(error)
    assert all(payloads for _, payloads in runs)
    return [(kind, payload) for kind, payloads in runs for payload in payloads], problem


payloads = st.binary(max_size=140) | st.integers(120, 300).map(lambda size: b"z" * size)
opcodes = st.sampled_from([Opcode.TEXT, Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.CONT])
pieces = st.tuples(opcodes, payloads, st.booleans(), st.integers(0, 30).map(bool))
"""Opcode, payload, whether it is compressed, whether it is final (it mostly is)."""


def wire(frames: list[tuple[Opcode, bytes, bool, bool]], *, masked: bool) -> bytes:
    deflate = PerMessageDeflate(
        remote_no_context_takeover=False,
        local_no_context_takeover=False,
        remote_max_window_bits=15,
        local_max_window_bits=15,
    )
    return b"".join(
        Frame(
            opcode, payload[:125] if opcode is Opcode.PING else payload, fin=final or opcode is Opcode.PING
        ).serialize(mask=masked, extensions=[deflate] if squeezed else [])
        for opcode, payload, squeezed, final in frames
    )


@given(
    frames=st.lists(pieces, max_size=20),
    tail=st.binary(max_size=12),
    masked=st.booleans(),
    squeezed=st.booleans(),
    size=st.integers(1, 3000),
)
@example([(Opcode.TEXT, b"", False, True)] * 3, b"", True, False, 3000)
@example([(Opcode.TEXT, b"", False, True)] * 3, b"", False, True, 3000)
@example([(Opcode.TEXT, b"a" * 125, False, True), (Opcode.BINARY, b"a" * 126, False, True)], b"\x81", False, False, 300)
@example([(Opcode.TEXT, b"a", True, True)], b"\xc1\x7e\x00", False, True, 3000)
@example([(Opcode.TEXT, b"a", True, True)], b"\xc1\x03\xff\xff\xff", False, True, 3000)
@example([(Opcode.TEXT, b"a", True, True)], b"\x81\x01a", True, True, 3000)
@settings(deadline=None, max_examples=200)
def test_many_at_once_is_read_as_one_by_one(
    frames: list[tuple[Opcode, bytes, bool, bool]], tail: bytes, masked: bool, squeezed: bool, size: int
) -> None:
    data = wire(frames, masked=masked) + tail
    many = read(data, masked=masked, squeezed=squeezed, limit=1 << 20, size=size)
    one = read(data, masked=masked, squeezed=squeezed, limit=ONE_BY_ONE, size=size)
    # An announced length can be beyond the smaller limit only.
    if "more than" not in one[1]:
        assert many == one


def test_messages_of_one_kind_are_one_run() -> None:
    reader = FrameReader(masked=False)
    runs: list[tuple[Kind, list[bytes]]] = []
    texts = b"".join(Frame(Opcode.TEXT, b"%d" % number).serialize(mask=False) for number in range(4))
    reader.receive_data(texts + b"\x82\x01b" + b"\x82\x01c" + b"\x82", runs)
    assert runs == [(Kind.TEXT, [b"0", b"1", b"2", b"3"]), (Kind.BINARY, [b"b", b"c"])]
    assert reader.partial
