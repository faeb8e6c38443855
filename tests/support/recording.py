"""``wstape record`` as a user runs it: a process with a port, a cassette and words on standard error.

::

    with recording("ws://127.0.0.1:8000", tmp_path / "a.cassette") as recorder:
        ...  # connect to recorder.url
    assert recorder.status == 0
    session = read_session(recorder.path)
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 20.0  # seconds; how long a slow machine may take for anything that is waited for

WSTAPE = (sys.executable, "-c", "from wstape.cli import main; main()")
"""The command line without the console script, which need not be on PATH."""


class Recording:
    """A running ``wstape record``. ``status`` is its exit status once it has ended."""

    def __init__(self, process: subprocess.Popen[str], path: Path) -> None:
        self.process = process
        self.path = path
        self.address = ""
        self.status: int | None = None
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def url(self) -> str:
        """Where WebSocket clients connect: ``ws://127.0.0.1:PORT``."""
        return f"ws://{self.address}"

    @property
    def http_url(self) -> str:
        """Where HTTP clients connect."""
        return f"http://{self.address}"

    @property
    def stderr(self) -> str:
        """All that it has said so far."""
        with self._news:
            return "".join(self._lines)

    def wait_for_line(self, pattern: str) -> re.Match[str]:
        """Wait for a line on standard error that ``pattern`` is found in. Raises AssertionError when none comes."""
        wanted = re.compile(pattern)

        def found() -> re.Match[str] | None:
            return next((match for line in self._lines if (match := wanted.search(line))), None)

        with self._news:
            self._news.wait_for(lambda: found() or self._ended, PATIENCE)
            match = found()
            if match is None:
                said = "".join(self._lines)
                raise AssertionError(f"no line matched {pattern!r}; wstape record said:\n{said}")
            return match

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal, wait for the end, return the exit status (negative for death by signal)."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for it to end by itself; return the exit status."""
        self.status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return self.status

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                with self._news:
                    self._lines.append(line)
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()


@contextmanager
def recording(
    target: str,
    path: Path,
    *options: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    preexec: Callable[[], object] | None = None,
) -> Generator[Recording]:
    """Run ``wstape record TARGET -o PATH OPTIONS``, once it listens; end it with SIGINT if it still runs.

    ``options`` may end in ``--`` and a command. ``env`` adds to this process' environment.
    """
    process = subprocess.Popen(
        [*WSTAPE, "record", target, "-o", str(path), *options],
        env={**os.environ, **(env or {})},
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C for the tests is none for the recorder
        preexec_fn=preexec,
    )
    running = Recording(process, path)
    try:
        running.address = running.wait_for_line(r"^listening on wss?://(\S+)$")[1]
        yield running
        running.stop()
    finally:
        if process.poll() is None:
            process.kill()
            running.wait()
