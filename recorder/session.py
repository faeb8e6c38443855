"""A recording from start to end: until a signal comes, or for as long as a command runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from ..cassettes import UsageError
from .proxy import Recorder
from .settings import Settings
from .tape import Report, Summary

GRACE = 2.0  # seconds that connections have to end after their command has
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))


async def run(
    settings: Settings, *, command: Sequence[str] = (), report: Report, listening: Callable[[Recorder], None]
) -> Summary:
    """Record until SIGINT, SIGTERM or SIGHUP, or with ``command`` until it ends.

    ``listening`` is called once the recorder accepts. A command that fails, or that never connects, is a
    problem in the summary. Raises UsageError and FileError for what prevents the start.
    """
    if command and shutil.which(command[0]) is None:
        raise UsageError(f"command {command[0]!r} is not found or cannot be run")
    recorder = Recorder(settings, report)
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    with _signals_to(signals):
        await recorder.start()
        listening(recorder)
        if not command:
            await signals.get()
            return await recorder.stop()
        try:
            status = await _run_command(command, recorder, signals)
        except OSError as error:
            await recorder.stop()
            reason = (error.strerror or str(error)).lower()
            raise UsageError(f"command {command[0]!r} cannot be run: {reason}") from error
        summary = await recorder.stop(grace=GRACE)
    problems = list(summary.problems)
    if status:
        problems.append(f"the command ended with {_status_in_words(status)}")
    elif not summary.connections and not summary.exchanges and not problems:
        problems.append("the command never connected to the recorder; does it use $WSTAPE_URL?")
    return replace(summary, problems=tuple(problems))


async def _run_command(command: Sequence[str], recorder: Recorder, signals: asyncio.Queue[signal.Signals]) -> int:
    """Run the command to its end, passing signals on; return its status, negative for a signal. Raises OSError."""
    environment = {**os.environ, "WSTAPE_URL": recorder.url, "WSTAPE_HTTP_URL": recorder.http_url}
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    passing = asyncio.create_task(_pass_on(signals, process))
    try:
        return await process.wait()
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
def _signals_to(queue: asyncio.Queue[signal.Signals]) -> Generator[None]:
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


def _status_in_words(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"
