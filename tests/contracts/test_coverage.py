"""What recordings exercise of a contract, and what they do not."""

from __future__ import annotations

from typing import Any

import pytest
from simulated import records, server, session

from wstape.cassettes import Record
from wstape.contracts import Contract, infer
from wstape.contracts.coverage import Coverage, share

PAYLOAD: Any = {
    "type": "object",
    "properties": {
        "type": {"const": "said"},
        "how": {"enum": ["loud", "low"]},
        "note": {"type": "string"},
        "parts": {
            "items": {
                "properties": {"kind": {"type": "string"}, "text": {}, "url": {}},
                "required": ["kind", "text"],
                "anyOf": [
                    {"properties": {"kind": {"const": "text"}}},
                    {"properties": {"kind": {"const": "image"}}, "required": ["url"]},
                ],
            }
        },
        "size": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        "tree": {"$ref": "#/$defs/tree"},
        "pair": {"prefixItems": [{}, {"enum": ["a", "b"]}]},
        "map": {"additionalProperties": {"properties": {"deep": {}}}},
    },
    "required": ["how", "pair"],
    "$defs": {"tree": {"properties": {"left": {"$ref": "#/$defs/tree"}, "leaf": {}}}},
}
CONTRACT = Contract.from_document(
    {
        "wstape": "contract",
        "version": 1,
        "envelope": {"name": "json", "client": "/type", "server": "/type"},
        "events": {"server:said": {"payload": PAYLOAD}, "server:done": {}, "server:failed": {}},
        "scopes": [
            {
                "name": "connection",
                "rules": [
                    {"rule": "response", "of": ["server:said", ["server:done", "server:failed"]]},
                    {"rule": "precedence", "of": ["server:said", "server:done"]},
                    {"rule": "init", "of": ["server:said"]},
                ],
            }
        ],
        "closings": {"client": {"1000": 3}, "server": {"1011": 1}},
    }
)


def exercised(*recordings: list[Record]) -> dict[str, int]:
    coverage = Coverage(CONTRACT)
    for recording in recordings:
        for record in recording:
            coverage.record(record)
    return {f"{item.kind}: {item}": item.count for item in coverage.items()}


def said(**fields: Any) -> Any:
    return server("said", **{"how": "loud", "pair": [1, "a"], **fields})


KNOWN = [
    *("event: server:done", "event: server:failed", "event: server:said"),
    *('enum value: server:said /how "loud"', 'enum value: server:said /how "low"'),
    *('enum value: server:said /pair/1 "a"', 'enum value: server:said /pair/1 "b"'),
    *(
        "optional field: server:said /map",
        "optional field: server:said /map/*/deep",
        "optional field: server:said /note",
    ),
    *("optional field: server:said /parts", "optional field: server:said /parts/*/url"),
    *("optional field: server:said /size", "optional field: server:said /tree", "optional field: server:said /type"),
    *("optional field: server:said /tree/leaf", "optional field: server:said /tree/left"),
    *("union branch: server:said /parts/* kind=image", "union branch: server:said /parts/* kind=text"),
    *("union branch: server:said /size anyOf 1", "union branch: server:said /size anyOf 2"),
    *("transition: connection said -> done", "transition: connection said -> failed"),
    *("close code: client 1000", "close code: server 1011"),
]


def test_what_a_contract_knows() -> None:
    assert exercised() == dict.fromkeys(KNOWN, 0)
    assert sorted(exercised()) == sorted(KNOWN)


@pytest.mark.parametrize(
    ("sent", "new"),
    [
        ([said(how="low")], ['enum value: server:said /how "low"']),
        ([said(how="new")], []),
        ([said(note=None)], ["optional field: server:said /note"]),
        ([said(size="big")], ["optional field: server:said /size", "union branch: server:said /size anyOf 2"]),
        (
            [said(parts=[{"kind": "image", "text": "", "url": ""}])],
            [
                "optional field: server:said /parts",
                "optional field: server:said /parts/*/url",
                "union branch: server:said /parts/* kind=image",
            ],
        ),
        (
            [said(tree={"left": {"leaf": 1}})],
            [
                "optional field: server:said /tree",
                "optional field: server:said /tree/leaf",
                "optional field: server:said /tree/left",
            ],
        ),
        ([said(pair=[1, "b"])], ['enum value: server:said /pair/1 "b"']),
        (
            [said(map={"x": {"deep": 1}})],
            ["optional field: server:said /map", "optional field: server:said /map/*/deep"],
        ),
        ([said(), server("done")], ["event: server:done", "transition: connection said -> done"]),
        ([server("failed"), said()], ["event: server:failed"]),
        ([server("unknown")], []),
    ],
)
def test_what_an_event_exercises(sent: list[Any], new: list[str]) -> None:
    plain = [said()] if any(one.label == "said" for one in sent) else []
    before = {name for name, count in exercised(records([plain])).items() if count}
    after = {name for name, count in exercised(records([sent])).items() if count}
    dropped = {'enum value: server:said /how "loud"', 'enum value: server:said /pair/1 "a"'}
    assert after - before == set(new)
    assert before - after <= dropped


def test_a_transition_lies_in_one_scope_of_one_recording() -> None:
    one, other = records([[said()]]), records([[server("done")]])
    assert exercised(one, other)["transition: connection said -> done"] == 0
    assert exercised(records([[said()], [server("done")]]))["transition: connection said -> done"] == 0


def test_what_was_learned_from_covers_all_of_it() -> None:
    recordings = [session(seed) for seed in range(4)]
    coverage = Coverage(infer(recordings))
    for recording in recordings:
        for record in recording:
            coverage.record(record)
    assert share(coverage.items()) == 100
    assert share(()) == 100
