"""What real clients get from a served cassette, and what is said of clients that do something else."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Callable
from socket import IPPROTO_TCP, TCP_CORK
from typing import Any

import aiohttp
import httpx
import pytest
import websocket
from served import NOW, served
from sessions import connection, exchange, session
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect as connect_sync

from wstape.cassettes import Closed, Connection, Direction, Ending, Handshake, Kind, Message, Session

OLD, NEW = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
ASK = {"type": "ask", "request_id": OLD, "text": "hi"}
STOP = {"type": "stop", "run_id": "run_77aa88bb"}


def chat() -> Session:
    """A greeting, a question that is answered in three events, and a stop that carries the server's identifier."""
    return session(
        connection(
            ("<", {"type": "welcome", "session_id": "sess_ab12cd34", "at": "2026-01-31T12:00:00Z"}),
            (">", ASK),
            ("<", {"type": "started", "request_id": OLD, "run_id": "run_77aa88bb"}),
            ("<", {"type": "delta", "run_id": "run_77aa88bb", "text": "hello"}),
            ("<", {"type": "done", "run_id": "run_77aa88bb"}),
            (">", STOP),
            ("<", {"type": "stopped", "run_id": "run_77aa88bb"}),
        )
    )


def asked(**changes: object) -> str:
    return json.dumps({**ASK, "request_id": NEW, **changes})


def converse(url: str, sent: list[str | None], *, subprotocols: list[str] | None = None) -> list[dict[str, Any]]:
    """Send each text, after as many answers as stand before it: None takes one event."""
    came: list[dict[str, Any]] = []
    with connect_sync(url, subprotocols=subprotocols) as socket:  # type: ignore[arg-type]
        for text in sent:
            # Two texts in a row leave in one segment, so that the second surely comes before the first is answered.
            socket.socket.setsockopt(IPPROTO_TCP, TCP_CORK, text is not None)
            if text is None:
                came.append(json.loads(socket.recv(timeout=10)))
            else:
                socket.send(text)
        socket.socket.setsockopt(IPPROTO_TCP, TCP_CORK, 0)
    return came


WHOLE: list[str | None] = [None, asked(), None, None, None, json.dumps(STOP), None]


def test_a_client_that_does_what_was_recorded_gets_what_was_recorded_with_its_own_identifiers() -> None:
    with served(chat()) as service:
        came = converse(service.url, WHOLE)
    assert [event["type"] for event in came] == ["welcome", "started", "delta", "done", "stopped"]
    assert came[1]["request_id"] == NEW
    assert service.findings == ()
    assert service.outcome.never_asked == ()


def test_json_is_compared_as_json() -> None:
    spaced = json.dumps(dict(reversed(json.loads(asked()).items())), indent=2)
    with served(chat()) as service:
        converse(service.url, [None, spaced, None, None, None, json.dumps(STOP, separators=(",", ":")), None])
    assert service.findings == ()


@pytest.mark.parametrize(
    ("sent", "id", "words"),
    [
        ([None, asked(text="bye")], "payload/value-changed", '`/text` is "bye", recorded was "hi"'),
        ([None, asked(more=1)], "payload/value-changed", "`/more` was not recorded"),
        ([None, json.dumps({"type": "ask", "text": "hi"})], "payload/value-changed", "`/request_id` is missing"),
        ([None, json.dumps({"type": "sing"})], "event/unexpected", "`sing` came where the recording has `ask`"),
        ([None, json.dumps(STOP)], "sequence/precedence", "`stop` came before `ask`"),
        ([*WHOLE, json.dumps(STOP)], "event/unexpected", "has no more messages of the client"),
        ([None, asked(), json.dumps(STOP)], "sequence/precedence", "did not wait for `started`, `delta`, `done`"),
        (
            [None, asked(), None, None, None, json.dumps({**STOP, "run_id": "run_00000000"})],
            "payload/value-changed",
            '`/run_id` is "run_00000000", recorded was "run_77aa88bb"',
        ),
    ],
    ids=[
        "wrong",
        "field too much",
        "field missing",
        "unknown",
        "out of order",
        "extra",
        "too early",
        "wrong identifier",
    ],
)
def test_strict_catches_a_client_that_sends_something_else(sent: list[str | None], id: str, words: str) -> None:
    with served(chat()) as service:
        with pytest.raises(ConnectionClosedError) as closed:
            converse(service.url, [*sent, None, None, None, None])
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
    assert service.ids == [id]
    assert words in service.findings[0].message
    assert words in service.told[0]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ([None, asked(), None, None, None], "never sent `stop`, which the recording has"),
        ([None], "never sent `ask` and 1 more, which the recording has"),
    ],
    ids=["last missing", "closed early"],
)
def test_strict_catches_a_client_that_leaves_something_out(sent: list[str | None], words: str) -> None:
    with served(chat()) as service:
        converse(service.url, sent)
    assert service.ids == ["replay/leftover"]
    assert words in service.findings[0].message


