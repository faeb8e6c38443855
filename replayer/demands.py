"""What a contract demands beside events that came: what it does not, though it knows more recordings, is optional."""

from __future__ import annotations

from collections.abc import Collection

from ..contracts import CONNECTION, Contract, Rule
from ..contracts.evidence import FIRM_SCOPES

ALWAYS = frozenset(("init", "end", "existence", "exactly"))
"""Templates that demand an event, or one of several, in every instance of a scope."""

FORWARD = frozenset(("response", "chain_response", "responded_existence", "succession", "alternate_succession"))
"""Templates that demand the event in the second place, or one of several, where the first one came."""

_BACKWARD = frozenset(("precedence", "succession", "alternate_succession"))


def says_optional(contract: Contract, symbol: str, came: Collection[str], scope: str, connections: int) -> bool:
    """Tell whether a contract has seen that an event need not come where some others did, in an instance of a scope.

    Only a contract that was learned from more than the ``connections`` at hand can have; of an event that it does not
    know it says nothing. What it has seen shows in the rules that it does not have, or for a scope or two only.
    """
    if contract.learned.connections <= connections or symbol not in contract.events:
        return False
    return symbol not in _demanded(contract, came, scope)


def _demanded(contract: Contract, came: Collection[str], scope: str) -> set[str]:
    rules: list[Rule] = []
    known = {*came}
    for claim in contract.scopes:
        held = [rule for rule in claim.rules if rule.pinned or rule.seen is None or rule.scopes >= FIRM_SCOPES]
        rules += held
        if claim.name in (scope, CONNECTION):
            known.update(rule.a for rule in held if _demands_always(rule))
    while True:
        further = {symbol for rule in rules for symbol in _beside(rule, known)} - known
        if not further:
            return known
        known |= further


def _demands_always(rule: Rule) -> bool:
    # Of alternatives, none is demanded by itself.
    return rule.template in ALWAYS and len(rule.events) == 1 and rule.times != 0


def _beside(rule: Rule, came: set[str]) -> tuple[str, ...]:
    """Return what a rule of two events demands when some have come."""
    if rule.template in FORWARD and rule.a in came and len(rule.targets) == 1:
        return rule.targets
    if rule.template in _BACKWARD and not came.isdisjoint(rule.targets):
        return (rule.a,)
    return ()
