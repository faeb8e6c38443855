"""Errors that were recorded, connections that are made again, and servers that go away in the middle."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sessions import MS, connection, session
from websockets.asyncio.server import Server, ServerConnection, serve

from wstape.cassettes import Closed, Connection, Direction, Ending, Kind, Message, Session, Target
from wstape.contracts import Finding, infer
from wstape.replayer import Options, Player, compile_script, judge_replay
from wstape.replayer.restart import Drop, RestartedError, went_away

Handler = Callable[[ServerConnection, Server], Awaitable[None]]


def closed_by_server(one: Connection, code: int) -> Connection:
    """The connection as if the server had closed it with a code, or without a word: 1006."""
    messages = tuple(message for message in one.messages if message.kind is Kind.TEXT)
    end_ns = messages[-1].at_ns + MS
    ending = Ending.EOF if code == 1006 else Ending.CLEAN
    if code != 1006:
        for direction in (Direction.SERVER, Direction.CLIENT):
            frame = code.to_bytes(2, "big")
            messages += (
                Message(connection=one.number, direction=direction, kind=Kind.CLOSE, payload=frame, at_ns=end_ns),
            )
    closed = Closed(connection=one.number, ending=ending, by=Direction.SERVER, at_ns=end_ns)
    return replace(one, messages=messages, closed=closed)


ASKED = connection((">", {"type": "ask", "n": 1}), ("<", {"type": "answer"}), (">", {"type": "ask", "n": 2}))
ANSWERED = connection(
    (">", {"type": "ask", "n": 1}), ("<", {"type": "answer"}), (">", {"type": "ask", "n": 2}), ("<", {"type": "answer"})
)


def play(recorded: Session, handler: Handler) -> list[tuple[str, str, str | None]]:
    """Play a recording against a handler that knows its server; return what is found."""

    async def run() -> tuple[Finding, ...]:
        contract = infer([recorded.records()])
        servers: list[Server] = []
        async with serve(lambda ws: handler(ws, servers[0]), "127.0.0.1", 0) as server:
            servers.append(server)
            target = Target.parse(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            options = Options(target=target, timeout_ns=5_000_000_000, redact=False)
            played = await Player(compile_script(recorded, contract), recorded, contract, options, "test").play()
        return judge_replay(
            recorded,
            played.session,
            contract,
            checker=played.checker,
            found=played.findings,
            stopped=played.stopped,
        )

    return [(f.severity, f.id, f.label) for f in asyncio.run(run())]


def ending(code: int, kind: str = "answer") -> Handler:
    """Answers once; ends the connection at the second question."""

    async def handler(ws: ServerConnection, server: Server) -> None:
        await ws.recv()
        await ws.send(json.dumps({"type": kind}))
        await ws.recv()
        if code == 1006:
            ws.transport.abort()
        else:
            await ws.close(code, "as recorded")

    return handler


@pytest.mark.parametrize("code", [1006, 1008, 1011, 4001])
def test_an_end_that_was_recorded_is_expected(code: int) -> None:
    recorded = session(closed_by_server(ASKED, code))
    assert play(recorded, ending(code)) == []


def test_another_end_is_a_finding() -> None:
    assert play(session(closed_by_server(ASKED, 1011)), ending(1008)) == [("breaking", "close/code", None)]
    for code in (1011, 1006):
        assert play(session(ANSWERED), ending(code)) == [("breaking", "close/abnormal", "answer")]


def test_an_error_that_was_recorded_is_expected() -> None:
    failed = connection(
        (">", {"type": "ask", "n": 1}), ("<", {"type": "error", "code": "busy"}), (">", {"type": "ask", "n": 2})
    )

    async def busy(ws: ServerConnection, server: Server) -> None:
        async for _ in ws:
            await ws.send(json.dumps({"type": "error", "code": "busy"}))

    recorded = session(closed_by_server(failed, 1011))
    assert play(recorded, ending(1011, "error")) != []  # an error without its code
    assert play(session(connection((">", {"type": "ask"}), ("<", {"type": "error", "code": "busy"}))), busy) == []


def test_a_client_that_connects_again_does_so_when_its_first_connection_is_over() -> None:
    thread = "thread-4f9a7d1e"
    first = closed_by_server(
        connection((">", {"type": "open"}), ("<", {"type": "opened", "thread_id": thread}), (">", {"type": "ask"})),
        1006,
    )
    again = connection(
        (">", {"type": "resume", "thread_id": thread}),
        ("<", {"type": "resumed", "thread_id": thread}),
        number=2,
        begin_ms=90,
    )
    came: list[str] = []

    async def handler(ws: ServerConnection, server: Server) -> None:
        async for text in ws:
            asked = json.loads(text)
            came.append(asked["type"])
            match asked:
                case {"type": "open"}:
                    await ws.send(json.dumps({"type": "opened", "thread_id": "thread-live0001"}))
                case {"type": "ask"}:
                    ws.transport.abort()
                case {"type": "resume", "thread_id": "thread-live0001"}:
                    await ws.send(json.dumps({"type": "resumed", "thread_id": "thread-live0001"}))
                case _:
                    raise AssertionError(asked)

    assert play(session(first, again), handler) == []
    assert came == ["open", "ask", "resume"]


@pytest.mark.parametrize("code", [1001, 1012])
def test_a_server_that_says_it_goes_is_no_finding(code: int) -> None:
    with pytest.raises(RestartedError, match=f"closed connection 1 with {code}") as caught:
        play(session(ANSWERED), ending(code))
    assert caught.value.exit_status == 3


def test_a_server_that_is_gone_is_no_finding() -> None:
    async def vanishing(ws: ServerConnection, server: Server) -> None:
        await ws.recv()
        assert server.server is not None
        server.server.close()
        ws.transport.abort()

    with pytest.raises(RestartedError, match="dropped connection 1 and accepts none now"):
        play(session(ANSWERED), vanishing)


def test_all_connections_dropped_at_once_are_no_finding() -> None:
    everybody: list[ServerConnection] = []

    async def dropping(ws: ServerConnection, server: Server) -> None:
        await ws.recv()
        everybody.append(ws)
        if len(everybody) == 2:
            for one in everybody:
                one.transport.abort()
        await ws.wait_closed()

    with pytest.raises(RestartedError, match="dropped all 2 open connections at once"):
        play(session(ANSWERED, replace(ANSWERED, number=2)), dropping)


def drop(number: int, code: int | None, at_ms: int, open: int) -> Drop:
    return Drop(connection=number, code=code, at_ns=at_ms * MS, open=open)


def test_what_shows_that_a_server_went_away() -> None:
    assert went_away([drop(1, 1011, 0, 2), drop(2, 1011, 1, 2)], accepting=True) is None
    assert went_away([drop(1, None, 0, 1)], accepting=True) is None
    assert went_away([drop(1, None, 0, 2), drop(2, None, 900, 1)], accepting=True) is None
    assert went_away([drop(1, 1011, 0, 1)], accepting=False) is None  # it said what was wrong first
    assert went_away([drop(1, 1006, 0, 1)], accepting=False) is not None
    assert went_away([drop(1, 1006, 0, 2), drop(2, 1006, 90, 2)], accepting=True) is not None
