"""The first place at which things went wrong."""

from __future__ import annotations

from sessions import connection, session

from wstape.contracts import infer
from wstape.replayer import first_divergence
from wstape.replayer.breaking import breaking

RUN = "run-4f9a7d1e66b0"
SESSION = session(
    connection(
        (">", {"type": "ask", "text": "hello"}),
        ("<", {"type": "started", "run_id": RUN}),
        ("<", {"type": "news"}),
        ("<", {"type": "done", "run_id": RUN, "score": "1"}),
        (">", {"type": "ask", "text": "again"}),
        ("<", {"type": "started", "run_id": "run-9a7d1e66b04f"}),
        ("<", {"type": "done", "run_id": "run-9a7d1e66b04f", "score": "1"}),
    )
)
CONTRACT = infer([SESSION.records()])


def test_it_is_told_with_what_led_to_it() -> None:
    later = breaking("event/missing", "", 1, position=7)
    first = breaking("payload/type-changed", "", 1, position=4)
    assert first_divergence(SESSION, CONTRACT, [later, first]) == (
        "first divergence: payload/type-changed, connection 1, message 4",
        '  -> 1 ask {"type": "ask", "text": "hello"}',
        f'  <- 2 started {{"type": "started", "run_id": "{RUN}"}}',
        f'  <- 4 done {{"type": "done", "run_id": "{RUN}", "score": "1"}}',
    )


def test_a_finding_without_a_place_has_none() -> None:
    assert first_divergence(SESSION, CONTRACT, [breaking("replay/timeout", "", 1)]) == ()
    assert first_divergence(SESSION, CONTRACT, [breaking("http/status", "", None)]) == ()
    assert first_divergence(SESSION, CONTRACT, []) == ()
