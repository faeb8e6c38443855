"""What recording costs: the recorder beside a relay that reads nothing (haproxy) and beside the proxy one writes first.

Claims, on two cores, everything on one machine:

- 128 B echo, 16 connections with 32 messages on the way each: >= 0.12 x haproxy and >= 15 x naive; redacting,
  >= 0.05 x haproxy;
- CPU for one echo (two messages recorded): <= 5 us; redacting, <= 12 us;
- 200,000 messages of 128 B from the server: >= 0.08 x haproxy, >= 18 x naive;
- 64 KiB messages: >= 0.5 x haproxy;
- connections a second: >= 0.5 x haproxy;
- one message at a time, everything on one core: the median at most 15 us above haproxy's;
- 1,000 idle connections: <= 40 MB in all, <= 12 KiB each.

wstape runs on uvloop where that is installed, and then beside itself on asyncio's own loop.

Usage: python benchmarks/recorder.py [--rounds N] [--scale X] [ROW ...]
Rows: echo firehose large connections latency idle
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
from collections.abc import Callable, Generator
from importlib.util import find_spec
from pathlib import Path

from contestants import Contestant, haproxy, missing, mitmproxy, naive, service, wstape
from measuring import introduce, report
from traffic import echo, firehose, idle, ping_pong, visits

WSTAPE = "wstape --no-redact"
REDACTING = "wstape"
ASYNCIO = " --loop asyncio"


@contextlib.contextmanager
def contestants(*, core: int | None = None) -> Generator[dict[str, Contestant]]:
    """All that can take part, each in front of the one service."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(service(core=core))
        running = {"direct": Contestant(upstream)}
        for name, start in (("haproxy", haproxy), ("naive", naive), ("mitmproxy", mitmproxy)):
            if not missing(name):
                running[name] = stack.enter_context(start(upstream, folder, core=core))
        for name, redact in ((WSTAPE, False), (REDACTING, True)):
            running[name] = stack.enter_context(wstape(upstream, folder, redact=redact, core=core))
            if find_spec("uvloop") is not None:
                start = wstape(upstream, folder, redact=redact, loop="asyncio", core=core)
                running[name + ASYNCIO] = stack.enter_context(start)
        yield running


