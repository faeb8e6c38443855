"""The tap, fed bytes by hand: whatever the chunks, the same records; held against websockets' own parser."""

from __future__ import annotations

import itertools
import zlib
from dataclasses import dataclass, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

from wstape.cassettes import Closed, Direction, Ending, HttpExchange, Kind, Message, Note, Opened, Record
from wstape.recorder import Rewriting, Tap

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER

REQUEST = (
    b"GET /chat?x=1 HTTP/1.1\r\nHost: up\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
DEFLATE = b"permessage-deflate; client_max_window_bits=12"
NO_TAKEOVER = b"permessage-deflate; client_no_context_takeover; server_no_context_takeover"


def switching(extensions: bytes = b"") -> bytes:
    extra = b"Sec-WebSocket-Extensions: " + extensions + b"\r\n" if extensions else b""
    return b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + extra + b"\r\n"


def opened(extensions: bytes = b"", *, limit: int = 1 << 28) -> Tap:
    tap = Tap(limit=limit)
    tap.receive_data(CLIENT, REQUEST, 1)
    tap.receive_data(SERVER, switching(extensions), 2)
    assert tap.unchanged
    assert tap.data_to_server() == REQUEST
    assert [type(record) for record in tap.records_received()] == [Opened]
    return tap


def feed(tap: Tap, direction: Direction, data: bytes, size: int = 0) -> list[Record]:
    """Feed ``data`` in chunks of ``size`` bytes (0: at once); return the records."""
    size = size or max(1, len(data))
    for start in range(0, len(data), size):
        tap.receive_data(direction, data[start : start + size], 7)
    return tap.records_received()


def contents(records: list[Record]) -> list[tuple[Kind, bytes]]:
    return [(record.kind, record.payload) for record in records if isinstance(record, Message)]


def notes(records: list[Record]) -> list[Note]:
    return [record for record in records if isinstance(record, Note)]


def frame(opcode: Opcode, data: bytes = b"", *, mask: bool = False, fin: bool = True, rsv1: bool = False) -> bytes:
    """A frame, also one that must not be sent."""
    return replace_head(Frame(Opcode.BINARY, data).serialize(mask=mask), opcode, fin, rsv1)


def replace_head(data: bytes, opcode: int, fin: bool, rsv1: bool = False) -> bytes:
    return bytes([(0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode]) + data[1:]


@dataclass(frozen=True)
class Sent:
    """A message or control frame, and the lengths of its fragments."""

    opcode: Opcode
    data: bytes
    cuts: tuple[int, ...] = ()
    between: tuple[bytes, ...] = ()  # pings between its fragments


def wire(messages: list[Sent], *, mask: bool, extension: PerMessageDeflate | None) -> bytes:
    """What a sender that follows RFC 6455 makes of the messages."""
    out: list[bytes] = []
    extensions = [extension] if extension else []
    for message in messages:
        bounds = [0, *sorted({cut for cut in message.cuts if cut < len(message.data)}), len(message.data)]
        pieces = [message.data[a:b] for a, b in itertools.pairwise(bounds)]
        for number, piece in enumerate(pieces):
            opcode = message.opcode if number == 0 else Opcode.CONT
            whole = Frame(opcode, piece, fin=number == len(pieces) - 1)
            out.append(whole.serialize(mask=mask, extensions=extensions))
            if number < len(pieces) - 1:
                out += [Frame(Opcode.PING, ping).serialize(mask=mask) for ping in message.between]
    return b"".join(out)


texts = st.text(max_size=40).map(lambda text: text.encode())
data_messages = st.builds(
    Sent,
    opcode=st.just(Opcode.TEXT),
    data=texts,
    cuts=st.tuples(),
) | st.builds(
    Sent,
    opcode=st.just(Opcode.BINARY),
    data=st.binary(max_size=300) | st.integers(120, 70_000).map(lambda size: b"z" * size),
    cuts=st.lists(st.integers(1, 300), max_size=4).map(tuple),
    between=st.lists(st.binary(max_size=125), max_size=2).map(tuple),
)
control = st.builds(Sent, opcode=st.sampled_from([Opcode.PING, Opcode.PONG]), data=st.binary(max_size=125))
conversations = st.lists(data_messages | control, max_size=6)


def oracle(data: bytes, *, mask: bool, extension: PerMessageDeflate | None) -> list[tuple[Kind, bytes]]:
    """What websockets reads from the same bytes, with its fragments joined."""
    protocol = Protocol(Side.SERVER if mask else Side.CLIENT, state=OPEN, max_size=None)
    protocol.extensions = [extension] if extension else []
    protocol.receive_data(data)
    result: list[tuple[Kind, bytes]] = []
    kinds = {Opcode.TEXT: Kind.TEXT, Opcode.BINARY: Kind.BINARY, Opcode.PING: Kind.PING, Opcode.PONG: Kind.PONG}
    kinds[Opcode.CLOSE] = Kind.CLOSE
    kind, pieces = Kind.TEXT, list[bytes]()
    for event in protocol.events_received():
        assert isinstance(event, Frame)
        if event.opcode in (Opcode.PING, Opcode.PONG, Opcode.CLOSE):
            result.append((kinds[event.opcode], bytes(event.data)))
            continue
        if event.opcode is not Opcode.CONT:
            kind, pieces = kinds[event.opcode], []
        pieces.append(bytes(event.data))
        if event.fin:
            result.append((kind, b"".join(pieces)))
    assert protocol.parser_exc is None
    return result


def deflate(negotiated: bytes) -> PerMessageDeflate | None:
    if not negotiated:
        return None
    fresh = negotiated == NO_TAKEOVER
    return PerMessageDeflate(
        remote_no_context_takeover=fresh,
        local_no_context_takeover=fresh,
        remote_max_window_bits=15,
        local_max_window_bits=12,
    )


@given(
    messages=conversations,
    negotiated=st.sampled_from([b"", DEFLATE, NO_TAKEOVER]),
    direction=st.sampled_from([CLIENT, SERVER]),
    size=st.integers(1, 4000),
)
@example([Sent(Opcode.BINARY, b"z" * 65_536)], b"", CLIENT, 65_535)
@example([Sent(Opcode.BINARY, b"z" * 125), Sent(Opcode.BINARY, b"z" * 126)], b"", SERVER, 1)
@example([Sent(Opcode.TEXT, b""), Sent(Opcode.TEXT, b"")], DEFLATE, CLIENT, 1)
@settings(deadline=None, max_examples=150)
def test_reads_what_websockets_reads_whatever_the_chunks(
    messages: list[Sent], negotiated: bytes, direction: Direction, size: int
) -> None:
    mask = direction is CLIENT
    data = wire(messages, mask=mask, extension=deflate(negotiated))
    data += Frame(Opcode.CLOSE, b"\x03\xe8bye").serialize(mask=mask)
    expected = oracle(data, mask=mask, extension=deflate(negotiated))
    at_once = feed(opened(negotiated), direction, data)
    assert contents(at_once) == expected
    assert notes(at_once) == []
    assert feed(opened(negotiated), direction, data, size) == at_once


@given(data=st.binary(max_size=400), direction=st.sampled_from([CLIENT, SERVER]), size=st.integers(1, 50))
@example(b"\x81\x85\0\0\0\0hello\xff\xff", CLIENT, 1)
@settings(deadline=None)
def test_any_bytes_are_read_the_same_whatever_the_chunks(data: bytes, direction: Direction, size: int) -> None:
    for extensions in (b"", DEFLATE):
        assert feed(opened(extensions), direction, data, size) == feed(opened(extensions), direction, data)


@given(data=st.binary(max_size=300) | st.binary(max_size=60).map(lambda tail: REQUEST + tail), size=st.integers(1, 40))
@settings(deadline=None)
def test_any_bytes_before_the_handshake_reach_the_server(data: bytes, size: int) -> None:
    tap = Tap()
    for start in range(0, len(data), size):
        tap.receive_data(CLIENT, data[start : start + size], 1)
    tap.receive_data(SERVER, b"garbage\r\n\r\n", 2)
    sent = tap.data_to_server()
    # What waits for the rest of a head is the only thing not yet sent.
    assert data.startswith(sent)


@given(size=st.integers(1, 60))
@settings(deadline=None, max_examples=30)
def test_a_whole_conversation_is_the_same_whatever_the_chunks(size: int) -> None:
    post = b"POST /login HTTP/1.1\r\nHost: up\r\nContent-Length: 5\r\n\r\nuser="
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    hello = Frame(Opcode.TEXT, b"hello").serialize(mask=False)

    def run(size: int) -> tuple[list[Record], bytes]:
        tap = Tap()
        records = feed(tap, CLIENT, post + REQUEST, size)
        records += feed(tap, SERVER, answer + switching() + hello, size)
        records += feed(tap, CLIENT, frame(Opcode.TEXT, b"hi", mask=False), size)
        tap.connection_lost(9)
        return records + tap.records_received(), tap.data_to_server()

    records, sent = run(size)
    assert sent == post + REQUEST
    whole, _ = run(0)
    assert records == whole
    assert [type(record) for record in whole] == [HttpExchange, Opened, Message, Note, Closed]


def test_handshake_is_kept_in_order_and_spelling() -> None:
    tap = Tap()
    request = REQUEST.replace(b"Host: up", b"hOST:   up\r\nX-B: 2\r\nx-a:1")
    tap.receive_data(CLIENT, request, 5)
    tap.receive_data(SERVER, b"HTTP/1.1 101 Go\r\nSEC-WebSocket-Protocol: v2\r\nX-Z: \xe9\r\n\r\n", 6)
    (record,) = tap.records_received()
    assert isinstance(record, Opened)
    assert record.at_ns == 5
    assert record.connection == 1
    shake = record.handshake
    assert shake.target == "/chat?x=1"
    assert shake.request_headers[:3] == (("hOST", "up"), ("X-B", "2"), ("x-a", "1"))
    assert (shake.status, shake.reason, shake.subprotocol) == (101, "Go", "v2")
    assert shake.response_headers[1] == ("X-Z", "é")
    assert tap.data_to_server() == request


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (frame(Opcode.TEXT, b"x", mask=True), "masked frame from the server"),
        (replace_head(frame(Opcode.TEXT, b"x"), 0x3, fin=True), "unknown opcode 3"),
        (frame(Opcode.TEXT, b"x", rsv1=True), "reserved bits"),
        (frame(Opcode.CONT, b"x"), "nothing to continue"),
        (frame(Opcode.TEXT, b"x", fin=False) + frame(Opcode.TEXT, b"y"), "within a fragmented"),
        (frame(Opcode.PING, b"x", fin=False), "control frame"),
        (frame(Opcode.CLOSE, b"x" * 126), "control frame"),
    ],
    ids=["masked", "unknown opcode", "reserved bit", "nothing to continue", "within a message", "no fin", "too long"],
)
def test_a_protocol_error_ends_the_reading_of_its_direction_only(data: bytes, words: str) -> None:
    tap = opened()
    good = frame(Opcode.TEXT, b"good")
    records = feed(tap, SERVER, good + data + good)
    assert contents(records) == [(Kind.TEXT, b"good")]
    (note,) = notes(records)
    assert words in note.text
    assert note.lost
    assert note.connection == 1
    assert feed(tap, SERVER, good) == []
    assert contents(feed(tap, CLIENT, frame(Opcode.TEXT, b"still", mask=True))) == [(Kind.TEXT, b"still")]


