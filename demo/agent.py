"""One run of the sample agent, as a plan of events and times.

As agents are, it is different each time: how often it thinks, how its tools overlap, how its answer is cut into
pieces, all identifiers. The same all the time is only what a client may rely on.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from .build import Build
from .questions import Task

MODEL = "sample-1"

_SUBJECTS = ("the question", "the last result", "what is missing", "the next step", "the answer", "the wording")
_VERBS = ("Reading", "Weighing", "Looking up", "Comparing", "Checking", "Rephrasing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """An event to be sent, so many seconds after the run has begun."""

    at_s: float
    event: dict[str, object]


def new_id(prefix: str, chance: random.Random) -> str:
    """Return an identifier such as ``run_3f9c21d07ab4``."""
    return f"{prefix}_{chance.getrandbits(48):012x}"


def plan_run(task: Task, thread_id: str, build: Build, chance: random.Random) -> tuple[Timed, ...]:
    """Return the events of one run, in order."""
    run_id = new_id("run", chance)
    begin = Timed(at_s=0.0, event={"type": "agent_started", "run_id": run_id, "thread_id": thread_id, "model": MODEL})
    work = [*_thinking(run_id, chance), *_tools(task, run_id, build, chance)]
    work.sort(key=lambda timed: timed.at_s)
    speech = list(_speech(task.answer, run_id, work[-1].at_s, chance))
    completed: dict[str, object] = {
        "type": "agent_completed",
        "run_id": run_id,
        "thread_id": thread_id,
        "answer": task.answer,
        "tokens" if build is Build.GOOD else "token_count": len(task.answer) // 4 + chance.randint(10, 99),
        "finish_reason": "stop",
    }
    return begin, *work, *speech, Timed(at_s=speech[-1].at_s + 0.001, event=completed)


def _thinking(run_id: str, chance: random.Random) -> Iterator[Timed]:
    # Some runs think before their tools, some beside them, some after: no order is to be learned from that.
    first_s, last_s = chance.choice(((0.0, 0.004), (0.0, 0.060), (0.040, 0.060)))
    times = sorted(chance.uniform(first_s, last_s) for _ in range(chance.randint(1, 4)))
    for step, at_s in enumerate(times, 1):
        note = f"{chance.choice(_VERBS)} {chance.choice(_SUBJECTS)}"
        yield Timed(at_s=at_s, event={"type": "agent_thinking", "run_id": run_id, "step": step, "note": note})


def _tools(task: Task, run_id: str, build: Build, chance: random.Random) -> Iterator[Timed]:
    for use in task.tools:
        call = {"run_id": run_id, "tool_call_id": new_id("call", chance)}
        begun_s = chance.uniform(0.004, 0.040)
        took_ms = chance.randint(4, 24)
        yield Timed(
            at_s=begun_s,
            event={"type": "tool_executing", **call, "tool": use.tool, "arguments": dict(use.arguments)},
        )
        if build is Build.BROKEN and not use.ok:
            continue
        yield Timed(
            at_s=begun_s + took_ms / 1000,
            event={
                "type": "tool_completed",
                **call,
                "duration_ms": took_ms if build is Build.GOOD else str(took_ms),
                "ok": use.ok,
                "result": use.result,
            },
        )


def _speech(answer: str, run_id: str, at_s: float, chance: random.Random) -> Iterator[Timed]:
    index = start = 0
    while start < len(answer):
        end = start + chance.randint(5, 30)
        at_s += chance.uniform(0.0005, 0.003)
        text = answer[start:end]
        yield Timed(at_s=at_s, event={"type": "agent_delta", "run_id": run_id, "index": index, "text": text})
        index, start = index + 1, end
