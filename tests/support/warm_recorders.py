"""``wstape record`` many times: forked from a process that has imported everything, so that one is ready in no time.

::

    with WarmRecorders() as recorders:
        recorder = recorders.start("ws://127.0.0.1:8000", tmp_path / "a.cassette")
        ...  # connect to recorder.url
        recorder.kill()
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

# Told a path and a target by line, it answers with process id and address. It has no threads, so a fork is whole.
_FORKER = """
import os, signal, sys
import wstape.cli.record, wstape.recorder, asyncio, ssl
from wstape.cli import run

signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
kept = []
for line in sys.stdin:
    path, target = line.rstrip("\\n").split("\\t")
    read, write = os.pipe()
    child = os.fork()
    if not child:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(write, 2)
        os.close(read)
        os.close(write)
        os._exit(run(["record", target, "-o", path]))
    os.close(write)
    said = os.fdopen(read)
    kept.append(said)
    address = next((one.split()[-1] for one in said if one.startswith("listening on ")), "")
    print(child, address, flush=True)
"""


@dataclass(frozen=True, slots=True)
class WarmRecorder:
    """A running recorder."""

    process: int
    url: str

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        os.kill(self.process, signal.SIGKILL)


class WarmRecorders:
    """Starts recorders."""

    def __enter__(self) -> WarmRecorders:
        self._forker = subprocess.Popen(
            [sys.executable, "-c", _FORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self._forker.pid, signal.SIGKILL)  # it, and what a failed test left running
        self._forker.communicate()

    def start(self, target: str, path: Path) -> WarmRecorder:
        """Start one; it accepts connections when this returns."""
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        self._forker.stdin.write(f"{path}\t{target}\n")
        self._forker.stdin.flush()
        process, address = self._forker.stdout.readline().split()
        return WarmRecorder(int(process), address)