def test_an_unmasked_client_frame_is_a_protocol_error() -> None:
    (note,) = notes(feed(opened(), CLIENT, frame(Opcode.TEXT, b"x")))
    assert "must be masked" in note.text


def test_invalid_utf8_is_recorded_as_sent_and_noted() -> None:
    tap = opened()
    records = feed(tap, CLIENT, frame(Opcode.TEXT, b"\xce\xba\xff", mask=True) + frame(Opcode.TEXT, b"ok", mask=True))
    assert contents(records) == [(Kind.TEXT, b"\xce\xba\xff"), (Kind.TEXT, b"ok")]
    (note,) = notes(records)
    assert "not UTF-8" in note.text
    assert not note.lost  # nothing is missing


def test_nothing_is_read_after_a_close_frame() -> None:
    tap = opened()
    records = feed(tap, SERVER, frame(Opcode.CLOSE, b"\x03\xf3why") + frame(Opcode.TEXT, b"late"))
    (close,) = [record for record in records if isinstance(record, Message)]
    assert (close.close_code, close.close_reason) == (1011, "why")
    assert notes(records) == []


@pytest.mark.parametrize("final_blocks", [1, 3])
def test_deflate_with_final_blocks(final_blocks: int) -> None:
    # RFC 7692 section 7.2.3.4: a message may hold DEFLATE blocks with BFINAL set.
    payload = b""
    for number in range(final_blocks):
        engine = zlib.compressobj(wbits=-15)
        payload += engine.compress(b"part %d " % number) + engine.flush(zlib.Z_FINISH)
    payload += b"\x00"
    expected = b"".join(b"part %d " % number for number in range(final_blocks))
    assert contents(feed(opened(DEFLATE), SERVER, frame(Opcode.TEXT, payload, rsv1=True))) == [(Kind.TEXT, expected)]


