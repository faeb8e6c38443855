"""Whether a request that comes is the recorded one."""

from __future__ import annotations

import pytest

from wstape.replayer.serving.likeness import Knowledge
from wstape.replayer.serving.request import Request, compare_requests

NOTHING = Knowledge(issued=lambda _: False, expected=lambda value, _: value)


@pytest.mark.parametrize(
    ("recorded", "live", "same"),
    [
        ("/socket.io/?EIO=4&transport=polling&t=1795448434.12", "/socket.io/?EIO=4&t=PfN3x1c&transport=polling", True),
        ("/socket.io/?EIO=4&transport=polling&t=1", "/socket.io/?EIO=4&transport=websocket&t=1", False),
        ("/list?page=1&_=1795448434128", "/list?page=1&_=1795448439999", True),
        ("/list?page=1&_=1795448434128", "/list?page=2&_=1795448434128", False),
        ("/list?t=books", "/list?t=films", False),
    ],
)
def test_what_only_keeps_caches_from_answering_means_nothing(recorded: str, live: str, same: bool) -> None:
    old, new = (Request(method="GET", target=target, headers=()) for target in (recorded, live))
    assert compare_requests(old, new, NOTHING).same is same
