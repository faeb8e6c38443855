"""The cases of the Autobahn test suite (crossbario/autobahn-testsuite), stated again as frames to send.

The suite itself runs on Python 2 only. The numbers are its own; what differs: of the sizes in 9 and of the repetitions
in 12 and 13 there are samples, and family 20 adds how a transport can end. A case says what the fuzzing end sends; what
is right to answer is not said, because the cases serve to compare two ways to the same peer.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

MASK = b"\x37\xfa\x21\x3d"  # RFC 6455 section 5.7 uses it in its examples


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame as it is sent, right or wrong. ``rsv`` is the three reserved bits as a number, RSV1 is 4."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0

    def serialize(self, *, mask: bool) -> bytes:
        """The bytes of the frame; masked with `MASK`."""
        size = len(self.payload)
        bit = 0x80 if mask else 0
        head = bytes([(0x80 if self.fin else 0) | self.rsv << 4 | self.opcode])
        if size < 126:
            head += bytes([bit | size])
        elif size < 1 << 16:
            head += bytes([bit | 126]) + size.to_bytes(2, "big")
        else:
            head += bytes([bit | 127]) + size.to_bytes(8, "big")
        if not mask:
            return head + self.payload
        key = (MASK * (size // 4 + 1))[:size]
        masked = (int.from_bytes(self.payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
        return head + MASK + masked


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one end sends after the handshake, and how it goes on.

    ``chop`` is the size of the pieces in which it is written, None for one write a frame. ``then`` is what follows the
    frames: a ``close`` frame and reading to the end, only ``read``, ``eof`` (end of writing) or ``reset``.
    """

    number: str
    frames: tuple[Frame, ...]
    chop: int | None = None
    then: str = "close"
    extensions: str = ""  # what a fuzzing client offers

    def turns(self, *, mask: bool) -> list[tuple[list[bytes], int]]:
        """What is written without waiting, and how many frames the peer must have sent by then.

        Each whole message and each ping has its answer before the next is sent, as the suite does it: how many echoes
        still go out when a Close has been read is a matter of chance. A peer that ends the connection instead may
        be waited for in vain.
        """
        turns: list[tuple[list[bytes], int]] = []
        pieces: list[bytes] = []
        answers = 0
        frames = [*self.frames, close(1000)] if self.then == "close" else self.frames
        for index, frame in enumerate(frames):
            wire = frame.serialize(mask=mask)
            step = self.chop or len(wire)
            pieces += [wire[start : start + step] for start in range(0, len(wire), step)]
            if any(one.opcode == CLOSE for one in frames[: index + 1]):
                continue  # at once with what follows: the peer may be gone soon
            if frame.fin and frame.opcode != PONG:
                answers += 1
                turns.append((pieces, answers))
                pieces = []
        return [*turns, ([b"".join(pieces)] if self.chop is None else pieces, 0)]


def text(payload: bytes | str, *, fin: bool = True, rsv: int = 0) -> Frame:
    data = payload.encode() if isinstance(payload, str) else payload
    return Frame(opcode=TEXT, payload=data, fin=fin, rsv=rsv)


def more(payload: bytes | str, *, fin: bool) -> Frame:
    return Frame(opcode=CONT, payload=payload.encode() if isinstance(payload, str) else payload, fin=fin)


def ping(payload: bytes = b"") -> Frame:
    return Frame(opcode=PING, payload=payload)


def close(code: int | None = None, reason: bytes = b"") -> Frame:
    return Frame(opcode=CLOSE, payload=b"" if code is None else code.to_bytes(2, "big") + reason)


def fragments(payload: bytes, size: int, opcode: int = TEXT) -> tuple[Frame, ...]:
    """A message in fragments of ``size`` bytes."""
    parts = [payload[start : start + size] for start in range(0, len(payload), size)]
    last = len(parts) - 1
    return tuple(
        Frame(opcode=CONT if index else opcode, payload=part, fin=index == last) for index, part in enumerate(parts)
    )


def cases() -> dict[str, list[Case]]:
    """Every case, by family."""
    families = {
        "1 framing": _framing(),
        "2 pings and pongs": _pings(),
        "3 reserved bits": _reserved_bits(),
        "4 opcodes": _opcodes(),
        "5 fragmentation": _fragmentation(),
        "6 UTF-8": _utf8(),
        "7 close": _closes(),
        "9 limits": _limits(),
        "10 auto-fragmentation": [Case(number="10.1.1", frames=fragments(b"*" * 65536, 1300))],
        "12 compression": _compression(),
        "20 transport": _transport(),
    }
    assert len({case.number for family in families.values() for case in family}) == sum(map(len, families.values()))
    return families


