"""Planted secrets leave no trace, look-alikes stay, hostile bytes neither raise nor take long."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import replace
from typing import Any
from urllib.parse import quote, quote_plus

import cbor2
import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wstape.cassettes import (
    Closed,
    Direction,
    End,
    Ending,
    Handshake,
    Header,
    Headers,
    HttpExchange,
    Kind,
    Message,
    Note,
    Opened,
    Record,
    encode_line,
)
from wstape.cassettes.redaction import RULES, Redactor
from wstape.cassettes.redaction.names import VOCABULARY
from wstape.cassettes.secrets import PLACEHOLDER
from wstape.cassettes.splicing import join_by_places, split_by_lengths, split_by_places

TOKEN = "tk9-Zq4Lw7Rb2Xn8Vd5"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.4pcPyMD09olPSyXnrXCjTwXyr4BsezdI"


def text(payload: str | bytes, kind: Kind = Kind.TEXT) -> Message:
    raw = payload.encode() if isinstance(payload, str) else payload
    return Message(connection=1, direction=Direction.CLIENT, kind=kind, payload=raw, at_ns=1)


def opened(request: Headers = (), target: str = "/ws", response: Headers = ()) -> Opened:
    return Opened(
        connection=1,
        handshake=Handshake(
            target=target, request_headers=request, status=101, reason="Switching Protocols", response_headers=response
        ),
        at_ns=0,
    )


def exchange(body: bytes = b"", content_type: str = "application/json", target: str = "/login") -> HttpExchange:
    return HttpExchange(
        number=1,
        method="POST",
        target=target,
        request_headers=(("Content-Type", content_type),),
        request_body=body,
        status=200,
        reason="OK",
        response_headers=(),
        response_body=b"",
        at_ns=0,
        took_ns=1,
    )


def sent(payload: str, redactor: Redactor | None = None) -> str:
    record = (redactor or Redactor()).record(text(payload))
    assert isinstance(record, Message)
    return record.text


def planted(pattern: str, kind: Kind = Kind.TEXT) -> Message:
    return text(pattern.replace("TOKEN", TOKEN), kind)


# Every place where a secret is known by itself, without having been met before.
PLANTS: dict[str, Record] = {
    "authorization": opened((("Authorization", f"Bearer {TOKEN}"),)),
    "authorization without scheme": opened((("authorization", TOKEN),)),
    "proxy authorization": opened((("Proxy-Authorization", f"Digest response={TOKEN}"),)),
    "cookie": opened((("Cookie", f"theme=dark; sid={TOKEN}"),)),
    "set-cookie": opened(response=(("Set-Cookie", f"sid={TOKEN}; Path=/; HttpOnly"),)),
    "quoted cookie": opened((("Cookie", f'sid="{TOKEN}"'),)),
    "api key header": opened((("X-Api-Key", TOKEN),)),
    "auth token header": opened((("X-Auth-Token", TOKEN),)),
    "subprotocol": opened((("Sec-WebSocket-Protocol", f"chat, bearer.{TOKEN}"),)),
    "kubernetes subprotocol": opened((("Sec-WebSocket-Protocol", f"base64url.bearer.authorization.k8s.io.{TOKEN}"),)),
    "subprotocol pair": opened((("Sec-WebSocket-Protocol", f"access_token, {TOKEN}"),)),
    "location": opened(response=(("Location", f"https://x/cb?access_token={TOKEN}"),)),
    **{
        f"query {name}": opened(target=f"/ws?room=1&{name}={TOKEN}&v=2")
        for name in ("token", "access_token", "api_key", "apikey", "api-key", "key", "auth", "ticket", "sig", "jwt")
    },
    "query, encoded name": opened(target=f"/ws?access%5Ftoken={TOKEN}"),
    "http target": exchange(target=f"/rooms?token={TOKEN}"),
    "header record": Header(target=f"wss://bob:{TOKEN}@h/ws", created="", wstape="", notes={"token": TOKEN}),
    "header query": Header(target=f"wss://h/ws?token={TOKEN}", created="", wstape=""),
    **{
        f"json {key}": text(json.dumps({"type": "auth", "deep": [{key: TOKEN}]}))
        for key in (
            *("password", "passwd", "secret", "client_secret", "clientSecret", "token", "access_token"),
            *("accessToken", "ACCESS-TOKEN", "refresh_token", "idToken", "api_key", "apikey", "APIKey"),
            *("authorization", "auth_token", "session_token", "private_key", "dbPassword", "userpassword", "botToken"),
        )
    },
    "json, spaced": planted('{ "password" :\n "TOKEN" }'),
    "json, escaped key": planted(r'{"pass\u0077ord":"TOKEN"}'),
    "json, cut short": planted('{"password":"TOKEN'),
    "json after stray quote": planted('5" screen {"password":"TOKEN"}'),
    "json in json": text(json.dumps({"data": json.dumps({"password": TOKEN})})),
    "json in json in json": text(json.dumps([json.dumps([json.dumps({"password": TOKEN})])])),
    "socket.io": planted('42["login",{"password":"TOKEN"}]'),
    "json in binary": text(b'\x00\xff{"password":"%s"}' % TOKEN.encode(), Kind.BINARY),
    "json ping": planted('{"token":"TOKEN"}', Kind.PING),
    "close reason": text(b"\x0f\xa0bad ?access_token=" + TOKEN.encode(), Kind.CLOSE),
    "json bearer": planted('{"header":"Bearer TOKEN"}'),
    "http json": exchange(json.dumps({"password": TOKEN}).encode()),
    "http form": exchange(f"user=a&password={TOKEN}".encode(), "application/x-www-form-urlencoded; charset=utf-8"),
    "form, first": exchange(f"password={TOKEN}".encode(), "application/x-www-form-urlencoded"),
    "address in text": text(f'{{"url":"wss://h/ws?token={TOKEN}\\u0026a=1"}}'),
    "address in json, escaped": text(f'{{"url":"wss://h/ws?a=1\\u0026access_token={TOKEN}"}}'),
    "note": Note(text=f"upstream said ?token={TOKEN}", at_ns=0),
}


@pytest.mark.parametrize("record", PLANTS.values(), ids=PLANTS)
def test_a_planted_secret_is_gone(record: Record) -> None:
    redactor = Redactor()
    redacted = redactor.record(record)
    assert TOKEN not in encode_line(redacted)
    assert TOKEN.encode() not in repr(redacted).encode()
    assert "{{secret:" in repr(redacted)
    assert any(TOKEN in value for value in redactor.secrets.values())
    assert redactor.record(redacted) == redacted
    assert Redactor().record(redacted) == redacted


SHAPES = {
    "jwt": JWT,
    "openai": "sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2",
    "anthropic": "sk-ant-api03-a1B2c3D4e5F6g7H8i9J0-k1",
    "stripe": "sk_live_a1B2c3D4e5F6g7H8",
    "github": "ghp_a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "slack": "xoxb-123456789012-abcdefABCDEF",
    "google": "AIzaSyA1234567890abcdefghijklmnopqrstuv",
}


@pytest.mark.parametrize("around", ["{}", '{{"text":"see\\n{} there"}}', "/x?y=%20{}&z=1", "<{}>", "prefix {},"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_credential_is_known_by_its_shape(shape: str, around: str) -> None:
    assert shape not in sent(around.format(shape))
    record = Redactor().record(opened((("X-Custom", around.format(shape)),), target=around.format(shape)))
    assert shape not in repr(record)


HARMLESS = [
    '{"type":"token","token":"Hel"}',
    '{"type":"token","token":" ization"}',
    '{"type":"token","token":"JavaScript"}',
    '{"token":"internationalization"}',
    '{"token":"https://example.com/a1"}',
    '{"token":"2026-01-31"}',
    '{"token_count": 12, "max_tokens": 4096, "tokens_used": "123456789"}',
    '{"next_page_token":"CAoQAA1234567890abcdef","pageToken":"a1b2c3d4e5f6"}',
    '{"token_type":"bearer_mac_2","key":"user:12345678","primary_key":"id_1234abcd"}',
    '{"password":"","secret":null,"password_hint":"a1b2c3d4","has_password":true}',
    '{"password":"********","api_key":"[REDACTED]"}',
    '{"pwd":"/home/alice/project1"}',
    '{"pin":true,"otp":"required","code":"E1234567"}',
    '{"session_id":"0b0f7d1e-8b1f-4c8e-9d3c-1f2e3d4c5b6a","thread_id":"th_12345678"}',
    '{"sha":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}',
    '{"author":"alice1234","authority":"a1b2c3d4e5","keyboard":"qwerty12345"}',
    '{"text":"the bearer of bad news, a task-1234567890abcdef1234, eyJ and sk-learn-is-a-very-nice-library"}',
    '{"text":"what is your password: tell me? secret=maybe","secrets":3}',
    "?page=12345678abc&code=200&state=a1b2c3d4e5",
    "mailto:alice@example.com http://localhost:8080/a@b",
    "akia asia AKIA xoxb- ghp_short",
    '{"type":"valid_token_type","cursor":"eyJpZCI6MX0"}',
]


@pytest.mark.parametrize("payload", HARMLESS)
def test_a_lookalike_stays(payload: str) -> None:
    message = text(payload)
    assert Redactor().record(message) is message


@pytest.mark.parametrize(
    "target", ["/ws", "/ws?room=1&v=2", "/ws?key=name&sort=asc", "/ws?EIO=4&sid=abc123", "/a;b=c?token=", "/%zz?%=%"]
)
def test_a_harmless_target_stays(target: str) -> None:
    record = opened((("Host", "a"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")), target)
    assert Redactor().record(record) == record


def test_bytes_around_a_secret_stay() -> None:
    assert sent('{ "a" :1.0,\t"password" : "x\\"y\\u00e9z/" , "é":"\\u00e9" }') == (
        '{ "a" :1.0,\t"password" : "{{secret:password:1}}" , "é":"\\u00e9" }'
    )
    record = Redactor().record(opened(target="/w%20s?a=%2f&token=a%2Fb%2Bc1&a=1&&=#f"))
    assert isinstance(record, Opened)
    assert record.handshake.target == "/w%20s?a=%2f&token={{secret:token:1}}&a=1&&=#f"


@given(st.integers(0, 4), st.text(st.sampled_from('ab"\\\\/1'), min_size=1))
def test_a_string_in_strings_ends_where_json_says(depth: int, value: str) -> None:
    def wrapped(password: str) -> str:
        document = json.dumps({"password": password, "after": 'c"d\\'})
        for _ in range(depth):
            document = json.dumps([document, "x"])
        return document

    assert sent(wrapped(value)) == wrapped("{{secret:password:1}}")


def test_headers_keep_order_spelling_and_attributes() -> None:
    request = (("hOST", "x"), ("AUTHORIZATION", f"Bearer {TOKEN}"), ("Cookie", "sid=abc123DEF; lang=de"))
    response = (("Set-Cookie", "sid=abc123DEF; Path=/; Secure"), ("Server", "s"))
    record = Redactor().record(opened(request, response=response))
    assert isinstance(record, Opened)
    assert record.handshake.request_headers == (
        ("hOST", "x"),
        ("AUTHORIZATION", "Bearer {{secret:authorization:1}}"),
        ("Cookie", "sid={{secret:cookie.sid:1}}; lang={{secret:cookie.lang:1}}"),
    )
    assert record.handshake.response_headers == (
        ("Set-Cookie", "sid={{secret:cookie.sid:1}}; Path=/; Secure"),
        ("Server", "s"),
    )


def test_a_login_token_keeps_its_first_name_into_the_handshake() -> None:
    redactor = Redactor()
    redactor.record(exchange(json.dumps({"access_token": TOKEN, "token_type": "bearer"}).encode()))
    record = redactor.record(opened((("Authorization", f"Bearer {TOKEN}"),), target=f"/ws?token={TOKEN}"))
    assert isinstance(record, Opened)
    assert record.handshake.request_headers[0][1] == "Bearer {{secret:access_token:1}}"
    assert record.handshake.target == "/ws?token={{secret:access_token:1}}"
    assert redactor.secrets == {"access_token:1": TOKEN}


def test_same_value_same_placeholder_other_value_next_number() -> None:
    redactor = Redactor()
    assert sent('{"password":"one-1","b":{"password":"two-2"}}', redactor) == (
        '{"password":"{{secret:password:1}}","b":{"password":"{{secret:password:2}}"}}'
    )
    assert sent('{"password":"one-1"}', redactor) == '{"password":"{{secret:password:1}}"}'


def test_a_number_of_new_secrets_does_not_collide_with_placeholders_already_there() -> None:
    redactor = Redactor()
    sent('{"password":"{{secret:password:7}}"}', redactor)
    assert sent('{"password":"fresh-one"}', redactor) == '{"password":"{{secret:password:8}}"}'


@pytest.mark.parametrize(
    ("payload", "redacted"),
    [
        ('{"pin":1234,"cvv":"123"}', '{"pin":"{{secret:pin:1}}","cvv":"{{secret:cvv:1}}"}'),
        ('{"otp": 482913 }', '{"otp": "{{secret:otp:1}}" }'),
        ('{"password":12345678}', '{"password":"{{secret:password:1}}"}'),
        ('{"pin":17,"otp":48291.3}', '{"pin":17,"otp":48291.3}'),
    ],
)
def test_digits_behind_a_pins_name(payload: str, redacted: str) -> None:
    assert sent(payload) == redacted


REPEATS = {
    "text": lambda value: text(f"you said {value}!"),
    "inside a word": lambda value: text(f"x{value}x"),
    "binary": lambda value: text(b"\x00\xff" + value.encode() + b"\xfe", Kind.BINARY),
    "ping": lambda value: text(value, Kind.PING),
    "close": lambda value: text(b"\x03\xe8" + value.encode(), Kind.CLOSE),
    "header": lambda value: opened((("X-Echo", value.encode().decode("latin-1")),)),
    "target": lambda value: opened(target="/" + quote(value, safe="")),
    "target, form": lambda value: opened(target="/?a=" + quote_plus(value)),
    "target, lower hex": lambda value: opened(
        target="/" + re.sub("%..", lambda escape: escape[0].lower(), quote(value, safe=""))
    ),
    "body": lambda value: exchange(value.encode(), "text/plain"),
    "json string": lambda value: text(json.dumps({"echo": value})),
    "json string, unescaped": lambda value: text(json.dumps({"echo": value}, ensure_ascii=False)),
    "note": lambda value: Note(text=f"lost {value}", at_ns=0),
}  # fmt: skip


@pytest.mark.parametrize("others", [0, 100], ids=["alone", "among many"])
@pytest.mark.parametrize("value", ["hunter2x", "a/b+c=1?&", 'quo"te\\d1', "grüße 12", "x" * 300 + "1"])
@pytest.mark.parametrize("place", REPEATS.values(), ids=REPEATS)
def test_a_known_secret_is_replaced_wherever_it_returns(place, value: str, others: int) -> None:
    redactor = Redactor()
    for number in range(others):
        sent(json.dumps({"password": f"p{number}-{number:012x}"}), redactor)
    sent(json.dumps({"password": value}), redactor)
    record = redactor.record(place(value))
    assert value not in encode_line(record)
    assert "{{secret:password:" in repr(record)


secrets = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=("Cs", "Cc")), min_size=12
).filter(lambda value: value.lower() not in VOCABULARY)


@given(secrets, st.sampled_from(["password", "accessToken", "client-secret"]), st.binary(), st.binary())
def test_no_byte_of_any_secret_is_left(value: str, key: str, before: bytes, after: bytes) -> None:
    redactor = Redactor()
    for ascii_only in (True, False):
        login = redactor.record(text(json.dumps({"user": "a", key: value}, ensure_ascii=ascii_only)))
        if not PLACEHOLDER.search(repr(login)):
            return  # a mask such as "************"
        assert isinstance(login, Message)
        assert value not in str(json.loads(login.payload))
    echo = redactor.record(text(before + b"<" + value.encode() + b">" + after, Kind.BINARY))
    assert isinstance(echo, Message)
    assert value.encode() not in echo.payload or value.encode() in before + b"{{secret:" + after


@given(st.binary(max_size=300), st.sampled_from(list(Kind)))
def test_any_bytes_are_taken_and_redacted_once(payload: bytes, kind: Kind) -> None:
    once = Redactor().record(text(payload, kind))
    assert Redactor().record(once) == once


@given(st.text(st.sampled_from('"\\:{}?&=;tokenpaswrd1 \né'), max_size=60))
def test_text_like_secrets_is_redacted_once(payload: str) -> None:
    once = Redactor().record(text(payload))
    assert Redactor().record(once) == once


def test_short_and_common_words_do_not_shred_the_session() -> None:
    redactor = Redactor()
    assert "{{secret:password:1}}" in sent('{"password":"abc"}', redactor)
    assert "{{secret:password:2}}" in sent('{"password":"message"}', redactor)
    assert "{{secret:password:3}}" in sent('{"password":"123456"}', redactor)
    sent('{"password":"wonder"}', redactor)
    harmless = '{"type":"message","abc":"abcd","at":81234567,"wonderful":1}'
    assert sent(harmless, redactor) == harmless
    assert sent("wonder, \\nwonder 123456.", redactor) == (
        "{{secret:password:4}}, \\n{{secret:password:4}} {{secret:password:3}}."
    )
    opening = opened((("Cookie", "theme=darkmode"),))
    redactor.record(opening)
    assert sent('{"theme":"darkmode"}', redactor) == '{"theme":"darkmode"}'


def test_a_secret_never_matches_inside_a_placeholder() -> None:
    redactor = Redactor(known={"a": "{{secret", "b": "password:1}}"})
    assert sent('{"password":"{{secret:password:1}}"}', redactor) == '{"password":"{{secret:password:1}}"}'


def test_known_values_keep_their_names() -> None:
    redactor = Redactor(known={"env.ALICE_PASSWORD:1": "wonderland-9", "token": TOKEN})
    assert sent(f'{{"password":"wonderland-9","x":"{TOKEN}"}}', redactor) == (
        '{"password":"{{secret:env.ALICE_PASSWORD:1}}","x":"{{secret:token:1}}"}'
    )


def test_the_password_of_basic_credentials_is_known_afterwards() -> None:
    redactor = Redactor()
    credentials = base64.b64encode(b"alice:hunter22").decode()
    assert credentials not in repr(redactor.record(opened((("Authorization", f"Basic {credentials}"),))))
    assert "hunter22" not in sent("hello hunter22", redactor)


def test_text_for_people_is_redacted() -> None:
    redactor = Redactor()
    sent(json.dumps({"password": "hunter22"}), redactor)
    assert redactor.text("cannot log in with hunter22") == "cannot log in with {{secret:password:1}}"
    assert redactor.text("a lone \ud800 and \udcff") == "a lone \ud800 and \udcff"


def test_records_without_payloads_pass() -> None:
    redactor = Redactor()
    closed = Closed(connection=1, ending=Ending.CLEAN, by=None, at_ns=1)
    end = End(connections=1, messages=0, exchanges=0, at_ns=1)
    assert redactor.record(closed) is closed
    assert redactor.record(end) is end
    assert redactor.rules == RULES


def test_the_rest_of_a_message_stays() -> None:
    message = replace(text('{"password":"hunter22"}'), full_size=9000, at_ns=77)
    record = Redactor().record(message)
    assert isinstance(record, Message)
    assert replace(record, payload=message.payload) == message


MIB = 1 << 20
HOSTILE = {
    repr(unit): (head + unit * (MIB // len(unit)) + tail)
    for head, unit, tail in [
        (b"", b'"', b""),
        (b"", b'"\\', b""),
        (b"", b'\\"', b"token"),
        (b'"token"', b"\\", b""),
        (b'"password"', b" ", b""),
        (b"", b'"password":', b""),
        (b"", b'"password":"', b""),
        (b"", b'"token":"', b""),
        (b'"password":"', b"\\n", b""),
        (b"", b'\\"password\\":\\"', b""),
        (b"", b'\\\\\\"token\\\\\\":\\\\\\"', b""),
        (b"", b"eyJ", b""),
        (b"", b"eyJaaaaaaaaaa.", b""),
        (b"", b"sk-", b""),
        (b"", b"sk-a ", b""),
        (b"bearer", b" ", b""),
        (b"", b"Bearer+", b""),
        (b"", b"?token=", b""),
        (b"", b"?key=", b""),
        (b"", b"?pwd=/", b""),
        (b"", b"?", b"token="),
        (b"", b"://a:", b"@"),
        (b"", b"{{secret:", b""),
        (b"", b"{{secret:a:1}}", b"token"),
        (b'"pin":', b"1", b""),
    ]
}


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_take_linear_time(payload: bytes) -> None:
    redactor = Redactor()
    began = time.process_time()
    redactor.record(text(payload))
    part = payload[: MIB // 8].decode()
    redactor.record(opened((("Cookie", part), ("Authorization", part), ("Sec-WebSocket-Protocol", part)), part))
    assert time.process_time() - began < 5  # linear: a fraction of a second; quadratic: minutes


def test_credentials_that_are_the_base64_of_a_known_secret_are_named_after_it() -> None:
    redactor = Redactor()
    redactor.record(text('{"access_token": "tk-Zq4Lw7Rb2Xn8Vd5"}'))
    encoded = base64.b64encode(b"tk-Zq4Lw7Rb2Xn8Vd5").decode()
    shown = redactor.record(opened(request=(("Authorization", f"Basic {encoded}"),)))
    assert isinstance(shown, Opened)
    assert shown.handshake.request_headers == (("Authorization", "Basic {{secret:access_token.base64:1}}"),)
    assert redactor.secrets["access_token.base64:1"] == encoded


@pytest.mark.parametrize(("pack", "unpack"), [(msgpack.packb, msgpack.unpackb), (cbor2.dumps, cbor2.loads)])
def test_messagepack_and_cbor_stay_what_they_are(pack: Any, unpack: Any) -> None:
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
    redactor = Redactor(known={"password": "hunter-22"})
    value = {"t": "login", "raw": [b"\xffhunter-22\xff", "x" * 40], "by": {"jwt": jwt, 7: -5}, "id": "a"}
    redacted = redactor.record(text(pack(value), Kind.BINARY))
    assert isinstance(redacted, Message)
    there = unpack(redacted.payload, **({"strict_map_key": False} if pack is msgpack.packb else {}))
    assert there == {
        **value,
        "raw": [b"\xff{{secret:password:1}}\xff", "x" * 40],
        "by": {"jwt": "{{secret:jwt:1}}", 7: -5},
    }
    assert redactor.record(redacted) == redacted
    records = [
        bytes([len(packed)]) + packed for packed in (msgpack.packb([1, {}, "7", "say", ["hunter-22"]]), b"\x91\x06")
    ]
    (framed,) = [redactor.record(text(b"".join(records), Kind.BINARY))]
    assert isinstance(framed, Message)
    said, ping = split_by_lengths(framed.payload) or []
    assert msgpack.unpackb(said) == [1, {}, "7", "say", ["{{secret:password:1}}"]]
    assert ping == b"\x91\x06"
    how, parts = ("<Q", 8, True), [b"shell", b"{}", b"{}", b"{}", b'{"code": "hunter-22"}', b"\x00hunter-22"]
    kernel = redactor.record(text(join_by_places(how, parts), Kind.BINARY))
    assert isinstance(kernel, Message)
    put = [part.replace(b"hunter-22", b"{{secret:password:1}}") for part in parts]
    assert split_by_places(kernel.payload) == (how, put)
    # A secret in a key cannot be put elsewhere: it goes, whatever becomes of the form.
    keyed = Redactor(known={"password": "hunter-22"}).record(text(pack({jwt: "hunter-22"}), Kind.BINARY))
    assert jwt not in repr(keyed)
    assert "hunter-22" not in repr(keyed)
    # What only looks so is redacted as any other bytes.
    for wild in (b"\x82\xff" + jwt.encode(), b"\xde\xff\xff" + jwt.encode(), b"\x91\xa1\xff" + jwt.encode()):
        assert jwt not in repr(redactor.record(text(wild, Kind.BINARY)))
