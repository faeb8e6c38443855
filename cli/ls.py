"""``wstape ls``: the recordings in a folder, how they stand to their contracts, and which nobody uses."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..contracts import Contract, Overview

_CONTRACT = ".contract.json"
_SHOWN_LABELS = 6


@click.command(
    epilog="""\b
Example:
  wstape ls
  wstape ls cassettes --contract chat.contract.json
  wstape ls --json tests | jq '.cassettes[] | select(.orphan) | .path'

Exit status: 0 done, 2 bad usage or bad input, 3 a recording is incomplete or cannot be read (all others are listed).
"""
)
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option(
    "--contract",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Hold all against this contract. Default: NAME.contract.json beside NAME.cassette, else the nearest upwards.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(ctx: click.Context, folder: Path, *, contract: Path | None, as_json: bool) -> None:
    """List the recordings below DIR (the current folder): target, age, length, counts, labels, contract.

    An orphan is a recording that no test, setting or script of the project names, by its file name or
    a pattern, and that has no contract of its own name. Orphans are marked with a '?'.
    """
    from ..cassettes import RECORDING_SUFFIXES, FileError, project_of, references
    from ..contracts import Contract, overview

    if not folder.is_dir():
        raise FileError(folder, "is no folder" if folder.exists() else "no such folder", "name one with recordings")
    files = list(_walk(folder))
    recordings = [path for path in files if path.suffix in RECORDING_SUFFIXES and _is_recording(path)]
    named = references(project_of(folder), recordings)
    given = [(contract, Contract.load(contract))] if contract is not None else None
    found = _Contracts([path for path in files if path.name.endswith(_CONTRACT)])
    rows = [
        _Row(
            overview(path, given if given is not None else found.of(path, folder)),
            named[path],
            own=path.with_name(path.stem + _CONTRACT).exists(),
        )
        for path in recordings
    ]
    if as_json:
        click.echo(_document(rows, datetime.now(UTC)))
    else:
        _table(rows, datetime.now(UTC))
    if any(row.overview.problem for row in rows):
        ctx.exit(3)


def _walk(folder: Path) -> Iterator[Path]:
    from ..cassettes import walk

    return walk(folder)


def _is_recording(path: Path) -> bool:
    """A .cassette always, even a broken one; of other suffixes only what is one."""
    from ..cassettes import WstapeError, foreign_format, open_cassette

    if path.suffix == ".cassette":
        return True
    try:
        if path.suffix == ".har":
            return foreign_format(path) is not None
        open_cassette(path)
    except WstapeError:
        return False
    return True


class _Contracts:
    """The contracts of a tree, each read once, and which of them a recording has to keep."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = set(paths)
        self._loaded: dict[Path, Contract] = {}

    def of(self, recording: Path, top: Path) -> list[tuple[Path, Contract]]:
        """The one of its own name, else those of the nearest folder upwards that has any. Raises ContractError."""
        own = recording.with_name(recording.stem + _CONTRACT)
        if own in self._paths:
            return [(own, self._load(own))]
        for place in (recording.parent, *recording.parent.parents):
            here = sorted(path for path in self._paths if path.parent == place)
            if here:
                return [(path, self._load(path)) for path in here]
            if place == top:
                break
        return []

    def _load(self, path: Path) -> Contract:
        from ..contracts import Contract

        if path not in self._loaded:
            self._loaded[path] = Contract.load(path)
        return self._loaded[path]


