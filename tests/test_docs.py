"""README and docs against the product: transcripts, commands, options, finding ids, exit statuses."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from demo_run import ENVIRONMENT, demo_run
from truth import BREAKING, COMPATIBLE

from wstape.cli import COMMANDS, wstape

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def fenced(page: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def shape(lines: list[str]) -> str:
    """A transcript less what differs from run to run: identifiers, numbers, wrapping, what is shown of both sides."""
    kept: list[str] = []
    beside = False  # whether both sides are shown, up to a blank line
    for line in lines:
        beside = bool(line.strip()) and (beside or line.lstrip().startswith("recorded, "))
        if not beside and "first divergence:" not in line:
            kept.append(line)
    text = " ".join(" ".join(kept).split())
    text = re.sub(r"\b(call|run|thread)_[0-9a-f]{12}\b", r"\1_ID", text)
    return re.sub(r"\d+", "N", text)


def test_the_transcript_is_what_the_demo_prints() -> None:
    (transcript,) = fenced(README, "console")
    told = demo_run()
    until = next(number for number, line in enumerate(told.chapter(4)) if line.startswith("The files are"))
    assert shape(transcript.splitlines()) == shape([*told.chapter(3), *told.chapter(4)[:until]])


def test_the_set_up_commands_are_those_of_ci() -> None:
    blocks = fenced(README, "sh")
    assert blocks[0] == "pip install . && wstape demo\n"
    assert blocks[1] == "pip install -e '.[test]' && pytest\n"
    assert blocks[1].strip() in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_commands_for_ones_own_service_work_as_typed(tmp_path: Path) -> None:
    """They are run one after the other against the sample service, whose port is put in place of 8000."""
    commands = [line for block in fenced(README, "sh")[2:] for line in block.replace("\\\n", "").splitlines()]
    assert [command.split()[1] for command in commands] == ["record", "show", "infer", "replay", "replay"]
    (tmp_path / "client.py").write_text("from wstape.demo.client import main\nmain()\n", encoding="utf-8")
    service = subprocess.Popen(
        [sys.executable, "-m", "wstape.demo.service"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    with service:
        try:
            assert service.stderr is not None
            address = service.stderr.readline().split()[-1]
            secrets = {"ALICE_PASSWORD": "tulip-harbour-62", "BOB_PASSWORD": "seven-quiet-owls"}
            for command in commands:
                result = subprocess.run(
                    ["bash", "-c", command.replace("ws://127.0.0.1:8000", address)],
                    cwd=tmp_path,
                    env={**ENVIRONMENT, **secrets},
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                )
                assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
        finally:
            service.terminate()
    assert {path.name for path in tmp_path.iterdir()} >= {"chat.cassette", "chat.contract.json", "replay.xml"}


def shown_commands(page: Path) -> list[tuple[str, str]]:
    """Every ``wstape COMMAND …`` in code on a page, with what follows on its line."""
    text = page.read_text(encoding="utf-8").replace("\\\n", "")
    blocks = "".join(re.findall(r"^```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    code = [*re.findall(r"`(wstape [^`]+)`", text), *re.findall(r"^\s*\$? *(wstape .+)$", blocks, re.MULTILINE)]
    return [(words[1], line) for line in code if len(words := line.split()) > 1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_that_a_page_shows_exists(page: Path) -> None:
    for name, line in shown_commands(page):
        if name == "COMMAND" or name.startswith("-"):
            continue
        assert name in COMMANDS, line
        command = wstape.get_command(click.Context(wstape), name)
        assert command is not None
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        used = set(re.findall(r"(?<=[\s\[])--?[a-z][a-z-]*", line.partition(" -- ")[0]))
        assert used <= known, line


def test_every_command_is_in_the_table_with_its_exit_statuses() -> None:
    rows = dict(re.findall(r"^\| `wstape (\w+)[^|]*\|[^|]*\| ([0-3 ]+) \|$", README, re.MULTILINE))
    assert list(rows) == list(COMMANDS)
    for name, statuses in rows.items():
        text = CliRunner().invoke(wstape, [name, "--help"]).stdout.partition("Exit status:")[2]
        assert statuses.split() == re.findall(r"\b([0-3])\s+[a-z]", text), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def finding_ids() -> set[str]:
    """The ids of all findings that the product raises."""
    pattern = r"\"((?:handshake|http|event|payload|link|message|close|isolation|replay|latency)/[a-z-]+)\""
    folders = ("contracts", "replayer", "reports")
    sources = (path.read_text(encoding="utf-8") for folder in folders for path in (ROOT / folder).rglob("*.py"))
    raised = {id for source in sources for id in re.findall(pattern, source)}
    templates = {path.stem for path in (ROOT / "contracts" / "rules").glob("*.py")} - {"__init__", "rule"}
    return raised | {f"sequence/{template}" for template in templates}


def test_every_finding_id_is_in_the_design() -> None:
    listed = re.findall(r"`([a-z]+/[a-z_-]+)`", DESIGN.partition("## Findings")[2].partition("## ")[0])
    assert sorted(listed) == sorted(finding_ids())


def test_every_finding_id_has_a_section_that_says_what_to_do() -> None:
    page = (ROOT / "docs" / "findings" / "README.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### `([a-z]+/[a-z_-]+)`\n\n(.+?)(?=\n#|\Z)", page, re.MULTILINE | re.DOTALL))
    assert finding_ids() <= sections.keys()
    assert all(len(text.split()) > 10 for text in sections.values())


def test_the_truth_table_has_a_row_for_each_build() -> None:
    page = (ROOT / "docs" / "truth-table.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([a-z-]+) \| ([^|]+) \| \d", page, re.MULTILINE))
    assert rows.keys() == {"same", *BREAKING, *COMPATIBLE}
    assert all(rows[build].split()[0] == BREAKING[build][0] for build in BREAKING)


def test_the_thresholds_in_the_design_are_those_in_force() -> None:
    from wstape.contracts.evidence import FIRM_SCOPES, FIRM_SEEN

    assert f"at least {FIRM_SEEN} times in at least {FIRM_SCOPES} scopes" in DESIGN


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_ci_run_is_a_valid_script() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(script)], check=True)
