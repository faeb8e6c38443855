"""GraphQL over WebSocket, both protocols, as strawberry speaks them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import strawberry
from enveloped import recorded, served
from strawberry.asgi import GraphQL
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from wstape.contracts.envelopes.graphql_transport_ws import operation_name


@strawberry.type
class Query:
    hello: str = "world"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, target: int) -> AsyncGenerator[int]:
        for number in range(target):
            yield number


SCHEMA = strawberry.Schema(query=Query, subscription=Subscription)
NAMED = "subscription Countdown($n: Int!) { count(target: $n) }"
PROTOCOLS = {
    "graphql-transport-ws": ("subscribe", "next"),
    "graphql-ws": ("start", "data"),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_strawberry_is_read(protocol: str, tmp_path: Path) -> None:
    begin, piece = PROTOCOLS[protocol]

    async def main() -> None:
        app = GraphQL(SCHEMA, subscription_protocols=(protocol,))
        async with (
            served(app) as url,
            recorded(url, tmp_path) as traffic,
            connect(traffic.url, subprotocols=[Subprotocol(protocol)]) as socket,
        ):

            async def send(**fields: object) -> None:
                await socket.send(json.dumps(fields))

            async def until(type_: str) -> dict[str, object]:
                while (answer := json.loads(await socket.recv()))["type"] != type_:
                    pass
                return answer

            await send(type="connection_init")
            await until("connection_ack")
            await send(id="1", type=begin, payload={"query": NAMED, "variables": {"n": 2}})
            await until("complete")
            await send(id="2", type=begin, payload={"query": "subscription { again: count(target: 1) }"})
            await until("complete")
            await send(id="3", type=begin, payload={"query": "{ nonsense }"})
            await until("error")
        assert traffic.envelope.name == protocol
        assert traffic.confidence > 0.98
        assert [label for label in traffic.labels if "connection" not in label] == [
            "-> Countdown", f"<- Countdown:{piece}", f"<- Countdown:{piece}", "<- Countdown:complete",
            "-> count", f"<- count:{piece}", "<- count:complete",
            "-> nonsense", "<- nonsense:error",
        ]  # fmt: skip
        assert [claim.name for claim in traffic.contract.scopes] == ["id", "connection"]

    asyncio.run(main())


DOCUMENTS = [
    ("query A { a }", "A"),
    ("{ a }", "a"),
    ("{ alias: a(x: {y: 1}) { b } }", "a"),
    ("query ($x: In = {a: 1}) { a }", "a"),
    ("fragment F on T { query subscription } subscription S { ...F }", "S"),
    ('# query No {}\n"""mutation Doc""" mutation M @live { m(text: "query Q {") }', "M"),
    ("query Query { query }", "Query"),
    ("", None),
    ("}}}{{{", None),
    ("query", None),
    ('"""' * 30_000, None),
    ("{" * 100_000, None),
]


@pytest.mark.parametrize(("document", "name"), DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_operations_are_named(document: str, name: str | None) -> None:
    assert operation_name({"query": document}) == name
    assert operation_name({"query": document, "operationName": "Given"}) == "Given"


def test_what_is_no_request_has_no_name() -> None:
    assert [operation_name(value) for value in (None, [], {}, {"query": 7}, {"operationName": ""})] == [None] * 5
