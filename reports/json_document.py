"""The report as one JSON document, for programs."""

from __future__ import annotations

import json

from ..contracts import Exhibit, Finding
from .report import Report


def render_json(report: Report) -> str:
    """Return the document that ``--json`` prints: ``verdict``, ``findings``, ``summary``. Its shape is stable."""
    document = {
        "verdict": report.verdict,
        "findings": [_finding(finding) for finding in report.findings],
        "summary": report.summary,
    }
    text = json.dumps(document, ensure_ascii=False, indent=2)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # JSON may hold lone surrogates as escapes (RFC 8259 section 8.2); UTF-8 cannot.
        return json.dumps(document, indent=2)
    return text


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "id": finding.id,
        "severity": str(finding.severity),
        "direction": finding.direction and str(finding.direction),
        "label": finding.label,
        "path": finding.path,
        "connection": finding.connection,
        "position": finding.position,
        "count": finding.count,
        "message": finding.message,
        "baseline": finding.baseline,
        "candidate": finding.candidate,
        # What follows stands only where it says something. `compat` alone has the last two.
        **({} if finding.rule is None else {"rule": finding.rule}),
        **({} if finding.exhibit is None else {"exhibit": _exhibit(finding.exhibit)}),
        **({} if finding.effect is None else {"effect": finding.effect}),
        **({} if finding.fingerprint is None else {"fingerprint": finding.fingerprint}),
    }


def _exhibit(exhibit: Exhibit) -> dict[str, object]:
    return {
        "recorded": exhibit.recorded,
        "now": exhibit.now,
        "rows": [{"recorded": row.recorded, "now": row.now, "marked": row.marked} for row in exhibit.rows],
        "led": list(exhibit.led),
    }
