"""A finding in words, the same in every report."""

from __future__ import annotations

import json

from ..cassettes import counted, printable
from ..contracts import Finding, Severity
from .report import Report
from .side_by_side import unified

_SHOWN = 200
"""Characters of a value that are shown; the rest is for ``--json``."""


def outcome(report: Report) -> str:
    """ "BREAKING", "COMPATIBLE", or "INCOMPLETE" when nothing breaks but a recording lacked its end."""
    if report.verdict == "breaking":
        return "BREAKING"
    return "COMPATIBLE" if report.complete else "INCOMPLETE"


def tally(report: Report) -> str:
    """How many findings of each severity: ``1 breaking, 2 info``."""
    counts = [f"{report.count(severity)} {severity}" for severity in Severity if report.count(severity)]
    return ", ".join(counts) or "nothing to report"


def scope(report: Report) -> str:
    """What was judged, and how much of it."""
    parts = [printable(report.title)]
    for count, noun in ((report.connections, "connection"), (report.messages, "message")):
        if count is not None:
            parts.append(counted(count, noun))
    return ", ".join(parts)


def place(finding: Finding) -> str:
    """What the finding is about: ``server tool_completed /duration_ms``."""
    parts = (finding.direction and str(finding.direction), finding.label, finding.path)
    return " ".join(part for part in parts if part)


def occurrence(finding: Finding) -> str:
    """Where it was met first and how often: ``12 times, first in connection 1, message 14``; empty when nowhere."""
    where = ""
    if finding.connection is not None:
        where = f"connection {finding.connection}"
        if finding.position is not None:
            where += f", message {finding.position}"
    if finding.count > 1:
        return f"{finding.count} times" + (f", first in {where}" if where else "")
    return f"in {where}" if where else ""


def shown(value: object) -> str:
    """A value of a payload as JSON on one line, cut to a readable length and without control characters."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(value)
    text = printable(text)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"


def sides(finding: Finding) -> list[tuple[str, str]]:
    """The rule that was broken, and both sides in short, named, those that there is something to see on.

    Both sides are left out where the finding's exhibit shows them.
    """
    named: list[tuple[str, str]] = []
    if finding.rule is not None:
        named.append(("rule", printable(finding.rule)))
    shows_both = finding.exhibit is not None and finding.exhibit.recorded is not None
    # What a sequence finding holds on its sides is the rule and the scope, which is said already.
    if not (shows_both or finding.id.startswith("sequence/")):
        edit = finding.fingerprint is not None  # of a contract: nothing was recorded
        values = (("old" if edit else "recorded", finding.baseline), ("new" if edit else "now", finding.candidate))
        # A label that is the finding's own says nothing new.
        named += [(name, shown(value)) for name, value in values if value is not None and value != finding.label]
    if finding.fingerprint is not None:
        named.append(("fingerprint", finding.fingerprint))
    return named


def describe(finding: Finding) -> str:
    """The finding as plain text of a few lines."""
    lines = [f"{finding.severity} {finding.id} {printable(place(finding))}".rstrip(), printable(finding.message)]
    lines += [f"{name}: {value}" for name, value in sides(finding)]
    met = occurrence(finding)
    if met:
        lines.append(met)
    if finding.exhibit is not None:
        lines += unified(finding.exhibit)
    return "\n".join(lines)
