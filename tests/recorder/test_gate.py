"""Messages on the wire, and the faults at them."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from wstape.cassettes import Direction, Fault, Faults
from wstape.recorder.gate import Gate, Step

TEXT, CONT, PING, CLOSE = Opcode.TEXT, Opcode.CONT, Opcode.PING, Opcode.CLOSE


def gate(*specs: str) -> Gate:
    return Gate(Direction.SERVER, Faults([Fault.parse(spec) for spec in specs]).connection("/"))


def wire(opcode: Opcode, payload: bytes, *, fin: bool = True, mask: bool = False) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=mask)


@st.composite
def traffic(draw: st.DrawFn) -> bytes:
    sizes = st.sampled_from([0, 1, 125, 126, 300, 65535, 65536])
    pieces: list[bytes] = []
    for _ in range(draw(st.integers(0, 5))):
        fragments = draw(st.integers(1, 3))
        for number in range(fragments):
            opcode = TEXT if number == 0 else CONT
            masked = draw(st.booleans())
            pieces.append(wire(opcode, bytes(draw(sizes)), fin=number == fragments - 1, mask=masked))
            if draw(st.booleans()):
                pieces.append(wire(PING, b"!"))
    if draw(st.booleans()):
        pieces.append(wire(CLOSE, b"") + draw(st.binary(max_size=20)))
    return b"".join(pieces)


def without_control(data: bytes) -> bytes:
    return data.replace(wire(PING, b"!"), b"")


@given(data=traffic(), cuts=st.lists(st.integers(0, 1 << 17), max_size=5))
def test_everything_passes_however_it_arrives(data: bytes, cuts: list[int]) -> None:
    def passed(pieces: list[bytes]) -> list[Step]:
        faulty = gate("duplicate:every=2")
        return [step for piece in pieces for step in faulty.receive_data(piece)]

    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in itertools.pairwise(places)]
    whole, cut = passed([data]), passed(pieces)
    assert without_control(b"".join(step.data for step in whole)) == without_control(data)
    assert b"".join(step.data for step in cut) == b"".join(step.data for step in whole)
    assert [step.number for step in cut if step.faults] == [step.number for step in whole if step.faults]


def test_messages_are_counted_and_control_frames_pass_between_fragments() -> None:
    first, last, ping = wire(TEXT, b"a", fin=False), wire(CONT, b"bcdefgh"), wire(PING, b"")
    steps = gate("drop:after=1").receive_data(wire(TEXT, b"0") + first + ping + last)
    assert [step.data for step in steps] == [wire(TEXT, b"0"), ping, first + last]
    assert [(step.number, len(step.faults)) for step in steps] == [(1, 0), (0, 0), (2, 1)]
    assert steps[-1].half == len(first) + len(last) // 2


def test_half_of_a_frame_is_never_all_of_it_and_never_none() -> None:
    for size in range(200):
        (step,) = gate("truncate").receive_data(wire(TEXT, bytes(size)))
        assert 0 < step.half < len(step.data)


def test_what_follows_a_close_frame_passes() -> None:
    closing = wire(CLOSE, b"") + b"\x81"
    assert b"".join(step.data for step in gate("drop").receive_data(closing)) == closing
