"""What the sample clients ask, and what the sample agent does about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """One call of a tool. ``ok`` is False for a tool that fails; ``result`` then says why."""

    tool: str
    arguments: Mapping[str, str]
    result: str
    ok: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The tools that a question needs, all started at about the same time, and its answer."""

    tools: tuple[ToolUse, ...]
    answer: str


def _search(query: str, result: str) -> ToolUse:
    return ToolUse(tool="search", arguments={"query": query}, result=result)


def _calculate(expression: str, result: str, *, ok: bool = True) -> ToolUse:
    return ToolUse(tool="calculator", arguments={"expression": expression}, result=result, ok=ok)


def _calendar(day: str, result: str) -> ToolUse:
    return ToolUse(tool="calendar", arguments={"day": day}, result=result)


TASKS: Mapping[str, Task] = {
    "Can we meet on Tuesday?": Task(
        tools=(_calendar("Tuesday", "free from 10:00 to 15:00"), _search("meeting rooms", "room 4 seats six")),
        answer="Yes: you are free on Tuesday between ten and three, and room 4 has a table for six people.",
    ),
    "What does the trip to Lisbon cost for three people?": Task(
        tools=(
            _search("flights to Lisbon", "three flights, the cheapest at 142 euros"),
            _search("hotels in Lisbon", "a room for three at 96 euros a night"),
            _calculate("3 * 142 + 2 * 96", "618"),
        ),
        answer="Three flights at 142 euros and two nights at 96 euros make 618 euros for the three of you.",
    ),
    "Split the rent between the empty rooms.": Task(
        tools=(
            _search("empty rooms", "none"),
            _calculate("1800 / 0", "division by zero", ok=False),
        ),
        answer="No room is empty, so there is nobody to split the rent between; it stays with the tenants.",
    ),
    "When is the next train to the airport?": Task(
        tools=(_search("trains to the airport", "10:12, 10:42, 11:12"),),
        answer="The next one leaves at 10:12, and then there is another every thirty minutes.",
    ),
    "Plan my Friday.": Task(
        tools=(
            _calendar("Friday", "stand-up at 9:30, dentist at 16:00"),
            _search("weather on Friday", "dry, 19 degrees"),
            _search("lunch nearby", "the noodle bar opens at noon"),
        ),
        answer="Stand-up at half past nine, lunch at the noodle bar at noon, and the dentist at four; it stays dry.",
    ),
}

OTHER = Task(
    tools=(_search("the question", "nothing found"),),
    answer="I found nothing about that; ask me about meetings, trips, rents, trains or your Friday.",
)
"""What the agent does about any other question."""
