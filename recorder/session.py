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
from typing import Any

from ..cassettes import Record, UsageError
from .proxy import Recorder
from .settings import Settings
from .tape import Report, Summary

GRACE = 2.0  # seconds that connections have to end after their command has
TICK = 0.25  # seconds
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))


async def run(
    settings: Settings,
    *,
    command: Sequence[str] = (),
    report: Report,
    listening: Callable[[Recorder], None],
    watch: Callable[[Record], None] | None = None,
    tick: Callable[[], None] | None = None,
) -> Summary:
    """Record until SIGINT, SIGTERM or SIGHUP, until a limit of ``settings``, or with ``command`` until it ends.

    ``listening`` is called once the recorder accepts, ``watch`` with every record, ``tick`` every `TICK` seconds. A
    command that fails, or that never connects, is a problem in the summary. Raises UsageError and FileError for what
    prevents the start.
    """
    if command and shutil.which(command[0]) is None:
        raise UsageError(f"command {command[0]!r} is not found or cannot be run")
    recorder = Recorder(settings, report, watch)
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    with _signals_to(signals):
        await recorder.start()
        listening(recorder)
        limit = asyncio.create_task(_limit(recorder))
        ticking = asyncio.create_task(_tick(tick)) if tick is not None else None
        try:
            if not command:
                await _first(asyncio.create_task(signals.get()), limit)
                return await recorder.stop()
            status = await _run_command(command, recorder, signals, limit)
        except OSError as error:
            await recorder.stop()
            reason = (error.strerror or str(error)).lower()
            raise UsageError(f"command {command[0]!r} cannot be run: {reason}") from error
        finally:
            limit.cancel()
            if ticking is not None:
                ticking.cancel()
        summary = await recorder.stop(grace=GRACE)
    problems = list(summary.problems)
    if status:
        problems.append(f"the command ended with {_status_in_words(status)}")
    elif not summary.connections and not summary.exchanges and not problems:
        problems.append("the command never connected to the recorder; does it use $WSTAPE_URL?")
    return replace(summary, problems=tuple(problems))


async def _limit(recorder: Recorder) -> None:
    """Return when a limit of the settings is reached; without one, never."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(recorder.settings.max_duration):
            await recorder.finished.wait()


async def _tick(tick: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(TICK)
        tick()


async def _first(*tasks: asyncio.Task[Any]) -> None:
    """Wait for one of the tasks."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


async def _run_command(
    command: Sequence[str], recorder: Recorder, signals: asyncio.Queue[signal.Signals], limit: asyncio.Task[None]
) -> int:
    """Run the command to its end, passing signals on; return its status, negative for a signal.

    When ``limit`` is done first, the command is ended, and its status is 0. Raises OSError.
    """
    environment = {**os.environ, "WSTAPE_URL": recorder.url, "WSTAPE_HTTP_URL": recorder.http_url}
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    passing = asyncio.create_task(_pass_on(signals, process))
    ended = asyncio.create_task(process.wait())
    try:
        await asyncio.wait({ended, limit}, return_when=asyncio.FIRST_COMPLETED)
        if recorder.finished.is_set():
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
