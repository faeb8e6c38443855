"""Flow: what streams through the recorder does not stay in it, and a slow reader slows its sender."""

from __future__ import annotations

import asyncio
import contextlib
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


@pytest.mark.parametrize("sender", ["server", "client"])
@pytest.mark.parametrize("seconds", [1, pytest.param(30, marks=pytest.mark.slow)])
def test_a_firehose_into_an_end_that_reads_nothing(tmp_path: Path, seconds: int, sender: str) -> None:
    """64 KiB messages. The sender must come to stand; when the other end reads after all, everything flows."""
    bit, key = (0x80, bytes(4)) if sender == "client" else (0, b"")
    frame = bytes([0x82, bit | 0x7F]) + (64 * 1024).to_bytes(8, "big") + key + bytes(64 * 1024)
    sent = taken = 0
    reading = asyncio.Event()

    async def send(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(frame)
                await writer.drain()
                sent += len(frame)

    async def take(reader: asyncio.StreamReader) -> None:
        nonlocal taken
        await reading.wait()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(MIB):
                taken += len(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHING)
        await (send(writer) if sender == "server" else take(reader))
        writer.close()

    async def main() -> None:
        async with raw_upstream(serve) as upstream, contextlib.AsyncExitStack() as stack:
            recorder = await asyncio.to_thread(
                stack.enter_context, recording(upstream, tmp_path / "a.cassette", "--no-redact")
            )
            before = resident(recorder)
            host, port = recorder.address.rsplit(":", 1)
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            work = asyncio.create_task(take(reader) if sender == "server" else send(writer))
            await asyncio.sleep(seconds)
            stood = sent
            assert 0 < stood < 64 * MIB  # what the sockets and the recorder hold
            assert resident(recorder) - before < 64 * MIB
            reading.set()
            await asyncio.sleep(seconds)
            assert taken > stood
            grown = resident(recorder) - before
            assert grown < 64 * MIB
            writer.transport.abort()
            await work
            assert await asyncio.to_thread(recorder.stop) == 0
            print(f"stood after {stood / MIB:.1f} MiB, passed {taken / MIB:.0f} MiB, grew by {grown / MIB:.1f} MiB")

    asyncio.run(main())
