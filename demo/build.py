"""The two builds of the sample service: the good one, and one with three planted regressions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Build(StrEnum):
    """Which build of the service runs."""

    GOOD = "good"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """One planted regression: in plain words, and the finding that names it in a report."""

    words: str
    finding: str  # the finding's id
    label: str  # the event that it speaks of


REGRESSIONS = (
    Regression(
        words="tool_completed: duration_ms was a number and is now a string",
        finding="payload/type-changed",
        label="tool_completed",
    ),
    Regression(
        words="agent_completed: tokens is now called token_count",
        finding="payload/field-renamed",
        label="agent_completed",
    ),
    Regression(
        words="a tool that fails no longer sends its tool_completed",
        finding="event/missing",
        label="tool_completed",
    ),
)
"""What `Build.BROKEN` does wrong; `agent.plan_run` does it."""
