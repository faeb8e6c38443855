"""What it takes to show, learn from and check a cassette that is far larger than memory should be.

Claim: resident memory <= 150 MB for each of ``wstape show``, ``infer`` and ``check`` on a cassette of 2 GiB.

The cassette holds conversations of a service that streams audio: connection after connection, runs with identifiers of
their own, small events, and pieces of base64 that hardly compress. Memory must depend on none of their numbers.

With ``--piece 0`` there are only small events, a hundred times as many for the same size.

Usage: python benchmarks/streaming.py [--size BYTES] [--piece BYTES] [--folder DIR]
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measuring import introduce

from wstape.cassettes import (
    CassetteWriter,
    Closed,
    Direction,
    Ending,
    Handshake,
    Header,
    Kind,
    Message,
    Opened,
    Record,
)

HEADER = Header(target="ws://127.0.0.1/", created="2026-01-01T00:00:00Z", wstape="0")
RUNS = 20  # of a connection
PIECES = 8  # of a run's audio


def conversation(connection: int, chance: random.Random, size: int) -> Iterator[Record]:
    """One connection with its runs; ``size`` is that of a piece of audio before base64."""
    at_ns = connection * 10**9

    def event(direction: Direction, **fields: object) -> Message:
        nonlocal at_ns
        at_ns += 1_000_000
        return Message(
            connection=connection,
            direction=direction,
            kind=Kind.TEXT,
            payload=json.dumps(fields, separators=(",", ":")).encode(),
            at_ns=at_ns,
        )

    shake = Handshake(target="/", request_headers=(), status=101, reason="", response_headers=())
    yield Opened(connection=connection, handshake=shake, at_ns=at_ns)
    for _ in range(RUNS):
        run = f"run_{chance.randbytes(8).hex()}"
        yield event(Direction.CLIENT, type="ask", text=f"question {chance.randrange(10**6)}")
        yield event(Direction.SERVER, type="run_started", run_id=run)
        for number in range(PIECES):
            yield event(Direction.SERVER, type="token", run_id=run, text=chance.choice(("so", " it", " is")))
            piece = base64.b64encode(chance.randbytes(size)).decode()
            yield event(Direction.SERVER, type="audio", run_id=run, number=number, data=piece)
        yield event(Direction.SERVER, type="run_completed", run_id=run, usage={"pieces": PIECES})
    yield Closed(connection=connection, ending=Ending.CLEAN, by=Direction.CLIENT, at_ns=at_ns)


def make(path: Path, size: int, piece: int) -> tuple[int, int]:
    """Write a cassette of at least ``size`` bytes; return how many connections and messages it has."""
    chance = random.Random(1)
    writer = CassetteWriter.create(path, HEADER)
    connection = 0
    while writer.size < size:
        connection += 1
        for record in conversation(connection, chance, piece):
            writer.append(record, 0)
    writer.finish(connection * 10**9)
    return writer.connections, writer.messages


def peak(*arguments: str) -> tuple[int, float, float]:
    """Run a command of wstape; return its peak resident memory in MB, its seconds of CPU and of the clock."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", "from wstape.cli import main; main()", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{arguments[0]} ended with {process.returncode}: {said}")
    return usage.ru_maxrss // 1024, usage.ru_utime + usage.ru_stime, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2 << 30)
    parser.add_argument("--piece", type=int, default=12 << 10)
    parser.add_argument("--folder", type=Path, help="Where there is room for it.")
    options = parser.parse_args()
    introduce(__doc__ or "")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        cassette, contract = Path(folder, "a.cassette"), Path(folder, "a.contract.json")
        connections, messages = make(cassette, options.size, options.piece)
        size = cassette.stat().st_size / (1 << 20)
        print(f"\n{size:,.0f} MiB, {connections:,} connections, {messages:,} messages")
        for arguments in (
            ("show", str(cassette)),
            ("infer", str(cassette), "-o", str(contract)),
            ("check", str(cassette), "--contract", str(contract)),
        ):
            memory, cpu, clock = peak(*arguments)
            print(f"  {arguments[0]:8} {memory:5} MB resident at most, {cpu:.0f} s of CPU, {clock:.0f} s")


if __name__ == "__main__":
    main()
