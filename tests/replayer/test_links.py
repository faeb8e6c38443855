"""Identifiers of the client that the server echoes, or no longer does."""

from __future__ import annotations

import uuid

import pytest
from sessions import connection, session

from wstape.contracts import detect
from wstape.replayer import traces
from wstape.replayer.links import lost_links

ONE, TWO = str(uuid.UUID(int=1, version=4)), str(uuid.UUID(int=2, version=4))


def talk(*pairs: tuple[str, object], label: str = "answer"):
    """A connection on which each request's identifier comes back as the second of its pair."""
    said: list[tuple[str, object]] = []
    for asked, answered in pairs:
        said.append((">", {"type": "ask", "request_id": asked}))
        said.append(("<", {"type": label, "request_id": answered, "server_id": f"made-up-{len(said)}00"}))
    return session(connection(*said))


def lost(baseline, candidate) -> list[tuple[str | None, str | None, object, object]]:
    envelope = detect(message for one in baseline.connections for message in one.messages)
    pairs = list(zip(traces(baseline, envelope), traces(candidate, envelope), strict=True))
    return [(f.label, f.path, f.baseline, f.candidate) for f in lost_links(pairs)]


def test_an_echo_of_another_value_is_told_once() -> None:
    recorded = talk((ONE, ONE), (TWO, TWO))
    assert lost(recorded, recorded) == []
    assert lost(recorded, talk((TWO, TWO), (ONE, ONE))) == []  # a client with fresh identifiers
    assert lost(recorded, talk((ONE, "other-4711"), (TWO, "other-4712"))) == [
        ("answer", "/request_id", ONE, "other-4711")
    ]


@pytest.mark.parametrize("other", [None, 5, "no", ["x"]])
def test_what_is_no_identifier_any_more_is_another_finding(other: object) -> None:
    assert lost(talk((ONE, ONE)), talk((ONE, other))) == []


def test_what_was_not_always_echoed_is_no_link() -> None:
    assert lost(talk((ONE, ONE), (TWO, "other-4711")), talk((ONE, "other-4712"), (TWO, TWO))) == []
    assert lost(talk(("a", "a")), talk(("a", "b"))) == []


def test_a_value_that_the_client_sent_only_later_was_not_echoed() -> None:
    assert lost(talk((ONE, ONE), (TWO, TWO)), talk((ONE, TWO), (TWO, TWO))) == [("answer", "/request_id", ONE, TWO)]


def test_one_value_alone_that_still_comes_as_well_is_no_reason_to_break() -> None:
    def severities(recorded, *answers: str) -> list[str]:
        candidate = talk(*((ONE, answer) for answer in answers))
        envelope = detect(message for message in recorded.connections[0].messages)
        pairs = list(zip(traces(recorded, envelope), traces(candidate, envelope), strict=True))
        return [finding.severity.value for finding in lost_links(pairs)]

    assert severities(talk((ONE, ONE), (ONE, ONE)), ONE, "other-4711") == ["warning"]
    assert severities(talk((ONE, ONE), (ONE, ONE)), "other-4711", "other-4711") == ["breaking"]
    assert severities(talk((ONE, ONE), (TWO, TWO)), ONE, "other-4711") == ["breaking"]


def test_a_greeting_before_the_client_has_said_anything_echoes_nothing() -> None:
    asked, answered = (">", {"type": "ask", "request_id": ONE}), ("<", {"type": "answer", "request_id": ONE})
    early = ("<", {"type": "answer", "request_id": "other-4711"})
    assert lost(session(connection(asked, answered)), session(connection(early, asked, answered))) == []
