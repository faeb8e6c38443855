"""``wstape infer`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simulated import records, server, session

from wstape.cassettes import End, write_records
from wstape.cli import run
from wstape.contracts import Contract


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_records(Path("a.cassette"), session(1))
    write_records(Path("b.jsonl"), session(2))
    write_records(Path("cut.cassette"), [record for record in session(3) if not isinstance(record, End)])


def test_the_contract_is_written_and_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["infer", "a.cassette", "-o", "chat.contract.json"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert (
        "learned from 3 connections and 182 messages to chat.contract.json\n  envelope: json (confidence 0.90)\n"
        in told.err
    )
    assert "scope tool_call_id (26 values join 52 events): 4 firm rules, 0 tentative" in told.err
    contract = Contract.load(Path("chat.contract.json"))
    assert [claim.name for claim in contract.scopes] == ["tool_call_id", "run_id", "connection"]


@pytest.mark.parametrize("output", [[], ["-o", "-"]])
def test_without_a_file_it_goes_to_standard_output(output: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["infer", "a.cassette", *output]) == 0
    assert json.loads(capsys.readouterr().out)["wstape"] == "contract"


def test_the_order_of_cassettes_and_their_form_change_no_byte() -> None:
    write_records(Path("b.cassette"), session(2))
    assert run(["infer", "a.cassette", "b.jsonl", "-o", "one.json"]) == 0
    assert run(["infer", "b.cassette", "a.cassette", "-o", "two.json"]) == 0
    assert Path("one.json").read_bytes() == Path("two.json").read_bytes()


def test_a_scope_that_a_person_names_is_learned_in_parts_and_by_several_processes_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def orders(seed: int) -> None:
        said = [
            server(step, order=f"A {seed} {number}", desk="D") for number in range(3) for step in ("placed", "filled")
        ]
        write_records(Path(f"orders{seed}.cassette"), records([said]))

    for seed in range(3):
        orders(seed)
    named = ["--scope", "order", "--scope", "desk=/desk"]
    whole = ["orders0.cassette", "orders1.cassette", "orders2.cassette"]
    assert run(["infer", *whole, *named, "-o", "whole.json"]) == 0
    assert "scope order (9 values join 18 events): 0 firm rules, 4 tentative" in capsys.readouterr().err
    assert run(["infer", *whole, *named, "--jobs", "2", "-o", "jobs.json"]) == 0
    assert run(["infer", *whole[:2], *named, "-o", "parts.json"]) == 0
    assert run(["infer", whole[2], "--update", "-o", "parts.json"]) == 0
    assert Path("whole.json").read_bytes() == Path("jobs.json").read_bytes() == Path("parts.json").read_bytes()
    assert run(["check", *whole, "--contract", "whole.json"]) == 0


@pytest.mark.parametrize("scope", ["", "=/order", "order=", "order=desk", "connection"])
def test_what_names_no_scope_is_refused(scope: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["infer", "a.cassette", "--scope", scope]) == 2
    assert capsys.readouterr().err.startswith("wstape: error: --scope ")


def test_a_named_scope_that_joins_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["infer", "a.cassette", "--scope", "basket", "-o", "chat.contract.json"]) == 0
    assert "--scope basket: no two events of a connection share a value of it" in capsys.readouterr().err


def test_an_existing_file_is_kept_unless_forced(capsys: pytest.CaptureFixture[str]) -> None:
    Path("chat.contract.json").write_text("mine")
    assert run(["infer", "a.cassette", "-o", "chat.contract.json"]) == 2
    assert Path("chat.contract.json").read_text() == "mine"
    assert "--force" in capsys.readouterr().err
    assert run(["infer", "a.cassette", "-o", "chat.contract.json", "--force"]) == 0
    assert Contract.load(Path("chat.contract.json")).events


def test_an_incomplete_cassette_is_learned_from_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["infer", "cut.cassette", "-o", "chat.contract.json"]) == 3
    assert Contract.load(Path("chat.contract.json")).events
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "cut.cassette" in line]
    assert "incomplete" in line


def test_the_envelope_can_be_named() -> None:
    assert run(["infer", "a.cassette", "--envelope", "opaque", "-o", "chat.contract.json"]) == 0
    assert set(Contract.load(Path("chat.contract.json")).events) == {"client:text", "server:text"}


def test_what_was_learned_from_passes_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["infer", "a.cassette", "b.jsonl", "-o", "chat.contract.json"]) == 0
    assert run(["check", "a.cassette", "b.jsonl", "--contract", "chat.contract.json", "--fail-on", "info"]) == 0


def test_parts_and_processes_give_the_same_bytes() -> None:
    write_records(Path("b.cassette"), session(2))
    write_records(Path("c.cassette"), session(4))
    assert run(["infer", "a.cassette", "b.cassette", "c.cassette", "-o", "whole.json"]) == 0
    assert run(["infer", "c.cassette", "b.cassette", "a.cassette", "--jobs", "2", "-o", "jobs.json"]) == 0
    assert run(["infer", "b.cassette", "-o", "parts.json", "--update"]) == 0  # there is none yet
    assert run(["infer", "c.cassette", "a.cassette", "-o", "parts.json", "--update"]) == 0
    assert Path("whole.json").read_bytes() == Path("jobs.json").read_bytes() == Path("parts.json").read_bytes()


def test_the_state_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["infer", "a.cassette", "-o", "whole.json"]) == 0
    assert run(["infer", "a.cassette", "-o", "bare.json", "--no-state"]) == 0
    whole, bare = json.loads(Path("whole.json").read_text()), json.loads(Path("bare.json").read_text())
    assert list(whole)[-1] == "state"
    del whole["state"]
    assert whole == bare
    capsys.readouterr()
    assert run(["infer", "b.jsonl", "-o", "bare.json", "--update"]) == 0
    told = capsys.readouterr().err
    assert "warning: bare.json remembers nothing of its recordings: its own counts go on" in told
    updated = json.loads(Path("bare.json").read_text())
    assert "state" not in updated
    assert updated["learned"]["cassettes"] == 2
    assert run(["check", "a.cassette", "b.jsonl", "--contract", "bare.json"]) == 0
    capsys.readouterr()
    assert run(["infer", "b.jsonl", "-o", "bare.json", "--update", "--envelope", "opaque"]) == 2
    assert "learn from all of them in one go" in capsys.readouterr().err
    assert json.loads(Path("bare.json").read_text()) == updated


def test_an_update_needs_a_file_and_the_same_reading(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["infer", "a.cassette", "--update"]) == 2
    assert run(["infer", "a.cassette", "-o", "one.json"]) == 0
    before = Path("one.json").read_bytes()
    assert run(["infer", "b.jsonl", "-o", "one.json", "--update", "--envelope", "opaque"]) == 2
    told = capsys.readouterr().err
    assert "--update needs the contract to learn more into; name it with -o FILE" in told
    assert "some recordings were read as json (client /type, server /type), and all together are opaque" in told
    assert Path("one.json").read_bytes() == before


def test_a_named_envelope_is_remembered() -> None:
    assert run(["infer", "a.cassette", "--envelope", "opaque", "-o", "one.json"]) == 0
    assert run(["infer", "b.jsonl", "-o", "one.json", "--update"]) == 0
    assert set(Contract.load(Path("one.json")).events) == {"client:text", "server:text"}


def test_an_exception_to_a_rule_is_kept_and_told_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    calls = [server(step, call_id=f"call_{n}e") for n in range(400) for step in ("begun", "done")]
    write_records(Path("calls.cassette"), records([calls[:400], [*calls[400:500], *calls[501:]]]))
    assert run(["infer", "calls.cassette", "-o", "calls.contract.json"]) == 0
    warnings = [line for line in capsys.readouterr().err.splitlines() if "exception" in line]
    assert any(
        line.startswith("wstape: warning: an exception in calls.cassette: connection 2, message 101: ")
        for line in warnings
    )
    assert any("came without a `begun` before it (call_id=call_250e)" in line for line in warnings)
    contract = Contract.load(Path("calls.contract.json"))
    assert {rule.broken for claim in contract.scopes if claim.name == "call_id" for rule in claim.rules} == {0, 1}
    assert run(["check", "calls.cassette", "--contract", "calls.contract.json"]) == 0
