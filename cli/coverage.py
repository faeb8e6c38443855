"""``wstape coverage``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .reporting import warn_incomplete

if TYPE_CHECKING:
    from ..contracts.coverage import Item


@click.command(
    epilog="Exit status: 0 done, 1 less than --fail-under is exercised, 2 bad usage or bad input, "
    "3 a recording is incomplete."
)
@click.argument("cassettes", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CASSETTE...")
@click.option("--contract", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The contract.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--fail-under", type=click.FloatRange(0, 100), metavar="PERCENT", help="Less makes the exit status 1.")
def command(cassettes: tuple[Path, ...], contract: Path, as_json: bool, fail_under: float | None) -> int:
    """Tell which parts of a contract recordings exercise.

    Events, optional fields, values of enumerations, branches of unions, transitions between events, and close codes.

    \b
    Example:
      wstape coverage cassettes/*.cassette --contract chat.contract.json --fail-under 90
    """
    from ..cassettes import open_cassette
    from ..contracts import Contract
    from ..contracts.coverage import Coverage, share

    coverage = Coverage(Contract.load(contract))
    complete = True
    for path in cassettes:
        reader = open_cassette(path)
        for record in reader:
            coverage.record(record)
        if reader.problem:
            complete = False
            warn_incomplete(reader)
    items = coverage.items()
    percent = share(items)
    click.echo(json.dumps(_document(items), indent=2, ensure_ascii=False) if as_json else _table(items))
    if fail_under is not None and percent < fail_under:
        click.echo(f"wstape: {percent:.1f} % is exercised, less than {fail_under:g} %", err=True)
        return 1
    return 0 if complete else 3


def _document(items: Sequence[Item]) -> dict[str, object]:
    from ..contracts.coverage import KINDS

    return {
        "summary": {
            **{kind: _sums([item for item in items if item.kind == kind]) for kind in KINDS},
            "all": _sums(items),
        },
        "items": [
            {"kind": item.kind, "where": item.where, "path": item.path, "what": item.what, "count": item.count}
            for item in sorted(items, key=lambda item: item.count > 0)
        ],
    }


def _sums(items: Sequence[Item]) -> dict[str, object]:
    from ..contracts.coverage import share

    return {
        "exercised": sum(item.count > 0 for item in items),
        "known": len(items),
        "percent": round(share(tuple(items)), 1),
    }


def _table(items: Sequence[Item]) -> str:
    """Return what is missing, then a row a kind."""
    from ..cassettes import printable
    from ..contracts.coverage import KINDS

    missing = [item for item in items if not item.count]
    lines = (
        ["never exercised:", *(f"  {item.kind:16}{printable(str(item))}" for item in missing), ""] if missing else []
    )
    lines.append(f"{'':18}{'exercised':>10}{'known':>8}{'%':>8}")
    groups = [(kind, [item for item in items if item.kind == kind]) for kind in KINDS]
    for name, group in (*groups, ("all", list(items))):
        if group:
            sums = _sums(group)
            lines.append(f"{name:18}{sums['exercised']:>10}{sums['known']:>8}{sums['percent']:>8}")
    return "\n".join(lines)
