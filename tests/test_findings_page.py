"""The page on findings: each id has an example, which is what is printed today (``--update-golden`` rewrites them)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from example_findings import EXAMPLES

from wstape.contracts import Finding
from wstape.reports import Report
from wstape.reports.terminal import render_terminal

PAGE = Path(__file__).parents[1] / "docs" / "findings" / "README.md"


def printed(finding: Finding) -> str:
    """A finding as a terminal of 100 columns shows it, less the verdict below."""
    return render_terminal(Report(title="", findings=(finding,)), width=100).partition("\n\n")[0] + "\n"


def section(page: str, id: str) -> tuple[str, str, str]:
    """The page up to the example of an id, the example, and the rest; an empty one where there is none yet."""
    start = page.index(f"### `{id}`\n")
    heading = re.compile(r"^#+ |\Z", re.MULTILINE).search(page, start + 1)
    assert heading is not None
    end = heading.start()
    fence = page.find("```text\n", start, end)
    if fence < 0:
        return f"{page[:end].rstrip()}\n\n```text\n", "", f"```\n\n{page[end:]}"
    begin = fence + len("```text\n")
    close = page.index("```\n", begin)
    return page[:begin], page[begin:close], page[close:]


@pytest.mark.parametrize("id", EXAMPLES)
def test_the_example_is_what_is_printed(id: str, request: pytest.FixtureRequest) -> None:
    finding = EXAMPLES[id]()
    assert finding.id == id
    before, example, after = section(PAGE.read_text(encoding="utf-8"), id)
    if request.config.getoption("--update-golden"):
        example = printed(finding)
        PAGE.write_text(f"{before}{example}{after}", encoding="utf-8")
    assert example == printed(finding)


def test_every_section_has_an_example() -> None:
    assert set(re.findall(r"^### `([a-z]+/[a-z_-]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) == set(EXAMPLES)