def test_a_message_that_inflates_beyond_the_limit_is_not_kept() -> None:
    engine = zlib.compressobj(wbits=-15)
    bomb = engine.compress(bytes(4_000_000)) + engine.flush(zlib.Z_SYNC_FLUSH)
    tap = opened(DEFLATE, limit=1_000_000)
    records = feed(tap, SERVER, frame(Opcode.BINARY, bomb[:-4], rsv1=True))
    assert contents(records) == []
    (note,) = notes(records)
    assert "1000000 bytes" in note.text
    assert note.lost


@pytest.mark.parametrize(
    "data", [b"\x82\x7f" + (1 << 62).to_bytes(8, "big"), b"\x02\x7e\x03\xe8" + bytes(1000) + b"\x80\x7e\x03\xe8"]
)
def test_a_message_beyond_the_limit_is_refused_by_its_announced_length(data: bytes) -> None:
    (note,) = notes(feed(opened(limit=1500), SERVER, data))
    assert "1500 bytes" in note.text
    assert note.lost


def test_a_broken_deflate_stream_is_noted() -> None:
    (note,) = notes(feed(opened(DEFLATE), SERVER, frame(Opcode.TEXT, b"\xff\xff\xff", rsv1=True)))
    assert "cannot be inflated" in note.text


def test_a_large_frame_in_small_chunks_takes_linear_time() -> None:
    data = Frame(Opcode.BINARY, bytes(4_000_000)).serialize(mask=False)
    records = feed(opened(), SERVER, data, 100)  # quadratic joining would copy 80 GB here
    assert [len(payload) for _, payload in contents(records)] == [4_000_000]


