"""Flow: what streams through the recorder does not stay in it, and a slow reader slows its sender."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
from recording import Recording, recording
from upstreams import raw_upstream

MIB = 1 << 20
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
HANDSHAKE = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def resident(recorder: Recording) -> int:
    """Bytes of memory that the recorder's process holds, at most so far."""
    status = Path(f"/proc/{recorder.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc to read memory from")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_large_uploads_and_downloads_stream_through(tmp_path: Path, framing: str) -> None:
    size = 96 * MIB
    block = bytes(range(256)) * 256
    piece = b"%x\r\n%b\r\n" % (len(block), block) if framing == "chunked" else block
    tail = b"0\r\n\r\n" if framing == "chunked" else b""
    how = b"Transfer-Encoding: chunked" if framing == "chunked" else b"Content-Length: %d" % size
    wire = len(piece) * (size // len(block)) + len(tail)

    async def send(writer: asyncio.StreamWriter) -> None:
        for _ in range(size // len(block)):
            writer.write(piece)
            await writer.drain()
        writer.write(tail)

    async def take(reader: asyncio.StreamReader) -> None:
        left = wire
        while left:
            data = await reader.read(min(left, MIB))
            assert data, f"{left} bytes are missing"
            left -= len(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await take(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + how + b"\r\n\r\n")
        await send(writer)
        writer.close()

    async def main() -> None:
        async with raw_upstream(serve) as upstream, contextlib.AsyncExitStack() as stack:
            recorder = await asyncio.to_thread(
                stack.enter_context, recording(upstream, tmp_path / "a.cassette", "--no-redact")
            )
            before = resident(recorder)
            host, port = recorder.address.rsplit(":", 1)
            reader, writer = await asyncio.open_connection(host, int(port), limit=4 * MIB)
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\n" + how + b"\r\n\r\n")
            await send(writer)
            await reader.readuntil(b"\r\n\r\n")
            await take(reader)
            writer.close()
            assert resident(recorder) - before < 24 * MIB
            assert await asyncio.to_thread(recorder.stop) == 0

    asyncio.run(main())


@pytest.mark.parametrize("seconds", [1, pytest.param(30, marks=pytest.mark.slow)])
def test_a_firehose_into_a_client_that_reads_nothing(tmp_path: Path, seconds: int) -> None:
    frame = b"\x82\x7f" + (64 * 1024).to_bytes(8, "big") + bytes(64 * 1024)
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHING)
        while True:
            writer.write(frame)
            await writer.drain()
            sent += len(frame)

    async def main() -> None:
        async with raw_upstream(serve) as upstream, contextlib.AsyncExitStack() as stack:
            recorder = await asyncio.to_thread(
                stack.enter_context, recording(upstream, tmp_path / "a.cassette", "--no-redact")
            )
            before = resident(recorder)
            host, port = recorder.address.rsplit(":", 1)
            reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
            writer.write(HANDSHAKE)
            await asyncio.sleep(seconds)
            assert sent > 0
            assert sent < 64 * MIB  # what the sockets and the recorder hold: the server stands still
            assert resident(recorder) - before < 64 * MIB
            # Then it reads, as fast as it can, and the recorder keeps up.
            reader._limit = 4 * MIB  # type: ignore[attr-defined]
            end = time.monotonic() + seconds
            taken = 0
            while time.monotonic() < end:
                taken += len(await reader.read(MIB))
            assert taken > sent / 2
            assert resident(recorder) - before < 64 * MIB
            writer.transport.abort()
            assert await asyncio.to_thread(recorder.stop) == 0

    asyncio.run(main())