class _Row:
    """One recording of the list."""

    def __init__(self, overview: Overview, named_by: tuple[Path, ...], *, own: bool) -> None:
        self.overview = overview
        self.named_by = named_by
        self.orphan = not named_by and not own

    def age_s(self, now: datetime) -> float | None:
        """Seconds since it was recorded, None when it does not say when."""
        created = self.overview.header.created if self.overview.header is not None else ""
        try:
            then = datetime.fromisoformat(created)
        except ValueError:
            return None
        return (now - (then if then.tzinfo is not None else then.replace(tzinfo=UTC))).total_seconds()

    def status(self) -> str:
        """In words, how it stands to its contract."""
        from ..cassettes import counted

        standing = self.overview.standing
        if standing is None or self.overview.header is None:
            return "-"
        if standing.breaking:
            return f"breaks {standing.contract.name}: {standing.breaking}"
        warnings = f", {counted(standing.warnings, 'warning')}" if standing.warnings else ""
        return f"keeps {standing.contract.name}{warnings}"

    def document(self, now: datetime) -> Mapping[str, object]:
        """The row as plain JSON values."""
        one, standing = self.overview, self.overview.standing
        age_s = self.age_s(now)
        return {
            "path": str(one.path),
            "target": None if one.header is None else one.header.target,
            "created": None if one.header is None else one.header.created,
            "age_s": None if age_s is None else round(age_s),
            "length_s": one.length_ns / 1e9,
            "connections": one.connections,
            "messages": one.messages,
            "exchanges": one.exchanges,
            "labels": dict(sorted(one.labels.items())),
            "notes": {} if one.header is None else dict(sorted(one.header.notes.items())),
            "redacted": one.header is not None and bool(one.header.redaction),
            "complete": not one.problem,
            "problem": one.problem,
            "contract": None
            if standing is None
            else {"path": str(standing.contract), "breaking": standing.breaking, "warnings": standing.warnings},
            "named_by": [str(path) for path in self.named_by],
            "orphan": self.orphan,
        }


def _document(rows: Sequence[_Row], now: datetime) -> str:
    summary = {
        "cassettes": len(rows),
        "orphans": sum(row.orphan for row in rows),
        "incomplete": sum(bool(row.overview.problem) for row in rows),
        "breaking": sum(row.overview.standing is not None and row.overview.standing.breaking > 0 for row in rows),
    }
    return json.dumps({"cassettes": [row.document(now) for row in rows], "summary": summary}, indent=2)


def _table(rows: Sequence[_Row], now: datetime) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ..cassettes import printable
    from .reporting import warn

    if not rows:
        click.echo("wstape: no recordings here", err=True)
        return
    terminal = sys.stdout.isatty()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in (*_LEFT, *_RIGHT, "labels", "contract"):
        table.add_column(name, justify="right" if name in _RIGHT else "left", overflow="fold")
    for row in rows:
        one = row.overview
        status = row.status()
        cells = [
            Text("?" if row.orphan else ""),
            Text(printable(str(one.path))),
            Text(printable(one.header.target) if one.header is not None else "cannot be read"),
            Text(_age(row.age_s(now))),
            Text(f"{one.length_ns / 1e9:.1f} s"),
            *(Text(str(count)) for count in (one.connections, one.messages, one.exchanges)),
            Text(_labels(row)),
            Text(status, style="red" if status.startswith("breaks") else ""),
        ]
        table.add_row(*cells)
    width = shutil.get_terminal_size().columns if terminal else 160
    Console(file=sys.stdout, width=max(width, 80), no_color=not terminal or None).print(table)
    for row in rows:
        if row.overview.problem and row.overview.header is not None:
            warn(f"{row.overview.path} is incomplete: {row.overview.problem}")
        elif row.overview.problem:
            warn(row.overview.problem)
        elif row.overview.header is not None and not row.overview.header.redaction:
            warn(f"{row.overview.path} is not redacted")
    orphans = sum(row.orphan for row in rows)
    if orphans:
        click.echo(f"wstape: {orphans} marked '?': no test, setting or script names {_them(orphans)}", err=True)


_LEFT = ("", "cassette", "target")
_RIGHT = ("age", "length", "conn", "msgs", "http")


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _labels(row: _Row) -> str:
    from ..cassettes import printable

    labels = row.overview.labels
    shown = [f"{printable(label)[:40]} {count}" for label, count in labels.most_common(_SHOWN_LABELS)]
    if len(labels) > _SHOWN_LABELS:
        shown.append(f"{len(labels) - _SHOWN_LABELS} more")
    return ", ".join(shown)


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return "now"