def close(direction: Direction) -> bytes:
    return frame(Opcode.CLOSE, b"\x03\xe8", mask=direction is CLIENT)


@pytest.mark.parametrize(
    ("closes", "given_ending", "expected"),
    [
        ([CLIENT, SERVER], Ending.EOF, Ending.CLEAN),
        ([CLIENT, SERVER], Ending.RESET, Ending.CLEAN),
        ([CLIENT], Ending.EOF, Ending.EOF),
        ([], Ending.RESET, Ending.RESET),
        ([], Ending.CUT, Ending.CUT),
    ],
)
def test_how_a_connection_ended(closes: list[Direction], given_ending: Ending, expected: Ending) -> None:
    tap = opened()
    for direction in closes:
        feed(tap, direction, close(direction))
    tap.connection_lost(9, by=SERVER, ending=given_ending)
    assert tap.records_received() == [Closed(connection=1, ending=expected, by=SERVER, at_ns=9)]
    tap.connection_lost(10)
    assert tap.records_received() == []


def test_a_message_cut_short_is_noted() -> None:
    tap = opened()
    feed(tap, SERVER, frame(Opcode.TEXT, b"hello")[:-1])
    tap.connection_lost(9)
    note, closed = tap.records_received()
    assert isinstance(note, Note)
    assert "server was cut short" in note.text
    assert isinstance(closed, Closed)


