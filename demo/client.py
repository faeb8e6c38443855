"""The sample client: two users who talk to the sample service at the same time, on two connections each.

``python -m wstape.demo.client [URL]``; without a URL, ``WSTAPE_URL`` says where.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from typing import cast

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from .chat import PASSWORDS
from .questions import TASKS

CONNECTIONS_PER_USER = 2
PATIENCE_S = 10.0  # how long any one event may take to come


class ServiceError(Exception):
    """The service answered with an ``error`` event, or with something else than was asked for."""


async def talk(url: str) -> int:
    """Hold all conversations at once and return how many questions were answered.

    Raises ServiceError, and what `websockets` raises when there is no connection.
    """
    questions = list(TASKS)
    users = [user for user in PASSWORDS for _ in range(CONNECTIONS_PER_USER)]
    # Each begins with another question, as people do.
    turns = [questions[start:] + questions[:start] for start in range(len(users))]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_converse(url, user, asked)) for user, asked in zip(users, turns, strict=True)]
    return sum(task.result() for task in tasks)


async def _converse(url: str, user: str, questions: Sequence[str]) -> int:
    async with connect(url) as connection:
        await _send(connection, {"type": "login", "user": user, "password": PASSWORDS[user]})
        welcome = await _wait_for(connection, "login_ok")
        await _send(connection, {"type": "create_thread", "access_token": welcome["access_token"]})
        thread = await _wait_for(connection, "thread_created")
        for question in questions:
            await _send(connection, {"type": "user_message", "thread_id": thread["thread_id"], "text": question})
            await _wait_for(connection, "agent_completed")
    return len(questions)


async def _send(connection: ClientConnection, event: dict[str, object]) -> None:
    await connection.send(json.dumps(event))


async def _wait_for(connection: ClientConnection, wanted: str) -> dict[str, object]:
    """Receive events up to the wanted one and return it."""
    while True:
        async with asyncio.timeout(PATIENCE_S):
            event = cast("dict[str, object]", json.loads(await connection.recv()))
        if event["type"] == "error":
            raise ServiceError(f"the service refused: {event['message']}")
        if event["type"] == wanted:
            return event


def main() -> None:
    """Talk to the service that the command line or the environment names."""
    url = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("WSTAPE_URL")
    if url is None:
        sys.exit("client: error: no URL; give one, or set WSTAPE_URL")
    try:
        answered = asyncio.run(talk(url))
    except* (ServiceError, WebSocketException, OSError, TimeoutError) as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = cast("BaseExceptionGroup[BaseException]", first).exceptions[0]
        sys.exit(f"client: error: {url}: {str(first) or type(first).__name__}")
    print(f"{answered} questions answered")  # noqa: T201 - this is a program


if __name__ == "__main__":
    main()
