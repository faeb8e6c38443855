"""A command that runs beside a recording, or beside a served cassette: its environment, its signals, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Generator, Mapping, Sequence

from ..cassettes import UsageError

GRACE = 2.0  # seconds that connections have to end after their command has, and a command that is told to end
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))


def find_command(command: Sequence[str]) -> None:
    """Raise UsageError when there is no such command."""
    if command and shutil.which(command[0]) is None:
        raise UsageError(f"command {command[0]!r} is not found or cannot be run")


async def run_command(
    command: Sequence[str],
    environment: Mapping[str, str],
    signals: asyncio.Queue[signal.Signals],
    limit: asyncio.Task[None],
    finished: asyncio.Event,
) -> int:
    """Run the command to its end, passing signals on; return its status, negative for a signal.

    ``environment`` adds to this process's own. When ``limit`` is done first, the command is ended, and its status is 0;
    it is given a moment to end by itself when ``finished`` is set. Raises UsageError.
    """
    try:
        process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environment})
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"command {command[0]!r} cannot be run: {reason}") from error
    passing = asyncio.create_task(_pass_on(signals, process))
    ended = asyncio.create_task(process.wait())
    try:
        await asyncio.wait({ended, limit}, return_when=asyncio.FIRST_COMPLETED)
        if finished.is_set():
            # It has closed its last connection and may have something left to do.
            await asyncio.wait({ended}, timeout=GRACE)
        if ended.done():
            return ended.result()
        for end in (process.terminate, process.kill):
            with contextlib.suppress(ProcessLookupError):
                end()
            await asyncio.wait({ended}, timeout=GRACE)
            if ended.done():
                break
        await ended
        return 0
    finally:
        passing.cancel()


async def _pass_on(signals: asyncio.Queue[signal.Signals], process: asyncio.subprocess.Process) -> None:
    while True:
        number = await signals.get()
        # Ctrl-C in a terminal has reached the command already: many programs take a second one as "at once".
        if number == signal.SIGINT and _in_foreground():
            continue
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)


@contextlib.contextmanager
def signals_to(queue: asyncio.Queue[signal.Signals]) -> Generator[None]:
    """Put the signals that ask for an end into a queue."""
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, queue.put_nowait, number)
    try:
        yield
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


def _in_foreground() -> bool:
    """Whether a terminal sends its Ctrl-C to this process group."""
    for stream in (sys.__stdin__, sys.__stderr__):
        try:
            if stream is not None and os.tcgetpgrp(stream.fileno()) == os.getpgrp():
                return True
        except (OSError, ValueError):  # not a terminal, or closed
            continue
    return False


def status_in_words(status: int) -> str:
    """Say how a command ended."""
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"
