"""What every command says about itself, and what saying it costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from wstape.cli import COMMANDS, wstape

HEAVY = (
    "asyncio",
    "deepdiff",
    "h11",
    "jinja2",
    "jsonschema",
    "jsonschema_rs",
    "msgpack",
    "rich",
    "websockets.asyncio",
    "zstandard",
)
REPORT_HEAVY = f"import sys; print(*[name for name in {HEAVY} if name in sys.modules])"


def _run(folder: Path, *arguments: str) -> list[str]:
    """Run the command line in a fresh interpreter; its lines, the last one what heavy it has imported."""
    program = f"from wstape.cli import run; run({list(arguments)!r}); {REPORT_HEAVY}"
    command = [sys.executable, "-c", program]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    return result.stdout.splitlines()


def test_the_help_imports_nothing_heavy(tmp_path: Path) -> None:
    lines = _run(tmp_path, "--help")
    assert "Record-replay contract testing" in "".join(lines)
    assert lines[-1] == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_help_imports_nothing_heavy(name: str, tmp_path: Path) -> None:
    assert _run(tmp_path, name, "--help")[-1] == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_help_has_an_example_and_the_exit_statuses(name: str) -> None:
    result = CliRunner().invoke(wstape, [name, "--help"])
    assert result.exit_code == 0
    assert "Example:" in result.stdout
    assert f"wstape {name}" in result.stdout.partition("Example:")[2]
    assert re.search(r"Exit status:\s+0 ", result.stdout)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_examples_options_exist(name: str) -> None:
    command = wstape.get_command(click.Context(wstape), name)
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    text = CliRunner().invoke(wstape, [name, "--help"], terminal_width=200).stdout
    example = text.partition("Example:")[2].partition("\n\n")[0].partition(" -- ")[0]
    assert set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", example)) <= known


def test_every_command_is_told_in_one_line() -> None:
    result = CliRunner().invoke(wstape, ["--help"])
    for name, words in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(words)}$", result.stdout, re.MULTILINE)
