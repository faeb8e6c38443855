"""The report as JUnit XML, which every CI system shows.

A test case for each case of the report; breaking findings are its failure, the rest stand in its output. The elements
are those that the Jenkins JUnit schema and GitLab have in common.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ..contracts import Finding, Severity
from .report import Case, Report
from .words import describe

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 section 2.2


def render_junit(report: Report) -> str:
    """Return the document."""
    cases = report.cases or (Case(name=report.title, findings=report.findings),)
    failing = [case for case in cases if _breaking(case)]
    skipped = sum(not case.played for case in cases)
    totals = {"tests": str(len(cases)), "failures": str(len(failing)), "errors": "0", "skipped": str(skipped)}
    root = ElementTree.Element("testsuites", {"name": "wstape", **totals})
    suite = ElementTree.SubElement(root, "testsuite", {"name": _clean(report.title), **totals})
    for case in cases:
        element = ElementTree.SubElement(suite, "testcase", {"classname": "wstape", "name": _clean(case.name)})
        breaking = _breaking(case)
        if not case.played:
            ElementTree.SubElement(element, "skipped", {"message": "another one had failed"})
        if breaking:
            failure = ElementTree.SubElement(
                element,
                "failure",
                {"type": breaking[0].id, "message": _clean(breaking[0].message)},
            )
            failure.text = _clean("\n\n".join(describe(finding) for finding in breaking))
        others = [finding for finding in case.findings if finding.severity is not Severity.BREAKING]
        if others:
            output = ElementTree.SubElement(element, "system-out")
            output.text = _clean("\n\n".join(describe(finding) for finding in others))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _breaking(case: Case) -> list[Finding]:
    return [finding for finding in case.findings if finding.severity is Severity.BREAKING]


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
