"""Services of other kinds than agents, each a grammar written by hand, and what harms their sessions.

Where an identifier comes from and what it joins differs: subscriptions by name, jobs that clients cancel, objects with
a bare id, JSON-RPC with numbers that every connection begins anew, questions that the server asks its client.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from simulated import Sent, an_id

from wstape.cassettes import Direction


@dataclass
class Told(Sent):
    """An event, and what the grammar says of it."""

    must: bool = False  # without it the session is wrong
    once: bool = False  # twice it is wrong
    key: str = ""  # the field of an identifier with which another one is wrong


def ask(label: str, **fields: object) -> Told:
    """An event of the client."""
    return Told(Direction.CLIENT, {"type": label, **fields})


def tell(label: str, *, key: str = "", **fields: object) -> Told:
    """An event of the server that comes once and must."""
    return Told(Direction.SERVER, {"type": label, **fields}, must=True, once=True, key=key)


def may(label: str, **fields: object) -> Told:
    """An event of the server that comes any times."""
    return Told(Direction.SERVER, {"type": label, **fields})


def _merge(lanes: list[list[Told]], chance: random.Random, beats: float = 0.0) -> list[Told]:
    merged: list[Told] = []
    lanes = [list(lane) for lane in lanes if lane]
    while lanes:
        lane = chance.choices(lanes, weights=[len(lane) for lane in lanes])[0]
        merged.append(lane.pop(0))
        lanes = [lane for lane in lanes if lane]
        if chance.random() < beats:
            merged.append(may("heartbeat", at=1_700_000_000 + chance.randrange(10**6)))
    return merged


def _made(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def ticker(chance: random.Random) -> list[Told]:
    """Prices by symbol; some clients unsubscribe, others just leave."""
    lanes: list[list[Told]] = []
    for symbol in chance.sample(("BTCUSD", "ETHUSD", "SOLUSD", "XRPUSD", "ADAUSD"), chance.randint(1, 3)):
        lane = [ask("subscribe", symbol=symbol), tell("subscribed", key="symbol", symbol=symbol)]
        lane += [may("tick", symbol=symbol, seq=n, price=chance.random()) for n in range(chance.randint(0, 8))]
        if chance.random() < 0.6:
            lane += [ask("unsubscribe", symbol=symbol), tell("unsubscribed", key="symbol", symbol=symbol)]
        lanes.append(lane)
    return [tell("hello", version="1"), *_merge(lanes, chance, 0.1)]


def jobs(chance: random.Random) -> list[Told]:
    """Jobs that are rejected, fail, are cancelled by the client, or are done; all of them name the user."""
    user = an_id(chance, "user")
    lanes: list[list[Told]] = []
    for _ in range(chance.randint(1, 4)):
        request, job = an_id(chance, "req"), _made(chance)
        lane = [ask("submit", request_id=request, user_id=user)]
        if chance.random() < 0.15:
            lanes.append([*lane, tell("rejected", key="request_id", request_id=request)])
            continue
        lane += [tell("accepted", key="request_id", request_id=request, job_id=job)]
        lane += [may("progress", job_id=job, percent=n) for n in range(chance.randint(0, 5))]
        end = chance.choices(("done", "failed", "cancelled"), weights=(7, 2, 2))[0]
        lane += [ask("cancel", job_id=job)] if end == "cancelled" else []
        lanes.append([*lane, tell(end, key="job_id", job_id=job)])
    return _merge(lanes, chance, 0.05)


def realtime(chance: random.Random) -> list[Told]:
    """Responses made of items, each in an object with a bare id at first, then by a field of its own."""
    sent = [
        tell("session.created", session={"id": an_id(chance, "sess")}),
        ask("session.update", session={"voice": "a"}),
        tell("session.updated", session={"voice": "a"}),
    ]
    for _ in range(chance.randint(1, 4)):
        response = an_id(chance, "resp")
        sent += [ask("response.create"), tell("response.created", response={"id": response, "status": "in_progress"})]
        for _ in range(chance.randint(1, 2)):
            item = an_id(chance, "item")
            inside = {"response_id": response, "item_id": item}
            sent.append(tell("response.output_item.added", response_id=response, item={"id": item}))
            if chance.random() < 0.7:
                pieces = chance.randint(1, 6)
                sent.append(tell("response.content_part.added", **inside))
                sent += [may("response.text.delta", delta="x", **inside) for _ in range(pieces)]
                sent.append(tell("response.text.done", key="item_id", text="x" * pieces, **inside))
                sent.append(tell("response.content_part.done", **inside))
            else:
                call = an_id(chance, "call")
                sent.append(tell("response.arguments.done", key="item_id", call_id=call, arguments="{}", **inside))
            sent.append(tell("response.output_item.done", response_id=response, item={"id": item}))
        sent.append(tell("response.done", response={"id": response, "status": "completed"}))
        sent += [may("rate_limits.updated", limit=1)] if chance.random() < 0.4 else []
    return sent


def rpc(chance: random.Random) -> list[Told]:
    """JSON-RPC: requests that overlap, results and errors, and now and then a notification."""

    def request(number: int, method: str) -> Told:
        return Told(Direction.CLIENT, {"jsonrpc": "2.0", "id": number, "method": method, "params": {}})

    def answer(number: int) -> Told:
        outcome = {"result": {"ok": True}} if number == 0 or chance.random() < 0.85 else {"error": {"code": -1}}
        body = {"jsonrpc": "2.0", "id": number, **outcome}
        return Told(Direction.SERVER, body, must=True, once=True, key="id")

    sent, open_ = [request(0, "initialize"), answer(0)], list[int]()
    for number in range(1, chance.randint(3, 8)):
        sent.append(request(number, chance.choice(("get", "put"))))
        open_.append(number)
        while open_ and chance.random() < 0.5:
            sent.append(answer(open_.pop(chance.randrange(len(open_)))))
        if chance.random() < 0.1:
            sent.append(Told(Direction.SERVER, {"jsonrpc": "2.0", "method": "log", "params": {"text": "x"}}))
    return [*sent, *map(answer, open_)]


def approvals(chance: random.Random) -> list[Told]:
    """Runs of steps that overlap, some of which the client must approve."""
    sent = [ask("hello"), tell("ready")]
    for _ in range(chance.randint(1, 3)):
        run, lanes = an_id(chance, "run"), list[list[Told]]()
        for _ in range(chance.randint(0, 3)):
            step = an_id(chance, "step")
            both = {"runId": run, "stepId": step}
            lane = [tell("step.started", **both)]
            if chance.random() < 0.4:
                lane += [tell("approval.requested", **both), ask("approve", stepId=step)]
                lane += [tell("approval.resolved", **both)]
            lanes.append([*lane, tell("step.finished", key="stepId", **both)])
        sent += [ask("start", text="x"), tell("run.started", key="runId", runId=run), *_merge(lanes, chance)]
        sent += [tell("run.output", runId=run, text="y"), *([may("run.usage", runId=run)] * chance.randint(0, 1))]
        sent += [tell("run.finished", key="runId", runId=run)]
    return sent


KNOWN: tuple[Callable[[random.Random], list[Told]], ...] = (ticker, jobs, realtime, rpc, approvals)


def told(one: Callable[[random.Random], list[Told]], seed: int) -> list[list[Told]]:
    """What is said on the connections of a session."""
    chance = random.Random(f"{one.__name__} {seed}")
    return [one(chance) for _ in range(chance.randint(2, 3))]


def harmed(conversations: list[list[Told]], chance: random.Random) -> Iterator[tuple[str, list[list[Told]]]]:
    """Yield what was done and the conversations with it: an event dropped, doubled, with another identifier."""

    def pick(wanted: Callable[[Told], object]) -> tuple[int, int] | None:
        places = [(user, at) for user, sent in enumerate(conversations) for at, one in enumerate(sent) if wanted(one)]
        return chance.choice(places) if places else None

    def done(place: tuple[int, int], *instead: Told) -> list[list[Told]]:
        user, at = place
        sent = conversations[user]
        changed = [*sent[:at], *instead, *sent[at + 1 :]]
        return [changed if number == user else other for number, other in enumerate(conversations)]

    place = pick(lambda one: one.must)
    if place is not None:
        yield "dropped", done(place)
    place = pick(lambda one: one.once)
    if place is not None:
        one = conversations[place[0]][place[1]]
        yield "doubled", done(place, one, one)
    place = pick(lambda one: one.key)
    if place is not None:
        one = conversations[place[0]][place[1]]
        old = one.body[one.key]
        new = old + 1000 if isinstance(old, int) else "DOGEUSD" if one.key == "symbol" else str(old)[:-6] + "a1b2c3"
        yield "wrong identifier", done(place, replace(one, body={**one.body, one.key: new}))
