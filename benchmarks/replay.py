"""A replay is bounded by the server: 1,000 connections with one message in flight each exchange 10,000 messages a
second on the stock event loop, and three times as many for a second of CPU as Locust's users do.

The server is a process of its own that answers each frame with one made beforehand, cheap enough to be no part of what
is measured. Messages are counted in both directions, from the first handshake to the last close; Locust's, which is
left out where it is missing (``LOCUST`` may name it), from when all its users are connected. The last lines replay and
judge more and more messages over 50 connections, each in a process of its own, and tell how its memory grows (Linux).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measuring import interleaved, introduce, median_ratio, report
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

from wstape.cassettes import (
    Closed,
    Connection,
    Direction,
    Ending,
    Handshake,
    Header,
    Kind,
    Message,
    Session,
    Target,
    write_records,
)
from wstape.contracts import infer
from wstape.replayer import Options, Player, compile_script

ASK = json.dumps({"type": "ask", "text": "what is the weather in Oslo"}).encode()
ANSWER = json.dumps({"type": "answer", "text": "rain", "score": 7}).encode()


class _Answering(asyncio.Protocol):
    """Answers the handshake, then each short frame with one frame."""

    def __init__(self) -> None:
        self._buffer = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
            key = next(value for name, value in fields.items() if name.lower() == b"sec-websocket-key")
            self._transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept_key(key.decode()).encode() + b"\r\n\r\n"
            )
            self._open, self._buffer = True, rest
        while len(self._buffer) >= 6 and len(self._buffer) >= (size := 6 + (self._buffer[1] & 0x7F)):
            closing = self._buffer[0] & 0x0F == Opcode.CLOSE
            self._buffer = self._buffer[size:]
            if closing:
                self._transport.write(Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=False))
                self._transport.close()
                return
            self._transport.write(_ANSWER_FRAME)


_ANSWER_FRAME = Frame(Opcode.TEXT, ANSWER).serialize(mask=False)


async def serve() -> None:
    """Answer until the process is ended; print the port first."""
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0, backlog=2000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def recorded(connections: int, rounds: int) -> Session:
    """A session in which each connection asks and is answered ``rounds`` times."""
    made: list[Connection] = []
    for number in range(1, connections + 1):
        messages: list[Message] = []
        for _ in range(rounds):
            for direction, payload in ((Direction.CLIENT, ASK), (Direction.SERVER, ANSWER)):
                at_ns = (len(messages) + 1) * 1000
                messages.append(
                    Message(connection=number, direction=direction, kind=Kind.TEXT, payload=payload, at_ns=at_ns)
                )
        shake = Handshake(target="/", request_headers=(), status=101, reason="", response_headers=())
        closed = Closed(connection=number, ending=Ending.CLEAN, by=Direction.CLIENT, at_ns=10**9)
        made.append(Connection(number=number, handshake=shake, opened_ns=0, messages=tuple(messages), closed=closed))
    return Session(
        header=Header(target="ws://service", created="2026-01-31T12:00:00Z", wstape=""), connections=tuple(made)
    )


def played(port: int, session: Session, redact: bool, clock: Callable[[], float] = time.perf_counter) -> float:
    """Play once; return messages a second, both directions, from the first handshake to the last close.

    With ``time.process_time`` for a clock they are messages for each second of this process' own work.
    """
    contract = infer([session.records()])
    script = compile_script(session, contract)
    target = Target.parse(f"ws://127.0.0.1:{port}")
    player = Player(script, session, contract, Options(target=target, redact=redact), "benchmark")
    begun = clock()
    came = asyncio.run(player.play())
    took = clock() - begun
    assert not came.findings, came.findings[0].message
    count = sum(message.kind is Kind.TEXT for one in came.session.connections for message in one.messages)
    assert count == sum(len(one.messages) for one in session.connections)
    return count / took


def locust(program: str, port: int, users: int, seconds: int = 10) -> float:
    """Let Locust's users ask; return messages for each second of its process' work."""
    done = subprocess.run(
        [
            *(program, "-f", str(Path(__file__).with_name("locust_user.py")), "--headless", "--only-summary"),
            *("--users", str(users), "--spawn-rate", str(users), "--run-time", f"{seconds + users // 100}s"),
            *("--host", f"ws://127.0.0.1:{port}"),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"messages a second of CPU: (\d+)", done.stderr)
    assert found is not None, done.stderr
    return float(found[1])


def peak(port: int, count: int) -> None:
    """Replay so many messages over 50 connections from a file, and print the peak of the memory that it takes."""
    with tempfile.TemporaryDirectory(prefix="wstape-replay-") as folder:
        cassette = Path(folder, "asked.cassette")
        write_records(cassette, recorded(50, count // 100).records())
        code = (
            # ru_maxrss would begin with the peak of the process that started this one.
            "import re, sys; from wstape.cli import run; status = run(sys.argv[1:]); "
            "peak = re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read()); "
            "print(status, int(peak[1]) / 1024, file=sys.stderr)"
        )
        arguments = ["replay", str(cassette), "--target", f"ws://127.0.0.1:{port}"]
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    status, megabytes = done.stderr.split()[-2:]
    assert status == "0", done.stdout
    print(f"{count:,} messages over 50 connections, judged: peak resident memory {float(megabytes):.0f} MB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=40, help="a connection, both directions")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    introduce(__doc__ or "")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    server = subprocess.Popen([sys.executable, str(Path(__file__)), "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        session = recorded(options.connections, options.messages // 2)
        sides = {
            "replay": lambda: played(port, session, redact=False),
            "replay, for a second of CPU": lambda: played(port, session, False, time.process_time),
            "redacting": lambda: played(port, session, redact=True),
            "redacting, for a second of CPU": lambda: played(port, session, True, time.process_time),
        }
        program = os.environ.get("LOCUST") or shutil.which("locust") or ""
        if program:
            sides["Locust, for a second of CPU"] = lambda: locust(program, port, options.connections)
        figures = interleaved(sides, rounds=options.rounds)
        title = f"{options.connections} connections, one message in flight"
        report(title, figures, unit="messages/s", against="replay")
        if program:
            ratio = median_ratio(figures, "replay, for a second of CPU", "Locust, for a second of CPU")
            print(f"  a replay exchanges {ratio:.1f} times as many for a second of CPU as Locust")
        print()
        for count in (1_000, 10_000, 100_000):
            peak(port, count)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
