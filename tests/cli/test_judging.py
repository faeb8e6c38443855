"""``check``, ``diff`` and ``replay`` as commands: their options, their output, their exit status."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sessions import connection, session
from upstreams import answering_in_thread, in_thread
from websockets.sync.server import ServerConnection

from wstape.cassettes import Session, read_session, write_records
from wstape.cli import run


def conversation(number: int, *, score: object = 1, label: str = "answer", extra: bool = False):
    """One connection with a few questions; ``score`` is what the answers carry."""
    said: list[tuple[str, object]] = [("<", {"type": "welcome", "session_id": f"s-{number:08x}aa"})]
    for turn in range(4):
        answer = {"type": label, "text": f"text {turn}", "score": score}
        if extra:
            answer["note"] = "new"
        said += [(">", {"type": "ask", "text": f"question {turn}"}), ("<", answer)]
    return connection(*said, number=number, begin_ms=number * 100)


def recording(**build: object) -> Session:
    return session(*(conversation(number, **build) for number in (1, 2, 3, 4)))  # pyright: ignore[reportArgumentType]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_records(Path("good.cassette"), recording().records())
    write_records(Path("retyped.cassette"), recording(score="1").records())
    write_records(Path("extended.cassette"), recording(extra=True).records())
    assert run(["infer", "good.cassette", "-o", "good.contract.json"]) == 0


def judged(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    capsys.readouterr()
    status = run([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_check_a_recording_that_keeps_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    status, document = judged(capsys, "check", "good.cassette", "--contract", "good.contract.json")
    assert (status, document["verdict"], document["findings"]) == (0, "compatible", [])
    assert document["summary"] == {
        **{"breaking": 0, "warning": 0, "info": 0, "connections": 4, "messages": 44},
        **{"complete": True, "cassettes": 1},
    }


def test_check_a_recording_that_breaks_it(capsys: pytest.CaptureFixture[str]) -> None:
    status, document = judged(capsys, "check", "good.cassette", "retyped.cassette", "--contract", "good.contract.json")
    assert (status, document["verdict"]) == (1, "breaking")
    (finding,) = document["findings"]
    assert (finding["id"], finding["label"], finding["path"], finding["count"]) == (
        *("payload/type-changed", "answer", "/score"),
        16,
    )
    assert (finding["connection"], finding["position"], finding["candidate"]) == (1, 3, "1")


def test_junit_has_a_case_for_each_cassette(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["check", "good.cassette", "retyped.cassette", "--contract", "good.contract.json"]
    assert run([*arguments, "--junit", "report.xml"]) == 1
    cases = list(ElementTree.parse("report.xml").getroot().iter("testcase"))
    assert [(case.get("name"), case.find("failure") is not None) for case in cases] == [
        ("good.cassette", False),
        ("retyped.cassette", True),
    ]
    assert capsys.readouterr().out.splitlines()[-2].startswith("BREAKING")


def test_markdown_is_written_beside_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    status, document = judged(
        capsys, "check", "retyped.cassette", "--contract", "good.contract.json", "--markdown", "report.md"
    )
    assert (status, document["verdict"]) == (1, "breaking")
    text = Path("report.md").read_text(encoding="utf-8")
    assert text.startswith("## wstape: BREAKING\n\n1 breaking\n")
    assert "```diff" in text


def test_a_page_is_written_beside_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    Path("report.html").write_text("of the last time", encoding="utf-8")
    assert run(["check", "retyped.cassette", "--contract", "good.contract.json", "--html", "report.html"]) == 1
    text = Path("report.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert '<h1 class="breaking">BREAKING</h1>' in text
    assert run(["check", "good.cassette", "--contract", "good.contract.json", "--html", "no/such/report.html"]) == 2
    assert "no/such/report.html" in capsys.readouterr().err


def test_annotations_and_the_summary_of_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("of the step before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path.parent))
    arguments = ["good.cassette", "retyped.cassette", "--contract", "good.contract.json", "--github"]
    assert run(["check", *arguments]) == 1
    first, *report, end, annotation = capsys.readouterr().out.splitlines()
    assert end == f"::{first.removeprefix('::stop-commands::')}::"
    assert report[-2].startswith("BREAKING")
    assert annotation.startswith(
        f"::error file={tmp_path.name}/retyped.cassette,line=1,title=payload/type-changed server answer /score::"
    )
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("of the step before\n## wstape: BREAKING\n")

    status = run(["check", *arguments, "--json"])
    printed = capsys.readouterr()
    assert (status, json.loads(printed.out)["verdict"]) == (1, "breaking")
    assert printed.err == annotation + "\n"

    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert run(["check", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"wstape: error: {tmp_path}: ")


def test_each_command_names_the_file_that_it_judged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    assert run(["infer", "retyped.cassette", "-o", "retyped.contract.json"]) == 0
    for arguments, file in (
        (["diff", "good.cassette", "retyped.cassette"], "retyped.cassette"),
        (["compat", "good.contract.json", "retyped.contract.json"], "retyped.contract.json"),
    ):
        assert run([*arguments, "--github"]) == 1
        assert f"\n::error file={file},line=1,title=" in capsys.readouterr().out


@pytest.mark.parametrize(("level", "status"), [("breaking", 0), ("warning", 0), ("info", 1)])
def test_the_level_that_fails(level: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["extended.cassette", "--contract", "good.contract.json", "--fail-on", level]
    found, document = judged(capsys, "check", *arguments)
    assert (found, document["verdict"]) == (status, "compatible")
    assert [finding["id"] for finding in document["findings"]] == ["payload/field-added"]


@pytest.mark.parametrize(
    ("candidate", "status", "ids"),
    [
        ("good.cassette", 0, []),
        ("retyped.cassette", 1, ["payload/type-changed"]),
        ("extended.cassette", 0, ["payload/field-added"]),
    ],
)
def test_diff(candidate: str, status: int, ids: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    found, document = judged(capsys, "diff", "good.cassette", candidate)
    assert (found, [finding["id"] for finding in document["findings"]]) == (status, ids)


def test_diff_says_which_connection_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    whole = recording()
    write_records(Path("fewer.cassette"), session(*whole.connections[:3]).records())
    status, document = judged(capsys, "diff", "good.cassette", "fewer.cassette")
    assert status == 1
    assert [(f["id"], f["connection"]) for f in document["findings"]] == [("event/missing", 4)]


def test_diff_exactly(capsys: pytest.CaptureFixture[str]) -> None:
    write_records(Path("other.cassette"), recording(score=2).records())
    assert run(["diff", "good.cassette", "other.cassette"]) == 0
    status, document = judged(capsys, "diff", "good.cassette", "other.cassette", "--mode", "exact")
    assert status == 1
    assert [(f["id"], f["path"], f["count"]) for f in document["findings"]] == [("payload/value-changed", "/score", 16)]


def _teams_document(labelled: bool) -> str:
    def message(label: str, **fields: object) -> dict[str, object]:
        kind = {"type": {"const": label}} if labelled else {}
        properties = {**kind, **{name: {"type": type_} for name, type_ in fields.items()}}
        return {"payload": {"type": "object", "properties": properties, "required": list(properties)}}

    channel = {"$ref": "#/channels/chat"}
    messages = {
        "welcome": message("welcome", session_id="string"),
        "answer": message("answer", text="string", score="integer"),
        "ask": message("ask", text="string"),
    }
    sent, received = (
        [{"$ref": f"#/channels/chat/messages/{name}"} for name in names] for names in (("welcome", "answer"), ("ask",))
    )
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "Chat", "version": "1"},
        "channels": {"chat": {"address": "/", "messages": messages}},
        "operations": {
            "say": {"action": "send", "channel": channel, "messages": sent},
            "hear": {"action": "receive", "channel": channel, "messages": received},
        },
    }
    return json.dumps(document)


@pytest.mark.parametrize("labelled", [True, False])
def test_every_judge_takes_a_teams_asyncapi_document(labelled: bool, capsys: pytest.CaptureFixture[str]) -> None:
    Path("chat.asyncapi.json").write_text(_teams_document(labelled), encoding="utf-8")
    contract = ["--contract", "chat.asyncapi.json"]
    assert run(["check", "good.cassette", *contract]) == 0
    assert run(["check", "retyped.cassette", *contract]) == 1
    assert run(["diff", "good.cassette", "good.cassette", *contract]) == 0
    for score, status in ((3, 0), ("three", 1)):
        with answering_in_thread({"type": "answer", "text": "live", "score": score}) as target:
            found, document = judged(capsys, "replay", "good.cassette", "--target", target, *contract)
        assert found == status
        breaking = [f["id"] for f in document["findings"] if f["severity"] == "breaking"]
        assert breaking == ["payload/type-changed"] * status


def test_replay_saves_what_came(capsys: pytest.CaptureFixture[str]) -> None:
    with answering_in_thread({"type": "answer", "text": "live", "score": 3}) as target:
        arguments = ["replay", "good.cassette", "--contract", "good.contract.json", "--target", target]
        assert run([*arguments, "--save", "live.cassette"]) == 0
        assert run([*arguments, "--save", "live.cassette"]) == 2
        assert "live.cassette: the file exists already" in capsys.readouterr().err
        assert run([*arguments, "--save", "live.cassette", "--force"]) == 0
    saved = read_session(Path("live.cassette"))
    assert saved.complete
    assert saved.header.target == target
    assert run(["check", "live.cassette", "--contract", "good.contract.json"]) == 0


def test_replay_several_cassettes_several_times(capsys: pytest.CaptureFixture[str]) -> None:
    with answering_in_thread({"type": "answer", "text": "live", "score": "three"}) as target:
        status, document = judged(
            capsys, "replay", "good.cassette", "extended.cassette", "--target", target, "--repeat", "2"
        )
    assert status == 1
    assert document["summary"]["connections"] == 16
    assert document["summary"]["repeats"] == 2
    assert [(f["id"], f["path"]) for f in document["findings"] if f["severity"] == "breaking"] == [
        ("payload/type-changed", "/score")
    ]


def test_replay_without_a_contract_learns_it_from_the_cassette(capsys: pytest.CaptureFixture[str]) -> None:
    with answering_in_thread({"type": "answer", "text": "live"}) as target:
        status, document = judged(capsys, "replay", "good.cassette", "--target", target)
    assert status == 1
    assert [(f["id"], f["label"], f["path"]) for f in document["findings"]] == [
        ("payload/field-missing", "answer", "/score")
    ]


def test_replay_can_keep_the_recorded_pauses(capsys: pytest.CaptureFixture[str]) -> None:
    with answering_in_thread({"type": "answer", "text": "live", "score": 3}) as target:
        status, document = judged(capsys, "replay", "good.cassette", "--target", target, "--speed", "1")
    assert (status, document["findings"]) == (0, [])


def test_a_login_and_fresh_identifiers_reach_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    request = "0f8fad5b-d9cb-469f-a165-70867728950e"
    asked = connection(
        (">", {"type": "ask", "request_id": request, "auth": "{{secret:key:1}}"}),
        ("<", {"type": "answer", "request_id": request}),
        (">", {"type": "ack", "request_id": request}),
        ("<", {"type": "answer", "request_id": request}),
        request_headers=(("X-Build", "1"),),
    )
    write_records(Path("asked.cassette"), session(asked).records())
    came: list[dict] = []
    fields: list[str] = []

    def echoing(ws: ServerConnection) -> None:
        assert ws.request is not None
        fields.append(ws.request.headers["X-Build"])
        for text in ws:
            came.append(json.loads(text))
            ws.send(json.dumps({"type": "answer", "request_id": came[-1]["request_id"]}))

    login = shlex.join([sys.executable, "-c", "print('key=live-key', 'X-Build: 2', sep=chr(10))"])
    with in_thread(echoing) as target:
        arguments = ("replay", "asked.cassette", "--target", target, "--login", login)
        assert judged(capsys, *arguments)[0] == 0
        assert [message["request_id"] for message in came] == [request, request]
        came.clear()
        for mode in ("contract", "exact"):
            status, document = judged(capsys, *arguments, "--fresh-ids", "--mode", mode)
            assert (status, document["findings"]) == (0, [])
    assert fields == ["2"] * 3
    assert came[0]["auth"] == "live-key"
    assert came[0]["request_id"] == came[1]["request_id"] != request
    assert came[2]["request_id"] == came[3]["request_id"] != came[0]["request_id"]


def test_a_bindings_file_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bindings.json").write_text('{"bind": [{"value": "x", "from": "nowhere"}]}', encoding="utf-8")
    arguments = ["replay", "good.cassette", "--target", "ws://127.0.0.1:9", "--bindings", "bindings.json"]
    assert run(arguments) == 2
    assert "--bindings: the client never sends 'x'" in capsys.readouterr().err


def test_many_cassettes_give_a_line_each_and_one_summary(capsys: pytest.CaptureFixture[str]) -> None:
    copies = [f"copy{number}.cassette" for number in range(4)]
    for name in copies:
        write_records(Path(name), recording().records())
    with answering_in_thread({"type": "answer", "text": "t", "score": 1}) as target:
        assert run(["replay", *copies, "--target", target, "--jobs", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [f"compatible  {name}" for name in copies]
    assert lines[-1].startswith("4 cassettes against ws://127.0.0.1:")
    with answering_in_thread({"type": "answer", "text": "t", "score": "1"}) as target:
        arguments = ["replay", *copies, "--target", target, "--contract", "good.contract.json", "--junit", "report.xml"]
        assert run([*arguments, "--fail-fast"]) == 1
        played, *left = capsys.readouterr().out.splitlines()[-6:-2]
        assert played.split() == ["breaking", "copy0.cassette", "payload/type-changed"]
        assert [line.partition("  ")[0] for line in left] == ["not played"] * 3
        suite = ElementTree.parse("report.xml").getroot()
        assert (suite.get("failures"), suite.get("skipped")) == ("1", "3")
        assert run(arguments) == 1
        assert sum(line.startswith("breaking  ") for line in capsys.readouterr().out.splitlines()) == 4
