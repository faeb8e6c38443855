"""What learned sequence contracts are worth: random services, unseen good sessions, and mutants of them.

Claims, from ten recorded sessions on:

- fewer than 1 % of unseen good sessions of the same service get a breaking finding;
- more than 95 % of the harmful mutants do;
- another interleaving of the same work is never breaking, from three sessions on.

Services, sessions and mutants are those of tests/support/services.py, with `--known` those of
tests/support/known_services.py, which are written by hand; everything follows from seeds.

And that checking is streaming: the memory stops growing, however many events one connection has (`--events`).

Usage: python benchmarks/sequences.py [--services N] [--sessions N] [--recorded N,N,...] [-v]
       python benchmarks/sequences.py --known [--sessions N] [--recorded N,N,...]
       python benchmarks/sequences.py --events N
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from known_services import KNOWN, harmed, told
from services import MUTATIONS, endless, interleaved, recorded, service, users
from simulated import Sent, records

from wstape.contracts import Checker, Contract, Finding, Severity, infer

INTERLEAVED = "interleaved otherwise"


@dataclass
class Tally:
    """Sessions judged, and those that had a breaking finding, by what they were."""

    judged: Counter[str] = field(default_factory=Counter[str])
    breaking: Counter[str] = field(default_factory=Counter[str])
    rules: int = 0
    services: int = 0

    def share(self, *kinds: str) -> float:
        judged = sum(self.judged[kind] for kind in kinds)
        return 100 * sum(self.breaking[kind] for kind in kinds) / judged if judged else 0.0


def breaking(contract: Contract, conversations: Sequence[Sequence[Sent]], seed: int) -> list[Finding]:
    checker = Checker(contract)
    for record in records(conversations, chance=random.Random(seed)):
        checker.record(record)
    return [finding for finding in checker.finish() if finding.severity is Severity.BREAKING]


def measure(learned: int, services: Sequence[int], sessions: int, *, verbose: bool = False) -> Tally:
    """Learn each service from so many sessions and judge others."""
    tally = Tally()
    for number in services:
        one = service(number)
        contract = infer([recorded(users(one, seed), seed) for seed in range(learned)])
        tally.services += 1
        tally.rules += sum(len(claim.rules) for claim in contract.scopes)
        for seed in range(10_000, 10_000 + sessions):
            good = users(one, seed)
            chance = random.Random(f"mutant {number} {seed}")
            cases = {"good": good, INTERLEAVED: interleaved(good, chance)}
            cases |= {name: mutate(good, chance) for name, mutate in MUTATIONS.items()}
            alarms: set[tuple[str, str]] = set()
            for name, conversations in cases.items():
                if conversations is None:
                    continue
                found = breaking(contract, conversations, seed)
                if name == "good":
                    alarms = {(finding.id, finding.message) for finding in found}
                else:  # what the session itself is blamed for is no merit and no fault of the change
                    found = [finding for finding in found if (finding.id, finding.message) not in alarms]
                tally.judged[name] += 1
                tally.breaking[name] += bool(found)
                if verbose and bool(found) == (name in ("good", INTERLEAVED)):
                    said = "; ".join(f"{finding.id}: {finding.message}" for finding in found) or "nothing"
                    print(f"service {number}, session {seed}, {learned} learned, {name}: {said}", file=sys.stderr)
    return tally


def known(recorded: Sequence[int], sessions: int) -> None:
    """Print the same of the services that are written by hand."""
    kinds = ("dropped", "doubled", "wrong identifier")
    print("| service | labels | recorded sessions | rules | good | " + " | ".join(kinds) + " |")
    print("|---" * (len(kinds) + 5) + "|")
    for one in KNOWN:
        for learned in recorded:
            contract = infer([records(told(one, seed), chance=random.Random(seed)) for seed in range(learned)])
            tally = Tally(rules=sum(len(claim.rules) for claim in contract.scopes))
            for seed in range(10_000, 10_000 + sessions):
                good = told(one, seed)
                alarms = breaking(contract, good, seed)
                tally.judged["good"] += 1
                tally.breaking["good"] += bool(alarms)
                said = {(finding.id, finding.message) for finding in alarms}
                for name, bad in harmed(good, random.Random(f"mutant {seed}")):
                    found = breaking(contract, bad, seed)
                    tally.judged[name] += 1
                    tally.breaking[name] += any((finding.id, finding.message) not in said for finding in found)
            shares = " | ".join(f"{tally.share(kind):.1f} %" for kind in ("good", *kinds))
            print(f"| {one.__name__} | {len(contract.events)} | {learned} | {tally.rules} | {shares} |", flush=True)


def stream(events: int) -> None:
    """Check one connection that never ends and print the memory of the process as it goes."""
    one = service(1)
    checker = Checker(infer([recorded(users(one, seed), seed) for seed in range(10)]))
    begun = time.perf_counter()
    for number, record in enumerate(islice(endless(one, 0), events), 1):
        checker.record(record)
        if number % max(1, events // 10) == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            resident = pages * resource.getpagesize() / 2**20
            print(f"{number:>10} events  {resident:7.1f} MiB  {time.perf_counter() - begun:6.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print false alarms and caught mutants by recorded sessions.")
    parser.add_argument("--services", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--recorded", default="1,3,10,30,100")
    parser.add_argument("-v", "--verbose", action="store_true", help="say each wrong verdict on standard error")
    parser.add_argument(
        "--events", type=int, help="instead, check so many events of one connection, and say the memory"
    )
    parser.add_argument("--known", action="store_true", help="instead, judge the services that are written by hand")
    options = parser.parse_args()
    counts = list(map(int, options.recorded.split(",")))
    if options.events:
        stream(options.events)
        return
    if options.known:
        known(counts, options.sessions)
        return
    print(f"{options.services} services, {options.sessions} unseen sessions each and a mutant of each kind of each")
    kinds = ("good", INTERLEAVED, *MUTATIONS)
    print("| recorded sessions | rules | " + " | ".join(kinds) + " | all mutants |")
    print("|---" * (len(kinds) + 3) + "|")
    for learned in counts:
        tally = measure(learned, range(options.services), options.sessions, verbose=options.verbose)
        shares = " | ".join(f"{tally.share(kind):.1f} %" for kind in kinds)
        rules = tally.rules / tally.services
        print(f"| {learned} | {rules:.0f} | {shares} | {tally.share(*MUTATIONS):.1f} % |", flush=True)


if __name__ == "__main__":
    main()
