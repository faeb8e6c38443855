"""What ``check``, ``replay`` and ``diff`` share: their report options, the printing, the exit status."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from ..cassettes import CassetteReader, Recording
    from ..reports import Report

_F = TypeVar("_F", bound=Callable[..., object])
_R = TypeVar("_R")

EXIT_STATUS = (
    "Exit status: 0 compatible, 1 breaking findings, 2 bad usage or bad input, "
    "3 the target could not be reached or a recording is incomplete."
)
_SEVERITIES = ("breaking", "warning", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Where a report goes, as the options of ``report_options`` say."""

    as_json: bool
    junit: Path | None
    markdown: Path | None
    html: Path | None
    github: bool
    fail_on: str


def report_options(command: Callable[..., _R]) -> Callable[..., _R]:
    """Add the options of reports; the command is given them as one ``delivery``, a Delivery."""

    @functools.wraps(command)
    def with_delivery(
        *arguments: object,
        as_json: bool,
        junit: Path | None,
        markdown: Path | None,
        html: Path | None,
        github: bool,
        fail_on: str,
        **others: object,
    ) -> _R:
        delivery = Delivery(as_json=as_json, junit=junit, markdown=markdown, html=html, github=github, fail_on=fail_on)
        return command(*arguments, delivery=delivery, **others)

    added = with_delivery
    for option in (
        click.option(
            "--fail-on",
            type=click.Choice(_SEVERITIES),
            default="breaking",
            show_default=True,
            help="The least severity that makes the exit status 1.",
        ),
        click.option("--github", is_flag=True, help="Annotate a job of GitHub Actions, and add to its summary."),
        click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page for a browser."),
        click.option(
            "--markdown", type=click.Path(path_type=Path), metavar="FILE", help="Write Markdown for a pull request."
        ),
        click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit XML beside it."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    ):
        added = option(added)
    return added


def allow_option(command: _F) -> _F:
    """Add ``--allow-extra``."""
    return click.option(
        "--allow-extra",
        multiple=True,
        metavar="LABEL",
        help="Events with this label may come, or be left over; repeatable.",
    )(command)


def deliver(report: Report, delivery: Delivery) -> int:
    """Print the report and return the exit status."""
    from ..cassettes import write_text
    from ..reports import render_json, render_junit

    if delivery.junit is not None:
        write_text(delivery.junit, render_junit(report), force=True)
    if delivery.markdown is not None:
        from ..reports.markdown import render_markdown

        write_text(delivery.markdown, render_markdown(report), force=True)
    if delivery.html is not None:
        from ..reports.html import render_html

        write_text(delivery.html, render_html(report), force=True)
    if delivery.github:
        _summarise(report)
    if delivery.as_json:
        click.echo(render_json(report))
    else:
        from ..reports.terminal import render_terminal

        color = click.get_current_context().color
        if color is None:
            color = sys.stdout.isatty()
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
        text = render_terminal(report, width=max(width, 40), color=color)
        if delivery.github:
            import secrets

            from ..reports.github import unread

            text = unread(text, secrets.token_hex(16))
        click.echo(text, nl=False, color=color)
    if delivery.github:
        from ..reports.github import render_annotations

        # The runner reads both; standard output stays one document.
        click.echo(render_annotations(report, folder=_folder()), nl=False, err=delivery.as_json)
    counted = _SEVERITIES[: _SEVERITIES.index(delivery.fail_on) + 1]
    if any(str(finding.severity) in counted for finding in report.findings):
        return 1
    return 0 if report.complete else 3


def _summarise(report: Report) -> None:
    """Add the Markdown to the summary of the job, where there is one."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    from ..cassettes import FileError
    from ..reports.markdown import render_markdown

    try:
        # The steps of a job share the page, so it is added to.
        with Path(path).open("a", encoding="utf-8", newline="\n") as page:
            page.write(render_markdown(report) + "\n")
    except OSError as error:
        raise FileError.from_os_error(Path(path), error) from error


def _folder() -> str:
    """The current folder as seen from the top of the work tree; empty when it is the top, or elsewhere."""
    top = Path(os.environ.get("GITHUB_WORKSPACE") or ".").resolve()
    here = Path.cwd().resolve()
    return here.relative_to(top).as_posix() if here.is_relative_to(top) else ""


def warn_incomplete(reader: CassetteReader | Recording) -> None:
    """Say on standard error, in one line, what a recording lacks."""
    warn(f"{reader.path} is incomplete: {reader.problem}")


def warn(message: str) -> None:
    """Say something that does not stop the command."""
    click.echo(f"wstape: warning: {message}", err=True)
