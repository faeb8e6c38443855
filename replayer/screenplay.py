"""A script for a person to read: ``show --script``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..cassettes import Direction, printable
from ..contracts import label_of
from .ledger import Ledger
from .script import ConnectionScript, ExchangeScript, Gate, Script
from .turn import FLOOR_NS, PATIENCE


def screenplay(script: Script) -> Iterator[str]:
    """Yield the lines of a script: what the client does, and below each step what it waits for."""
    ledger = Ledger(script.bindings, {})
    if script.secrets:
        yield f"needs from outside: {', '.join(script.secrets)}"
    for exchange in script.exchanges:
        yield from _exchange(exchange, ledger)
    for connection in script.connections:
        yield from _connection(connection, ledger)


def _exchange(script: ExchangeScript, ledger: Ledger) -> Iterator[str]:
    exchange = script.exchange
    yield f"request {exchange.number}: {exchange.method} {printable(exchange.target)}"
    if not exchange.status:
        yield "  is not played: it was never answered"
        return
    yield from _waits([*_after(script.after_connections, script.after_exchanges), *_values(script.tokens, ledger)])
    yield f"  expects {exchange.status}"


def _connection(script: ConnectionScript, ledger: Ledger) -> Iterator[str]:
    handshake = script.connection.handshake
    yield f"connection {script.number}: {printable(handshake.target)}"
    if not handshake.status:
        yield "  is not played: its handshake was never answered"
        return
    yield from _waits([*_after(script.after_connections, script.after_exchanges), *_values(script.tokens, ledger)])
    if handshake.status != 101:
        yield f"  expects to be refused with {handshake.status}"
        return
    for send in script.sends:
        yield f"  send {printable(send.label)}"
        values = (*(hole.value for hole in send.holes), *send.tokens)
        waits = [*_gate(send.gate), *_values(values, ledger)]
        if send.unexplained_ns:
            waits.append(f"the recorded pause of {send.unexplained_ns / 1e9:.3g} s, which nothing else explains")
        yield from _waits(waits, "    ")
    for prepared in script.reactions:
        reaction = prepared.reaction
        yield f"  send {printable(label_of(reaction.effect))}, whenever {printable(label_of(reaction.cause))} comes"
    finish = script.finish
    by_server = finish.by is Direction.SERVER
    yield f"  {'wait for the server to close' if by_server else 'close'} with {finish.code}"
    yield from _waits([*_gate(finish.gate)], "    ")


def _waits(waits: Sequence[str], indent: str = "  ") -> Iterator[str]:
    for wait in waits:
        yield f"{indent}after {wait}"


def _after(connections: Sequence[int], exchanges: Sequence[int]) -> Iterator[str]:
    if connections:
        yield f"the end of connection {', '.join(map(str, connections))}"
    if exchanges:
        yield f"the answer to request {', '.join(map(str, exchanges))}"


def _values(values: Sequence[str | int], ledger: Ledger) -> Iterator[str]:
    for value in dict.fromkeys(values):
        yield f"{printable(str(value))} from {printable(ledger.source(value))}"


def _gate(gate: Gate) -> Iterator[str]:
    if gate.awaited is None:
        return
    others = [label_of(symbol) for symbol in gate.counts if symbol != gate.awaited]
    ends = " or ".join(map(label_of, gate.ends))
    beside = f", and {', '.join(others)} while the server keeps sending" if others else ""
    seconds = max(FLOOR_NS, PATIENCE * gate.took_ns) / 1e9
    must = "" if gate.essential or gate.answers else ", else it goes on"
    yield f"the server's {printable(ends + beside)} (up to {seconds:.3g} s{must})"
