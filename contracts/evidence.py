"""How much a claim must have behind it before breaking it breaks a build.

All the thresholds stand here. A claim with enough evidence is *firm*: breaking it is breaking. One with less is
*tentative*: breaking it is a warning. A pinned claim always gates, and so does a claim without any evidence
written beside it: no machine learned it, a person wrote it.
"""

from __future__ import annotations

FIRM_SEEN = 10
"""Samples of a value, or activations of a rule."""

FIRM_SCOPES = 3
"""Distinct scope instances among which they are spread."""

INTEGER_SEEN = 10
"""Samples, all integral, before a number is called an integer."""

FIRM_INTEGER_SEEN = 30
"""Samples, all integral, before a fraction in their place is breaking: a duration of 12 ms may become 12.5 ms."""

# A response or a precedence holds by chance in a few traces: with eight deltas and two thoughts shuffled, the last
# delta comes after the last thought four times in five. `surprise` says how unlikely that was, in bits.
FIRM_ABSENCE_BITS = 8
"""Surprise that makes "B never came" firm when fewer than `FIRM_ABSENCE_SCOPES` instances speak for it."""

FIRM_ABSENCE_SCOPES = 10

VACUOUS_BITS = 4
"""Surprise below which a response or a precedence between events of a connection is left out, unless it gates."""

FIRM_ORDER_BITS = 12
"""Surprise that makes "B came, but not after A" firm, together with `FIRM_ORDER_SCOPES`."""

FIRM_ORDER_SCOPES = 25
"""Nearly-always is the usual alternative to always: by the rule of three, 25 instances without an exception bound the
exceptions at 12 % (95 % confidence)."""

KEPT_SCOPES_PER_EXCEPTION = 100
"""Scope instances that must stand behind a rule for each that broke it, or it is no rule. Such a rule warns."""

FIRM_SCOPES_PER_EXCEPTION = 1000
"""The same, before breaking the rule once more is breaking."""

FIRM_PRIVATE_CONNECTIONS = 2
"""Connections over which `FIRM_SEEN` values must be spread before one that crosses is breaking: two users suffice."""

SHAPE_SEEN = 30
"""Samples of a value before a learned contract's silence about its variants, or about places of a tuple, is a claim."""

MISSED_BY_CHANCE = 0.05
"""Probability from which an event that new recordings do not hold may just not have happened in them."""

CONSTANT_SAMPLES = 30
"""Samples, all the same word or version, before it is called a constant."""

CONSTANT_CONNECTIONS = 3
"""Connections in the recordings before anything is: what one user sees is not what the service says."""

ENUM_SAMPLES = 10
ENUM_VALUES = 8
ENUM_SAMPLES_PER_VALUE = 4


def is_firm(seen: int | None, scopes: int) -> bool:
    """Tell whether a claim seen so often, in so many scope instances, gates. ``None``: written by a person."""
    return seen is None or (seen >= FIRM_SEEN and scopes >= FIRM_SCOPES)


def is_kept(broken: int, scopes: int) -> bool:
    """Tell whether a rule that some of the scope instances broke is a rule with exceptions, and not just wrong."""
    return broken * KEPT_SCOPES_PER_EXCEPTION <= scopes


def rule_is_firm(seen: int | None, scopes: int, surprise: int | None, kind: str, *, broken: int = 0) -> bool:
    """Tell whether a sequence rule gates when it is broken by a cause of ``kind`` ("missing", "order", "extra").

    ``surprise`` is None for rules that chance does not explain: that a trace begins or ends with one certain event,
    that two events take turns.
    """
    if seen is None:
        return True
    if not is_firm(seen, scopes) or broken * FIRM_SCOPES_PER_EXCEPTION > scopes:
        return False
    if surprise is None:
        return True
    if kind == "missing":
        return scopes >= FIRM_ABSENCE_SCOPES or surprise >= FIRM_ABSENCE_BITS
    return scopes >= FIRM_ORDER_SCOPES and surprise >= FIRM_ORDER_BITS
