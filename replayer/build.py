"""The build under test as a process of ours: started, waited for, stopped (``replay --exec``)."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Generator
from pathlib import Path
from types import FrameType

from ..cassettes import Target, UnreachableError, UsageError

PATIENCE = 30.0
"""Seconds that a build may take until it accepts connections."""
_STOP_PATIENCE = 5.0
_TICK = 0.05
_SHOWN = 4096
"""Bytes of the build's last output that are kept for an error."""


class BuildDiedError(UnreachableError):
    """The build ended while it was needed. ``output`` is the last that it printed."""

    def __init__(self, command: str, when: str, status: int, output: str) -> None:
        self.output = output
        ended = f"was killed by signal {-status}" if status < 0 else f"ended with exit status {status}"
        super().__init__(f"--exec {command!r}: the build {ended} {when}; look at its last output above")


class Build:
    """A running build."""

    def __init__(self, command: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self._command = command
        self._process = process
        self._log = log

    def check(self, when: str, patience: float = 0.0) -> None:
        """Raise BuildDiedError when the process has ended, or ends within ``patience`` seconds.

        A dying process drops its connections a moment before it is gone. ``when`` says in words at which time.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._process.wait(patience)
            raise BuildDiedError(self._command, when, status, self.output())

    def output(self) -> str:
        """The end of what it printed, standard output and standard error together."""
        with self._log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _SHOWN))
            return file.read().decode("utf-8", "replace")

    def stop(self) -> None:
        """End it with SIGTERM, and with SIGKILL when that is not heard; with all that it has started."""
        for number, patience in ((signal.SIGTERM, _STOP_PATIENCE), (signal.SIGKILL, None)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            return


@contextlib.contextmanager
def running_build(command: str, target: Target, patience: float = PATIENCE) -> Generator[Build]:
    """Start a build and give it once it accepts connections at the target; stop it in the end.

    ``command`` is split like a shell's words; it is not run by a shell. Raises UsageError when it cannot be run or when
    somebody answers at the target already, BuildDiedError when it ends first, and UnreachableError when it is not
    there in time.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--exec {command!r}: {str(error).lower()}; quote it as for a shell") from error
    if not words:
        raise UsageError("--exec: the command is empty; name the program that starts the build")
    if _accepts(target):
        raise UsageError(
            f"{target.url}: somebody answers there already and would be judged instead; stop it, or leave --exec out"
        )
    with tempfile.TemporaryDirectory(prefix="wstape-build-") as folder:
        log = Path(folder, "output")
        try:
            with log.open("wb") as output:
                process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # a group of its own, so that all of it can be stopped
                )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError(f"--exec {words[0]}: cannot be run ({reason}); check the command") from error
        build = Build(command, process, log)
        with _ended_like_ctrl_c():
            try:
                _wait(build, command, target, patience)
                yield build
            finally:
                build.stop()


@contextlib.contextmanager
def _ended_like_ctrl_c() -> Generator[None]:
    """Let what ends this process do so as Ctrl-C does: the build, in a group of its own, would outlive it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = [(number, signal.signal(number, _press_ctrl_c)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _press_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    # Not by an exception of our own: the event loop has a handler that cancels what runs in it.
    signal.raise_signal(signal.SIGINT)


def _wait(build: Build, command: str, target: Target, patience: float) -> None:
    deadline = time.monotonic() + patience
    while not _accepts(target):
        build.check(f"before it accepted connections at {target.host} port {target.port}")
        if time.monotonic() >= deadline:
            raise UnreachableError(
                f"--exec {command!r}: nobody accepts connections at {target.host} port {target.port} after "
                f"{patience:.0f} s; check that the build listens there"
            )
        time.sleep(_TICK)


def _accepts(target: Target) -> bool:
    try:
        socket.create_connection((target.host, target.port), timeout=1).close()
    except OSError:
        return False
    return True
