"""What a cassette costs to write and to read, beside the standard library's JSON, one object a line.

Claims, for events of 300 B:

- appended as they come from the tap, read as plain tuples, uncompressed: >= 1,000,000 and >= 2,000,000 a second, that
  is >= 5 x and >= 10 x JSON Lines;
- in the file as it is, compressed: <= 0.28 x the bytes of the payloads, written and read >= 3 x as fast as JSON Lines.

For scale: JSON Lines through gzip are smaller, at level 6 and after the recording is over.

JSON Lines holds what a record of a message holds, the payload as a string. Appending is measured in bursts of 16,
what a read of 4 KiB brings, and one by one. Reading is measured as plain tuples, and as the
records that `open_cassette` gives with all that it checks.

Usage: python benchmarks/cassettes.py [--rounds N]
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measuring import interleaved, introduce, report
from traffic import event

from wstape.cassettes import CassetteWriter, Direction, Handshake, Header, Kind, Message, Opened, block, open_cassette
from wstape.cassettes.record import decode_plain, encode_messages

COUNT = 50_000
BURST = 16
HEADER = Header(target="ws://127.0.0.1/", created="2026-01-01T00:00:00Z", wstape="0")
OPENED = Opened(
    connection=1,
    handshake=Handshake(target="/", request_headers=(), status=101, reason="", response_headers=()),
    at_ns=0,
)


def rate(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return COUNT / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    introduce(__doc__ or "")
    chance = random.Random(1)
    payloads = [event(300, chance) for _ in range(COUNT)]
    bursts = [payloads[start : start + BURST] for start in range(0, COUNT, BURST)]
    messages = [
        Message(connection=1, direction=Direction.SERVER, kind=Kind.TEXT, payload=payload, at_ns=number * 1000)
        for number, payload in enumerate(payloads)
    ]
    with tempfile.TemporaryDirectory() as folder:
        lines, cassette = Path(folder, "a.jsonl"), Path(folder, "a.cassette")

        def write_lines() -> None:
            with lines.open("w") as file:
                for message in messages:
                    plain = {
                        "connection": message.connection,
                        "direction": message.direction,
                        "kind": message.kind,
                        "payload": message.payload.decode(),
                        "at_ns": message.at_ns,
                    }
                    file.write(json.dumps(plain) + "\n")

        def encode_bursts() -> None:
            raw: list[bytes] = []
            for number, burst in enumerate(bursts):
                raw.append(encode_messages(1, Direction.SERVER, Kind.TEXT, burst, number * 1000))
            b"".join(raw)

        def writer() -> CassetteWriter:
            made = CassetteWriter.create(cassette, HEADER, force=True)
            made.append(OPENED, 0)
            return made

        def write_bursts() -> None:
            made = writer()
            for number, burst in enumerate(bursts):
                made.append_messages(1, Direction.SERVER, Kind.TEXT, burst, number * 1000, number * 1000)
            made.finish(0)

        def write_messages() -> None:
            made = writer()
            for message in messages:
                made.append(message, message.at_ns)
            made.finish(0)

        writing = {
            "JSON Lines": lambda: rate(write_lines),
            "bursts, uncompressed, no file": lambda: rate(encode_bursts),
            "bursts": lambda: rate(write_bursts),
            "messages": lambda: rate(write_messages),
        }
        report(
            "append: records a second", interleaved(writing, rounds=options.rounds), unit="1/s", against="JSON Lines"
        )

        blocks = [
            b"".join(
                encode_messages(1, Direction.SERVER, Kind.TEXT, burst, number * 1000)
                for number, burst in enumerate(bursts[start : start + 50], start)
            )
            for start in range(0, len(bursts), 50)
        ]

        def read_lines() -> None:
            with lines.open() as file:
                assert sum(1 for _ in map(json.loads, file)) == COUNT

        def read_raw_tuples() -> None:
            assert sum(1 for raw in blocks for _ in decode_plain(raw)) == COUNT

        def read_tuples() -> None:
            found = 0
            with cassette.open("rb") as file:
                _, salt = block.decode_preamble(file.read(block.PREAMBLE_SIZE))
                offset = block.PREAMBLE_SIZE
                while (one := block.read_block(file, offset, salt)) is not None:
                    offset += one.size
                    found += sum(1 for _ in decode_plain(one.raw))
            assert found == COUNT + 3

        def read_records() -> None:
            assert sum(1 for _ in open_cassette(cassette)) == COUNT + 3

        reading = {
            "JSON Lines": lambda: rate(read_lines),
            "tuples, uncompressed, no file": lambda: rate(read_raw_tuples),
            "tuples": lambda: rate(read_tuples),
            "records, checked": lambda: rate(read_records),
        }
        report("read: records a second", interleaved(reading, rounds=options.rounds), unit="1/s", against="JSON Lines")
        size, whole = cassette.stat().st_size, sum(map(len, payloads))
        zipped = len(gzip.compress(lines.read_bytes()))
        print(f"\nsize of the file: {size / whole:.3f} x the payloads, {size / COUNT:.0f} bytes a message")
        print(f"JSON Lines with gzip: {zipped / whole:.3f} x, {zipped / COUNT:.0f} bytes a message")


if __name__ == "__main__":
    main()
