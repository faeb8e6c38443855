"""What reading frames costs: the recorder's tap beside the sans-I/O parser of ``websockets``, in one process.

Claims, for JSON events of 128 B that arrive in reads of 4 KiB: >= 4 x as many a second, >= 2.5 x with
permessage-deflate. The tap joins fragments and checks UTF-8, which the parser leaves to its caller.

Usage: python benchmarks/frames.py [--rounds N]
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

from measuring import interleaved, introduce, report
from traffic import event
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

from wstape.cassettes import Direction
from wstape.recorder import Tap

COUNT = 20_000
READ = 4096  # bytes

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


def deflate() -> PerMessageDeflate:
    return PerMessageDeflate(
        remote_no_context_takeover=False,
        local_no_context_takeover=False,
        remote_max_window_bits=15,
        local_max_window_bits=15,
    )


def reads(*, mask: bool, squeeze: bool) -> list[bytes]:
    """What a socket would deliver."""
    chance = random.Random(1)
    extensions = [deflate()] if squeeze else []
    wire = b"".join(
        Frame(Opcode.TEXT, event(128, chance)).serialize(mask=mask, extensions=extensions) for _ in range(COUNT)
    )
    return [wire[start : start + READ] for start in range(0, len(wire), READ)]


def by_tap(chunks: list[bytes], *, mask: bool, squeeze: bool) -> float:
    tap = Tap()
    tap.receive_data(Direction.CLIENT, REQUEST, 0)
    extension = b"Sec-WebSocket-Extensions: permessage-deflate\r\n" if squeeze else b""
    tap.receive_data(Direction.SERVER, RESPONSE + extension + b"\r\n", 0)
    tap.received()
    direction = Direction.CLIENT if mask else Direction.SERVER
    found = 0
    began = time.perf_counter()
    for number, chunk in enumerate(chunks):
        tap.receive_data(direction, chunk, number)
        for burst in tap.received():
            found += len(burst.payloads)  # type: ignore[union-attr]
    took = time.perf_counter() - began
    assert found == COUNT, found
    return COUNT / took


def by_websockets(chunks: list[bytes], *, mask: bool, squeeze: bool) -> float:
    protocol = Protocol(Side.SERVER if mask else Side.CLIENT, state=OPEN, max_size=None)
    protocol.extensions = [deflate()] if squeeze else []
    found = 0
    began = time.perf_counter()
    for chunk in chunks:
        protocol.receive_data(chunk)
        found += len(protocol.events_received())
    took = time.perf_counter() - began
    assert found == COUNT, found
    return COUNT / took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    introduce(__doc__ or "")
    for mask, squeeze in ((True, False), (False, False), (True, True), (False, True)):
        chunks = reads(mask=mask, squeeze=squeeze)
        sides: dict[str, Callable[[], float]] = {
            "websockets": lambda chunks=chunks, mask=mask, squeeze=squeeze: by_websockets(
                chunks, mask=mask, squeeze=squeeze
            ),
            "tap": lambda chunks=chunks, mask=mask, squeeze=squeeze: by_tap(chunks, mask=mask, squeeze=squeeze),
        }
        what = ("client's, masked" if mask else "server's") + (", permessage-deflate" if squeeze else "")
        figures = interleaved(sides, rounds=options.rounds)
        report(f"frames of 128 B a second, {what}", figures, unit="1/s", against="websockets")


if __name__ == "__main__":
    main()
