"""The report for a person at a terminal."""

from __future__ import annotations

import io

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..cassettes import printable
from ..contracts import Finding, Severity
from .report import Report
from .side_by_side import Tone, side_by_side
from .words import occurrence, outcome, place, scope, sides, tally

_STYLES = {Severity.BREAKING: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_OUTCOMES = {"BREAKING": "bold red", "COMPATIBLE": "bold green", "INCOMPLETE": "bold yellow"}
_TONES: dict[Tone, str] = {"head": "dim", "same": "", "gone": "red", "come": "green"}
_INDENT = 9  # the width of the longest severity, and a blank


def render_terminal(report: Report, *, width: int = 100, color: bool = False) -> str:
    """Return the report, wrapped to ``width`` columns. The verdict comes last, where the eye is when it scrolls."""
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    for finding in report.findings:
        _print_finding(console, finding)
    # A finding on its own shows where it was met, and what led to it.
    if report.divergence and report.count(Severity.BREAKING) > 1:
        console.print(Text(printable(report.divergence[0]), overflow="ellipsis", no_wrap=True))
        console.print()
    for note in report.notes:
        console.print(Text(printable(note), "dim"))
    if len(report.cases) > 1:
        console.print(_case_table(report))
    console.print(_verdict_line(report))
    assert isinstance(console.file, io.StringIO)
    # rich fills lines up with blanks, which a terminal does not need and a diff of two reports shows.
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def _print_finding(console: Console, finding: Finding) -> None:
    head = Text()
    head.append(f"{finding.severity:<{_INDENT}}", _STYLES[finding.severity])
    head.append(finding.id, "bold")
    what = place(finding)
    if what:
        head.append(f"  {printable(what)}")
    console.print(head)
    console.print(Padding(Text(printable(finding.message)), (0, 0, 0, _INDENT)))
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, value in sides(finding):
        table.add_row(Text(name, "dim"), Text(value, overflow="fold"))
    met = occurrence(finding)
    if met:
        table.add_row(Text("met", "dim"), Text(met))
    if table.row_count:
        console.print(Padding(table, (0, 0, 0, _INDENT)))
    if finding.exhibit is not None:
        for line in side_by_side(finding.exhibit, console.width - _INDENT):
            console.print(Padding(Text.assemble(*((one.text, _TONES[one.tone]) for one in line)), (0, 0, 0, _INDENT)))
        for text in finding.exhibit.led:
            console.print(Padding(Text(text, "dim"), (0, 0, 0, _INDENT)))
    console.print()


def _case_table(report: Report) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for case in report.cases:
        style = {"breaking": "bold red", "compatible": "green"}.get(case.verdict, "yellow")
        worst = ", ".join(dict.fromkeys(f.id for f in case.findings if f.severity is Severity.BREAKING))
        table.add_row(Text(case.verdict, style), Text(printable(case.name), overflow="fold"), Text(worst))
    return table


def _verdict_line(report: Report) -> Text:
    word = outcome(report)
    line = Text()
    line.append(word, _OUTCOMES[word])
    line.append(f"  {tally(report)}\n{scope(report)}")
    return line
