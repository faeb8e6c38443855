"""The proxies that are compared, each a process of its own in front of the same service."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Contestant:
    """A running proxy. ``pid`` is None for no proxy at all."""

    port: int
    pid: int | None = None

    def cpu_seconds(self) -> float:
        """CPU time that the process has used, in user and system mode."""
        if self.pid is None:
            return 0.0
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes of the process that are in memory."""
        assert self.pid is not None
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def _running(
    command: list[str], *, core: int | None = None, said_on: str = "stdout"
) -> Generator[subprocess.Popen[str]]:
    def pin() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})

    other = {"stdout": "stderr", "stderr": "stdout"}[said_on]
    pipes: dict[str, int] = {said_on: subprocess.PIPE, other: subprocess.DEVNULL}
    process = subprocess.Popen(command, text=True, preexec_fn=pin, **pipes)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.terminate()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        process.wait(20)


def _line(stream: IO[str] | None, pattern: str) -> int:
    assert stream is not None
    for line in stream:
        if match := re.search(pattern, line):
            return int(match[1])
    raise RuntimeError(f"the process ended before it said {pattern!r}")


@contextlib.contextmanager
def service(*, core: int | None = None) -> Generator[int]:
    """The server of `traffic` in a process of its own; gives its port."""
    with _running([sys.executable, str(HERE / "traffic.py")], core=core) as process:
        yield _line(process.stdout, r"^(\d+)$")


@contextlib.contextmanager
def wstape(
    upstream: int, folder: Path, *, redact: bool, loop: str = "auto", core: int | None = None
) -> Generator[Contestant]:
    """``wstape record``, on uvloop where that is installed, or on another ``loop``."""
    output = folder / f"{time.monotonic_ns()}.cassette"
    command = [sys.executable, "-c", "from wstape.cli import main; main()", "record"]
    command += [f"ws://127.0.0.1:{upstream}", "-o", str(output), "--loop", loop]
    command += [] if redact else ["--no-redact"]
    with _running(command, core=core, said_on="stderr") as process:
        yield Contestant(_line(process.stderr, r"listening on ws://127\.0\.0\.1:(\d+)"), process.pid)


@contextlib.contextmanager
def naive(upstream: int, folder: Path, *, core: int | None = None) -> Generator[Contestant]:
    """The proxy of `naive_proxy`."""
    target, output = f"ws://127.0.0.1:{upstream}", folder / f"{time.monotonic_ns()}.msgpack"
    with _running([sys.executable, str(HERE / "naive_proxy.py"), target, str(output)], core=core) as process:
        yield Contestant(_line(process.stdout, r"^(\d+)$"), process.pid)


@contextlib.contextmanager
def haproxy(upstream: int, folder: Path, *, core: int | None = None) -> Generator[Contestant]:
    """haproxy in tcp mode with one thread: it passes bytes on and reads none."""
    port = _free_port()
    config = folder / "haproxy.cfg"
    config.write_text(
        "global\n  nbthread 1\n  maxconn 4000\n"
        "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n"
        f"listen relay\n  bind 127.0.0.1:{port}\n  server service 127.0.0.1:{upstream}\n"
    )
    with _running([_haproxy(), "-db", "-q", "-f", str(config)], core=core) as process:
        _wait_for(port)
        yield Contestant(port, process.pid)


@contextlib.contextmanager
def mitmproxy(upstream: int, folder: Path, *, core: int | None = None) -> Generator[Contestant]:
    """mitmdump in reverse mode, writing a flow file. ``MITMDUMP`` says where it is when it is not on PATH."""
    port = _free_port()
    program = os.environ.get("MITMDUMP") or shutil.which("mitmdump") or ""
    flows = folder / f"{time.monotonic_ns()}.flows"
    home = folder / "mitmproxy"
    options = ["-q", "--mode", f"reverse:http://127.0.0.1:{upstream}", "-p", str(port), "-w", str(flows)]
    options += ["--set", f"confdir={home}", "--listen-host", "127.0.0.1"]
    with _running([program, *options], core=core) as process:
        _wait_for(port)
        yield Contestant(port, process.pid)


def missing(name: str) -> str:
    """Why a contestant cannot take part, in one line; empty when it can."""
    if name == "haproxy" and not _haproxy():
        return "haproxy is not installed (apt-get install haproxy): left out"
    if name == "mitmproxy" and not (os.environ.get("MITMDUMP") or shutil.which("mitmdump")):
        return "mitmdump is not installed (or name it with MITMDUMP=…): left out"
    return ""


def _haproxy() -> str:
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin") or ""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
