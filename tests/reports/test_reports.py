"""What people and programs read. Golden files: ``pytest --update-golden`` rewrites them; review the difference."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from rich.cells import cell_len

from wstape.cassettes import Direction
from wstape.contracts import SKIPPED, Exhibit, Finding, Row, Severity
from wstape.reports import Case, Report, render_json, render_junit
from wstape.reports.github import render_annotations, unread
from wstape.reports.html import render_html
from wstape.reports.markdown import render_markdown
from wstape.reports.terminal import render_terminal

TYPE_CHANGED = Finding(
    id="payload/type-changed",
    severity=Severity.BREAKING,
    direction=Direction.SERVER,
    label="tool_completed",
    path="/duration_ms",
    connection=1,
    position=14,
    count=12,
    message='`/duration_ms` was an integer in all 48 recorded samples, now a string: "132"',
    baseline="integer",
    candidate="132",
)
THIN = Finding(
    id="payload/enum-value",
    severity=Severity.WARNING,
    direction=Direction.SERVER,
    label="agent_completed",
    path="/finish_reason",
    connection=2,
    position=30,
    message="`/finish_reason` has a value that was never recorded, and a message that is long enough to be wrapped "
    "when the terminal has no more than eighty columns",
    baseline=["length", "stop"],
    candidate="tool_limit",
)
HOSTILE = Finding(
    id="event/unknown-label",
    severity=Severity.INFO,
    direction=Direction.SERVER,
    label="\x1b[2Jcleared\x00",
    path=None,
    connection=None,
    position=None,
    message="the event `\x1b[31mred` is new\nand has two lines",
    candidate={"a": "\x07" * 3 + "x" * 500},
)
RENAMED = Finding(
    id="payload/field-renamed",
    severity=Severity.BREAKING,
    direction=Direction.SERVER,
    label="agent_completed",
    path="/answer",
    connection=1,
    position=20,
    count=15,
    message="`/answer` was present in all 15 recorded samples, now it is called `/completion`",
    baseline="/answer",
    candidate="/completion",
    exhibit=Exhibit(
        recorded="connection 1, message 18",
        now="connection 1, message 20",
        rows=(
            SKIPPED,
            Row(recorded='"thread_id": "thread_1a"', now='"thread_id": "thread_75"'),
            Row(recorded='"answer": "' + "答えは上の通りです。" * 4 + '"', marked=True),
            Row(now='"completion": "The answer is as above, and much more has to be said of it."', marked=True),
            SKIPPED,
        ),
        led=('after -> 4 user_message: /thread_id "thread_75" came from <- 3 thread_created /thread_id',),
    ),
)
LATE = Finding(
    id="sequence/init",
    severity=Severity.BREAKING,
    direction=Direction.SERVER,
    label="agent_started",
    path=None,
    connection=2,
    position=5,
    message="`agent_started` was not the first event: `agent_thinking` came before it (run_id=r-1)",
    baseline="init(server:agent_started)",
    candidate="run_id=r-1",
    rule="init(agent_started) in run_id",
    exhibit=Exhibit(
        recorded="connection 2, run_id=r-0",
        now="connection 2, run_id=r-1",
        rows=(
            Row(recorded="<- 5 agent_started", marked=True),
            Row(recorded="<- 6 agent_thinking x2", now="<- 5 agent_thinking"),
            Row(now="<- 6 agent_started", marked=True),
            SKIPPED,
        ),
    ),
)
ALONE = replace(
    TYPE_CHANGED,
    severity=Severity.WARNING,
    exhibit=Exhibit(
        recorded=None,
        now="connection 1, message 14",
        rows=(Row(now='"ok": true'), Row(now='"duration_ms": "132"', marked=True)),
    ),
)
REPORTS = {
    "side-by-side": Report(title="a against b", findings=(RENAMED, LATE, ALONE), connections=2, messages=70),
    "breaking": Report(
        title="chat.cassette against ws://127.0.0.1:8000",
        findings=(TYPE_CHANGED, THIN, HOSTILE),
        cases=(Case(name="chat.cassette", findings=(TYPE_CHANGED, THIN, HOSTILE)), Case(name="login.cassette")),
        connections=3,
        messages=1234,
    ),
    "compatible": Report(title="a against b", findings=(), connections=1, messages=1),
    "incomplete": Report(title="a against b", findings=(THIN,), connections=1, messages=9, complete=False),
}


EVIL = (
    "<script>alert(1)</script> <img src=x onerror=alert(2)> </details></summary></pre></code></td></style> "
    "| pipe | `tick` ``` \r\n```\n::error::line\n# head\n- item\n&lt; &#64; [a](javascript:x) ![i](x) **b** _i_ ~~s~~ "
    "@everyone #1 {{ 7 * 7 }} {% raw %} \x1b[31m \u202e \ud800 \x00 %0A 100%,a:b"
)
ATTACK = replace(
    TYPE_CHANGED,
    label=EVIL,
    path=EVIL,
    message=EVIL,
    baseline=EVIL,
    candidate={EVIL: [EVIL]},
    rule=EVIL,
    exhibit=Exhibit(
        recorded=None,
        now=EVIL,
        rows=(Row(recorded=EVIL, now=EVIL), Row(now=EVIL, marked=True)),
        led=(EVIL, "```", "~~~"),
    ),
)
ATTACKED = Report(
    title=EVIL,
    findings=(ATTACK, replace(ATTACK, exhibit=replace(LATE.exhibit or ATTACK.exhibit, recorded=EVIL, now=EVIL))),
    cases=(Case(name=EVIL, findings=(ATTACK,)), Case(name=EVIL, played=False)),
    divergence=(EVIL,),
    notes=(EVIL,),
)
"""Everything that a report takes from elsewhere tries to break out of its place."""


HTML_TABLE = ("table", "thead", "tbody", "tr", "th", "td")


@pytest.mark.parametrize("name", REPORTS)
def test_terminal(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.txt", render_terminal(REPORTS[name], width=80))


@pytest.mark.parametrize("width", [40, 120])
def test_both_sides_at_other_widths(width: int, golden: Callable[[str, str], None]) -> None:
    golden(f"side-by-side-{width}.txt", render_terminal(REPORTS["side-by-side"], width=width))


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = render_terminal(REPORTS["side-by-side"], width=width)
    assert max(map(cell_len, text.splitlines())) <= width


def test_terminal_in_colour(golden: Callable[[str, str], None]) -> None:
    golden("colour.txt", render_terminal(REPORTS["breaking"], width=80, color=True))
    golden("side-by-side-colour.txt", render_terminal(REPORTS["side-by-side"], width=120, color=True))


@pytest.mark.parametrize("name", REPORTS)
def test_junit(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.xml", render_junit(REPORTS[name]))


def test_junit_is_xml_whatever_the_payloads_hold() -> None:
    root = ElementTree.fromstring(render_junit(REPORTS["breaking"]))
    assert root.get("failures") == "1"
    (failed, passed) = root.iter("testcase")
    assert failed.find("failure") is not None
    assert passed.find("failure") is None


@pytest.mark.parametrize("name", REPORTS)
def test_json(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.json", render_json(REPORTS[name]) + "\n")


def test_json_has_the_documented_shape() -> None:
    document = json.loads(render_json(REPORTS["breaking"]))
    assert list(document) == ["verdict", "findings", "summary"]
    assert list(document["findings"][0]) == [
        *("id", "severity", "direction", "label", "path", "connection", "position", "count"),
        *("message", "baseline", "candidate"),
    ]
    assert document["findings"][0]["candidate"] == "132"


def test_json_with_a_lone_surrogate_can_be_printed() -> None:
    finding = replace(TYPE_CHANGED, candidate="\ud800 and é")
    text = render_json(Report(title="", findings=(finding,)))
    assert json.loads(text.encode("utf-8"))["findings"][0]["candidate"] == "\ud800 and é"


def test_no_report_can_drive_a_terminal() -> None:
    text = render_terminal(REPORTS["breaking"], width=80)
    assert all(character == "\n" or character.isprintable() for character in text)


@pytest.mark.parametrize("name", REPORTS)
def test_markdown(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.md", render_markdown(REPORTS[name]))


def test_nothing_hostile_is_markup_in_markdown() -> None:
    text = render_markdown(ATTACKED)
    assert all(character == "\n" or character.isprintable() for character in text)
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    tags = set(re.findall(r"<([a-z]+[0-9]?)", page))
    assert tags == {*("h2", "p", "details", "summary", "b", "code", "pre", "ul", "li"), *HTML_TABLE}
    assert page.count("<details") == page.count("</details>") == 2
    assert page.count("<h2>") == page.count("<ul>") == page.count("<li>") == 1
    assert page.count("<tr>") == 3
    assert page.count("<td>") == 6
    outside = re.sub(r"<(code|pre).*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r"[@#]\w", outside.replace("&#64;", ""))


def test_markdown_fits_into_a_comment() -> None:
    findings = (replace(TYPE_CHANGED, candidate="x" * 190),) * 1000
    text = render_markdown(Report(title="a against b", findings=findings))
    assert len(text) < 65_536
    shown = text.count("<details")
    assert shown > 50
    assert f"\n{1000 - shown} more in the report for the terminal" in text
    assert text.count("<details open>") == 5


@pytest.mark.parametrize("start", ["- item", "1. item", "12) item", "# head", "===", "+ item", "    code", "---"])
def test_a_message_is_a_paragraph_in_markdown_however_it_begins(start: str) -> None:
    text = render_markdown(Report(title="a against b", findings=(replace(TYPE_CHANGED, message=start),)))
    page = MarkdownIt("commonmark").render(text)
    assert f"<p>{start.strip()}</p>" in page


FILED = replace(
    REPORTS["breaking"],
    findings=(replace(TYPE_CHANGED, count=24), THIN, HOSTILE),
    cases=(
        Case(name="login", file="tapes/login.cassette"),
        Case(name="chat", file="./tapes/a,b:100%.cassette", findings=(TYPE_CHANGED, HOSTILE)),
        Case(name="again", file="again.cassette", findings=(TYPE_CHANGED, THIN)),
    ),
    complete=False,
)


def _commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """What GitHub's runner reads: command, properties, message; everything unescaped."""

    def plain(value: str) -> str:
        return re.sub("%(0D|0A|3A|2C|25)", lambda met: chr(int(met[1], 16)), value)

    read: list[tuple[str, dict[str, str], str]] = []
    for line in text.splitlines():
        command, _, rest = line.removeprefix("::").partition(" ")
        properties, _, message = rest.partition("::")
        pairs = (pair.split("=", 1) for pair in properties.split(","))
        read.append((command, {key: plain(value) for key, value in pairs}, plain(message)))
    return read


