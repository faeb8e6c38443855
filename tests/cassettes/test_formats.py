"""Recordings of other tools, read and written. The files in ``data`` were written by the tools themselves."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from foreign_site import BINARY, PASSWORD, PIXEL, REPLY, SAID, SESSION, TOKEN
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_cassette import RECORDS
from strategies import recordings

from wstape.cassettes import (
    CassetteError,
    Direction,
    Ending,
    Foreign,
    ForeignFormatError,
    HttpExchange,
    Kind,
    Record,
    Session,
    UsageError,
    WstapeError,
    foreign_format,
    header,
    open_cassette,
    read_session,
    scrub,
    write_records,
)
from wstape.cassettes.formats import mitmproxy
from wstape.cassettes.formats.har_writing import har_text, unseen
from wstape.cassettes.formats.importing import import_recording
from wstape.cassettes.redaction import Redactor

DATA = Path(__file__).parent / "data"
HARS = ("chromium-devtools.har", "playwright.har", "playwright-minimal.har", "playwright-attach.zip", "mitmproxy.har")
ANSWERS = [
    b'{"type": "said", "text": "h\\u00e9llo \\u4f60"}',
    b'{"type": "said", "text": "second"}',
    REPLY,
]


def tnetstring(value: object) -> bytes:
    """What mitmproxy writes for a value."""
    match value:
        case None:
            return b"0:~"
        case bool():
            data, kind = str(value).lower().encode(), b"!"
        case int():
            data, kind = str(value).encode(), b"#"
        case float():
            data, kind = repr(value).encode(), b"^"
        case str():
            data, kind = value.encode(), b";"
        case bytes():
            data, kind = value, b","
        case list():
            data, kind = b"".join(map(tnetstring, value)), b"]"
        case dict():
            data, kind = b"".join(tnetstring(key) + tnetstring(one) for key, one in value.items()), b"}"
        case _:
            raise TypeError(value)
    return b"%d:%s%s" % (len(data), data, kind)


def flow(**changes: object) -> bytes:
    """A flow of mitmproxy with the members that matter."""
    request = {
        "method": b"GET",
        "scheme": b"http",
        "host": "127.0.0.1",
        "port": 8000,
        "path": b"/ws",
        "headers": [[b"Host", b"127.0.0.1:8000"]],
        "content": b"",
        "timestamp_start": 1_700_000_000.0,
    }
    response = {"status_code": 101, "reason": b"", "headers": [], "content": b"", "timestamp_end": 1_700_000_000.5}
    plain = {"type": "http", "version": 21, "request": request, "response": response, "websocket": None, "error": None}
    return tnetstring(plain | changes)


def entry(**changes: object) -> dict[str, object]:
    """A HAR entry with the members that matter."""
    request = {"method": "GET", "url": "http://127.0.0.1:8000/a", "headers": []}
    response = {"status": 200, "statusText": "OK", "headers": [], "content": {}}
    plain = {"startedDateTime": "2026-01-31T12:00:00Z", "time": 5, "request": request, "response": response}
    return plain | changes


def socket(*messages: Mapping[str, object], **changes: object) -> dict[str, object]:
    """A HAR entry of a WebSocket."""
    request = {"method": "GET", "url": "ws://127.0.0.1:8000/ws", "headers": []}
    response = {"status": 101, "statusText": "", "headers": [], "content": {}}
    return entry(request=request, response=response, _webSocketMessages=list(messages)) | changes


def said(time: float, data: str = "x", opcode: int = 1) -> dict[str, object]:
    return {"type": "send", "time": time, "opcode": opcode, "data": data}


def write_har(path: Path, *entries: Mapping[str, object]) -> Path:
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8")
    return path


def imported(path: Path, origin: str | None = None) -> tuple[Session, Mapping[str, int]]:
    foreign = foreign_format(path)
    assert foreign is not None
    with path.open("rb") as file:
        found = import_recording(path, file, foreign, origin)
    return found.session, found.left_out


@pytest.mark.parametrize("name", [*HARS, "mitmproxy-18.flow", "mitmproxy-21.flow", "cassetter-websocket.yaml"])
def test_the_socket_of_every_producer(name: str) -> None:
    session = read_session(DATA / name)
    assert session.complete
    (connection,) = session.connections
    data = [message for message in connection.messages if message.kind is not Kind.CLOSE]
    sent = [message.payload for message in data if message.direction is Direction.CLIENT]
    got = [message.payload for message in data if message.direction is Direction.SERVER]
    assert sent == [SAID[0].encode(), SAID[1].encode(), BINARY, b"bye"]
    assert got == ANSWERS
    assert [message.direction for message in data] == [Direction.CLIENT, Direction.SERVER] * 3 + [Direction.CLIENT]
    assert [message.kind for message in data if message.payload in (BINARY, REPLY)] == [Kind.BINARY] * 2
    assert connection.handshake.subprotocol == "chat.v2"
    assert connection.handshake.target.startswith("/ws?token=")
    assert session.header.target == "ws://127.0.0.1:8123/ws"
    assert session.header.created.startswith("2026-11-23T1")
    times = [message.at_ns for message in connection.messages]
    assert times == sorted(times)
    assert connection.opened_ns <= times[0] <= times[-1] < connection.opened_ns + 10**9
    if "minimal" not in name:
        assert times[0] < times[-1]


@pytest.mark.parametrize("name", [*HARS, "mitmproxy-18.flow", "mitmproxy-21.flow"])
def test_the_exchanges_of_every_producer(name: str) -> None:
    session = read_session(DATA / name)
    by_target = {exchange.target: exchange for exchange in session.exchanges}
    assert by_target["/"].status == 302
    assert header(by_target["/"].response_headers, "location") == "/app?from=root"
    login = by_target["/login"]
    assert login.request_body == f"user=alice&password={PASSWORD}".encode()
    assert f"session={SESSION}" in (header(login.response_headers, "set-cookie") or "")
    assert json.loads(by_target["/me.json"].response_body)["user"] == "alice"  # was sent as gzip
    assert by_target["/logo.png"].response_body == PIXEL
    assert header(by_target["/welcome"].request_headers, "host") == "127.0.0.1:8123"
    assert TOKEN in session.connections[0].handshake.target
    assert not session.notes


def test_mitmproxy_and_cassetter_tell_how_a_connection_ended() -> None:
    for name, by in (("mitmproxy-21.flow", Direction.SERVER), ("cassetter-websocket.yaml", None)):
        (connection,) = read_session(DATA / name).connections
        assert connection.messages[-1].close_code == 4001
        assert connection.messages[-1].close_reason == "told to go"
        assert connection.closed is not None
        assert (connection.closed.ending, connection.closed.by) == (Ending.CLEAN, by)
    assert read_session(DATA / "playwright.har").connections[0].closed is None


def test_cassetter_json_is_written_as_it_was_sent() -> None:
    session = read_session(DATA / "cassetter-http.yaml")
    assert [exchange.target for exchange in session.exchanges] == ["/login", "/welcome", "/me.json", "/logo.png"]
    me = session.exchanges[2]
    assert me.response_body.startswith(b'{"user": "alice", "teams": ["red", ')
    assert str(len(me.response_body)) == header(me.response_headers, "content-length")


@given(recordings())
@settings(deadline=None, max_examples=60)
def test_there_and_back_through_har_is_the_same_session(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record]
) -> None:
    session = Session.gather(records)
    path = tmp_path_factory.mktemp("har") / "a.har"
    path.write_text(har_text(session), encoding="ascii")
    assert foreign_format(path) is Foreign.HAR
    back, left_out = imported(path)
    assert back == session
    assert not left_out


def test_every_recording_of_another_tool_survives_every_format(tmp_path: Path) -> None:
    for source in sorted(DATA.glob("*.[hyfz]*")):
        session = read_session(source)
        for suffix in (".cassette", ".har", ".jsonl"):
            target = tmp_path / f"{source.name}{suffix}"
            write_records(target, session.records())
            assert read_session(target) == session, target.name


def test_what_other_tools_do_not_see_is_counted() -> None:
    found = unseen(Session.gather(RECORDS))
    assert found == {"ping, pong or Close frame": 2, "ending of a connection": 1, "note": 2}


def test_another_reader_of_har_understands_ours() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own
        from haralyzer import HarEntry, HarParser

    document = json.loads(har_text(read_session(DATA / "playwright.har")))
    entries = [HarEntry(one) for one in HarParser(document).har_data["entries"]]
    by_path = {one.request.url.partition("8123")[2]: one for one in entries}
    assert by_path["/login"].status == 303
    assert by_path["/login"].request.text == f"user=alice&password={PASSWORD}"
    assert by_path["/me.json"].response.mimeType == "application/json; charset=utf-8"
    assert by_path["/welcome"].request.cookies[0]["value"] == SESSION
    assert by_path["/"].startTime.isoformat().startswith("2026-11-23T13:39:50")


@pytest.mark.parametrize(
    ("head", "foreign"),
    [
        (b'{"log": {"version": "1.2"', Foreign.HAR),
        (b'\xef\xbb\xbf\n{\n  "_comment": "x",\n  "log" : {', Foreign.HAR),
        (b'{"record": "header", "notes": {"log": {}}', None),
        (b'{"notes": {}, "record": "header"}\n{"log": {', None),
        (b"PK\x03\x04", Foreign.ZIPPED_HAR),
        (b"353:4:type;", Foreign.FLOWS),
        (b"# a comment\n---\nversion: 1\ninteractions: []\n", Foreign.CASSETTER),
        (b"interactions:\n- a", Foreign.CASSETTER),
        (b"something: else", None),
        (b"", None),
        (b"WSTAPE", None),
    ],
)
def test_files_are_told_apart_by_what_is_in_them(tmp_path: Path, head: bytes, foreign: Foreign | None) -> None:
    path = tmp_path / "misleading.cassette"
    path.write_bytes(head)
    assert foreign_format(path) is foreign


@pytest.mark.parametrize("scale", [1, 1e3, 1e6], ids=["seconds", "milliseconds", "microseconds"])
def test_the_unit_of_a_message_time_is_told_by_its_size(tmp_path: Path, scale: float) -> None:
    start = 1_769_860_800.0  # 2026-01-31T12:00:00Z
    path = write_har(tmp_path / "a.har", socket(said((start + 1.5) * scale), said(-1), said((start + 2.25) * scale)))
    (connection,) = read_session(path).connections
    assert [message.at_ns for message in connection.messages] == [1_500_000_000, 1_500_000_000, 2_250_000_000]


def test_quirks_of_browsers(tmp_path: Path) -> None:
    request: dict[str, Any] = {
        "method": "POST",
        "url": "https://example.com/a?b#c",
        "headers": [{"name": ":authority", "value": "example.com"}, {"name": ":method", "value": "POST"}],
        "cookies": [{"name": "k", "value": "v"}, {"name": "l", "value": "w"}],
        "postData": {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "q", "value": "a b"}]},
    }
    response: dict[str, Any] = {
        "status": 302,
        "statusText": "",
        "headers": [["X-Slack", "yes"]],
        "cookies": [{"name": "s", "value": "t", "path": "/", "httpOnly": True}],
        "redirectURL": "/next",
        "content": {"text": "caf\u00e9 \ud83d", "mimeType": "text/plain; charset=ISO-8859-1"},
    }
    path = write_har(
        tmp_path / "a.har",
        entry(request=request, response=response),
        entry(_fromCache="disk"),
        entry(request={"url": "data:,x"}),
        entry(request={"url": "https://example.com:443/b"}, response={"status": 200, "content": {"size": 9}}),
        entry(request={"url": "https://example.com/c"}, response={"status": 0, "_error": "net::ERR_FAILED"}),
        entry(request={"url": "https://elsewhere.example/"}),
    )
    session, left_out = imported(path)
    first, second, third = session.exchanges
    assert first.target == "/a?b"
    assert first.request_headers == (("Host", "example.com"), ("Cookie", "k=v; l=w"))
    assert first.request_body == b"q=a+b"
    assert first.response_headers == (
        ("X-Slack", "yes"),
        ("Set-Cookie", "s=t; Path=/; HttpOnly"),
        ("Location", "/next"),
    )
    assert first.response_body == "caf\u00e9 \ufffd".encode()  # U+FFFD is not in ISO-8859-1
    assert second.target == "/b"
    assert third.status == 0
    assert [note.text for note in session.notes] == [
        "HTTP exchange 2: the answer's body is not in the HAR",
        "HTTP exchange 3: the browser says: net::ERR_FAILED",
    ]
    assert left_out == {
        "exchange that the browser's cache answered": 1,
        "entry that is no request to the web": 1,
        "HTTP exchange with https://elsewhere.example:443": 1,
    }


def test_frames_that_are_no_messages_are_told(tmp_path: Path) -> None:
    error = {"type": "error", "time": 1.0, "opcode": -1, "data": "Connection reset"}
    odd = {"type": "send", "time": 1.0, "opcode": 7, "data": ""}
    path = write_har(tmp_path / "a.har", socket(said(-1, "eA==", 9), error, odd, said(-1, "no base64!", 2)))
    session, left_out = imported(path)
    assert [(one.kind, one.payload) for one in session.connections[0].messages] == [
        (Kind.PING, b"x"),
        (Kind.BINARY, b"no base64!"),
    ]
    assert [note.text for note in session.notes] == [
        "the browser says after message 1: Connection reset",
        "a binary message is not base64 and was taken as text",
    ]
    assert left_out == {"message of type 'send' and opcode 7": 1}


def test_times_fields_and_targets_that_no_wire_carries(tmp_path: Path) -> None:
    request = {"method": "GET", "url": "http://h/é x?q=你", "headers": [{"name": "X", "value": "你"}]}
    late = {"method": "GET", "url": "http://h/late", "headers": []}
    path = write_har(
        tmp_path / "a.har",
        entry(request=request, startedDateTime="1970-01-01T00:00:01Z", time=1e300),
        entry(request=late, startedDateTime="9999-12-31T23:59:59Z", time=-5),
        entry(request=late, startedDateTime="yesterday"),
    )
    session = read_session(path)
    write_records(tmp_path / "a.cassette", session.records())
    assert read_session(tmp_path / "a.cassette") == session
    first, unknown, last = sorted(session.exchanges, key=lambda exchange: exchange.number)
    assert first.target == "/%C3%A9%20x?q=%E4%BD%A0"
    assert first.request_headers[1][1].encode("latin-1").decode("utf-8") == "你"
    assert (first.at_ns, unknown.at_ns, last.at_ns) == (0, 0, 4 * 10**18)
    assert (first.took_ns, unknown.took_ns, last.took_ns) == (4 * 10**18, 5_000_000, 0)


def test_a_refused_handshake_is_a_connection_without_messages(tmp_path: Path) -> None:
    refused = socket(response={"status": 403, "statusText": "Forbidden", "headers": [], "content": {"text": "no"}})
    failed = socket(response={"status": 0, "headers": []})
    session = read_session(write_har(tmp_path / "a.har", refused, failed))
    assert [one.closed.ending for one in session.connections if one.closed] == [Ending.REFUSED, Ending.FAILED]
    assert session.connections[0].handshake.response_body == b"no"


def test_the_origin_can_be_chosen(tmp_path: Path) -> None:
    other = {"method": "GET", "url": "https://login.example/token", "headers": []}
    path = write_har(tmp_path / "a.har", entry(request=other), socket(said(-1)), socket(said(-1)))
    session, left_out = imported(path)
    assert len(session.connections) == 2
    assert left_out == {"HTTP exchange with https://login.example:443": 1}
    session, left_out = imported(path, "wss://login.example/anything")
    assert [exchange.target for exchange in session.exchanges] == ["/token"]
    assert session.header.target == "https://login.example/token"
    assert left_out == {"connection with http://127.0.0.1:8000": 2}
    with pytest.raises(ForeignFormatError, match=r"nothing in it went to http://nowhere; it has http://127.0.0.1:8000"):
        imported(path, "http://nowhere")


def test_messages_beside_a_har_are_read_only_as_playwright_names_them(tmp_path: Path) -> None:
    with zipfile.ZipFile(DATA / "playwright-attach.zip") as archive:
        archive.extractall(tmp_path)
    assert read_session(tmp_path / "har.har") == read_session(DATA / "playwright-attach.zip")
    for path in tmp_path.glob("*.jsonl"):
        path.unlink()
    session = read_session(tmp_path / "har.har")
    assert not session.connections[0].messages
    assert any("is not beside the HAR" in note.text for note in session.notes)
    (tmp_path / "private.txt").write_text("secret")
    for name in ("private.txt", "../private.txt", str(tmp_path / "private.txt")):
        response = {"status": 200, "headers": [], "content": {"_file": name}}
        assert read_session(write_har(tmp_path / "b.har", entry(response=response))).exchanges[0].response_body == b""


def test_flows_of_every_kind(tmp_path: Path) -> None:
    messages = [
        [1, True, b"a", 1_700_000_001.0, False, False],
        [1, False, b"never came", 1_700_000_001.5, True, False],
        [2, False, b"\x00", 1_700_000_002.0, False],  # format 14 and older: no mark of injection
    ]
    open_still = {"messages": messages, "closed_by_client": None, "close_code": None, "timestamp_end": None}
    abnormal = {"messages": [], "closed_by_client": False, "close_code": 1006, "close_reason": ""}
    empty = {"messages": [], "closed_by_client": True, "close_code": 1005, "close_reason": ""}
    path = tmp_path / "a.flow"
    unread = {"status_code": 200, "headers": [[b"Content-Encoding", b"nonsense"]], "content": b"abc"}
    path.write_bytes(
        flow(websocket=open_still)
        + flow(websocket=abnormal)
        + flow(websocket=empty)
        + flow(response=None, error={"msg": "connection refused"})
        + flow(response=unread)
        + tnetstring({"type": "dns", "version": 21})
        + flow(version=99)
    )
    session, left_out = imported(path)
    first, second, third = session.connections
    assert [one.payload for one in first.messages] == [b"a", b"\x00"]
    assert [one.closed.ending for one in session.connections if one.closed] == [Ending.CUT, Ending.EOF, Ending.CLEAN]
    assert second.messages == ()
    assert [(one.kind, one.payload, one.close_code) for one in third.messages] == [(Kind.CLOSE, b"", 1005)]
    assert [exchange.status for exchange in session.exchanges] == [0, 200, 101]
    assert [note.text for note in session.notes] == [
        "HTTP exchange 1: mitmproxy says: connection refused",
        "HTTP exchange 2: the response's body, 3 bytes encoded as nonsense, is not recorded",
    ]
    assert left_out == {
        "message that mitmproxy dropped": 1,
        "dns flow that is no HTTP request": 1,
        f"what flow format version 99 has and {mitmproxy.NEWEST} has not": 1,
    }


def test_a_torn_flow_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = (DATA / "mitmproxy-21.flow").read_bytes()
    path = tmp_path / "torn.flow"
    path.write_bytes(whole[:-100])
    reader = open_cassette(path)
    records = list(reader)
    assert not reader.complete
    assert "flow 9 is cut short" in reader.problem
    assert len(records) == len(list(open_cassette(DATA / "mitmproxy-21.flow"))) - 2  # its exchange, and the end


def test_old_flows_are_refused_with_the_way_out(tmp_path: Path) -> None:
    for version in (11, [2, 0, 0]):
        path = tmp_path / "old.flow"
        path.write_bytes(flow(version=version))
        with pytest.raises(ForeignFormatError, match=r"flow 1: flow format version .* mitmdump -nr OLD -w NEW"):
            open_cassette(path)


def test_yaml_is_read_as_its_writer_means_it(tmp_path: Path) -> None:
    """As YAML 1.2: PyYAML's own loader would make dates, numbers of base 60 and truth values of these."""
    path = tmp_path / "a.yaml"
    path.write_text(
        "version: 1\ninteractions:\n- request:\n    method: GET\n    uri: http://h/\n  response:\n    status: 200\n"
        "    headers: {}\n    body:\n      type: json\n      content:\n"
        '        a: 2026-01-31\n        b: 12:30:45\n        c: yes\n        d: 1_000\n        e: "7"\n        f: 7\n'
        "        g: -1.5e3\n        h: null\n        i: true\n        j: [x, ~]\n",
        encoding="utf-8",
    )
    (exchange,) = read_session(path).exchanges
    assert json.loads(exchange.response_body) == {
        **{"a": "2026-01-31", "b": "12:30:45", "c": "yes", "d": "1_000", "e": "7", "f": 7, "g": -1500.0, "h": None},
        **{"i": True, "j": ["x", None]},
    }


