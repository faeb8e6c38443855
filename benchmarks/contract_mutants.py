"""How many broken payloads a learned contract catches: 20 of each kind for each label, from samples not learned from.

A field is dropped, a value gets another type, or a word of an enumeration becomes another one. Dropped fields are only
those that the label always has: a field that may be missing breaks nobody. Said of each label: how many mutants
gave a finding that is not information, how many gave a breaking one, and how many unbroken samples gave either,
which should be none.

Usage: python benchmarks/contract_mutants.py [--learn N] [--mutants N] [--seed N]
"""

from __future__ import annotations

import argparse
import copy
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from measuring import introduce

from contracts import TOOLS, recording
from wstape.cassettes import Message
from wstape.contracts import Contract, Event, EventReader, infer
from wstape.contracts.payloads import PayloadChecker

OPTIONAL = {"cached"}
KINDS = ("field dropped", "type changed", "enumeration broken")
Place = tuple[str | int, ...]


def places(value: Any, before: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every place below a payload's top, and what stands there; the label stays."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if (*before, key) != ("type",):
            yield (*before, key), item
            yield from places(item, (*before, key))


def broken(payload: Any, kind: str, chance: random.Random) -> Any | None:
    """The payload, broken in one place; None when it has none for this kind."""
    mutant = copy.deepcopy(payload)
    found = list(places(mutant))
    if kind == "field dropped":
        found = [(place, item) for place, item in found if isinstance(place[-1], str) and place[-1] not in OPTIONAL]
    elif kind == "type changed":
        found = [(place, item) for place, item in found if item is not None]
    else:
        found = [(place, item) for place, item in found if item in TOOLS]
    if not found:
        return None
    place, item = chance.choice(found)
    parent = mutant
    for key in place[:-1]:
        parent = parent[key]
    if kind == "field dropped":
        del parent[place[-1]]
    elif kind == "type changed":
        parent[place[-1]] = 7 if isinstance(item, str) else "seven" if not isinstance(item, (dict, list)) else None
    else:
        parent[place[-1]] = "zip"
    return mutant


def severities(contract: Contract, event: Event) -> set[str]:
    checker = PayloadChecker(contract)
    checker.check(event)
    return {str(finding.severity) for finding in checker.findings()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learn", type=int, default=2_000, help="events to learn from")
    parser.add_argument("--mutants", type=int, default=20, help="for each label and kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    introduce(__doc__ or "")
    contract = infer([recording(options.learn)])
    reader = EventReader(contract.envelope)
    unseen: dict[str, list[Event]] = {}
    for record in recording(options.learn, seed=options.seed + 7):
        for event in reader.read(record) if isinstance(record, Message) else ():
            unseen.setdefault(event.symbol, []).append(event)
    chance = random.Random(options.seed)
    totals: Counter[str] = Counter()
    print(f"\n{'':26}{'mutants':>10}{'caught':>10}{'breaking':>10}{'unbroken':>10}{'false':>8}")
    for symbol, events in sorted(unseen.items()):
        counts: Counter[str] = Counter()
        for kind in KINDS:
            for event in (chance.choice(events) for _ in range(options.mutants)):
                mutant = broken(event.payload, kind, chance)
                if mutant is None:
                    continue
                found = severities(contract, replace(event, payload=mutant))
                counts["mutants"] += 1
                counts["caught"] += bool(found - {"info"})
                counts["breaking"] += "breaking" in found
                counts[kind] += 1
                counts[f"{kind} caught"] += bool(found - {"info"})
        for event in events[:100]:
            counts["unbroken"] += 1
            counts["false"] += bool(severities(contract, event) - {"info"})
        totals += counts
        print(f"{symbol:26}{_row(counts)}")
    print(f"{'all':26}{_row(totals)}")
    for kind in KINDS:
        print(f"{kind:26}{totals[kind]:>10}{_share(totals[f'{kind} caught'], totals[kind]):>10}")


def _row(counts: Counter[str]) -> str:
    caught, breaking = (_share(counts[name], counts["mutants"]) for name in ("caught", "breaking"))
    return f"{counts['mutants']:>10}{caught:>10}{breaking:>10}{counts['unbroken']:>10}{counts['false']:>8}"


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


if __name__ == "__main__":
    main()
