"""The report as one HTML page that needs nothing beside it: no network, no script, no other file."""

from __future__ import annotations

from pathlib import Path

from ..cassettes import printable
from ..contracts import Severity
from .report import Report
from .words import occurrence, outcome, place, scope, sides, tally


def render_html(report: Report) -> str:
    """Return the page. Both sides stand beside each other where there is room, and below each other where not."""
    # Imported here: no other report needs it.
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    # Autoescaping keeps markup out; this keeps out what could disguise the text around it.
    environment.filters["printable"] = printable
    template = environment.from_string(Path(__file__).with_name("page.html.jinja").read_text(encoding="utf-8"))
    sections = [
        {
            "finding": finding,
            "place": place(finding),
            "sides": sides(finding),
            "met": occurrence(finding),
            "exhibit": finding.exhibit,
        }
        for finding in report.findings
    ]
    cases = [
        {
            "case": case,
            "worst": list(dict.fromkeys(one.id for one in case.findings if one.severity is Severity.BREAKING)),
        }
        for case in report.cases
    ]
    # A finding on its own shows where it was met, and what led to it.
    several = report.count(Severity.BREAKING) > 1
    page = template.render(
        report=report,
        outcome=outcome(report),
        tally=tally(report),
        scope=scope(report),
        sections=sections,
        cases=cases if len(cases) > 1 else [],
        divergence=report.divergence[0] if report.divergence and several else None,
    )
    return page + "\n"
