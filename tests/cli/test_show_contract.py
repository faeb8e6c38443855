"""``wstape show --contract FILE --diagram`` as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest
import simulated

from wstape.cli import run
from wstape.contracts import infer


def test_a_contract_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contract = tmp_path / "chat.contract.json"
    contract.write_text(infer([simulated.session(1)]).dumps())
    assert run(["show", "--contract", str(contract), "--diagram"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.startswith("## connection\n\n```mermaid\nstateDiagram-v2\n")
    assert '    state "tool_executing (server)" as s1\n' in shown.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "a cassette is missing"),
        (["--diagram"], "--contract and --diagram go together"),
        (["--contract", "a.contract.json"], "--contract and --diagram go together"),
        (["a.cassette", "--contract", "a.contract.json", "--diagram"], "without a cassette"),
        (["--contract", "nowhere.contract.json", "--diagram"], "nowhere.contract.json"),
    ],
)
def test_what_does_not_go_together_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["show", *arguments]) == 2
    assert said in capsys.readouterr().err