def _framing() -> list[Case]:
    sizes = (0, 125, 126, 127, 128, 65535, 65536)
    found: list[Case] = []
    for group, opcode, byte in ((1, TEXT, b"*"), (2, BINARY, b"\xfe")):
        for index, size in enumerate(sizes, 1):
            found.append(Case(number=f"1.{group}.{index}", frames=(Frame(opcode=opcode, payload=byte * size),)))
        found.append(Case(number=f"1.{group}.8", frames=(Frame(opcode=opcode, payload=byte * 65536),), chop=997))
    return found


def _pings() -> list[Case]:
    ten = tuple(ping(b"payload-%d" % number) for number in range(10))
    pong = Frame(opcode=PONG)
    unsolicited = Frame(opcode=PONG, payload=b"unsolicited pong payload")
    return [
        Case(number="2.1", frames=(ping(),)),
        Case(number="2.2", frames=(ping(b"Hello, world!"),)),
        Case(number="2.3", frames=(ping(b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"),)),
        Case(number="2.4", frames=(ping(b"\xfe" * 125),)),
        Case(number="2.5", frames=(ping(b"\xfe" * 126),)),
        Case(number="2.6", frames=(ping(b"\xfe" * 125),), chop=1),
        Case(number="2.7", frames=(pong,)),
        Case(number="2.8", frames=(unsolicited,)),
        Case(number="2.9", frames=(unsolicited, ping(b"ping payload"))),
        Case(number="2.10", frames=ten),
        Case(number="2.11", frames=ten, chop=1),
    ]


def _reserved_bits() -> list[Case]:
    hello = text("Hello, world!")
    found = [Case(number="3.1", frames=(text("Hello, world!", rsv=1),))]
    for rsv, chop in ((2, None), (3, 64), (4, 1)):
        frames = (hello, text("Hello, world!", rsv=rsv), ping())
        found.append(Case(number=f"3.{rsv}", frames=frames, chop=chop))
    found.append(Case(number="3.5", frames=(Frame(opcode=BINARY, payload=b"\x00\xff\xfe\xfd", rsv=5),)))
    found.append(Case(number="3.6", frames=(Frame(opcode=PING, payload=b"Hello, world!", rsv=6),)))
    found.append(Case(number="3.7", frames=(Frame(opcode=CLOSE, rsv=7),), then="read"))
    return found


def _opcodes() -> list[Case]:
    found: list[Case] = []
    for group, first in ((1, 3), (2, 11)):
        for index in range(5):
            payload = b"reserved opcode payload" if index % 2 else b""
            frame = Frame(opcode=first + index, payload=payload)
            frames = (frame,) if index < 2 else (text("Hello, world!"), frame, ping())
            chop = 1 if index == 4 else None
            found.append(Case(number=f"4.{group}.{index + 1}", frames=frames, chop=chop))
    return found


def _fragmentation() -> list[Case]:
    one, two = "fragment1", "fragment2"
    split = (text(one, fin=False), more(two, fin=True))
    with_ping = (text(one, fin=False), ping(b"pongme 1!"), more(two, fin=True))
    stray = (more("non-continuation payload", fin=True), text("Hello, world!"))
    stray_open = (more("non-continuation payload", fin=False), text("Hello, world!"))
    repeated = (more(one, fin=False), text(two, fin=False), more("fragment3", fin=True)) * 2
    repeated_whole = (more(one, fin=True), text(two, fin=False), more("fragment3", fin=True)) * 2
    long_way = (
        text(one, fin=False),
        more(two, fin=False),
        ping(b"pongme 1!"),
        more("fragment3", fin=False),
        more("fragment4", fin=False),
        ping(b"pongme 2!"),
        more("fragment5", fin=True),
    )
    found = [
        Case(number="5.1", frames=(Frame(opcode=PING, payload=b"one", fin=False), more("two", fin=True))),
        Case(number="5.2", frames=(Frame(opcode=PONG, payload=b"one", fin=False), more("two", fin=True))),
        Case(number="5.15", frames=(*split, more("fragment3", fin=False), text("fragment4"))),
        Case(number="5.16", frames=repeated),
        Case(number="5.17", frames=repeated_whole),
        Case(number="5.18", frames=(text(one, fin=False), text(two))),
        Case(number="5.19", frames=long_way),
        Case(number="5.20", frames=long_way, chop=1),
    ]
    for first, frames in ((3, split), (6, with_ping), (9, stray), (12, stray_open)):
        for index, chop in enumerate((None, 16, 1)):
            found.append(Case(number=f"5.{first + index}", frames=frames, chop=chop))
    return found


# Markus Kuhn's "UTF-8 decoder capability and stress test", as the suite takes from it.
_SEQUENCES = {
    "6.5": ["κ", "κό", "κόσ", "κόσμ", "κόσμε"],
    "6.6": [
        b"\xce",
        b"\xce\xba\xe1",
        b"\xce\xba\xe1\xbd",
        b"\xce\xba\xe1\xbd\xb9\xcf",
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce",
    ],
    "6.7": ["\x00", "\x80", "\u0800", "\U00010000"],
    "6.8": [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"],
    "6.9": ["\x7f", "\u07ff", "\uffff", "\U0010ffff"],
    "6.10": [b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"],
    "6.11": ["\ud7ff", "\ue000", "\ufffd", "\U0010ffff!", b"\xf4\x90\x80\x80"],
    "6.12": [
        b"\x80",
        b"\xbf",
        b"\x80\xbf",
        b"\x80\xbf\x80",
        b"\x80\xbf\x80\xbf",
        b"\x80\xbf\x80\xbf\x80",
        bytes(range(0x80, 0xC0)),
    ],
    "6.13": [
        b"".join(b"%c " % byte for byte in range(0xC0, 0xE0)),
        b"".join(b"%c " % byte for byte in range(0xE0, 0xF0)),
        b"".join(b"%c " % byte for byte in range(0xF0, 0xF8)),
    ],
    "6.14": [b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf"],
    "6.15": [b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xdf\xef\xbf\xf7\xbf\xbf"],
    "6.16": [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"],
    "6.17": [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf", b"\xfc\x80\x80\x80\x80\xaf"],
    "6.18": [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xf8\x87\xbf\xbf\xbf"],
    "6.19": [b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80"],
    "6.20": [
        b"\xed\xa0\x80",
        b"\xed\xad\xbf",
        b"\xed\xae\x80",
        b"\xed\xaf\xbf",
        b"\xed\xb0\x80",
        b"\xed\xbe\x80",
        b"\xed\xbf\xbf",
    ],
    "6.21": [b"\xed\xa0\x80\xed\xb0\x80", b"\xed\xa0\x80\xed\xbf\xbf", b"\xed\xaf\xbf\xed\xb0\x80"],
    "6.22": ["\ufffe", "\uffff!", "\U0001fffe", "\U0001ffff", "\U0010fffe"],
    "6.23": ["\ufff9", "\ufffa", "\ufffb", "\ufffc"],
}


def _utf8() -> list[Case]:
    valid = "Hello-µ@ßöäüàá-UTF-8!!".encode()
    broken = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80\x65\x64\x69\x74\x65\x64"
    early, late = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5", b"\xf4\x90\x80\x80edited"
    found = [
        Case(number="6.1.1", frames=(text(""),)),
        Case(number="6.1.2", frames=(text("", fin=False), more("", fin=False), more("", fin=True))),
        Case(number="6.1.3", frames=(text("", fin=False), more("middle frame payload", fin=False), more("", fin=True))),
        Case(number="6.2.1", frames=(text(valid),)),
        Case(number="6.2.2", frames=(text(valid[:12], fin=False), more(valid[12:], fin=True))),
        Case(number="6.2.3", frames=fragments(valid, 1)),
        Case(number="6.2.4", frames=fragments("κόσμε".encode(), 1)),
        Case(number="6.3.1", frames=(text(broken),)),
        Case(number="6.3.2", frames=fragments(broken, 1)),
        Case(number="6.4.1", frames=(text(early, fin=False), more(late[:4], fin=False), more(late[4:], fin=True))),
        Case(number="6.4.2", frames=(text(early + late[:3], fin=False), more(late[3:], fin=True))),
        Case(number="6.4.3", frames=(text(early + late),), chop=13),
        Case(number="6.4.4", frames=(text(early + late),), chop=1),
    ]
    for group, sequences in _SEQUENCES.items():
        found += [Case(number=f"{group}.{index}", frames=(text(one),)) for index, one in enumerate(sequences, 1)]
    return found


def _closes() -> list[Case]:
    hello, end = text("Hello World!"), close(1000)
    found = [
        Case(number="7.1.1", frames=(hello, end), then="read"),
        Case(number="7.1.2", frames=(end, end), then="read"),
        Case(number="7.1.3", frames=(end, ping()), then="read"),
        Case(number="7.1.4", frames=(end, hello), then="read"),
        Case(number="7.1.5", frames=(text("fragment1", fin=False), end, more("fragment2", fin=True)), then="read"),
        Case(number="7.1.6", frames=(text(b"BAsd7&jh23" * 26000), hello, end, ping()), then="read"),
        Case(number="7.3.1", frames=(close(),), then="read"),
        Case(number="7.3.2", frames=(Frame(opcode=CLOSE, payload=b"a"),), then="read"),
        Case(number="7.3.3", frames=(end,), then="read"),
        Case(number="7.3.4", frames=(close(1000, b"Hello World!"),), then="read"),
        Case(number="7.3.5", frames=(close(1000, b"*" * 123),), then="read"),
        Case(number="7.3.6", frames=(close(1000, b"*" * 124),), then="read"),
        Case(number="7.5.1", frames=(close(1000, b"\xce\xba\xe1\xbd\xb9\xcf\xed\xa0\x80edited"),), then="read"),
    ]
    valid = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    invalid = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)
    for group, codes in (("7.7", valid), ("7.9", invalid), ("7.13", (5000, 65535))):
        found += [Case(number=f"{group}.{n}", frames=(close(code),), then="read") for n, code in enumerate(codes, 1)]
    return found


def _limits() -> list[Case]:
    kib = 1024
    message = b"*" * (1024 * kib)
    return [
        Case(number="9.1.1", frames=(text(message[: 64 * kib]),)),
        Case(number="9.1.3", frames=(text(message),)),
        Case(number="9.2.3", frames=(Frame(opcode=BINARY, payload=message),)),
        Case(number="9.3.4", frames=fragments(message, 4 * kib)),
        Case(number="9.4.7", frames=fragments(message, 256 * kib, BINARY)),
        Case(number="9.5.4", frames=(text(message),), chop=1024),
        Case(number="9.7.1", frames=(text(""),) * 1000),
        Case(number="9.8.3", frames=(Frame(opcode=BINARY, payload=b"\xfe" * 64),) * 1000),
    ]


def _compression() -> list[Case]:
    """Family 12 with its one offer, and 13 with its seven, for a few sizes and kinds of data."""
    offers = {
        "12.1": "permessage-deflate; client_max_window_bits",
        "13.1": "permessage-deflate; client_no_context_takeover; client_max_window_bits",
        "13.2": "permessage-deflate; server_no_context_takeover",
        "13.3": "permessage-deflate; server_max_window_bits=9",
        "13.4": "permessage-deflate; server_max_window_bits=15",
        "13.5": "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
        "13.6": "permessage-deflate; server_no_context_takeover; server_max_window_bits=15",
        "13.7": "permessage-deflate; server_max_window_bits=9, permessage-deflate",
    }
    found: list[Case] = []
    for group, offer in offers.items():
        fresh = "client_no_context_takeover" in offer
        for index, size in enumerate((16, 1024, 8192, 131072), 1):
            data = (b'{"a": %d, "compression": "of text"}' % size * (size // 30 + 1))[:size]
            frames = _deflated([data, data[::-1], b"", data], fresh=fresh)
            found.append(Case(number=f"{group}.{index}", frames=frames, extensions=offer))
    bad = Frame(opcode=TEXT, payload=b"\xff\xff\xff\xff", rsv=4)
    found.append(Case(number="12.9.1", frames=(bad,), extensions=offers["12.1"]))
    (whole,) = _deflated([b"in fragments " * 40], fresh=True)
    half = len(whole.payload) // 2
    split = (text(whole.payload[:half], fin=False, rsv=4), ping(b"?"), more(whole.payload[half:], fin=True))
    found.append(Case(number="12.9.2", frames=split, extensions=offers["12.1"]))
    found.append(Case(number="12.9.3", frames=(text("not compressed"),), extensions=offers["12.1"]))
    found.append(Case(number="12.9.4", frames=(text("not offered", rsv=4),)))
    return found


def _deflated(messages: list[bytes], *, fresh: bool) -> tuple[Frame, ...]:
    # A window of 9 bits is read by every receiver, whatever was agreed on.
    frames: list[Frame] = []
    engine = zlib.compressobj(wbits=-9)
    for message in messages:
        if fresh:
            engine = zlib.compressobj(wbits=-9)
        packed = engine.compress(message) + engine.flush(zlib.Z_SYNC_FLUSH)
        frames.append(Frame(opcode=TEXT, payload=packed.removesuffix(b"\x00\x00\xff\xff"), rsv=4))
    return tuple(frames)


def _transport() -> list[Case]:
    hello = text("Hello, world!")
    return [
        Case(number="20.1", frames=(hello,), then="eof"),
        Case(number="20.2", frames=(hello, close(1000)), then="eof"),
        Case(number="20.3", frames=(hello, text("fragment", fin=False)), then="eof"),
        Case(number="20.4", frames=(hello,), then="reset"),
        Case(number="20.5", frames=(), then="reset"),
        Case(number="20.6", frames=(), then="eof"),
    ]
