"""What learning and checking cost beside the libraries that do less.

Claims, for events of six labels that are parsed already, on one core:

- learning payload shapes, with formats, prefixes, words, variants, maps: >= 1 x genson, which learns types alone;
- checking events that fit: >= 25 x `jsonschema`'s prebuilt validator for the same schemas.

Beside them, whole commands without the reading of the file: `Summary.of` (parse, label, shapes, scopes, sequences,
private values) beside `json.loads` and genson, and `Checker` (parse, label, payloads, monitors) beside `json.loads` and
`jsonschema`. Nothing is claimed of these two. A second is one of the process's own time.

Usage: python benchmarks/contracts.py [--rounds N] [--events N]
"""

from __future__ import annotations

import argparse
import json
import random
import time
import uuid
from collections.abc import Callable
from typing import Any

from genson import SchemaBuilder
from jsonschema import Draft202012Validator
from measuring import interleaved, introduce, report

from wstape.cassettes import Closed, Direction, Ending, Handshake, Header, Kind, Message, Opened, Record
from wstape.contracts import Checker, Event, EventReader, Shape, infer
from wstape.contracts.payloads import PayloadChecker
from wstape.contracts.schema import to_schema
from wstape.contracts.summary import Summary

WORDS = ["weather", "tomorrow", "in", "the", "north", "is", "mild", "with", "some", "rain"]
TOOLS = ["search", "fetch", "sum", "dig"]


def work(chance: random.Random) -> list[dict[str, Any]]:
    """One run of an agent: what it sends, in order."""
    run, thread = f"run_{chance.getrandbits(48):012x}", str(uuid.UUID(int=chance.getrandbits(128), version=4))
    both = {"run_id": run, "thread_id": thread}
    sent: list[dict[str, Any]] = [
        {"type": "agent_started", **both, "model": "large", "at": "2026-01-31T10:00:00Z", "limits": {"tokens": 4096}}
    ]
    for _ in range(chance.randint(1, 3)):
        call = f"call_{chance.getrandbits(32):08x}"
        arguments = {"query": " ".join(chance.choices(WORDS, k=4)), "limit": chance.randint(1, 50)}
        sent.append(
            {
                "type": "tool_executing",
                **both,
                "tool_call_id": call,
                "tool": chance.choice(TOOLS),
                "arguments": arguments,
            }
        )
        hits = [
            {"title": " ".join(chance.choices(WORDS, k=3)), "score": chance.random(), "tags": ["a", "b"]}
            for _ in range(chance.randint(0, 3))
        ]
        sent.append(
            {
                "type": "tool_completed",
                **both,
                "tool_call_id": call,
                "status": "ok",
                "result": hits,
                "duration_ms": chance.randint(1, 900),
            }
        )
    for number in range(chance.randint(5, 20)):
        sent.append({"type": "agent_delta", **both, "index": number, "text": chance.choice(WORDS) + " "})
    sent.append(
        {"type": "agent_usage", **both, "usage": {"input": chance.randint(1, 900), "output": 5, "cached": None}}
    )
    sent.append({"type": "agent_completed", **both, "text": " ".join(chance.choices(WORDS, k=30)), "reason": "stop"})
    return sent


def recording(events: int, seed: int = 7) -> list[Record]:
    chance = random.Random(seed)
    handshake = Handshake(target="/", request_headers=(), status=101, reason="", response_headers=())
    records: list[Record] = [Header(target="ws://127.0.0.1/", created="2026-01-01T00:00:00Z", wstape="0")]
    connection = count = 0
    while count < events:
        connection += 1
        records.append(Opened(connection=connection, handshake=handshake, at_ns=0))
        for _ in range(20):
            for body in work(chance):
                count += 1
                payload = json.dumps(body, separators=(",", ":")).encode()
                records.append(
                    Message(
                        connection=connection, direction=Direction.SERVER, kind=Kind.TEXT, payload=payload, at_ns=count
                    )
                )
        records.append(Closed(connection=connection, ending=Ending.CLEAN, by=Direction.CLIENT, at_ns=count))
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=20_000)
    options = parser.parse_args()
    introduce(__doc__ or "")
    records = recording(options.events)
    contract = infer([records])
    reader = EventReader(contract.envelope)
    messages = [record for record in records if isinstance(record, Message)]
    events = [event for message in messages for event in reader.read(message)]
    print(f"{len(events):,} events, {len(contract.events)} labels")

    def rate(do: Callable[[], object]) -> Callable[[], float]:
        def measured() -> float:
            began = time.process_time()
            do()
            return len(events) / (time.process_time() - began)

        return measured

    def shapes() -> None:
        learned: dict[str, Shape] = {}
        for event in events:
            shape = learned.get(event.symbol)
            if shape is None:
                shape = learned[event.symbol] = Shape()
            shape.observe(event.payload)
        for shape in learned.values():
            to_schema(shape)

    def genson(parsed: bool) -> None:
        builders: dict[str, SchemaBuilder] = {}
        for event, message in zip(events, messages, strict=True):
            value = event.payload if parsed else json.loads(message.payload)
            builder = builders.get(event.symbol)
            if builder is None:
                builder = builders[event.symbol] = SchemaBuilder()
            builder.add_object(value)
        for builder in builders.values():
            builder.to_schema()

    report(
        "learning shapes of parsed events, a second",
        interleaved({"genson": rate(lambda: genson(True)), "wstape": rate(shapes)}, rounds=options.rounds),
        unit="events/s",
        against="genson",
    )
    report(
        "learning all of a recording, a second",
        interleaved(
            {
                "json, genson": rate(lambda: genson(False)),
                "wstape": rate(lambda: Summary.of(records, contract.envelope)),
            },
            rounds=options.rounds,
        ),
        unit="events/s",
        against="json, genson",
    )

    validators = {
        symbol: Draft202012Validator(claim.payload, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for symbol, claim in contract.events.items()
        if claim.payload is not None
    }

    def reference(parsed: bool) -> None:
        for event, message in zip(events, messages, strict=True):
            value: Any = event.payload if parsed else json.loads(message.payload)
            if not validators[event.symbol].is_valid(value):
                raise AssertionError(event)

    def payloads(events: list[Event] = events) -> None:
        checker = PayloadChecker(contract)
        for event in events:
            checker.check(event)
        if list(checker.findings()):
            raise AssertionError

    def check() -> None:
        checker = Checker(contract)
        for record in records:
            checker.record(record)
        if checker.finish():
            raise AssertionError

    report(
        "checking parsed events that fit, a second",
        interleaved({"jsonschema": rate(lambda: reference(True)), "wstape": rate(payloads)}, rounds=options.rounds),
        unit="events/s",
        against="jsonschema",
    )
    report(
        "checking all of a recording, a second",
        interleaved({"json, jsonschema": rate(lambda: reference(False)), "wstape": rate(check)}, rounds=options.rounds),
        unit="events/s",
        against="json, jsonschema",
    )


if __name__ == "__main__":
    main()
