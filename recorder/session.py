"""A recording from start to end: until a signal comes, or for as long as a command runs."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ..cassettes import Record, UsageError
from .command import GRACE, find_command, run_command, signals_to, status_in_words
from .proxy import Recorder
from .settings import Settings
from .tape import Report, Summary

TICK = 0.25  # seconds


async def run(
    settings: Settings,
    *,
    command: Sequence[str] = (),
    report: Report,
    listening: Callable[[Recorder], None],
    watch: Callable[[Record], None] | None = None,
    tick: Callable[[], None] | None = None,
    say: Report | None = None,
) -> Summary:
    """Record until SIGINT, SIGTERM or SIGHUP, until a limit of ``settings``, or with ``command`` until it ends.

    ``listening`` is called once the recorder accepts, ``watch`` with every record, ``tick`` every `TICK` seconds;
    ``say`` is told what takes long. A command that fails, or that never connects, is a problem in the summary. Raises
    UsageError and FileError for what prevents the start.
    """
    find_command(command)
    recorder = Recorder(settings, report, watch, say)
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    with signals_to(signals):
        await recorder.start()
        listening(recorder)
        limit = asyncio.create_task(_limit(recorder))
        ticking = asyncio.create_task(_tick(tick)) if tick is not None else None
        try:
            if not command:
                await _first(asyncio.create_task(signals.get()), limit)
                return await recorder.stop()
            environment = {"WSTAPE_URL": recorder.url, "WSTAPE_HTTP_URL": recorder.http_url}
            status = await run_command(command, environment, signals, limit, recorder.finished)
        except UsageError:
            await recorder.stop()
            raise
        finally:
            limit.cancel()
            if ticking is not None:
                ticking.cancel()
        summary = await recorder.stop(grace=GRACE)
    problems = list(summary.problems)
    if status:
        problems.append(f"the command ended with {status_in_words(status)}")
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
