"""The sample service: an agent that is talked to over WebSockets.

``python -m wstape.demo.service --port 8000`` serves until Ctrl-C; its address is printed on standard error once it
accepts. ``--build broken`` serves the build with the planted regressions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from .build import Build
from .chat import Chat, Conversation

HOST = "127.0.0.1"


async def run(port: int, build: Build) -> None:
    """Serve until SIGINT or SIGTERM. Raises OSError when the port cannot be had."""
    chat = Chat(build, random.Random())

    async def talk(connection: ServerConnection) -> None:
        conversation = Conversation(chat)
        try:
            async for message in connection:
                await _answer(connection, conversation, message)
        except ConnectionClosed:
            return  # the client left in the middle of an answer

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve(talk, HOST, port) as server:
        bound = next(iter(server.sockets)).getsockname()[1]
        print(f"listening on ws://{HOST}:{bound}", file=sys.stderr, flush=True)  # noqa: T201 - this is a program
        await stop.wait()


async def _answer(connection: ServerConnection, conversation: Conversation, message: str | bytes) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for timed in conversation.receive(message):
        await asyncio.sleep(max(0.0, begun + timed.at_s - loop.time()))
        await connection.send(json.dumps(timed.event))


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m wstape.demo.service", description="The sample service.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one (default)")
    parser.add_argument("--build", type=Build, choices=list(Build), default=Build.GOOD, help="default: good")
    arguments = parser.parse_args()
    try:
        asyncio.run(run(arguments.port, arguments.build))
    except (OSError, OverflowError) as error:
        parser.exit(2, f"service: error: cannot listen on {HOST}:{arguments.port}: {error}; choose another --port\n")


if __name__ == "__main__":
    main()
