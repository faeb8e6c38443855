"""Cassettes made to harm their reader, none above 1 MiB: what small bytes can be made to grow into."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable

import msgpack
import zstandard

from wstape.cassettes.block import MAX_LARGE, MAX_RECORDS, encode_block, encode_preamble

SIZE = 1 << 20
BEGIN = encode_preamble(0) + encode_block(0, 0, msgpack.packb([0, "ws://h/", "now", "0", [], {}]), 0)
OPENED = msgpack.packb([2, 1, 0, "/", ["Host", "h"], 101, "", [], b""])
MESSAGE = msgpack.packb([3, 1, 5, 0, b"{}"])
CLIENT, SERVER = 0, 8  # codes of text messages


def block(index: int, raw: bytes, *, content: int = 0, claimed: int | None = None) -> bytes:
    """A block, as compressed as can be, that may claim another raw length than it has."""
    stored = zstandard.ZstdCompressor(level=9).compress(raw)
    if claimed is None and len(stored) >= len(raw):
        return encode_block(index, content, raw, 0)
    head = struct.pack(
        "<4sBBHIIII", b"\xabWSB", 1, content, 0, index, len(stored), len(raw) if claimed is None else claimed, 0
    )[:20]
    return head + struct.pack("<I", zlib.crc32(stored, zlib.crc32(head, 0))) + stored


def records(*raws: bytes) -> bytes:
    """A cassette whose second block opens a connection, with a block for each of ``raws`` after it."""
    return BEGIN + block(1, OPENED) + b"".join(block(index, raw) for index, raw in enumerate(raws, 2))


def large(payload: bytes, times: int = 1) -> bytes:
    """A cassette with large messages, each in a block of its own."""
    head = msgpack.packb([3, 1, 5, SERVER, b"", None])
    raw = struct.pack("<I", len(head)) + head + payload[: MAX_LARGE - len(head) - 4]
    first = block(2, raw, content=1)
    times = min(times, (SIZE - 4096) // len(first))
    return BEGIN + block(1, OPENED) + first + b"".join(block(3 + index, raw, content=1) for index in range(times - 1))


def many(item: bytes, *, wrap: Callable[[bytes, int], bytes] | None = None) -> bytes:
    """A cassette with one block that is full of an item, wrapped into one record if wanted."""
    room = MAX_RECORDS - 1024
    count = room // len(item)
    return records(wrap(item, count) if wrap is not None else item * count)


def in_arrays(item: bytes, count: int) -> bytes:
    """One array of arrays of items: none holds more than a reader allows."""
    each = 65_000
    parts = [
        b"\xdc" + struct.pack(">H", min(each, count - start)) + item * min(each, count - start)
        for start in range(0, count, each)
    ]
    return (
        b"\x9f" + bytes([3, 1, 5, 0, 0xC4, 0]) + b"\xdc" + struct.pack(">H", len(parts)) + b"".join(parts) + b"\xc0" * 9
    )


def jsonl(*lines: str) -> bytes:
    """A twin: a header, an opened connection, and lines."""
    begin = [
        {"record": "header", "format": "wstape-jsonl/1", "target": "ws://h/", "created": "now", "wstape": "0"},
        {
            "record": "open",
            "connection": 1,
            "at_ns": 0,
            "target": "/",
            "request_headers": [],
            "status": 101,
            "reason": "",
            "response_headers": [],
            "response_body": {"text": ""},
        },
    ]
    return "\n".join([*map(json.dumps, begin), *lines]).encode()


def message_line(payload: str) -> str:
    """A message whose payload is given as the JSON text of its members."""
    return f'{{"record":"message","connection":1,"from":"server","kind":"text","at_ns":5,{payload}}}'


_ROOM = SIZE - 2048


def filled(begin: bytes, item: bytes, end: bytes, size: int = SIZE) -> bytes:
    """As many items as fit into a size, between a beginning and an end."""
    return begin + item * ((size - len(begin) - len(end)) // len(item)) + end


def zipped(har: bytes) -> bytes:
    """The archive that Playwright makes of a HAR."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("har.har", har)
    return file.getvalue()


