"""The two ends of the traffic that proxies are compared with, cheap enough to be no part of what is measured.

Frames are made beforehand; neither end parses one. The server counts bytes and answers each ``frame`` of a client with
one frame of its own; its paths say what to do: ``/echo/SIZE`` and ``/firehose/SIZE/COUNT``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import selectors
import socket
import sys
import time
from collections.abc import Generator

from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

POOL = 256  # different frames; a recorder that saw one and the same message again and again would compress it away
CLIENT_CLOSE = Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True)
SERVER_CLOSE = Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=False)

_WORDS = (
    "agent",
    "looking",
    "order",
    "will",
    "ask",
    "the",
    "warehouse",
    "when",
    "it",
    "can",
    "be",
    "sent",
    "to",
    "you",
)


def event(size: int, chance: random.Random) -> bytes:
    """A JSON event of ``size`` bytes such as agents send: a label, identifiers, a time, and words."""
    plain: dict[str, object] = {
        "type": chance.choice(["agent_delta", "agent_thinking", "tool_executing"]),
        "run_id": f"run_{chance.randrange(1 << 32):08x}",
        "seq": chance.randrange(10_000),
        "text": "",
    }
    room = size - len(json.dumps(plain, separators=(",", ":")))
    if room < 0:
        raise ValueError(f"an event of {size} bytes is too small")
    words = ""
    while len(words) < room:
        words += chance.choice(_WORDS) + " "
    plain["text"] = words[:room]
    return json.dumps(plain, separators=(",", ":")).encode()


def frames(size: int, *, mask: bool) -> bytes:
    """`POOL` text frames, one after the other, all of the same length."""
    chance = random.Random(size)
    number = POOL if size <= 1024 else 8
    return b"".join(Frame(Opcode.TEXT, event(size, chance)).serialize(mask=mask) for _ in range(number))


def frame_size(size: int, *, mask: bool) -> int:
    """Bytes of one frame on the wire."""
    return len(Frame(Opcode.TEXT, b"x" * size).serialize(mask=mask))


class _Service(asyncio.Protocol):
    """The server's side of one connection."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.head = b""
        self.counted = 0  # bytes of a frame that has not come whole
        self.place = 0  # in the pool
        self.taking = self.giving = 0
        self.pool = memoryview(b"")
        self.left = 0  # frames that a firehose has not sent
        self.paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=1 << 20)

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        if not self.taking:
            self.head += data
            if b"\r\n\r\n" in self.head:
                self._begin()
            return
        number, self.counted = divmod(self.counted + len(data), self.taking)
        self._give(number)
        if self.counted == len(CLIENT_CLOSE) and data[-len(CLIENT_CLOSE) :][:1] == b"\x88":
            self.transport.write(SERVER_CLOSE)
            self.transport.close()

    def _begin(self) -> None:
        assert self.transport is not None
        lines = self.head.decode("latin-1").split("\r\n")
        key = next(line.partition(":")[2].strip() for line in lines if line.lower().startswith("sec-websocket-key:"))
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n\r\n"
        )
        _, what, *numbers = lines[0].split()[1].split("/")
        size = int(numbers[0])
        self.taking, self.giving = frame_size(size, mask=True), frame_size(size, mask=False)
        if size not in _pools:
            _pools[size] = frames(size, mask=False)
        self.pool = memoryview(_pools[size])
        if what == "firehose":
            self.left = int(numbers[1])
            self.resume_writing()

    def _give(self, number: int) -> None:
        assert self.transport is not None
        in_pool = len(self.pool) // self.giving
        while number:
            some = min(number, in_pool - self.place)
            self.transport.write(self.pool[self.place * self.giving : (self.place + some) * self.giving])
            self.place = (self.place + some) % in_pool
            number -= some

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        while self.left and not self.paused:
            some = min(self.left, len(self.pool) // self.giving)
            self.left -= some
            self._give(some)


_pools: dict[int, bytes] = {}


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Service, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def connect(port: int, path: str) -> socket.socket:
    """Open a WebSocket; return the socket behind its handshake."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=30)
    ask(sock, port, path)
    answered(sock)
    return sock


def ask(sock: socket.socket, port: int, path: str) -> None:
    """Send the opening handshake."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )


def answered(sock: socket.socket) -> None:
    """Read the answer to the opening handshake, not a byte further."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        if not byte:
            raise ConnectionError(f"closed within the handshake: {head!r}")
        head += byte
    if b" 101 " not in head.split(b"\r\n")[0]:
        raise ConnectionError(f"not a WebSocket: {head!r}")


def echo(port: int, *, size: int, connections: int, window: int, messages: int) -> float:
    """Send ``messages`` over all connections, ``window`` of them on the way on each; return the seconds."""
    pool = memoryview(frames(size, mask=True))
    outgoing, incoming = frame_size(size, mask=True), frame_size(size, mask=False)
    in_pool = len(pool) // outgoing
    socks = [connect(port, f"/echo/{size}") for _ in range(connections)]
    share = messages // connections
    with selectors.DefaultSelector() as selector:
        state: dict[socket.socket, list[int]] = {}  # bytes of an echo that is not whole, echoes, messages sent
        buffer = bytearray(1 << 18)
        backlog: dict[socket.socket, bytes] = {}

        def send(sock: socket.socket, number: int) -> None:
            of = state[sock]
            number = min(number, share - of[2])
            place = of[2] % in_pool
            data = (
                b"".join(
                    pool[(place + k) % in_pool * outgoing : ((place + k) % in_pool + 1) * outgoing]
                    for k in range(number)
                )
                if place + number > in_pool
                else pool[place * outgoing : (place + number) * outgoing]
            )
            of[2] += number
            waiting = backlog.pop(sock, b"")
            if waiting:
                data = waiting + bytes(data)
            if not data:
                return
            try:
                sent = sock.send(data)
            except BlockingIOError:
                sent = 0
            if sent < len(data):
                backlog[sock] = bytes(data[sent:])
                selector.modify(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
            elif waiting:
                selector.modify(sock, selectors.EVENT_READ)

        for sock in socks:
            sock.setblocking(False)
            state[sock] = [0, 0, 0]
            selector.register(sock, selectors.EVENT_READ)
        began = time.perf_counter()
        for sock in socks:
            send(sock, window)
        running = len(socks)
        while running:
            ready = selector.select(30)
            if not ready:
                raise TimeoutError("no echo came for 30 s")
            for key, events in ready:
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if events & selectors.EVENT_WRITE:
                    send(sock, 0)
                if not events & selectors.EVENT_READ:
                    continue
                received = sock.recv_into(buffer)
                if not received:
                    raise ConnectionError("closed while echoes were on their way")
                of = state[sock]
                number, of[0] = divmod(of[0] + received, incoming)
                of[1] += number
                if of[2] < share:
                    send(sock, number)
                elif of[1] == share:
                    running -= 1
        took = time.perf_counter() - began
    for sock in socks:
        sock.close()
    return took


def firehose(port: int, *, size: int, messages: int) -> float:
    """Read ``messages`` that the server sends as fast as they are taken; return the seconds that it took."""
    buffer = bytearray(1 << 18)
    began = time.perf_counter()
    with connect(port, f"/firehose/{size}/{messages}") as sock:
        left = messages * frame_size(size, mask=False)
        while left:
            received = sock.recv_into(buffer)
            if not received:
                raise ConnectionError("closed before all had come")
            left -= received
        return time.perf_counter() - began


def visits(port: int, *, connections: int, at_once: int = 16) -> float:
    """Open connections, exchange one message and the Close frames on each; return the seconds that all took."""
    message = frames(128, mask=True)[: frame_size(128, mask=True)]
    answer = frame_size(128, mask=False) + len(SERVER_CLOSE)
    began = time.perf_counter()
    for _ in range(connections // at_once):
        socks = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(at_once)]
        for sock in socks:
            ask(sock, port, "/echo/128")
        for sock in socks:
            answered(sock)
            sock.sendall(message)
        for sock in socks:
            left = frame_size(128, mask=False)
            while left:
                left -= len(sock.recv(left))
            sock.sendall(CLIENT_CLOSE)
        for sock in socks:
            left = answer - frame_size(128, mask=False)
            while left:
                left -= len(sock.recv(left)) or left
            sock.close()
    return time.perf_counter() - began


def ping_pong(port: int, *, messages: int) -> list[float]:
    """Send one message after the other; return how many seconds each took."""
    message = frames(128, mask=True)[: frame_size(128, mask=True)]
    answer = frame_size(128, mask=False)
    took: list[float] = []
    with connect(port, "/echo/128") as sock:
        sock.settimeout(None)  # a timeout costs a poll() before each call
        for _ in range(messages):
            began = time.perf_counter()
            sock.send(message)
            left = answer
            while left:
                left -= len(sock.recv(left))
            took.append(time.perf_counter() - began)
    return took


@contextlib.contextmanager
def idle(port: int, *, connections: int) -> Generator[None]:
    """Hold connections open on which nothing happens but one echo each."""
    message = frames(128, mask=True)[: frame_size(128, mask=True)]
    socks: list[socket.socket] = []
    try:
        for _ in range(connections):
            sock = connect(port, "/echo/128")
            socks.append(sock)
            sock.sendall(message)
            left = frame_size(128, mask=False)
            while left:
                left -= len(sock.recv(left))
        yield
    finally:
        for sock in socks:
            sock.close()


if __name__ == "__main__":
    if len(sys.argv) != 1:
        sys.exit("usage: traffic.py (prints the port that it serves on)")
    asyncio.run(_serve())
