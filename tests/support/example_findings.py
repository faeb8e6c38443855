"""One finding of every id, each met as a user meets it: the examples of ``docs/findings``.

What is recorded is an assistant that is asked, thinks in steps and answers in pieces. A build is what its connections
say; nothing in it is left to chance, so that reports are the same every time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from playing import play
from sessions import connection, exchange, session
from websockets.asyncio.server import ServerConnection

from wstape.cassettes import Closed, Connection, Direction, Ending, HttpExchange, Kind, Message, Session
from wstape.contracts import Checker, Contract, Finding, Rule, fold, infer
from wstape.replayer import exhibited, exhibited_recordings, judge_recordings, judge_replay, traces
from wstape.replayer.latency import response_times, slower
from wstape.replayer.serving import Desk, Manner
from wstape.replayer.serving.request import Request

Event = dict[str, Any]
Said = list[tuple[str, object]]
Build = Callable[[Event], Iterable[Event]]
"""What a build sends where the recorded one sends an event."""

RUNS = 4
USERS = 3


def run(user: int, number: int) -> list[Event]:
    """The events of one answer."""
    ids = {"run_id": f"run-{user:04d}{number:04d}"}
    thread = {"thread_id": thread_of(user)}
    words = ["It is ", "five ", "degrees."]
    return [
        {"type": "started", **ids, **thread, "model": "m-1"},
        {"type": "step", **ids, "number": 1, "note": "look it up"},
        *({"type": "piece", **ids, "index": index, "text": word} for index, word in enumerate(words)),
        {
            "type": "done",
            **ids,
            **thread,
            "answer": "".join(words),
            "cost": {"tokens": 12, "cents": 3},
            "at": f"2026-01-31T12:00:0{number}Z",
            "reason": "stop" if number % 2 else "length",
        },
    ]


def thread_of(user: int) -> str:
    return f"thread-{user:04d}a7d1"


def talk(user: int, build: Build = lambda event: [event]) -> Connection:
    """One user at work."""
    said: Said = [(">", {"type": "open"}), *_sent(build, {"type": "opened", "thread_id": thread_of(user)})]
    for number in range(RUNS):
        said.append((">", {"type": "ask", "thread_id": thread_of(user), "text": "How cold is it?"}))
        for event in run(user, number):
            said += _sent(build, event)
    return connection(*said, number=user, begin_ms=1000 * user, target="/chat")


def _sent(build: Build, event: Event) -> Said:
    return [("<", one) for one in build(event)]


def recorded(build: Build = lambda event: [event]) -> Session:
    return session(*(talk(user, build) for user in range(1, USERS + 1)))


BASE = recorded()
CONTRACT = infer([BASE.records()])


def on(label: str, change: Callable[[Event], Event | Sequence[Event]]) -> Build:
    """A build that changes events of one label."""

    def build(event: Event) -> Iterable[Event]:
        if event["type"] != label:
            return [event]
        changed = change(dict(event))
        return [changed] if isinstance(changed, dict) else changed

    return build


def without(event: Event, key: str) -> Event:
    return {name: value for name, value in event.items() if name != key}


def renamed(event: Event, old: str, new: str) -> Event:
    return {new if name == old else name: value for name, value in event.items()}


def compared(id: str, candidate: Session, *, contract: Contract = CONTRACT, **options: Any) -> Finding:
    """The finding with an id that ``diff`` gives."""
    findings = judge_recordings(BASE, candidate, contract, **options)
    return _the(id, exhibited_recordings(findings, BASE, candidate, contract))


def built(id: str, label: str, change: Callable[[Event], Event | Sequence[Event]], **options: Any) -> Finding:
    """The finding about a build that changes events of one label."""
    return compared(id, recorded(on(label, change)), **options)


def ruled(template: str, *labels: str, times: int | None = None, order: Sequence[int]) -> Finding:
    """The finding about a run whose events come in another order, by one rule that a person wrote.

    ``order`` has the places of a run's events in the recording: 0 is ``started``, 1 ``step``, 5 ``done``.
    """
    rule = Rule(
        template=template,
        events=tuple(f"server:{label}" for label in labels),
        times=times,
        seen=None,
        scopes=0,
        pinned=True,
    )
    scopes = (replace(claim, rules=(rule,) if claim.name == "run_id" else ()) for claim in CONTRACT.scopes)
    contract = replace(CONTRACT, scopes=tuple(scopes), streams=())
    said: Said = [(">", {"type": "open"}), ("<", {"type": "opened", "thread_id": thread_of(1)})]
    said.append((">", {"type": "ask", "thread_id": thread_of(1), "text": "How cold is it?"}))
    said += [("<", run(1, 0)[place]) for place in order]
    candidate = session(connection(*said, target="/chat"))
    checker = Checker(contract)
    for record in candidate.records():
        checker.record(record)
    old = {1: traces(BASE, contract.envelope)[0]}
    return _the(
        f"sequence/{template}",
        exhibited(checker.finish(), traces(candidate, contract.envelope), old, contract, candidate),
    )


def replayed(id: str, base: Session, candidate: Session) -> Finding:
    """The finding about what came of a replay."""
    contract = infer([base.records()])
    checker = Checker(contract)
    for record in candidate.records():
        checker.record(record)
    return _the(id, judge_replay(base, candidate, contract, checker=checker))


def played(id: str, answer: Callable[[Event], Iterable[Event]]) -> Finding:
    """The finding of a play against a build that answers a message otherwise."""

    async def handler(ws: ServerConnection) -> None:
        async for text in ws:
            for event in answer(json.loads(text)):
                await ws.send(json.dumps(event))

    one = session(talk(1))
    contract = infer([one.records()])
    came, findings = play(one, handler)
    old = {1: traces(one, contract.envelope)[0]}
    return _the(id, exhibited(findings, traces(came.session, contract.envelope), old, contract, came.session))


def _the(id: str, findings: Sequence[Finding]) -> Finding:
    return next(finding for finding in fold(findings) if finding.id == id)


# --- connections that end or begin otherwise


def changed(change: Callable[[Connection], Connection]) -> Session:
    """The recording with its first connection changed."""
    first, *others = BASE.connections
    return replace(BASE, connections=(change(first), *others))


def shaken(**fields: Any) -> Session:
    """A build whose handshake is another one."""
    return changed(lambda one: replace(one, handshake=replace(one.handshake, **fields), messages=()))


def closing(one: Connection, code: int) -> Connection:
    """The server closes with a code."""
    frame = Message(
        connection=one.number,
        direction=Direction.SERVER,
        kind=Kind.CLOSE,
        payload=code.to_bytes(2, "big"),
        at_ns=one.messages[-1].at_ns,
    )
    data = tuple(message for message in one.messages if message.kind is not Kind.CLOSE)
    return replace(one, messages=(*data, frame), closed=_closed(one, Ending.CLEAN))


def broken_off(one: Connection) -> Connection:
    data = tuple(message for message in one.messages if message.kind is not Kind.CLOSE)
    return replace(one, messages=data, closed=_closed(one, Ending.RESET))


def _closed(one: Connection, ending: Ending) -> Closed:
    return Closed(connection=one.number, ending=ending, by=Direction.SERVER, at_ns=one.messages[-1].at_ns)


def binary(one: Connection) -> Connection:
    sent = (
        replace(message, kind=Kind.BINARY)
        if message.kind is Kind.TEXT and message.direction is Direction.SERVER
        else message
        for message in one.messages
    )
    return replace(one, messages=tuple(sent))


def closed_with_another_code() -> Finding:
    base, candidate = changed(lambda one: closing(one, 4000)), changed(lambda one: closing(one, 4001))
    contract = infer([base.records()])
    return _the("close/code", judge_recordings(base, candidate, contract))


def another_subprotocol() -> Finding:
    spoken = {"response_headers": (("Sec-WebSocket-Protocol", "chat.v1"),)}
    base = changed(lambda one: replace(one, handshake=replace(one.handshake, **spoken)))
    return _the("handshake/subprotocol", judge_recordings(base, BASE, CONTRACT))


def login(**fields: Any) -> HttpExchange:
    return replace(exchange({"user": "alice"}, {"token": "tok-4f9a7d1e66b0"}), **fields)


def another_answer() -> Finding:
    base = replace(BASE, exchanges=(login(),))
    return replayed("http/status", base, replace(BASE, exchanges=(login(status=500, reason="Internal Server Error"),)))


def another_request() -> Finding:
    base = replace(BASE, exchanges=(login(),))
    desk = Desk(base, CONTRACT, lambda issued: Manner(contract=CONTRACT, issued=issued))
    desk.response(Request(method="POST", target="/sign-in", headers=(), body=b"{}"), "http://127.0.0.1:8000")
    return desk.outcome().findings[0]


def not_played() -> Finding:
    candidate = changed(lambda one: replace(one, messages=tuple(one.messages[:9])))
    return replayed("replay/leftover", BASE, candidate)


def leaked() -> Finding:
    foreign = json.dumps(run(1, 0)[-1]).encode()
    two = BASE.connections[1]
    message = replace(two.messages[1], payload=foreign, at_ns=two.messages[-1].at_ns)
    ending = tuple(message for message in two.messages if message.kind is Kind.CLOSE)
    data = tuple(message for message in two.messages if message.kind is not Kind.CLOSE)
    mixed = replace(two, messages=(*data, message, *ending))
    return compared("isolation/leak", replace(BASE, connections=(BASE.connections[0], mixed, BASE.connections[2])))


def slow() -> Finding:
    def later(message: Message) -> Message:
        server = message.direction is Direction.SERVER
        return replace(message, at_ns=message.at_ns + 90_000_000) if server else message

    late = replace(
        BASE, connections=tuple(replace(c, messages=tuple(map(later, c.messages))) for c in BASE.connections)
    )
    before, now = (response_times([traces(one, CONTRACT.envelope)]) for one in (BASE, late))
    return next(finding for finding in slower(before, now, 2.0) if finding.label == "started")


def silent(event: Event) -> Iterable[Event]:
    """The build thinks and never answers."""
    opened = {"type": "opened", "thread_id": thread_of(9)}
    return [opened] if event["type"] == "open" else [{**one, "thread_id": thread_of(9)} for one in run(9, 0)[:2]]


def nameless(event: Event) -> Iterable[Event]:
    """The build names no thread."""
    return [{"type": "opened"}] if event["type"] == "open" else run(9, 0)


EXAMPLES: dict[str, Callable[[], Finding]] = {
    "handshake/status": lambda: compared("handshake/status", shaken(status=401, reason="Unauthorized")),
    "handshake/subprotocol": another_subprotocol,
    "http/status": another_answer,
    "http/unexpected": another_request,
    "event/missing": lambda: built("event/missing", "step", lambda _: []),
    "event/unexpected": lambda: built(
        "event/unexpected", "done", lambda event: [{"type": "note"}, event], mode="exact"
    ),
    "event/unknown-label": lambda: built("event/unknown-label", "done", lambda event: [{"type": "note"}, event]),
    "event/renamed": lambda: built("event/renamed", "done", lambda event: {**event, "type": "finished"}),
    "sequence/init": lambda: ruled("init", "started", order=[1, 0, 5]),
    "sequence/end": lambda: ruled("end", "done", order=[0, 5, 1]),
    "sequence/response": lambda: ruled("response", "started", "done", order=[0, 1]),
    "sequence/precedence": lambda: ruled("precedence", "started", "step", order=[1, 5]),
    "sequence/succession": lambda: ruled("succession", "started", "done", order=[0, 1]),
    "sequence/chain_response": lambda: ruled("chain_response", "started", "step", order=[0, 5, 1]),
    "sequence/not_succession": lambda: ruled("not_succession", "done", "step", order=[0, 5, 1]),
    "sequence/responded_existence": lambda: ruled("responded_existence", "step", "done", order=[0, 1]),
    "sequence/existence": lambda: ruled("existence", "step", order=[0, 5]),
    "sequence/absence": lambda: ruled("absence", "step", times=2, order=[0, 1, 1, 5]),
    "sequence/exactly": lambda: ruled("exactly", "done", times=1, order=[0, 1, 5, 5]),
    "sequence/alternate_succession": lambda: ruled("alternate_succession", "started", "done", order=[0, 1, 5, 5]),
    "payload/field-missing": lambda: built("payload/field-missing", "done", lambda event: without(event, "answer")),
    "payload/field-renamed": lambda: built(
        "payload/field-renamed", "done", lambda event: {**event, "cost": renamed(event["cost"], "cents", "price")}
    ),
    "payload/field-added": lambda: built("payload/field-added", "done", lambda event: {**event, "model": "m-1"}),
    "payload/type-changed": lambda: built(
        "payload/type-changed", "done", lambda event: {**event, "cost": {**event["cost"], "cents": "3"}}
    ),
    "payload/format-changed": lambda: built("payload/format-changed", "done", lambda event: {**event, "at": "noon"}),
    "payload/enum-value": lambda: built("payload/enum-value", "done", lambda event: {**event, "reason": "tired"}),
    "payload/value-changed": lambda: built(
        "payload/value-changed", "started", lambda event: {**event, "model": "m-2"}, mode="exact"
    ),
    "payload/stream-changed": lambda: built(
        "payload/stream-changed", "piece", lambda event: event if event["index"] != 1 else []
    ),
    "isolation/leak": leaked,
    "link/lost": lambda: built(
        "link/lost", "started", lambda event: {**event, "thread_id": f"thread-{event['run_id'][4:]}"}
    ),
    "message/kind-changed": lambda: compared("message/kind-changed", changed(binary)),
    "close/code": closed_with_another_code,
    "close/abnormal": lambda: compared("close/abnormal", changed(broken_off)),
    "replay/timeout": lambda: played("replay/timeout", silent),
    "replay/unbound": lambda: played("replay/unbound", nameless),
    "replay/leftover": not_played,
    "latency/slower": slow,
}