def test_annotations(golden: Callable[[str, str], None]) -> None:
    golden("annotations.txt", render_annotations(FILED, folder="services/chat"))
    golden("annotations-side-by-side.txt", render_annotations(REPORTS["side-by-side"]))


def test_annotations_stand_at_the_file_in_which_a_finding_was_met_first() -> None:
    read = _commands(render_annotations(FILED, folder="services/chat"))
    assert [(command, properties.get("file")) for command, properties, _ in read] == [
        ("error", "services/chat/tapes/a,b:100%.cassette"),
        ("warning", "services/chat/again.cassette"),
        ("notice", "services/chat/tapes/a,b:100%.cassette"),
        ("error", None),
    ]
    assert read[-1][1] == {"title": "BREAKING"}
    one = _commands(render_annotations(replace(FILED, cases=(), file="/top/a.jsonl"), folder="services/chat"))
    assert {properties["file"] for _, properties, _ in one} == {"/top/a.jsonl"}
    assert {properties["line"] for _, properties, _ in one} == {"1"}


def test_nothing_hostile_is_a_command_of_its_own() -> None:
    text = render_annotations(replace(ATTACKED, file=EVIL))
    lines = text.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("::error file=") for line in lines)
    assert all(character == "\n" or character.isprintable() for character in text)
    for _, properties, message in _commands(text):
        assert list(properties) == ["file", "line", "title"]
        assert properties["title"].startswith("payload/type-changed server <script>")
        assert "%0A 100%,a:b" in properties["title"]
        assert len(message) <= 4096