def rates(
    running: dict[str, Contestant], work: Callable[[Contestant, int], float], counts: dict[str, int], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Operations a second, and seconds of the proxy's CPU for one, by contestant and round."""
    speed: dict[str, list[float]] = {name: [] for name in running}
    cost: dict[str, list[float]] = {name: [] for name in running}
    for number in range(rounds + 1):
        for name, contestant in running.items():
            count = counts.get(name, counts[""])
            before = contestant.cpu_seconds()
            took = work(contestant, count)
            if number:  # the first round warms up
                speed[name].append(count / took)
                cost[name].append((contestant.cpu_seconds() - before) / count)
    return speed, cost


def reference(figures: dict[str, list[float]]) -> list[str]:
    """The sides that the claims are about, as far as they took part."""
    return [name for name in ("haproxy", "naive") if name in figures]


def tell(title: str, speed: dict[str, list[float]], cost: dict[str, list[float]], unit: str) -> None:
    for against in reference(speed):
        report(f"{title}: {unit} a second, against {against}", speed, unit="1/s", against=against)
    proxies = {name: values for name, values in cost.items() if name != "direct"}
    report(f"{title}: CPU of the proxy for one", proxies, unit="us", against=WSTAPE, scale=1e6)


def echo_row(rounds: int, scale: float) -> None:
    counts = {"": int(160_000 * scale), "naive": int(16_000 * scale), "mitmproxy": int(1_600 * scale)}
    counts |= {"haproxy": int(800_000 * scale), "direct": int(800_000 * scale)}
    with contestants() as running:
        work = lambda contestant, count: echo(contestant.port, size=128, connections=16, window=32, messages=count)  # noqa: E731
        tell("128 B echo, 16 connections x 32", *rates(running, work, counts, rounds), "echoes")


def firehose_row(rounds: int, scale: float) -> None:
    counts = {"": int(200_000 * scale), "naive": int(20_000 * scale), "mitmproxy": int(2_000 * scale)}
    counts |= {"haproxy": int(1_000_000 * scale), "direct": int(1_000_000 * scale)}
    with contestants() as running:
        work = lambda contestant, count: firehose(contestant.port, size=128, messages=count)  # noqa: E731
        tell("firehose of 128 B", *rates(running, work, counts, rounds), "messages")


def large_row(rounds: int, scale: float) -> None:
    counts = {"": int(4_000 * scale), "naive": int(1_600 * scale), "mitmproxy": int(320 * scale)}
    with contestants() as running:
        work = lambda contestant, count: echo(contestant.port, size=65536, connections=4, window=4, messages=count)  # noqa: E731
        tell("64 KiB echo, 4 connections x 4", *rates(running, work, counts, rounds), "echoes")


def connections_row(rounds: int, scale: float) -> None:
    counts = {name: max(16, int(number * scale) // 16 * 16) for name, number in (("", 960), ("mitmproxy", 96))}
    with contestants() as running:
        work = lambda contestant, count: visits(contestant.port, connections=count)  # noqa: E731
        tell("connections, one echo each", *rates(running, work, counts, rounds), "connections")


def latency_row(rounds: int, scale: float) -> None:
    import os

    free = os.sched_getaffinity(0)
    core = max(free)
    os.sched_setaffinity(0, {core})
    try:
        with contestants(core=core) as running:
            medians: dict[str, list[float]] = {name: [] for name in running}
            means: dict[str, list[float]] = {name: [] for name in running}
            slowest: dict[str, list[float]] = {name: [] for name in running}
            for number in range(rounds + 1):
                for name, contestant in running.items():
                    took = ping_pong(contestant.port, messages=int(1_000 * scale))
                    if number:
                        medians[name].append(statistics.median(took))
                        means[name].append(statistics.fmean(took))
                        slowest[name].append(sorted(took)[len(took) * 99 // 100])
            report("ping-pong on one core: median of a round trip", medians, unit="us", against="direct", scale=1e6)
            # What the median leaves out: the tap reads in batches, so a few round trips wait for all of it.
            report("ping-pong on one core: mean of a round trip", means, unit="us", against="direct", scale=1e6)
            report("ping-pong on one core: 99 of 100 are faster", slowest, unit="us", against="direct", scale=1e6)
            for name in reference(medians):
                added = {
                    side: [a - b for a, b in zip(values, medians[name], strict=True)]
                    for side, values in medians.items()
                }
                print(f"\n  above {name}, in us, median and spread of the rounds:")
                for side, values in added.items():
                    low, middle, high = (of(values) * 1e6 for of in (min, statistics.median, max))
                    print(f"  {side:34}{middle:18.1f}{low:12.1f} - {high:.1f}")
    finally:
        os.sched_setaffinity(0, free)


def idle_row(rounds: int, scale: float) -> None:
    number = int(1_000 * scale)
    totals: dict[str, list[float]] = {}
    each: dict[str, list[float]] = {}
    for _ in range(max(1, rounds // 3)):
        with contestants() as running:
            for name, contestant in running.items():
                if contestant.pid is None:
                    continue
                before = contestant.memory()
                with idle(contestant.port, connections=number):
                    after = contestant.memory()
                totals.setdefault(name, []).append(after)
                each.setdefault(name, []).append((after - before) / number)
    report(
        f"{number} idle connections after one echo each: memory in all", totals, unit="MB", against=WSTAPE, scale=1e-6
    )
    report(f"{number} idle connections: memory for each", each, unit="KiB", against=WSTAPE, scale=1 / 1024)


ROWS: dict[str, Callable[[int, float], None]] = {
    "echo": echo_row,
    "firehose": firehose_row,
    "large": large_row,
    "connections": connections_row,
    "latency": latency_row,
    "idle": idle_row,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], help="which rows; all when left out")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1.0, help="of the amount of work in a round")
    options = parser.parse_args()
    introduce(__doc__ or "")
    for name in ("haproxy", "mitmproxy"):
        if why := missing(name):
            print(why)
    for row in options.rows or ROWS:
        ROWS[row](options.rounds, options.scale)


if __name__ == "__main__":
    main()