def test_strict_catches_an_event_that_the_client_did_not_stay_for() -> None:
    with served(chat(), latency_ns=50_000_000) as service:
        converse(service.url, WHOLE[:-1])
    assert service.ids == ["replay/leftover"]
    assert "before it had `stopped`" in service.findings[0].message


def test_labels_can_be_allowed() -> None:
    with served(chat(), allowed=frozenset({"noise", "stop"})) as service:
        converse(service.url, [None, json.dumps({"type": "noise"}), asked(), None, None, None])
    assert service.findings == ()


def test_an_allowed_label_may_come_early() -> None:
    with served(chat(), allowed=frozenset({"stop"})) as service:
        converse(service.url, [None, asked(), json.dumps(STOP), None, None, None, None])
    assert service.findings == ()


def test_lenient_needs_labels_only_and_goes_on_after_what_it_does_not_know() -> None:
    with served(chat(), mode="lenient") as service:
        came = converse(
            service.url,
            [None, json.dumps({"type": "sing"}), asked(text="bye"), None, None, None, json.dumps(STOP), None],
        )
    assert came[-1]["type"] == "stopped"
    assert [(finding.id, finding.severity.value) for finding in service.findings] == [("event/unexpected", "info")]


def test_loop_answers_again_and_again_from_any_place() -> None:
    with served(chat(), mode="loop") as service:
        came = converse(
            service.url, [None, asked(), None, None, None, asked(text="more"), None, None, None, json.dumps(STOP), None]
        )
    assert [event["type"] for event in came].count("done") == 2
    assert service.findings == ()


