"""Streams as one event: where they are cut is no difference, not even an exact one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from simulated import Sent, client, records, server

from wstape.cassettes import write_records
from wstape.cli import run
from wstape.contracts import Contract, Event, EventReader, infer
from wstape.contracts.json_text import resolve
from wstape.replayer.folding import folded

TEXT = "the weather in the north is fine today and will be so tomorrow"


def conversation(size: int, said: str = TEXT, *, numbered: bool = True) -> list[Sent]:
    sent: list[Sent] = []
    for number in range(4):
        run_id = f"run_{number}a"
        sent += [client("ask", n=number), server("started", run_id=run_id)]
        for index, at in enumerate(range(0, len(said), size)):
            more: dict[str, Any] = {"index": index} if numbered else {}
            sent.append(server("text_delta", run_id=run_id, text=said[at : at + size], **more))
        sent.append(server("text_done", run_id=run_id, text=said))
    return sent


def events(sent: list[Sent], contract: Contract) -> list[Event]:
    reader = EventReader(contract.envelope)
    return [event for record in records([sent]) if hasattr(record, "payload") for event in reader.read(record)]  # type: ignore[arg-type]


@pytest.mark.parametrize("numbered", [True, False])
def test_a_stream_is_its_first_piece_with_the_whole_value(numbered: bool) -> None:
    contract = infer([records([conversation(5, numbered=numbered)])])
    for size in (1, 7, 100):
        kept = folded(events(conversation(size, numbered=numbered), contract), contract)
        assert [event.label for event in kept] == ["ask", "started", "text_delta", "text_done"] * 4
        assert [resolve(event.payload, ("text",)) for event in kept[2::4]] == [TEXT] * 4


def test_without_streams_nothing_changes() -> None:
    contract = infer([records([[server("a", n=1), server("b", n=2)]])])
    sent = events([server("a", n=1), server("a", n=2)], contract)
    assert folded(sent, contract) == tuple(sent)


def test_in_exact_mode_only_what_was_said_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {name: tmp_path / f"{name}.cassette" for name in ("base", "cut", "other")}
    write_records(files["base"], records([conversation(5)]))
    write_records(files["cut"], records([conversation(9)]))
    write_records(files["other"], records([conversation(9, TEXT.replace("north", "south"))]))
    assert run(["diff", "--mode", "exact", str(files["base"]), str(files["cut"])]) == 0
    assert run(["diff", "--mode", "exact", str(files["base"]), str(files["other"])]) == 1
    assert "payload/value-changed" in capsys.readouterr().out
