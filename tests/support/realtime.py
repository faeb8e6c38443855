"""A sample service that speaks the event names of OpenAI's Realtime API: a session, items, audio in deltas."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Generator
from contextlib import contextmanager

from websockets.sync.server import ServerConnection, serve

AUDIO = bytes(range(256)) * 12


def _id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:21]}"


def _converse(socket: ServerConnection) -> None:
    def send(kind: str, **members: object) -> None:
        socket.send(json.dumps({"type": kind, "event_id": _id("event"), **members}))

    session = {"id": _id("sess"), "type": "realtime", "object": "realtime.session", "model": "sample-realtime"}
    send("session.created", session=session)
    for text in socket:
        event = json.loads(text)
        if event["type"] == "session.update":
            send("session.updated", session=session | event["session"])
        elif event["type"] == "conversation.item.create":
            send("conversation.item.added", item={**event["item"], "id": _id("item")}, previous_item_id=None)
        elif event["type"] == "response.create":
            response, item = _id("resp"), _id("item")
            place = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
            send("response.created", response={"id": response, "object": "realtime.response", "status": "in_progress"})
            for begin in range(0, len(AUDIO), 512):
                delta = base64.b64encode(AUDIO[begin : begin + 512]).decode()
                send("response.output_audio.delta", delta=delta, **place)
            send("response.output_audio.done", **place)
            send("response.done", response={"id": response, "object": "realtime.response", "status": "completed"})


@contextmanager
def realtime() -> Generator[str]:
    """Run the service on a free loopback port; give its ``ws://`` address."""
    with serve(_converse, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()
