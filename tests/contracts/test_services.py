"""Random services: unseen good sessions pass, another interleaving of the same work passes, harmful mutants do not.

The same, at full size and by the number of recorded sessions, is benchmarks/sequences.py; its table is in
docs/sequences.md.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest
from services import MUTATIONS, Said, interleaved, recorded, service, users

from wstape.contracts import Checker, Contract, Finding, Severity, infer


def breaking(contract: Contract, conversations: list[list[Said]], seed: int) -> list[Finding]:
    checker = Checker(contract)
    for record in recorded(conversations, seed):
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
