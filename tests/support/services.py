"""Random services with a known grammar, their sessions, and mutants of these.

A seed makes a service: its labels, kinds of identifiers, phases, nested runs, concurrent tools, retries, failures and
heartbeats. A session is some connections of it. What is known of each event, whether it must come and how often, is
what makes a change of it harmful by construction.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from simulated import Sent, an_id, records, server

from wstape.cassettes import Direction, Kind, Message, Record

_NOUNS = ("agent", "run", "job", "flow", "task", "reply", "turn", "plan")
_STEPS = ("thinking", "delta", "note", "planning", "usage", "token", "search", "draft", "review", "score")


@dataclass
class Said(Sent):
    """An event, and what the grammar says of it."""

    run: str = ""  # the run it belongs to, directly or by its tool
    call: str = ""  # the tool call
    part: str = ""  # "begin", "end" or "" within its run or call
    must: bool = False  # without it the session is wrong
    once: bool = False  # twice it is wrong


@dataclass(frozen=True)
class Phase:
    """A part of a run: "step" comes once, "optional" perhaps, "loop" once or more, "some" any times; "tools"."""

    kind: str
    label: str = ""


@dataclass
class Service:
    """A grammar."""

    seed: int
    noun: str = ""
    tool: str = ""
    phases: list[Phase] = field(default_factory=list[Phase])
    style: str = ""
    counter: int = 0
    nested: bool = False
    welcomes: bool = False
    threads: bool = False
    overlaps: bool = False
    failing: float = 0.0
    tool_failing: float = 0.0
    retries: bool = False
    progress: bool = False
    heartbeats: float = 0.0

    def identifier(self, chance: random.Random, prefix: str) -> str:
        if self.style == "uuid":
            return str(uuid.UUID(int=chance.getrandbits(128), version=4))
        return an_id(chance, prefix)


def service(seed: int) -> Service:
    """A random service."""
    chance = random.Random(f"service {seed}")
    steps = chance.sample(_STEPS, 5)
    noun = chance.choice(_NOUNS)
    kinds = ["step", "optional", "loop", "some", "tools"]
    phases = [Phase(kind, f"{noun}_{steps[n]}") for n, kind in enumerate(chance.sample(kinds, chance.randint(2, 4)))]
    return Service(
        seed=seed,
        noun=noun,
        tool=chance.choice(("tool", "function", "call")),
        phases=phases,
        style=chance.choice(("uuid", "prefix")),
        nested=chance.random() < 0.4,
        welcomes=chance.random() < 0.6,
        threads=chance.random() < 0.6,
        overlaps=chance.random() < 0.4,
        failing=chance.choice((0.0, 0.15)),
        tool_failing=chance.choice((0.0, 0.25)),
        retries=chance.random() < 0.4,
        progress=chance.random() < 0.4,
        heartbeats=chance.choice((0.0, 0.05, 0.2)),
    )


def _server(label: str, **fields: object) -> dict[str, object]:
    return {"type": label, **fields}


def _tool(one: Service, chance: random.Random, run: str) -> list[Said]:
    call = one.identifier(chance, "call")
    common = {"run_id": run, f"{one.tool}_id": call}

    def said(step: str, part: str = "", *, sure: bool = False) -> Said:
        body = _server(f"{one.tool}_{step}", **common)
        return Said(Direction.SERVER, body, run=run, call=call, part=part, must=sure, once=sure)

    tries: list[Said] = []
    retried = 0
    if one.retries:
        while retried < 2 and chance.random() < 0.3:
            retried += 1
            tries += [said("retrying")]
    progress = [said("progress") for _ in range(chance.randint(0, 3) if one.progress else 0)]
    outcome = "failed" if chance.random() < one.tool_failing else "completed"
    return [said("executing", "begin", sure=True), *tries, *progress, said(outcome, "end", sure=True)]


def _merge(lanes: list[list[Said]], chance: random.Random) -> list[Said]:
    merged: list[Said] = []
    lanes = [list(lane) for lane in lanes if lane]
    while lanes:
        lane = chance.choices(lanes, weights=[len(lane) for lane in lanes])[0]
        merged.append(lane.pop(0))
        lanes = [lane for lane in lanes if lane]
    return merged


def _run(one: Service, chance: random.Random, outer: dict[str, object], depth: int = 0) -> list[Said]:
    run = one.identifier(chance, "run")

    def said(step: str, part: str = "", *, sure: bool = False, **fields: object) -> Said:
        return Said(
            Direction.SERVER,
            _server(step, run_id=run, **fields),
            run=run,
            part=part,
            must=sure,
            once=sure and bool(part),
        )

    sent = [said(f"{one.noun}_started", "begin", sure=True, **outer)]
    fails = chance.random() < one.failing
    phases = one.phases[: chance.randint(0, len(one.phases))] if fails else one.phases
    for phase in phases:
        match phase.kind:
            case "step":
                sent.append(replace(said(phase.label, sure=True), once=True))
            case "optional":
                sent += [said(phase.label)] if chance.random() < 0.5 else []
            case "loop":
                count = chance.randint(1, 4)
                sent += [replace(said(phase.label, n=n), must=count == 1) for n in range(count)]
            case "some":
                sent += [said(phase.label) for _ in range(chance.randint(0, 3))]
            case _:
                lanes = [_tool(one, chance, run) for _ in range(chance.randint(1, 3))]
                if one.nested and depth == 0 and chance.random() < 0.5:
                    lanes.append(_run(one, chance, {"parent_run_id": run}, depth + 1))
                sent += _merge(lanes, chance)
    sent.append(said(f"{one.noun}_failed" if fails else f"{one.noun}_completed", "end", sure=True))
    return sent


def _lane(one: Service, chance: random.Random, user: str) -> list[Said]:
    lane: list[Said] = []
    outer: dict[str, object] = {}
    if one.threads:
        thread = one.identifier(chance, "thread")
        outer = {"thread_id": thread}
        lane.append(Said(Direction.CLIENT, _server("open_thread", user_id=user)))
        lane.append(Said(Direction.SERVER, _server("thread_opened", **outer), must=True, once=True))
    for _ in range(chance.randint(1, 4)):
        lane.append(Said(Direction.CLIENT, _server("ask", text=f"what {chance.random()}", **outer)))
        lane += _run(one, chance, outer)
    return lane


def conversation(one: Service, chance: random.Random) -> list[Said]:
    """What is said on one connection."""
    sent: list[Said] = []
    if one.welcomes:
        body = _server("welcome", session_id=str(uuid.UUID(int=chance.getrandbits(128), version=4)))
        sent.append(Said(Direction.SERVER, body, must=True, once=True))
    lanes: list[list[Said]] = []
    user = an_id(chance, "user")
    for _ in range(chance.randint(1, 3) if one.overlaps else 1):
        lanes.append(_lane(one, chance, user))
    merged = _merge(lanes, chance) if one.threads else [said for lane in lanes for said in lane]
    for said in merged:
        if chance.random() < one.heartbeats:
            sent.append(Said(Direction.SERVER, _server("heartbeat", at=1_700_000_000 + chance.randrange(10**6))))
        sent.append(said)
    return sent


def users(one: Service, seed: int) -> list[list[Said]]:
    """What is said on the connections of a session."""
    chance = random.Random(f"session {one.seed} {seed}")
    return [conversation(one, chance) for _ in range(chance.randint(2, 3))]


def recorded(conversations: Sequence[Sequence[Said]], seed: int = 0) -> list[Record]:
    """A recording of them."""
    return records(conversations, chance=random.Random(seed))


def endless(one: Service, seed: int) -> Iterator[Record]:
    """The records of one connection that never ends, its work one after the other."""
    chance = random.Random(f"endless {one.seed} {seed}")
    *begun, first = records([[server("welcome")]])[:3]
    yield from begun
    yield first
    now = 1
    while True:
        for said in _lane(one, chance, an_id(chance, "user")):
            now += 1
            payload = json.dumps(said.body).encode()
            yield Message(connection=1, direction=said.direction, kind=Kind.TEXT, payload=payload, at_ns=now)


Mutation = Callable[[list[list[Said]], random.Random], list[list[Said]] | None]
"""Returns the conversations changed to their harm, or None where they offer no place for it."""


def _places(
    conversations: list[list[Said]], chance: random.Random, wanted: Callable[[Said], bool]
) -> Iterator[tuple[int, int]]:
    places = [
        (user, place)
        for user, sent in enumerate(conversations)
        for place, one in enumerate(sent)
        if one.direction is Direction.SERVER and wanted(one)
    ]
    chance.shuffle(places)
    yield from places


def _with(conversations: list[list[Said]], user: int, sent: list[Said]) -> list[list[Said]]:
    return [sent if number == user else other for number, other in enumerate(conversations)]


def dropped(conversations: list[list[Said]], chance: random.Random) -> list[list[Said]] | None:
    """An event that must come does not."""
    for user, place in _places(conversations, chance, lambda one: one.must):
        sent = conversations[user]
        return _with(conversations, user, sent[:place] + sent[place + 1 :])
    return None


def doubled(conversations: list[list[Said]], chance: random.Random) -> list[list[Said]] | None:
    """An event that comes once comes twice."""
    for user, place in _places(conversations, chance, lambda one: one.once):
        sent = conversations[user]
        return _with(conversations, user, [*sent[: place + 1], sent[place], *sent[place + 1 :]])
    return None


def swapped_inside(conversations: list[list[Said]], chance: random.Random) -> list[list[Said]] | None:
    """Beginning and end of a call or a run change places."""
    for user, place in _places(conversations, chance, lambda one: one.part == "begin"):
        sent = list(conversations[user])
        one = sent[place]
        end = next(
            at
            for at, other in enumerate(sent)
            if other.part == "end" and (other.run, other.call) == (one.run, one.call)
        )
        sent[place], sent[end] = sent[end], sent[place]
        return _with(conversations, user, sent)
    return None


def swapped_across(conversations: list[list[Said]], chance: random.Random) -> list[list[Said]] | None:
    """The ends of two pieces of work, of which one began after the other had ended, change places."""
    for user, place in _places(conversations, chance, lambda one: one.part == "begin"):
        sent = list(conversations[user])
        one = sent[place]
        end = next(
            (
                at
                for at in range(place + 1, len(sent))
                if sent[at].part == "end" and (sent[at].run, sent[at].call) == (one.run, one.call)
            ),
            None,
        )
        later = [
            at
            for at in range((end or place) + 1, len(sent))
            if sent[at].part == "end"
            and bool(sent[at].call) == bool(one.call)
            and sent[at].body["type"] == sent[end or 0].body["type"]
        ]
        if end is None or not later:
            continue
        began = next(
            at
            for at, other in enumerate(sent)
            if other.part == "begin" and (other.run, other.call) == (sent[later[0]].run, sent[later[0]].call)
        )
        if began < end:
            continue  # both were open: that would be another interleaving
        sent[end], sent[later[0]] = sent[later[0]], sent[end]
        return _with(conversations, user, sent)
    return None


def wrong_identifier(conversations: list[list[Said]], chance: random.Random) -> list[list[Said]] | None:
    """The end of a call or a run carries an identifier that nothing announced."""
    for user, place in _places(conversations, chance, lambda one: one.part == "end"):
        sent = list(conversations[user])
        one = sent[place]
        key = next((key for key, value in one.body.items() if value == (one.call or one.run)), "run_id")
        old = str(one.body[key])
        new = (
            an_id(chance, old.partition("_")[0])
            if "_" in old
            else str(uuid.UUID(int=chance.getrandbits(128), version=4))
        )
        sent[place] = replace(one, body={**one.body, key: new})
        return _with(conversations, user, sent)
    return None


def early_end(conversations: list[list[Said]], chance: random.Random) -> list[list[Said]] | None:
    """A run or call ends before an event of it that must come."""
    for user, place in _places(conversations, chance, lambda one: one.part == "end"):
        sent = list(conversations[user])
        one = sent[place]
        own = [
            at
            for at, other in enumerate(sent[:place])
            if other.must
            and other.part != "begin"
            and other.run == one.run
            and (not one.call or other.call == one.call)
        ]
        if not own:
            continue
        sent.insert(own[-1], sent.pop(place))
        return _with(conversations, user, sent)
    return None


def leaked(conversations: list[list[Said]], chance: random.Random) -> list[list[Said]] | None:
    """An event of one user comes to another as well."""
    for user, place in _places(conversations, chance, lambda one: bool(one.run) and one.part == "end"):
        other = (user + 1) % len(conversations)
        sent = list(conversations[other])
        sent.insert(min(place + 1, len(sent)), conversations[user][place])
        return _with(conversations, other, sent)
    return None


MUTATIONS: dict[str, Mutation] = {
    "dropped": dropped,
    "doubled": doubled,
    "swapped inside a scope": swapped_inside,
    "swapped across scopes": swapped_across,
    "wrong identifier": wrong_identifier,
    "early terminal": early_end,
    "leaked": leaked,
}


def interleaved(conversations: list[list[Said]], chance: random.Random) -> list[list[Said]]:
    """The same work in another order that the grammar allows: tool calls and heartbeats at other moments."""

    def again(sent: list[Said]) -> list[Said]:
        moved = list(sent)
        for _ in range(len(moved)):
            at = chance.randrange(len(moved) - 1) if len(moved) > 1 else 0
            one, two = moved[at : at + 2] if len(moved) > 1 else (moved[0], moved[0])
            beats = {one.body["type"], two.body["type"]} & {"heartbeat"} and "welcome" not in {one.label, two.label}
            if beats or (one.call and two.call and one.call != two.call):
                moved[at], moved[at + 1] = two, one
        return moved

    return [again(sent) for sent in conversations]
