"""What ``check``, ``replay`` and ``diff`` share: their report options, the printing, the exit status."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from ..cassettes import CassetteReader, Recording
    from ..reports import Report

_F = TypeVar("_F", bound=Callable[..., object])

EXIT_STATUS = (
    "Exit status: 0 compatible, 1 breaking findings, 2 bad usage or bad input, "
    "3 the target could not be reached or a recording is incomplete."
)
_SEVERITIES = ("breaking", "warning", "info")


def report_options(command: _F) -> _F:
    """Add ``--json``, ``--junit`` and ``--fail-on``."""
    for option in (
        click.option(
            "--fail-on",
            type=click.Choice(_SEVERITIES),
            default="breaking",
            show_default=True,
            help="The least severity that makes the exit status 1.",
        ),
        click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit XML beside it."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    ):
        command = option(command)
    return command


def allow_option(command: _F) -> _F:
    """Add ``--allow-extra``."""
    return click.option(
        "--allow-extra",
        multiple=True,
        metavar="LABEL",
        help="Events with this label may come, or be left over; repeatable.",
    )(command)


def deliver(report: Report, *, as_json: bool, junit: Path | None, fail_on: str) -> int:
    """Print the report and return the exit status."""
    from ..cassettes import write_text
    from ..reports import render_json, render_junit

    if junit is not None:
        write_text(junit, render_junit(report), force=True)
    if as_json:
        click.echo(render_json(report))
    else:
        from ..reports.terminal import render_terminal

        color = click.get_current_context().color
        if color is None:
            color = sys.stdout.isatty()
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
        click.echo(render_terminal(report, width=max(width, 40), color=color), nl=False, color=color)
    counted = _SEVERITIES[: _SEVERITIES.index(fail_on) + 1]
    if any(str(finding.severity) in counted for finding in report.findings):
        return 1
    return 0 if report.complete else 3


def warn_incomplete(reader: CassetteReader | Recording) -> None:
    """Say on standard error, in one line, what a recording lacks."""
    warn(f"{reader.path} is incomplete: {reader.problem}")


def warn(message: str) -> None:
    """Say something that does not stop the command."""
    click.echo(f"wstape: warning: {message}", err=True)
