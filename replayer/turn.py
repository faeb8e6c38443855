"""Whether a server's turn is over. No I/O: events and times go in, answers and deadlines come out."""

from __future__ import annotations

from collections import Counter

from ..contracts import Event
from .keep_alive import keeps_alive
from .script import Gate

FLOOR_NS = 5_000_000_000
"""The shortest time that a server is given to end its turn, unless the user says otherwise."""
PATIENCE = 3
"""A server may take this many times as long as it took in the recording."""
_SETTLE_FLOOR_NS = 250_000_000
_SILENCES = 4  # of which one would do, until a server that goes on with something else is waited for no longer


class Turn:
    """The server's turn on one connection: what it has sent since the client's last message.

    ``timeout_ns`` replaces the timeout that is scaled from the recording. All times are the caller's, in nanoseconds.
    """

    def __init__(self, timeout_ns: int | None = None) -> None:
        self.number = 0
        self._timeout_ns = timeout_ns
        self._counts: Counter[str] = Counter()
        self._first_ns: dict[str, int] = {}  # by symbol
        self.begun_ns = 0
        self._last_ns = 0

    def begin(self, now_ns: int) -> None:
        """The client has sent a message: its turn is over and the server's next one begins."""
        self.number += 1
        self.restart(now_ns)
        self._counts.clear()
        self._first_ns.clear()

    def restart(self, now_ns: int) -> None:
        """Count times from now on: the connection has just opened."""
        self.begun_ns = self._last_ns = now_ns

    def receive(self, event: Event, now_ns: int) -> None:
        """An event came."""
        symbol = event.symbol
        self._counts[symbol] += 1
        self._first_ns.setdefault(symbol, now_ns)
        if not keeps_alive(event):
            self._last_ns = now_ns

    def reached(self, gate: Gate) -> bool:
        """Tell whether the event that ended the turn in the recording has come, or one that may stand in its place."""
        return gate.awaited is None or any(self._counts[symbol] for symbol in gate.ends)

    def lacking(self, gate: Gate) -> str | None:
        """Return the event that is a reason to stop when the time is over, None when nothing of the kind lacks."""
        wanted = [gate.awaited] if gate.essential and gate.awaited is not None else gate.answers
        return next((symbol for symbol in wanted if not self._counts[symbol]), None)

    def settled(self, gate: Gate, pending: int, now_ns: int) -> bool:
        """Tell whether nothing more is to be expected of the turn, once `reached`.

        ``pending`` counts what the contract says must still follow. A turn that lacks something settles all the same
        when the server has been silent for twice the longest silence of the recorded turn, or is heard with something
        else only, such as news that it sends unasked, for as long as the turn may well take.
        """
        whole = not pending and all(self._counts[symbol] >= count for symbol, count in self._needed(gate).items())
        return whole or now_ns >= self.settle_ns(gate)

    def _needed(self, gate: Gate) -> dict[str, int]:
        # How often an event comes varies from run to run; that it comes at all, and how many runs end, hardly does.
        return {symbol: count if symbol == gate.awaited else 1 for symbol, count in gate.counts.items()}

    def settle_ns(self, gate: Gate) -> int:
        """When the turn settles if nothing more comes."""
        silence = min(max(2 * gate.longest_gap_ns, _SETTLE_FLOOR_NS), self._patience_ns(gate))
        came = [self._first_ns[symbol] for symbol in gate.ends if symbol in self._first_ns]
        reached_ns = min(came, default=self.begun_ns)
        rest_ns = max(_SILENCES * silence, 2 * gate.took_ns)
        return min(self._last_ns + silence, reached_ns + rest_ns, self.deadline_ns(gate))

    def deadline_ns(self, gate: Gate) -> int:
        """When waiting for the awaited event is given up."""
        return self.begun_ns + self._patience_ns(gate)

    def _patience_ns(self, gate: Gate) -> int:
        return self._timeout_ns if self._timeout_ns is not None else max(FLOOR_NS, PATIENCE * gate.took_ns)
