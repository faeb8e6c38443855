"""Playing scripts against servers that answer, refuse, stall, vanish and change their minds."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from http import HTTPStatus

import pytest
from playing import Handler, play
from sessions import connection, exchange, session
from upstreams import unused_port
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from wstape.cassettes import (
    Closed,
    Connection,
    Direction,
    Ending,
    Handshake,
    Kind,
    Message,
    Session,
    Target,
    UnreachableError,
)
from wstape.contracts import Finding, infer
from wstape.replayer import Options, Player, compile_script

ASKED = connection(
    ("<", {"type": "welcome", "session_id": "s-3f9a7d1e66b0"}),
    (">", {"type": "ask", "session_id": "s-3f9a7d1e66b0", "text": "hello"}),
    ("<", {"type": "thinking"}),
    ("<", {"type": "answer", "text": "hello yourself", "score": 1}),
    (">", {"type": "ask", "session_id": "s-3f9a7d1e66b0", "text": "again"}),
    ("<", {"type": "answer", "text": "hello again", "score": 2}),
)
RECORDED = session(ASKED)


async def answering(ws: ServerConnection) -> None:
    """The build that was recorded."""
    await ws.send(json.dumps({"type": "welcome", "session_id": "s-live-0001"}))
    async for text in ws:
        asked = json.loads(text)
        assert asked["session_id"] == "s-live-0001"
        await ws.send(json.dumps({"type": "thinking"}))
        await ws.send(json.dumps({"type": "answer", "text": f"to {asked['text']}", "score": 7}))


def breaking(findings: tuple[Finding, ...]) -> list[tuple[str, str | None]]:
    return [(finding.id, finding.label) for finding in findings if finding.severity == "breaking"]


def test_the_same_build_is_compatible_and_got_its_own_identifier() -> None:
    played, findings = play(RECORDED, answering)
    assert breaking(findings) == []
    texts = [message for message in played.session.connections[0].messages if message.kind is Kind.TEXT]
    sent = [json.loads(message.payload) for message in texts if message.direction is Direction.CLIENT]
    assert [(message["session_id"], message["text"]) for message in sent] == [
        ("s-live-0001", "hello"),
        ("s-live-0001", "again"),
    ]
    assert played.session.complete
    assert played.session.connections[0].closed is not None
    assert played.session.connections[0].closed.ending is Ending.CLEAN


def test_a_server_that_stalls_is_named_with_what_came_instead() -> None:
    async def stalling(ws: ServerConnection) -> None:
        await ws.send(json.dumps({"type": "welcome", "session_id": "s-live-0001"}))
        await ws.recv()
        await ws.send(json.dumps({"type": "thinking"}))
        await ws.wait_closed()

    _, findings = play(RECORDED, stalling)
    assert breaking(findings) == [("replay/timeout", "answer")]
    assert findings[0].message == (
        "`answer` did not come within 0.5 s before the client's `ask`; the last event before that was `thinking`; "
        "1 more recorded client messages were not sent"
    )


def test_a_server_that_closes_early() -> None:
    async def leaving(ws: ServerConnection) -> None:
        await ws.send(json.dumps({"type": "welcome", "session_id": "s-live-0001"}))
        await ws.recv()
        await ws.close(1011, "out of memory")

    _, findings = play(RECORDED, leaving)
    assert breaking(findings) == [("close/abnormal", "answer")]
    assert "closed the connection with 1011 'out of memory' while `answer` was awaited" in findings[0].message


def test_a_server_that_drops_the_connection() -> None:
    async def dropping(ws: ServerConnection) -> None:
        await ws.send(json.dumps({"type": "welcome", "session_id": "s-live-0001"}))
        await ws.recv()
        ws.transport.abort()

    _, findings = play(RECORDED, dropping)
    assert breaking(findings) == [("close/abnormal", "answer")]
    assert "dropped the connection" in findings[0].message


def test_a_refused_handshake() -> None:
    def refusing(ws: ServerConnection, request: Request) -> Response:
        return ws.respond(HTTPStatus.FORBIDDEN, "not you\n")

    played, findings = play(RECORDED, answering, server={"process_request": refusing})
    assert breaking(findings) == [("handshake/status", None)]
    assert (findings[0].baseline, findings[0].candidate) == (101, 403)
    assert played.session.connections[0].handshake.response_body == b"not you\n"


def test_a_refusal_that_was_recorded_is_expected() -> None:
    refused = replace(
        ASKED,
        number=2,
        handshake=Handshake(target="/admin", request_headers=(), status=403, reason="Forbidden", response_headers=()),
        messages=(),
        closed=Closed(connection=2, ending=Ending.REFUSED, by=Direction.SERVER, at_ns=60_000_000),
    )

    def guarding(ws: ServerConnection, request: Request) -> Response | None:
        return ws.respond(HTTPStatus.FORBIDDEN, "no\n") if request.path == "/admin" else None

    recorded = session(ASKED, refused)
    _, findings = play(recorded, answering, server={"process_request": guarding})
    assert breaking(findings) == []
    _, findings = play(recorded, answering)
    assert breaking(findings) == [("handshake/status", None)]


def test_a_subprotocol_that_is_no_longer_selected() -> None:
    spoken = replace(
        ASKED,
        handshake=replace(
            ASKED.handshake,
            request_headers=(("Sec-WebSocket-Protocol", "chat.v2, chat.v1"),),
            response_headers=(("Sec-WebSocket-Protocol", "chat.v2"),),
        ),
    )
    _, findings = play(session(spoken), answering, server={"subprotocols": ["chat.v2"]})
    assert breaking(findings) == []
    _, findings = play(session(spoken), answering, server={"subprotocols": ["chat.v1"]})
    assert breaking(findings) == [("handshake/subprotocol", None)]
    assert [one.message for one in findings if one.id == "handshake/subprotocol"] == [
        "the server selected the subprotocol 'chat.v1'; in the recording the subprotocol 'chat.v2'"
    ]


def test_an_identifier_that_is_no_longer_issued() -> None:
    async def forgetful(ws: ServerConnection) -> None:
        await ws.send(json.dumps({"type": "welcome"}))
        await ws.wait_closed()

    _, findings = play(RECORDED, forgetful)
    assert ("replay/unbound", None) in breaking(findings)
    unbound = next(finding for finding in findings if finding.id == "replay/unbound")
    assert "`ask` needs a value that the server did not issue" in unbound.message
    assert "server:welcome /session_id (connection 1)" in unbound.message


def test_text_turned_binary() -> None:
    async def binary(ws: ServerConnection) -> None:
        await ws.send(json.dumps({"type": "welcome", "session_id": "s-live-0001"}))
        async for _ in ws:
            await ws.send(json.dumps({"type": "thinking"}))
            await ws.send(json.dumps({"type": "answer", "text": "t", "score": 1}).encode())

    _, findings = play(RECORDED, binary)
    assert breaking(findings) == [("message/kind-changed", "answer")]


def test_a_server_that_was_recorded_to_close_must_close() -> None:
    closing = replace(
        ASKED,
        messages=(
            *(message for message in ASKED.messages if message.kind is Kind.TEXT),
            Message(connection=1, direction=Direction.SERVER, kind=Kind.CLOSE, payload=b"\x0f\xa0", at_ns=17_000_000),
            Message(connection=1, direction=Direction.CLIENT, kind=Kind.CLOSE, payload=b"\x0f\xa0", at_ns=17_000_000),
        ),
    )

    def with_end(code: int | None) -> Handler:
        async def handler(ws: ServerConnection) -> None:
            await ws.send(json.dumps({"type": "welcome", "session_id": "s-live-0001"}))
            for _ in range(2):
                await ws.recv()
                await ws.send(json.dumps({"type": "thinking"}))
                await ws.send(json.dumps({"type": "answer", "text": "t", "score": 1}))
            if code is None:
                await ws.wait_closed()
            else:
                await ws.close(code)

        return handler

    assert breaking(play(session(closing), with_end(4000))[1]) == []
    assert breaking(play(session(closing), with_end(4001))[1]) == [("close/code", None)]
    assert breaking(play(session(closing), with_end(None))[1]) == [("replay/timeout", None)]


def test_values_travel_from_one_connection_to_another() -> None:
    key = "k-9d1e66b04f9a"
    recorded = session(
        connection(("<", {"type": "welcome", "join_key": key}), (">", {"type": "ready"}), ("<", {"type": "ok"})),
        connection((">", {"type": "join", "join_key": key}), ("<", {"type": "joined"}), number=2, begin_ms=11),
    )
    seen: list[str] = []

    async def rooms(ws: ServerConnection) -> None:
        if ws.request is not None and ws.request.path == "/second":
            raise AssertionError
        await ws.send(json.dumps({"type": "welcome", "join_key": "k-live"}))
        async for text in ws:
            message = json.loads(text)
            seen.append(message.get("join_key", ""))
            await ws.send(json.dumps({"type": "joined" if message["type"] == "join" else "ok"}))

    _, findings = play(recorded, rooms)
    assert "k-live" in seen
    assert breaking(findings) == []


def test_nobody_there() -> None:
    contract = infer([RECORDED.records()])
    target = Target.parse(f"ws://127.0.0.1:{unused_port()}")
    player = Player(compile_script(RECORDED, contract), RECORDED, contract, Options(target=target), "test")
    with pytest.raises(UnreachableError, match="cannot connect to"):
        asyncio.run(player.play())


def test_a_login_by_http_gives_the_token_of_the_handshake() -> None:
    token = "tok-4f9a7d1e66b04c0c"
    recorded = session(
        replace(ASKED, handshake=replace(ASKED.handshake, target=f"/chat?token={token}")),
        exchanges=(
            replace(
                exchange({}, {"access": token}, response_headers=(("Set-Cookie", "sid=abcdef123456; Path=/"),)),
                method="GET",
                request_body=b"",
            ),
        ),
    )
    paths: list[str] = []

    def login(ws: ServerConnection, request: Request) -> Response | None:
        paths.append(request.path)
        return ws.respond(HTTPStatus.OK, '{"access": "tok-live/1"}') if request.path == "/login" else None

    played, findings = play(recorded, answering, server={"process_request": login})
    assert breaking(findings) == []
    assert paths == ["/login", "/chat?token=tok-live%2F1"]
    assert played.session.exchanges[0].status == 200


@pytest.mark.parametrize(("status", "severity"), [(HTTPStatus.FORBIDDEN, "breaking"), (HTTPStatus.CREATED, "warning")])
def test_a_request_that_is_answered_with_another_status(status: HTTPStatus, severity: str) -> None:
    token = "tok-4f9a7d1e66b04c0c"
    recorded = session(
        replace(ASKED, handshake=replace(ASKED.handshake, target=f"/chat?token={token}")),
        exchanges=(replace(exchange({}, {"access": token}), method="GET", request_body=b""),),
    )
    body = '{"access": "tok-live"}' if status is HTTPStatus.CREATED else '{"detail": "no"}'

    def login(ws: ServerConnection, request: Request) -> Response | None:
        return ws.respond(status, body) if request.path == "/login" else None

    _, findings = play(recorded, answering, server={"process_request": login})
    told = [(finding.id, finding.severity) for finding in findings if not finding.id.startswith("sequence/")]
    assert told == [("http/status", severity)]  # what needed the token is not told as well
    assert findings[0].label == "GET /login"


@pytest.mark.parametrize("carried", ["{{secret:password:1}}", "{{secret:access_token:1}}"])
def test_a_refused_request_is_asked_for_the_secrets_it_carried(carried: str) -> None:
    """Each recording numbers its own. What the server issues itself is no secret from outside."""
    login = replace(exchange({}, {"access_token": "{{secret:access_token:1}}"}), method="GET", request_body=b"")
    asking = replace(login, request_headers=(("Authorization", f"Basic {carried}"),))
    recorded = session(ASKED, exchanges=(asking,))

    def refusing(ws: ServerConnection, request: Request) -> Response | None:
        return ws.respond(HTTPStatus.UNAUTHORIZED, "no\n") if request.path == "/login" else None

    given = {carried: "of another recording"}
    _, findings = play(recorded, answering, server={"process_request": refusing}, secrets=given)
    (finding,) = (one for one in findings if one.id == "http/status")
    asked = "; it carried {{secret:password:1}}: was the value given for this recording, and not for another?"
    assert finding.message.partition("200 OK")[2] == (asked if "password" in carried else "")


def test_a_play_that_stops_for_something_that_only_warns_does_not_pass() -> None:
    token = "tok-4f9a7d1e66b04c0c"
    recorded = session(
        replace(ASKED, handshake=replace(ASKED.handshake, target=f"/chat?token={token}")),
        exchanges=(replace(exchange({}, {"access": token}), method="GET", request_body=b""),),
    )

    def login(ws: ServerConnection, request: Request) -> Response | None:
        return ws.respond(HTTPStatus.ACCEPTED, "{}") if request.path == "/login" else None

    _, findings = play(recorded, answering, server={"process_request": login})
    assert breaking(findings) == [("replay/leftover", None)]
    assert findings[0].message == "connection 1 was not played"


def test_nothing_waits_for_an_event_that_is_allowed_to_be_missing() -> None:
    recorded = session(
        connection((">", {"type": "ask"}), ("<", {"type": "answer"}), ("<", {"type": "advert"}), (">", {"type": "bye"}))
    )

    async def plain(ws: ServerConnection) -> None:
        await ws.recv()
        await ws.send(json.dumps({"type": "answer"}))
        assert json.loads(await ws.recv()) == {"type": "bye"}
        await ws.wait_closed()

    assert breaking(play(recorded, plain)[1]) == [("replay/timeout", "advert")]
    assert breaking(play(recorded, plain, allowed=frozenset(("advert",)))[1]) == []


def test_a_path_in_the_target_replaces_the_recorded_service_s_own() -> None:
    recorded = replace(
        session(replace(ASKED, handshake=replace(ASKED.handshake, target="/v1/chat?lang=en"))),
        header=replace(RECORDED.header, target="ws://service/v1/chat"),
    )
    paths: list[str] = []

    def noting(ws: ServerConnection, request: Request) -> None:
        paths.append(request.path)

    play(recorded, answering, server={"process_request": noting})
    play(recorded, answering, server={"process_request": noting}, resource="/v2/talk")
    assert paths == ["/v1/chat?lang=en", "/v2/talk?lang=en"]


def test_headers_from_outside_replace_recorded_ones() -> None:
    recorded = session(
        replace(
            ASKED, handshake=replace(ASKED.handshake, request_headers=(("X-Build", "1"), ("Origin", "http://service")))
        )
    )
    seen: dict[str, str] = {}

    def noting(ws: ServerConnection, request: Request) -> None:
        seen.update(request.headers.raw_items())

    play(recorded, answering, server={"process_request": noting}, headers=(("x-build", "2"),))
    assert seen["x-build"] == "2"
    assert "X-Build" not in seen
    assert seen["Origin"].startswith("http://127.0.0.1:")  # a page of the service under test


def test_exact_mode_tells_every_difference_that_is_not_volatile() -> None:
    async def exactly(ws: ServerConnection) -> None:
        await ws.send(json.dumps({"type": "welcome", "session_id": "s-live00000001"}))
        await ws.recv()
        await ws.send(json.dumps({"type": "thinking"}))
        await ws.send(json.dumps({"type": "answer", "text": "hello yourself", "score": 1}))
        await ws.recv()
        await ws.send(json.dumps({"type": "answer", "text": "hello again", "score": 3}))
        await ws.wait_closed()

    _, findings = play(RECORDED, exactly, mode="exact")
    assert [(f.id, f.label, f.path, f.baseline, f.candidate) for f in findings] == [
        ("payload/value-changed", "answer", "/score", 2, 3)
    ]
    _, findings = play(RECORDED, answering, mode="exact")
    assert {finding.id for finding in findings} == {"payload/value-changed", "event/unexpected"}


def dropping() -> Session:
    """A client that is sent away with 4009 in the middle and comes back."""
    asked = (">", {"type": "ask", "text": "hello"}), ("<", {"type": "answer", "text": "hello yourself"})
    sent_away = closed_by_server(connection(*asked), 4009)
    back = connection(*asked, *asked, number=2, begin_ms=50)
    return session(sent_away, back)


def closed_by_server(one: Connection, code: int) -> Connection:
    assert one.closed is not None
    frame = code.to_bytes(2, "big")
    said = tuple(message for message in one.messages if message.kind is not Kind.CLOSE)
    ends = [
        replace(one.messages[-1], direction=direction, payload=frame)
        for direction in (Direction.SERVER, Direction.CLIENT)
    ]
    return replace(one, messages=(*said, *ends), closed=replace(one.closed, by=Direction.SERVER))


def dropped_after(*answers: int) -> Handler:
    """A service that drops its n-th connection with 4009 after so many answers; 0: never."""
    left = list(answers)

    async def answer(ws: ServerConnection) -> None:
        most, given = left.pop(0), 0
        async for _ in ws:
            await ws.send(json.dumps({"type": "answer", "text": "hello yourself"}))
            given += 1
            if given == most:
                await ws.close(4009)

    return answer


def told(answers: tuple[int, ...], handler: Handler | None = None) -> tuple[list[tuple[str, str]], bool]:
    played, findings = play(dropping(), handler or dropped_after(*answers))
    return [(one.id, one.severity) for one in findings if one.severity != "info"], played.session.complete


def test_a_drop_as_recorded_is_nothing_and_one_elsewhere_leaves_the_replay_incomplete() -> None:
    assert told((1, 0)) == ([], True)
    assert told((1, 1)) == ([("close/abnormal", "warning")], False)


def test_a_drop_that_does_not_come_is_a_warning_and_the_client_comes_back_all_the_same() -> None:
    assert told((0, 0)) == ([("replay/timeout", "warning")], True)


def test_a_drop_with_a_code_that_nobody_knows_is_breaking() -> None:
    async def failing(ws: ServerConnection) -> None:
        await ws.recv()
        await ws.close(1011)

    findings, complete = told((), failing)
    assert ("close/abnormal", "breaking") in findings or ("close/code", "breaking") in findings
    assert not complete
