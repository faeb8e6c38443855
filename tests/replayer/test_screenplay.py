"""A script as a person reads it."""

from __future__ import annotations

from dataclasses import replace

from sessions import connection, exchange, session

from wstape.cassettes import Closed, Direction, Ending, Handshake
from wstape.contracts import infer
from wstape.replayer import compile_script, screenplay


def test_every_step_says_what_it_waits_for() -> None:
    token = "tok-4f9a7d1e66b04c0c"
    chat = connection(
        ("<", {"type": "welcome", "session_id": "s-3f9a7d1e66b0"}),
        (">", {"type": "ask", "session_id": "s-3f9a7d1e66b0"}),
        (">", {"type": "cancel"}),
        ("<", {"type": "thinking"}),
        ("<", {"type": "cancelled"}),
        target=f"/chat?token={token}",
    )
    refused = replace(
        chat,
        number=2,
        opened_ns=90_000_000,
        handshake=Handshake(target="/admin", request_headers=(), status=403, reason="", response_headers=()),
        messages=(),
        closed=Closed(connection=2, ending=Ending.REFUSED, by=Direction.SERVER, at_ns=91_000_000),
    )
    recorded = session(chat, refused, exchanges=(exchange({"password": "{{secret:password:1}}"}, {"access": token}),))
    script = compile_script(recorded, infer([recorded.records()]))
    assert list(screenplay(script)) == [
        "needs from outside: password:1",
        "request 1: POST /login",
        "  after {{secret:password:1}} from outside",
        "  expects 200",
        f"connection 1: /chat?token={token}",
        "  after the answer to request 1",
        f"  after {token} from response 1 /access",
        "  send ask",
        "    after the server's welcome (up to 5 s)",
        "    after s-3f9a7d1e66b0 from server:welcome /session_id (connection 1)",
        "  send cancel",
        "    after the recorded pause of 0.001 s, which nothing else explains",
        "  close with 1000",
        "    after the server's cancelled, and thinking while the server keeps sending (up to 5 s)",
        "connection 2: /admin",
        "  after the end of connection 1",
        "  after the answer to request 1",
        "  expects to be refused with 403",
    ]