def net(*parts: bytes, kind: bytes = b"}") -> bytes:
    """A typed netstring of others."""
    data = b"".join(parts)
    return b"%d:%s%s" % (len(data), data, kind)


def inflating_flow() -> bytes:
    """A flow of mitmproxy of a kilobyte or two whose answer inflates to a mebibyte."""
    body = net(zlib.compress(bytes(1 << 20), 9), kind=b",")
    encoded = net(net(net(b"content-encoding", kind=b","), net(b"deflate", kind=b","), kind=b"]"), kind=b"]")
    answer = net(b"7:content;", body, b"7:headers;", encoded)
    request = net(b"4:host;", b"1:h;", b"6:scheme;", b"4:http;", b"4:port;", b"2:80#")
    return net(b"4:type;", b"4:http;", b"7:version;", b"2:21#", b"7:request;", request, b"8:response;", answer)


def nested_flow() -> bytes:
    """Lists in lists, as deep as a mebibyte allows."""
    data = b""
    while len(data) < SIZE // 2 - 16:
        data = net(data, kind=b"]") if len(data) < 1000 else net(data * 2, kind=b"]")
    return data


FILES: dict[str, Callable[[], bytes]] = {
    "a block that claims less than it inflates to": lambda: BEGIN + block(1, bytes(50 << 20), claimed=1 << 20),
    "a block that claims four gigabytes": lambda: BEGIN + block(1, bytes(50 << 20), claimed=0xFFFFFFFF),
    "zeros in full blocks": lambda: records(*[b"\0" * MAX_RECORDS] * 40),
    "large messages of zeros": lambda: large(bytes(MAX_LARGE), 4),
    "large messages of letters": lambda: large(b"a" * MAX_LARGE, 4),
    "large messages of wide characters": lambda: large("\U0001f600".encode() * (MAX_LARGE // 4), 3),
    "large JSON of empty objects": lambda: large(b"[" + b"{}," * (MAX_LARGE // 3 - 20) + b"0]"),
    "large JSON of numbers": lambda: large(b"[" + b"1.5," * (MAX_LARGE // 4 - 20) + b"0]"),
    "large JSON of opening brackets": lambda: large(b"[" * MAX_LARGE),
    "large JSON objects": lambda: large(b"[" + b'{"a":[]},' * (MAX_LARGE // 9 - 20) + b"0]"),
    "a record of empty maps": lambda: many(b"\x80", wrap=in_arrays),
    "a record of small maps": lambda: many(b"\x81\xa1a\xc0", wrap=in_arrays),
    "a record of small arrays": lambda: many(b"\x91\xc0", wrap=in_arrays),
    "a record of nested arrays": lambda: many(b"\x91" * 400 + b"\xc0", wrap=in_arrays),
    "a record of texts": lambda: many(b"\xa2\xc3\xa9", wrap=in_arrays),
    "a record nested too deep": lambda: many(b"\x91"),
    "an array that claims four milliards": lambda: records(b"\xdd\xff\xff\xff\xff"),
    "a text that claims four gigabytes": lambda: records(b"\x95\x03\x01\x05\x00\xdb\xff\xff\xff\xff"),
    "header fields without end": lambda: many(
        b"\xa1a",
        wrap=lambda item, count: b"\x99\x02\x02\x00\xa1/\xdc\xff\xfe" + item * 0xFFFE + b"\x64\xa0\x90\xc4\x00",
    ),
    "blocks full of tiny messages": lambda: records(*[MESSAGE * (MAX_RECORDS // len(MESSAGE) // 8)] * 2),
    "blocks full of the same opening": lambda: records(*[OPENED * (MAX_RECORDS // len(OPENED) // 8)] * 2),
    "blocks full of new connections": lambda: records(
        *[
            b"".join(
                b"\x99\x02\xce" + struct.pack(">I", 2 + number) + b"\x00\xa0\x90\x64\xa0\x90\xc4\x00"
                for number in range(start, start + 50_000)
            )
            for start in (0, 50_000)
        ]
    ),
    "blocks full of headers": lambda: records(*[msgpack.packb([0, "", "", "", [], {}]) * 50_000] * 2),
    "blocks full of ends": lambda: records(*[msgpack.packb([6, 1, 1, 0, 0, False]) * 50_000] * 2),
    "blocks full of orphans": lambda: records(*[msgpack.packb([3, 9, 1, 0, b""]) * 50_000] * 2),
    "blocks full of notes": lambda: records(*[msgpack.packb([5, 1, "", None, True]) * 50_000] * 2),
    "a HAR of empty objects": lambda: filled(b'{"log": {"entries": [', b"{},", b"0]}}"),
    "a HAR of tiny requests": lambda: filled(b'{"log": {"entries": [', b'{"request":{"url":"ws:/"}},', b"0]}}"),
    "a HAR of cookies": lambda: filled(
        b'{"log": {"entries": [{"request": {"url": "ws://h/"}, "response": {"cookies": [', b"{},", b"0]}}, {}]}}"
    ),
    "a HAR of opening brackets": lambda: b'{"log": {"entries": ' + b"[" * 1_000_000,
    "a zipped HAR of empty arrays": lambda: zipped(filled(b'{"log": {"entries": [', b"[],", b"0]}}", 20 << 20)),
    "a zipped HAR of spaces": lambda: zipped(b'{"log": {"entries": ' + b" " * (200 << 20)),
    "flows whose bodies inflate": lambda: filled(b"", inflating_flow(), b""),
    "flows of empty lists": lambda: b"900000:" + b"0:]" * 300_000 + b"]",
    "flows nested deep": nested_flow,
    "a flow that claims a terabyte": lambda: b"999999999999:x",
    "YAML of empty lists": lambda: filled(b"version: 1\ninteractions: [", b"[],", b"0]\n"),
    "YAML of empty maps": lambda: filled(b"version: 1\ninteractions:\n", b"- {}\n", b""),
    "YAML of opening brackets": lambda: b"interactions: " + b"[" * 1_000_000,
    "YAML of aliases": lambda: b"interactions: &a [x]\n" + b"b: [*a, *a]\n" * 50_000,
    "negative times": lambda: records(msgpack.packb([3, 1, -5, 0, b""])),
    "a time beyond all clocks": lambda: records(msgpack.packb([3, 1, 2**64 - 1, 0, b"x"])),
    "a thousand blocks of nothing good": lambda: records(*[b"\xc1"] * 1000),
    "a line without end": lambda: jsonl('{"record":"' + "x" * _ROOM),
    "a line nested too deep": lambda: jsonl("[" * _ROOM),
    "a payload nested too deep": lambda: jsonl(message_line('"json":' + '{"a":' * (_ROOM // 6))),
    "a payload of empty objects": lambda: jsonl(message_line('"json":[' + "{}," * (_ROOM // 3) + "0]")),
    "a line of numbers": lambda: jsonl("[" + "1," * (_ROOM // 2) + "0]"),
    "a number without end": lambda: jsonl(message_line('"json":' + "9" * (_ROOM - 200))),
    "members without end": lambda: jsonl(
        "{" + ",".join(f'"{number}":0' for number in range(_ROOM // 12)) + ',"record":"note"}'
    ),
    "negative times in a line": lambda: jsonl(message_line('"text":"x"').replace('"at_ns":5', '"at_ns":-5')),
    "a time with a fraction": lambda: jsonl(message_line('"text":"x"').replace('"at_ns":5', '"at_ns":5e300')),
    "lines of one thing": lambda: jsonl(
        *['{"record":"end","at_ns":0,"connections":1,"messages":0,"exchanges":0}'] * 9000
    ),
    "many lines of nothing": lambda: jsonl(*[""] * (_ROOM - 100)),
    "base64 without end": lambda: jsonl(message_line('"base64":"' + "A" * (_ROOM - 200) + '"')),
    "a close code beyond two bytes": lambda: jsonl(
        '{"record":"message","connection":1,"from":"server","kind":"close","at_ns":5,"code":99999999}'
    ),
}
"""Names and makers of the files."""
