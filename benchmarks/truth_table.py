"""The verdict on each build of a real service, many times over, and how often it is right.

The service is the agent chat of ``tests/support/agents.py`` on FastAPI and uvicorn, which never answers twice alike.
For each number of recordings a contract is learned from them, and the first recording is replayed against each build.
A verdict is right when it is the true one, and when a breaking one has its one true finding and no other beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

import click
from measuring import introduce

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from agents import Build, converse_all, serving
from recording import recording
from truth import BREAKING, COMPATIBLE, Place, breaking

from wstape.cli import run

SAME = "same"


def record(folder: Path, number: int) -> tuple[Path, Path]:
    """Record three users at work; return the cassette and its secrets."""
    cassette, secrets = folder / f"{number}.cassette", folder / f"{number}.secrets"
    with serving() as target, recording(target, cassette, "--keep-secrets", str(secrets)) as recorder:
        asyncio.run(converse_all(recorder.http_url))
    assert recorder.status == 0, recorder.stderr
    return cassette, secrets


def quietly(arguments: list[str]) -> tuple[int, str]:
    """Run a command; return its exit status and what it printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        status = run(arguments)
    return status, out.getvalue()


def judge(variant: str, arguments: list[str]) -> tuple[int, list[Place]]:
    """Replay against a fresh build; return the exit status and the breaking findings."""
    with serving(Build(variant)) as target:
        status, text = quietly([*arguments, "--target", target, "--timeout", "2", "--json"])
    return status, breaking(json.loads(text)) if text else []


def is_right(variant: str, status: int, found: list[Place]) -> bool:
    """Whether that is the truth."""
    if variant in BREAKING:
        return (status, found) == (1, [BREAKING[variant]])
    return (status, found) == (0, [])


def expected(variant: str) -> str:
    """The truth in words."""
    if variant not in BREAKING:
        return "compatible"
    id, label, path = BREAKING[variant]
    return " ".join(part for part in (id, label, path) if part)


@click.command()
@click.option("--times", default=10, show_default=True, help="Replays of each build for each contract.")
@click.option("--recordings", default="1,3,10", show_default=True, help="Recordings that a contract is learned from.")
@click.option("--same", default=100, show_default=True, help="Replays of the build that was recorded.")
@click.option("--only", multiple=True, help="These builds only.")
def main(times: int, recordings: str, same: int, only: tuple[str, ...]) -> None:
    """Print the table as Markdown."""
    introduce(__doc__ or "")
    counts = [int(count) for count in recordings.split(",")]
    with tempfile.TemporaryDirectory(prefix="wstape-truth-") as name:
        folder = Path(name)
        made = [record(folder, number) for number in range(max(counts))]
        replays: dict[int, list[str]] = {}
        for count in counts:
            contract = folder / f"{count}.contract.json"
            assert quietly(["infer", *(str(one) for one, _ in made[:count]), "-o", str(contract)])[0] == 0
            cassette, secrets = made[0]
            replays[count] = ["replay", str(cassette), "--secrets", str(secrets), "--contract", str(contract)]
        print(f"\n| build | truth | {' | '.join(f'contract from {count}' for count in counts)} |")
        print("|---|---|" + "---|" * len(counts), flush=True)
        score: Counter[str] = Counter()
        wrong: list[str] = []
        for variant in only or (SAME, *BREAKING, *COMPATIBLE):
            cells: list[str] = []
            for count in counts:
                rounds = same if variant == SAME else times
                judged = [judge(variant, replays[count]) for _ in range(rounds)]
                right = sum(is_right(variant, *one) for one in judged)
                score.update(right=right, all=rounds)
                cells.append(f"{right}/{rounds}")
                wrong += [f"{variant}, {count}: {one}" for one in judged if not is_right(variant, *one)]
            print(f"| {variant} | {expected(variant)} | {' | '.join(cells)} |", flush=True)
    print(f"\n{score['right']} of {score['all']} verdicts are right.")
    for line in wrong:
        print(f"  wrong: {line}")


if __name__ == "__main__":
    main()
