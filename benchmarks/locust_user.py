"""A Locust user that asks over a WebSocket and waits for the answer, again and again: what replays are measured beside.

Locust has no WebSocket user of its own; this is the one that its users write, with websocket-client under gevent and an
event for every answer. Run by ``benchmarks/replay.py``: ``locust -f benchmarks/locust_user.py --headless …``. What it
prints in the end is counted from when all users are there.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import websocket
from locust import User, constant, events, task

ASK = json.dumps({"type": "ask", "text": "what is the weather in Oslo"})


class Clock:
    """What was exchanged since all users were there."""

    counted = 0
    begun: float | None = None


class Asking(User):
    """One connection with one message in flight."""

    wait_time = constant(0)

    def on_start(self) -> None:
        """Connect."""
        self.socket = websocket.create_connection(self.host)

    def on_stop(self) -> None:
        """Leave without waiting for the server's Close frame."""
        self.socket.close(timeout=0)

    @task
    def ask(self) -> None:
        """Ask, read the answer, and tell Locust of it."""
        begun = time.perf_counter()
        self.socket.send(ASK)
        answer = self.socket.recv()
        json.loads(answer)
        Clock.counted += 2
        self.environment.events.request.fire(
            request_type="WS",
            name="answer",
            response_time=(time.perf_counter() - begun) * 1000,
            response_length=len(answer),
            exception=None,
            context={},
        )


@events.spawning_complete.add_listener
def complete(**_: Any) -> None:
    """All users are there."""
    Clock.counted, Clock.begun = 0, time.process_time()


@events.test_stop.add_listener
def stop(**_: Any) -> None:
    """Print messages for each second of CPU."""
    if Clock.begun is not None:
        print(f"messages a second of CPU: {Clock.counted / (time.process_time() - Clock.begun):.0f}", file=sys.stderr)
