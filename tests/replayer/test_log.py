"""What a play keeps, and what it tells of it: secrets are taken out of what is kept only."""

from __future__ import annotations

from wstape.cassettes import Direction, Handshake, Header, Kind, Opened, Target, make_message
from wstape.contracts import Contract
from wstape.contracts.envelopes import JsonRpcEnvelope
from wstape.replayer import Options
from wstape.replayer.log import Log

SECRET = "correct-horse-battery"


def test_events_are_given_as_they_came_and_kept_without_secrets() -> None:
    contract = Contract(envelope=JsonRpcEnvelope(), events={}, scopes=())
    options = Options(target=Target.parse("ws://127.0.0.1:1"), secrets={"{{secret:password:1}}": SECRET})
    log = Log(Header(target="ws://recorded", created="", wstape=""), contract, options, "test")
    shake = Handshake(target="/", request_headers=(), status=101, reason="", response_headers=())
    log.record(Opened(connection=1, handshake=shake, at_ns=0))
    asked = b'{"jsonrpc":"2.0","id":7,"method":"login","params":{"password":"correct-horse-battery"}}'
    (request,) = log.record(make_message(1, Direction.CLIENT, Kind.TEXT, asked, 1))
    assert request.payload == {"jsonrpc": "2.0", "id": 7, "method": "login", "params": {"password": SECRET}}
    told = b'{"jsonrpc":"2.0","id":7,"result":{"echo":"correct-horse-battery"}}'
    (answer,) = log.record(make_message(1, Direction.SERVER, Kind.TEXT, told, 2))
    # The question was taken once, though it was read with its secret and without.
    assert (answer.label, answer.position) == ("login:result", 2)
    assert answer.payload == {"jsonrpc": "2.0", "id": 7, "result": {"echo": SECRET}}
    (connection,) = log.session().connections
    assert all(SECRET.encode() not in message.payload for message in connection.messages)
    unknown = [finding for finding in log.checker.finish() if finding.id == "event/unknown-label"]
    assert {finding.label for finding in unknown} == {"login", "login:result"}
    assert SECRET not in repr(unknown)
