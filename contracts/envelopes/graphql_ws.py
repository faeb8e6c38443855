"""The older GraphQL protocol, subprotocol ``graphql-ws``.

https://github.com/apollographql/subscriptions-transport-ws/blob/master/PROTOCOL.md
"""

from __future__ import annotations

from typing import ClassVar

from .graphql_transport_ws import GraphqlTransportWsEnvelope


class GraphqlWsEnvelope(GraphqlTransportWsEnvelope):
    """``start`` by the operation's name, what answers it as ``NAME:data``, ``NAME:error``, ``NAME:complete``.

    The client ends an operation by ``NAME:stop``. ``ka``, which keeps the connection alive, is no event.
    """

    name: ClassVar[str] = "graphql-ws"
    subprotocol: ClassVar[str] = "graphql-ws"
    begins: ClassVar[str] = "start"
    answers: ClassVar[frozenset[str]] = frozenset(("data", "error", "complete", "stop"))
    heartbeats: ClassVar[frozenset[str]] = frozenset(("ka",))
    others: ClassVar[frozenset[str]] = frozenset(
        ("connection_init", "connection_ack", "connection_error", "connection_terminate")
    )