def zipped(content: bytes, name: str = "har.har", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(name, content)
    return file.getvalue()


HAR_START = b'{"log": {"entries": '
YAML_START = b"version: 1\ninteractions:\n"
HOSTILE = {
    "no entries": b'{"log": {}}',
    "cut JSON": HAR_START + b'[{"request": {"url": "http://h/',
    "deep JSON": HAR_START + b"[" * 100_000,
    "an entry without a URL": HAR_START + b"[{}]}}",
    "only odd entries": HAR_START + b'[{"request": {"url": "data:,"}}]}}',
    "a URL that is none": HAR_START + b'[{"request": {"url": "http://[::1"}}]}}',
    "wrong types": HAR_START + b'[{"request": {"url": "ws://h/", "headers": 5}, "_webSocketMessages": 7}, 3]}}',
    "not UTF-8": HAR_START + b'["\xff"]}}',
    "a huge number": HAR_START + b"[" + b"9" * 5000 + b"]}}",
    "an endless length": b"999999999999:",
    "a length of many digits": b"9" * 12 + b"9:",
    "no type": b"3:abc?",
    "a list that lies": b"6:9:abc,]",
    "deep lists": b"".join(b"%d:" % (4 * (40 - n)) for n in range(1)) + b"0:]" * 40,
    "a number that is none": b"3:abc#",
    "a flow of a number": b"1:1#",
    "a tag": YAML_START + b"- !!python/object/apply:os.system [true]\n",
    "an alias": YAML_START + b"- &a [x]\n- *a\n",
    "deep YAML": YAML_START + b"- " + b"[" * 5000,
    "two documents": YAML_START + b"  []\n---\na\n",
    "broken YAML": YAML_START + b"- 'open\n",
    "another version": b"version: 2\ninteractions: []\n",
    "an archive of nothing": zipped(b"", "a.txt"),
    "a cut archive": zipped(HAR_START)[:-30],
    "a bomb": zipped(HAR_START + b" " * (8 << 20)),
    "a bomb of values": zipped(HAR_START + b"[" + b"[]," * 1_300_000),
    "a slow method": zipped(HAR_START, method=zipfile.ZIP_LZMA),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.cassette"
    path.write_bytes(content)
    with pytest.raises(CassetteError) as caught:
        read_session(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@given(
    name=st.sampled_from(["playwright.har", "mitmproxy-21.flow", "cassetter-websocket.yaml", "playwright-attach.zip"]),
    data=st.data(),
)
@settings(deadline=None, max_examples=100)
def test_damage_anywhere_is_our_error_or_a_recording(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    content = bytearray((DATA / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path = tmp_path_factory.mktemp("damaged") / "a"
    path.write_bytes(content)
    with contextlib.suppress(WstapeError):  # nothing else may come out
        write_records(path.with_suffix(".cassette"), list(open_cassette(path)))


def test_another_tools_file_is_never_rewritten_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes((DATA / "playwright.har").read_bytes())
    with pytest.raises(UsageError, match="a HAR is not rewritten in place; 'wstape convert' it"):
        scrub(path, Redactor())
    assert path.read_bytes() == (DATA / "playwright.har").read_bytes()


def test_a_body_that_is_no_text_goes_through_har_as_base64(tmp_path: Path) -> None:
    post = {"mimeType": "image/png", "text": base64.b64encode(PIXEL).decode(), "encoding": "base64"}
    request = {"method": "PUT", "url": "http://h/", "headers": [], "postData": post}
    assert read_session(write_har(tmp_path / "a.har", entry(request=request))).exchanges[0].request_body == PIXEL


@pytest.mark.parametrize("body", ["café".encode(), "café".encode("latin-1"), b"\x00\xff", b""])
def test_a_body_that_lies_about_its_charset_goes_through_har_unchanged(tmp_path: Path, body: bytes) -> None:
    exchange = RECORDS[1]
    assert isinstance(exchange, HttpExchange)
    media_type = (("Content-Type", "text/plain; charset=ISO-8859-1"),)
    changed = replace(
        exchange, request_headers=media_type, request_body=body, response_headers=media_type, response_body=body
    )
    write_records(tmp_path / "a.har", [RECORDS[0], changed])
    assert read_session(tmp_path / "a.har").exchanges == (changed,)