def test_a_refused_handshake_is_recorded_with_its_body_and_the_connection_goes_on() -> None:
    tap = Tap()
    tap.receive_data(CLIENT, REQUEST + REQUEST, 1)
    assert tap.data_to_server() == REQUEST
    assert tap.held == len(REQUEST)
    tap.receive_data(SERVER, b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 6\r\n\r\nno way", 2)
    refused, closed = tap.records_received()
    assert isinstance(refused, Opened)
    assert (refused.handshake.status, refused.handshake.response_body) == (401, b"no way")
    assert closed == Closed(connection=1, ending=Ending.REFUSED, by=SERVER, at_ns=2)
    assert tap.data_to_server() == REQUEST  # the second attempt was held until now
    tap.receive_data(SERVER, switching(), 3)
    (second,) = tap.records_received()
    assert isinstance(second, Opened)
    assert (second.connection, second.handshake.status) == (2, 101)


def test_a_handshake_that_is_never_answered() -> None:
    tap = Tap()
    tap.receive_data(CLIENT, REQUEST, 1)
    tap.receive_eof(SERVER, 2)
    tap.connection_lost(2, by=SERVER)
    shake, closed = tap.records_received()
    assert isinstance(shake, Opened)
    assert shake.handshake.status == 0
    assert closed == Closed(connection=1, ending=Ending.FAILED, by=SERVER, at_ns=2)


def test_a_response_cut_short_is_recorded_as_far_as_it_went() -> None:
    tap = Tap()
    tap.receive_data(CLIENT, b"GET /a HTTP/1.1\r\nHost: up\r\n\r\n", 1)
    tap.receive_data(SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", 2)
    tap.receive_eof(SERVER, 3)
    tap.connection_lost(4, by=SERVER)
    exchange, note = tap.records_received()
    assert isinstance(exchange, HttpExchange)
    assert (exchange.status, exchange.response_body, exchange.took_ns) == (200, b"half", 3)
    assert isinstance(note, Note)
    assert "cut short" in note.text


def test_early_frames_wait_for_the_answer() -> None:
    tap = Tap()
    early = frame(Opcode.TEXT, b"early", mask=True)
    tap.receive_data(CLIENT, REQUEST + early, 1)
    assert tap.data_to_server() == REQUEST
    tap.receive_data(SERVER, switching(), 2)
    assert tap.data_to_server() == early
    assert contents(tap.records_received()) == [(Kind.TEXT, b"early")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", "TLS"),
        (b"hello there, server\r\n\r\n", "not HTTP/1"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", "no colon"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", "not HTTP/1.1"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nabc", "not HTTP/1.1"),
        (b"GET /" + b"a" * 300_000, "more than"),
    ],
)
def test_what_is_not_http_passes_unread_and_is_noted(data: bytes, words: str) -> None:
    tap = Tap()
    sent = b""
    for start in range(0, len(data), 1000):
        chunk = data[start : start + 1000]
        sent += chunk if tap.unchanged else b""
        tap.receive_data(CLIENT, chunk, 1)
        sent += tap.data_to_server()
    assert tap.unchanged
    assert sent == data
    (note,) = notes(tap.records_received())
    assert words in note.text
    assert note.lost


def test_a_response_that_is_not_http_is_noted_and_frees_what_was_held() -> None:
    tap = Tap()
    tap.receive_data(CLIENT, REQUEST + b"early", 1)
    tap.receive_data(SERVER, b"SMTP ready\r\n\r\n", 2)
    assert tap.unchanged
    assert tap.data_to_server() == REQUEST + b"early"
    (note,) = tap.records_received()
    assert isinstance(note, Note)
    assert note.lost


REWRITING = Rewriting(
    authority="staging.example",
    origin="https://staging.example",
    resource="/ws?v=2",
    own=frozenset({"127.0.0.1:9000", "localhost:9000"}),
)


def through(head: str, rewriting: Rewriting = REWRITING) -> str:
    tap = Tap(rewriting)
    tap.receive_data(CLIENT, head.encode("iso-8859-1"), 1)
    return tap.data_to_server().decode("iso-8859-1")


UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.mark.parametrize(
    ("sent", "forwarded"),
    [
        ("host:127.0.0.1:9000", "host:staging.example"),
        ("HOST:   whatever", "HOST:   staging.example"),
        ("Host: a\r\nOrigin: http://127.0.0.1:9000", "Host: staging.example\r\nOrigin: https://staging.example"),
        ("Host: my.name:9\r\norigin: http://MY.name:9", "Host: staging.example\r\norigin: https://staging.example"),
        ("Host: a\r\nOrigin: http://other.example", "Host: staging.example\r\nOrigin: http://other.example"),
        ("Host: a\r\nOrigin: null", "Host: staging.example\r\nOrigin: null"),
        (
            "Host: a\r\nReferer: http://localhost:9000/app?x=http://localhost:9000/",
            "Host: staging.example\r\nReferer: https://staging.example/app?x=http://localhost:9000/",
        ),
        ("Host: a\r\nX-Odd:\t\xe9  \r\nx-host: a", "Host: staging.example\r\nX-Odd:\t\xe9  \r\nx-host: a"),
    ],
)
def test_only_the_named_fields_change(sent: str, forwarded: str) -> None:
    for rest in ("", UPGRADE):
        head = f"GET /a/b?c HTTP/1.1\r\n{sent}\r\n{rest}\r\n"
        assert through(head) == f"GET /a/b?c HTTP/1.1\r\n{forwarded}\r\n{rest}\r\n"
        assert through(head, replace(REWRITING, preserve_host=True)) == head


@pytest.mark.parametrize(
    ("dialled", "asked"),
    [("/", "/ws?v=2"), ("/?token=1", "/ws?token=1"), ("/other", "/other"), ("/other?q", "/other?q")],
)
def test_the_path_of_target_is_for_websockets_that_dial_the_root(dialled: str, asked: str) -> None:
    host = "Host: staging.example\r\n"
    assert through(f"GET {dialled} HTTP/1.1\r\n{host}{UPGRADE}\r\n") == f"GET {asked} HTTP/1.1\r\n{host}{UPGRADE}\r\n"
    assert through(f"GET {dialled} HTTP/1.1\r\n{host}\r\n") == f"GET {dialled} HTTP/1.1\r\n{host}\r\n"


def test_every_request_on_a_kept_alive_connection_is_rewritten() -> None:
    one = "POST /a HTTP/1.1\r\nHost: {}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHost:\r\n0\r\n\r\n"
    two = "\r\nGET /b HTTP/1.1\r\nHost: {}\r\n\r\n"
    assert through((one + two).format("a", "a")) == (one + two).format("staging.example", "staging.example")