def test_each_of_several_clients_is_served_from_the_start() -> None:
    with served(chat()) as service:
        threads = [threading.Thread(target=converse, args=(service.url, WHOLE)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert service.findings == ()
    assert service.outcome.connections == 5


def test_fresh_identifiers_are_issued_expected_and_echoed() -> None:
    runs: list[str] = []
    with served(chat(), fresh_ids=True, now=NOW) as service:
        for _ in range(2):
            with connect_sync(service.url) as socket:
                welcome = json.loads(socket.recv(timeout=10))
                socket.send(asked())
                runs.append(json.loads(socket.recv(timeout=10))["run_id"])
                assert [json.loads(socket.recv(timeout=10))["run_id"] for _ in range(2)] == [runs[-1]] * 2
                socket.send(json.dumps({"type": "stop", "run_id": runs[-1]}))
                socket.recv(timeout=10)
            assert welcome["at"] == "2027-05-01T12:00:00Z"
            assert re.fullmatch(r"sess_[a-f]{2}\d{2}[a-f]{2}\d{2}", welcome["session_id"])
            assert welcome["session_id"] != "sess_ab12cd34"
    assert len({*runs, "run_77aa88bb"}) == 3
    assert service.findings == ()


def test_overlapping_work_keeps_its_order_in_each_scope_only() -> None:
    def call(number: int, method: str) -> dict[str, object]:
        return {"jsonrpc": "2.0", "id": number, "method": method}

    def result(number: int) -> dict[str, object]:
        return {"jsonrpc": "2.0", "id": number, "result": number}

    recorded = session(
        connection(
            *[pair for i in range(1, 7) for pair in ((">", call(i, "one")), ("<", result(i)))],
            (">", call(7, "slow")),
            (">", call(8, "quick")),
            ("<", result(8)),
            ("<", result(7)),
        )
    )
    with served(recorded) as service, connect_sync(service.url) as socket:
        for i in range(1, 7):
            socket.send(json.dumps(call(100 + i, "one")))
            assert json.loads(socket.recv(timeout=10))["id"] == 100 + i
        # The other way round than when recorded, and each answered before the next is asked.
        for number, method in ((108, "quick"), (107, "slow")):
            socket.send(json.dumps(call(number, method)))
            assert json.loads(socket.recv(timeout=10))["id"] == number
    assert service.findings == ()


def test_a_first_message_tells_which_of_several_recorded_users_it_is() -> None:
    def user(name: str, number: int) -> Connection:
        return connection(
            ("<", {"type": "welcome", "session_id": f"sess_{name}0001"}),
            (">", {"type": "hello", "user": name}),
            ("<", {"type": "greeting", "text": f"hello {name}", "session_id": f"sess_{name}0001"}),
            number=number,
            begin_ms=10 * number,
        )

    with served(session(user("alice", 1), user("robert", 2))) as service:
        for name in ("robert", "alice"):
            with connect_sync(service.url) as socket:
                welcome = json.loads(socket.recv(timeout=10))
                socket.send(json.dumps({"type": "hello", "user": name}))
                greeting = json.loads(socket.recv(timeout=10))
            assert greeting["text"] == f"hello {name}"
            assert greeting["session_id"] == welcome["session_id"]
    assert service.findings == ()
    assert service.outcome.never_asked == ()


def test_keep_alive_messages_come_as_often_as_the_client_likes() -> None:
    recorded = session(
        connection((">", {"type": "ping"}), ("<", {"type": "pong"}), (">", {"type": "ask"}), ("<", {"type": "answer"}))
    )
    ping = json.dumps({"type": "ping"})
    with served(recorded) as service:
        came = converse(service.url, [ping, None, ping, None, json.dumps({"type": "ask"}), None, ping, None])
        converse(service.url, [json.dumps({"type": "ask"}), None])
    assert [event["type"] for event in came] == ["pong", "pong", "answer", "pong"]
    assert service.findings == ()


def ending(kind: str) -> Session:
    """A connection that the recorded server ended after one event."""
    messages = [
        Message(connection=1, direction=Direction.SERVER, kind=Kind.TEXT, payload=b'{"type":"welcome"}', at_ns=20)
    ]
    if kind == "close":
        closing = {"connection": 1, "kind": Kind.CLOSE, "payload": (4001).to_bytes(2, "big") + b"expired", "at_ns": 30}
        messages += [Message(direction=direction, **closing) for direction in (Direction.SERVER, Direction.CLIENT)]  # type: ignore[arg-type]
    how = {"close": Ending.CLEAN, "eof": Ending.EOF, "reset": Ending.RESET}[kind]
    return session(
        Connection(
            number=1,
            handshake=Handshake(target="/", request_headers=(), status=101, reason="", response_headers=()),
            opened_ns=10,
            messages=tuple(messages),
            closed=Closed(connection=1, ending=how, by=Direction.SERVER, at_ns=40),
        )
    )


@pytest.mark.parametrize("kind", ["close", "eof", "reset"])
def test_the_server_ends_a_connection_as_it_did(kind: str) -> None:
    with served(ending(kind)) as service, connect_sync(service.url) as socket:
        assert json.loads(socket.recv(timeout=10)) == {"type": "welcome"}
        with pytest.raises(ConnectionClosedError) as closed:
            socket.recv(timeout=10)
        got = closed.value.rcvd
        assert (got and (got.code, got.reason)) == ((4001, "expired") if kind == "close" else None)
    assert service.findings == ()


def test_a_refusal_is_served_as_it_was() -> None:
    refused = Connection(
        number=1,
        handshake=Handshake(
            target="/chat",
            request_headers=(),
            status=401,
            reason="No",
            response_headers=(("WWW-Authenticate", "Bearer"), ("Content-Length", "7")),
            response_body=b"go away",
        ),
        opened_ns=0,
        closed=Closed(connection=1, ending=Ending.REFUSED, by=Direction.SERVER, at_ns=1),
    )
    with served(session(refused, connection(("<", {"type": "welcome"}), number=2, target="/chat"))) as service:
        with pytest.raises(InvalidStatus) as status:
            connect_sync(f"{service.url}/chat")
        response = status.value.response
        assert (response.status_code, response.reason_phrase, response.body) == (401, "No", b"go away")
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert converse(f"{service.url}/chat", [None]) == [{"type": "welcome"}]
        with pytest.raises(InvalidStatus, match="404"):
            connect_sync(f"{service.url}/other")
    assert service.ids == ["handshake/status"]


def test_plain_requests_are_answered_and_their_values_flow_into_the_socket() -> None:
    recorded = session(
        connection(("<", {"type": "welcome"}), target="/chat?token=tok_abcdef123456"),
        exchanges=(
            exchange(
                {"user": "alice", "password": "{{secret:password:1}}"},
                {"access_token": "tok_abcdef123456"},
                response_headers=(("Set-Cookie", "sid=1; Domain=service; Path=/"), ("Content-Encoding", "gzip")),
            ),
        ),
    )
    with served(recorded, fresh_ids=True) as service:
        with httpx.Client(base_url=service.http_url) as client:
            answer = client.post("/login", json={"password": "hunter2", "user": "alice"})
            token = answer.json()["access_token"]
            assert answer.headers["set-cookie"] == "sid=1; Path=/"
            assert token != "tok_abcdef123456"
            wrong = client.post("/login", json={"user": "mallory", "password": "hunter2"})
            assert wrong.status_code == 501
            assert 'recorded was "alice"' in wrong.text
        assert converse(f"{service.url}/chat?token={token}", [None]) == [{"type": "welcome"}]
    assert service.ids == ["http/unexpected"]


def test_what_is_told_of_a_client_holds_no_secret() -> None:
    secret = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
    with served(chat()) as service, pytest.raises(ConnectionClosedError) as closed:
        converse(service.url, [None, asked(text="bye", api_key=secret), None])
    told = json.dumps([str(finding) for finding in service.findings]) + "".join(service.told) + str(closed.value)
    assert "bye" in told
    assert secret not in told


def test_a_client_that_sends_nothing_is_told_of() -> None:
    with served(chat(), patience=0.05) as service, connect_sync(service.url) as socket:
        socket.recv(timeout=10)
        for _ in range(200):
            if service.told:
                break
            threading.Event().wait(0.05)
    assert service.told[0] == "connection 1: waiting for the client's `ask`"


# --- faults


@pytest.mark.parametrize(
    ("fault", "came", "code"),
    [
        ("drop:after=2", ["welcome", "started"], None),
        ("close:after=2,code=1013,reason=later", ["welcome", "started"], 1013),
        ("truncate:after=1", ["welcome"], None),
        ("drop:from=client,times=1", ["welcome"], None),
    ],
)
def test_a_fault_ends_the_connection_and_is_no_finding(fault: str, came: list[str], code: int | None) -> None:
    got: list[str] = []
    with served(chat(), faults=[fault]) as service, connect_sync(service.url) as socket:
        got.append(json.loads(socket.recv(timeout=10))["type"])
        socket.send(asked())
        with pytest.raises(ConnectionClosedError) as closed:
            got.extend(json.loads(text)["type"] for text in iter(lambda: socket.recv(timeout=10), ""))
        assert (closed.value.rcvd.code if closed.value.rcvd else None) == code
    assert got == came
    assert service.findings == ()


def test_messages_are_doubled_and_delayed() -> None:
    faults = ["duplicate:after=1,times=1", "delay:time=50ms,after=3"]
    with served(chat(), faults=faults) as service, connect_sync(service.url) as socket:
        socket.recv(timeout=10)
        socket.send(asked())
        begun = time.monotonic()
        came = [json.loads(socket.recv(timeout=10))["type"] for _ in range(4)]
        assert time.monotonic() - begun >= 0.05
        socket.send(json.dumps(STOP))
        assert json.loads(socket.recv(timeout=10))["type"] == "stopped"
    assert came == ["started", "started", "delta", "done"]
    assert service.findings == ()


def test_a_half_open_connection_says_nothing_and_ends_nothing() -> None:
    with (
        served(chat(), faults=["half-open:after=1"]) as service,
        connect_sync(service.url, close_timeout=0.1) as socket,
    ):
        socket.recv(timeout=10)
        socket.send(asked())
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.3)
    assert service.findings == ()


def test_every_second_handshake_is_refused() -> None:
    statuses: list[int] = []
    with served(chat(), faults=["refuse:every=2,status=503"]) as service:
        for _ in range(4):
            try:
                converse(service.url, WHOLE)
                statuses.append(101)
            except InvalidStatus as refused:
                statuses.append(refused.response.status_code)
    assert statuses == [101, 503, 101, 503]
    assert service.findings == ()


# --- other libraries


async def _aiohttp(url: str) -> list[str]:
    came: list[str] = []
    async with aiohttp.ClientSession() as client, client.ws_connect(url) as socket:
        for text in WHOLE:
            if text is None:
                came.append((await socket.receive_json(timeout=10))["type"])
            else:
                await socket.send_str(text)
    return came


async def _websockets(url: str) -> list[str]:
    came: list[str] = []
    async with connect(url) as socket:
        for text in WHOLE:
            if text is None:
                came.append(json.loads(await socket.recv())["type"])
            else:
                await socket.send(text)
    return came


def _websocket_client(url: str) -> list[str]:
    socket = websocket.create_connection(url, timeout=10)
    came: list[str] = []
    for text in WHOLE:
        if text is None:
            came.append(json.loads(socket.recv())["type"])
        else:
            socket.send(text)
    socket.close()
    return came


def _httpx_ws(url: str) -> list[str]:
    from httpx_ws import connect_ws

    came: list[str] = []
    with connect_ws(url.replace("ws://", "http://")) as socket:
        for text in WHOLE:
            if text is None:
                came.append(socket.receive_json(timeout=10)["type"])
            else:
                socket.send_text(text)
    return came


@pytest.mark.parametrize(
    "client",
    [
        lambda url: asyncio.run(_aiohttp(url)),
        lambda url: asyncio.run(_websockets(url)),
        _websocket_client,
        _httpx_ws,
    ],
    ids=["aiohttp", "websockets", "websocket-client", "httpx-ws"],
)
def test_clients_of_other_libraries(client: Callable[[str], list[str]]) -> None:
    with served(chat()) as service:
        assert client(service.url) == ["welcome", "started", "delta", "done", "stopped"]
    assert service.findings == ()