def test_the_runner_does_not_read_the_report_itself() -> None:
    text = unread(render_terminal(ATTACKED, width=40), "token")
    assert text.startswith("::stop-commands::token\n")
    assert text.endswith("\n::token::\n")


@pytest.mark.parametrize("name", REPORTS)
def test_html(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.html", render_html(REPORTS[name]))


class Seen(HTMLParser):
    """Tags, attributes and text of a page, as a browser reads them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_nothing_hostile_is_markup_in_html() -> None:
    page = render_html(ATTACKED)
    assert all(character == "\n" or character.isprintable() for character in page)
    seen, tame = Seen(page), Seen(render_html(replace(REPORTS["side-by-side"], cases=ATTACKED.cases, notes=("a",))))
    assert set(seen.tags) <= set(tame.tags)
    assert (
        seen.attributes
        == tame.attributes
        == {
            *("lang", "charset", "http-equiv", "content", "name", "class", "scope"),
        }
    )
    assert not {"script", "img", "a", "iframe", "link"} & set(seen.tags)
    assert any(text.startswith("<script>alert(1)</script> <img") and "{{ 7 * 7 }}" in text for text in seen.texts)


def test_a_page_needs_nothing_beside_it() -> None:
    page = render_html(REPORTS["side-by-side"])
    assert not re.search(r"https?:|url\(|@import|src=|href=", page)
    assert "default-src 'none'" in page
