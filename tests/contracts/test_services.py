"""Random services: unseen good sessions pass, another interleaving of the same work passes, harmful mutants do not.

The same, at full size and by the number of recorded sessions, is benchmarks/sequences.py; its table is in
docs/sequences.md.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from known_services import KNOWN, Told, harmed, told
from services import MUTATIONS, interleaved, recorded, service, users
from simulated import Sent, records

from wstape.contracts import Checker, Contract, Finding, Severity, infer


def breaking(contract: Contract, conversations: Sequence[Sequence[Sent]], seed: int) -> list[Finding]:
    checker = Checker(contract)
    for record in records(conversations, chance=random.Random(seed)):
        checker.record(record)
    return [finding for finding in checker.finish() if finding.severity is Severity.BREAKING]


def learned(number: int, sessions: int) -> Contract:
    one = service(number)
    return infer([recorded(users(one, seed), seed) for seed in range(sessions)])


@pytest.mark.parametrize("number", range(100, 106))
def test_ten_sessions_tell_good_ones_from_harmful_ones(number: int) -> None:
    one, contract = service(number), learned(number, 10)
    rules = sum(len(claim.rules) for claim in contract.scopes)
    assert rules <= 5 * len(contract.events)  # few enough to review
    judged: Counter[str] = Counter()
    missed: list[str] = []
    for seed in (20_000, 20_001):
        good, chance = users(one, seed), random.Random(seed)
        assert breaking(contract, good, seed) == []
        assert breaking(contract, interleaved(good, chance), seed) == []
        for name, mutate in MUTATIONS.items():
            mutant = mutate(good, chance)
            if mutant is not None:
                judged[name] += 1
                missed += [] if breaking(contract, mutant, seed) else [name]
    assert judged["dropped"] == judged["leaked"] == 2
    assert missed == []


def test_another_interleaving_is_never_breaking_after_three_sessions() -> None:
    for number in range(100, 105):
        one, contract = service(number), learned(number, 3)
        good = users(one, 30_000)
        known = {finding.message for finding in breaking(contract, good, 0)}
        for seed in range(3):
            other = interleaved(good, random.Random(seed))
            assert [finding for finding in breaking(contract, other, 0) if finding.message not in known] == []


@pytest.mark.parametrize("one", KNOWN, ids=lambda one: one.__name__)
def test_ten_sessions_of_other_kinds_of_services_are_enough(one: Callable[[random.Random], list[Told]]) -> None:
    contract = infer([records(told(one, seed), chance=random.Random(seed)) for seed in range(10)])
    missed: list[str] = []
    for seed in range(900, 906):
        good = told(one, seed)
        assert breaking(contract, good, seed) == []
        missed += [
            f"{name} {seed}" for name, bad in harmed(good, random.Random(seed)) if not breaking(contract, bad, seed)
        ]
    assert missed == []
