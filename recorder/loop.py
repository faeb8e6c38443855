"""The event loop that a recording runs on: uvloop where it is installed (``wstape[fast]``), else asyncio's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..cassettes import UsageError

LOOPS = ("auto", "asyncio", "uvloop")


def loop_factory(name: str = "auto") -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what `asyncio.Runner` makes its loop with, None for asyncio's own; ``name`` is one of `LOOPS`.

    Raises UsageError for ``uvloop`` where it is missing.
    """
    if name == "asyncio":
        return None
    try:
        import uvloop
    except ImportError:
        if name == "auto":
            return None
        raise UsageError("--loop uvloop: it is not installed; install wstape[fast], or leave the option out") from None
    return uvloop.new_event_loop
