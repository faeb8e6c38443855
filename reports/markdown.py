"""The report as Markdown, for a comment on a pull request or the summary of a job.

GitHub's flavour. Nothing that came over the wire is taken for markup: it stands in fences or escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from ..cassettes import printable
from ..contracts import Finding, Severity
from .report import Report
from .side_by_side import unified
from .words import occurrence, outcome, place, scope, sides, tally

_ROOM = 60_000
"""Characters after which findings are only counted: a comment on GitHub holds 65,536."""

_OPEN = 5
"""Findings that are shown unfolded, of those that break."""

_MARKUP = re.compile(r"([\\`*_\[\]<>|~$&])")
_CALLS = re.compile(r"([@#])(?=\w)")
_BEGINS = re.compile(r"^([-+=:#]|\d+(?=[.)]))")


def render_markdown(report: Report) -> str:
    """Return the document: the verdict, a row a case where there are several, a section that folds for each finding."""
    parts = [f"## wstape: {outcome(report)}\n\n{tally(report)}\n\n{_plain(scope(report))}\n"]
    if len(report.cases) > 1:
        parts.append("\n".join(_cases(report)) + "\n")
    # A finding on its own shows where it was met, and what led to it.
    if report.divergence and report.count(Severity.BREAKING) > 1:
        parts.append(_plain(report.divergence[0]) + "\n")
    room = _ROOM - sum(map(len, parts))
    for number, finding in enumerate(report.findings):
        section = "\n".join(_section(finding, unfolded=finding.severity is Severity.BREAKING and number < _OPEN)) + "\n"
        room -= len(section) + 1
        if room < 0:
            parts.append(
                f"{len(report.findings) - number:,} more in the report for the terminal, as JSON or as HTML.\n"
            )
            break
        parts.append(section)
    notes = "".join(f"- {_plain(note)}\n" for note in report.notes)
    if notes and len(notes) <= room:
        parts.append(notes)
    return "\n".join(parts)


def _cases(report: Report) -> Iterator[str]:
    shown = report.cases[:100]
    yield "| verdict | case | breaking findings |"
    yield "|---|---|---|"
    for case in shown:
        worst = ", ".join(dict.fromkeys(f.id for f in case.findings if f.severity is Severity.BREAKING))
        yield f"| {case.verdict} | {_plain(case.name)} | {worst} |"
    if len(shown) < len(report.cases):
        yield f"\n{len(report.cases) - len(shown):,} more cases."


def _section(finding: Finding, *, unfolded: bool) -> Iterator[str]:
    what = place(finding)
    yield "<details open>" if unfolded else "<details>"
    # Between tags on a line of their own nothing is Markdown, only HTML.
    about = f" <code>{_inert(escape(printable(what), quote=False))}</code>" if what else ""
    yield f"<summary>{finding.severity} <b>{escape(finding.id)}</b>{about}</summary>\n"
    yield _plain(finding.message) + "\n"
    lines = [f"{name}: {value}" for name, value in sides(finding)]
    met = occurrence(finding)
    if met:
        lines.append(f"met: {met}")
    if lines:
        yield _fenced(lines, "text")
    if finding.exhibit is not None:
        yield _fenced([printable(line) for line in unified(finding.exhibit)], "diff")
    yield "</details>"


def _fenced(lines: list[str], language: str) -> str:
    text = "\n".join(lines)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}\n"


def _plain(text: str) -> str:
    """The text as one line of prose that holds no markup, calls nobody and refers to no issue."""
    return _inert(
        _BEGINS.sub(r"\\\1" if not text[:1].isdigit() else r"\1\\", _MARKUP.sub(r"\\\1", printable(text).strip()))
    )


def _inert(text: str) -> str:
    # A backslash does not keep GitHub from finding @names and #numbers; a comment of HTML in between does.
    return _CALLS.sub(r"\1<!-- -->", text)
