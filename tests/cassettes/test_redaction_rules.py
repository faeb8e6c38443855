"""A project's own rules, the environment, personal data, and the first look that spares the others."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wstape.cassettes import (
    Direction,
    Header,
    HttpExchange,
    JsonPath,
    Kind,
    Message,
    RedactionRules,
    Redactor,
    Secrets,
    UsageError,
    load_finder,
    pattern_rule,
    secret_variables,
)
from wstape.cassettes.redaction.members import redact_members
from wstape.cassettes.redaction.multipart import redact_multipart
from wstape.cassettes.redaction.parameters import Within, redact_parameters
from wstape.cassettes.redaction.paths import scalars
from wstape.cassettes.redaction.shapes import redact_shapes
from wstape.cassettes.redaction.suspicion import suspicious
from wstape.cassettes.redaction.vault import Vault

TOKEN = "tk9-Zq4Lw7Rb2Xn8Vd5"


def message(payload: str | bytes, kind: Kind = Kind.TEXT) -> Message:
    raw = payload.encode() if isinstance(payload, str) else payload
    return Message(connection=1, direction=Direction.CLIENT, kind=kind, payload=raw, at_ns=1)


def sent(payload: str, rules: RedactionRules, redactor: Redactor | None = None) -> str:
    record = (redactor or Redactor(rules=rules)).record(message(payload))
    assert isinstance(record, Message)
    return record.text


def path_rule(*texts: str) -> RedactionRules:
    return RedactionRules(paths=tuple(JsonPath.parse(text) for text in texts))


@pytest.mark.parametrize(
    ("path", "payload", "redacted"),
    [
        ("$.a.b", '{"a": {"b" : "x1", "c": "x1"}}', '{"a": {"b" : "{{secret:b:1}}", "c": "x1"}}'),
        ("a[1]", '{"a":["p","q","r"]}', '{"a":["p","{{secret:a:1}}","r"]}'),
        ("$.a[*].k", '{"a":[{"k":1.5e3},{"k":true}]}', '{"a":[{"k":"{{secret:k:1}}"},{"k":true}]}'),
        ("$..pinCode", '{"x":[{"pinCode":7}],"pinCode":"7"}', '{"x":[{"pinCode":"{{secret:pin_code:1}}"}],"pinCode":"{{secret:pin_code:1}}"}'),  # noqa: E501
        ("$['a b']", r'{"a\u0020b":"é\n"}', r'{"a\u0020b":"{{secret:a_b:1}}"}'),
        ("$.user", '42["login"]', '42["login"]'),
        ("$[1].k", '42["login",{"k":"v1"}]', '42["login",{"k":"{{secret:k:1}}"}]'),
        ("$.whole", '{"whole":{"a":["b","c"]},"d":"b"}', '{"whole":{"a":["{{secret:a:1}}","{{secret:a:2}}"]},"d":"b"}'),
        ("$.*.z", '{"q":{"z":""},"r":{"z":null}}', '{"q":{"z":""},"r":{"z":null}}'),
    ],
)  # fmt: skip
def test_a_json_path_is_redacted_in_place(path: str, payload: str, redacted: str) -> None:
    assert sent(payload, path_rule(path)) == redacted
    assert sent(redacted, path_rule(path)) == redacted


@pytest.mark.parametrize("path", ["", "$", "$.a[", "$.a[x]", "$..", "a b"])
def test_a_path_that_cannot_be_read_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="JSON path"):
        JsonPath.parse(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


def places(value: object, place: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], object]]:
    match value:
        case dict():
            return [one for key, inner in value.items() for one in places(inner, (*place, key))]
        case list():
            return [one for index, inner in enumerate(value) for one in places(inner, (*place, index))]
        case _:
            return [(place, value)]


@given(st.lists(json_values, max_size=3) | st.dictionaries(st.text(max_size=4), json_values, max_size=3))
def test_walking_a_text_finds_what_parsing_finds(value: object) -> None:
    data = json.dumps(value, indent=1).encode()
    found = [(place, json.loads(data[start:end])) for place, start, end in scalars(data)]
    assert found == places(value)


@given(st.binary(max_size=200))
def test_any_bytes_are_walked(data: bytes) -> None:
    for _, start, end in scalars(data):
        assert 0 <= start < end <= len(data)


def test_own_keys_hide_any_value() -> None:
    rules = RedactionRules(keys=("customer_ssn",))
    assert sent('{"customerSsn":"a","CUSTOMER-SSN":"bc"}', rules) == (
        '{"customerSsn":"{{secret:customer_ssn:1}}","CUSTOMER-SSN":"{{secret:customer_ssn:2}}"}'
    )
    assert sent('{"customer_ssn":123456789}', rules) == '{"customer_ssn":"{{secret:customer_ssn:1}}"}'
    assert "key customer_ssn" in Redactor(rules=rules).rules


def test_a_pattern_names_its_secret() -> None:
    rules = RedactionRules(patterns=(pattern_rule(r"order (?P<order>\w+)"), pattern_rule(r"zz\d+")))
    assert sent("order abc1, zz9", rules) == "order {{secret:order:1}}, {{secret:custom:1}}"
    for wrong in ("(", "x*"):
        with pytest.raises(UsageError, match="redaction pattern"):
            pattern_rule(wrong)


def finder(text: str) -> list[str]:
    return [word for word in text.split() if word.startswith("Q")]


def test_a_function_finds_secrets() -> None:
    rules = RedactionRules(finders=(("finder", finder),))
    redactor = Redactor(rules=rules)
    assert sent("Qa b Qlonger1", rules, redactor) == "{{secret:finder:1}} b {{secret:finder:2}}"
    assert load_finder("json:dumps")[0] == "dumps"
    for wrong in ("json", "json:", "no_such_module_:x", "json:nothing", "json:__name__"):
        with pytest.raises(UsageError, match="redaction function"):
            load_finder(wrong)


def test_values_of_variables_are_named_after_them() -> None:
    environ = {
        "ALICE_PASSWORD": "wonderland",
        "OPENAI_API_KEY": "q7-fake-Value-0001",
        "PWD": "/home/alice",
        "SSH_AUTH_SOCK": "/tmp/ssh-1/agent.7",
        "DB_PASSWORD": "abc",
        "TOKEN_URL": "https://id.example/token",
        "HOME": "/root",
        "AUTH_TOKEN": "session",
    }
    found = secret_variables(environ)
    assert found == {"ALICE_PASSWORD": "wonderland", "OPENAI_API_KEY": "q7-fake-Value-0001"}
    rules = RedactionRules(environment=found)
    redactor = Redactor(rules=rules)
    assert redactor.secrets == {}
    payload = '{"user":"alice","password":"wonderland","say":"wonderlands"}'
    redacted = '{"user":"alice","password":"{{secret:env.ALICE_PASSWORD:1}}","say":"wonderlands"}'
    assert sent(payload, rules, redactor) == redacted
    assert redactor.secrets == {"env.ALICE_PASSWORD:1": "wonderland"}  # the key was never met and is kept by nobody
    assert Secrets({}, environ).get("env.ALICE_PASSWORD:1") == "wonderland"
    assert "wonderland" not in repr(rules)


def test_personal_data_is_hidden_when_asked() -> None:
    text = '{"mail":"alice.l@wonderland.org","card":4111111111111111,"to":"4111-1111-1111-1111 DE89370400440532013000"}'
    assert sent(text, RedactionRules()) == text
    assert sent(text, RedactionRules(pii=True)) == (
        '{"mail":"{{secret:email:1}}","card":"{{secret:card:1}}","to":"{{secret:card:2}} {{secret:iban:1}}"}'
    )
    assert json.loads(sent('{"card":[4111111111111111]}', RedactionRules(pii=True)))


def test_base64_of_a_value_can_be_made_from_the_value() -> None:
    redactor = Redactor(known={"password:1": "hunter22-secret"})
    encoded = base64.b64encode(b"hunter22-secret").decode()
    assert sent(f'{{"a":"{encoded}"}}', RedactionRules(), redactor) == '{"a":"{{secret:password.base64:1}}"}'
    assert Secrets({"password": "hunter22-secret"}).get("password.base64:1") == encoded
    pair = base64.b64encode(b"alice:hunter22-secret").decode()
    assert sent(f"x {pair} y", RedactionRules(), redactor) == "x {{secret:password.encoded:1}} y"
    assert redactor.secrets == {"password.base64:1": encoded, "password.encoded:1": pair}


def test_a_uuid_says_that_it_was_one() -> None:
    value = "6f1c2e9a-4b7d-4e0f-9a3c-5d8e7f601b2c"
    assert sent(f'{{"session_token":"{value}"}}', RedactionRules()) == (
        '{"session_token":"{{secret:session_token.uuid:1}}"}'
    )
    assert Secrets({"session_token": value}).get("session_token.uuid:1") == value


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=b1", 'Multipart/Form-Data; Boundary="b1"'])
def test_multipart_bodies_keep_all_but_the_secret(content_type: str) -> None:
    body = (
        b'--b1\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: a/b\r\n\r\nhello\r\n'
        b"--b1\r\ncontent-disposition: form-data; name=password\r\n\r\nx\r\ny\r\n--b1--\r\n"
    )
    record = HttpExchange(
        number=1,
        method="POST",
        target="/",
        request_headers=(("Content-Type", content_type),),
        request_body=body,
        status=200,
        reason="",
        response_headers=(),
        response_body=b"",
        at_ns=0,
        took_ns=0,
    )
    redacted = Redactor().record(record)
    assert isinstance(redacted, HttpExchange)
    assert redacted.request_body == body.replace(b"x\r\ny", b"{{secret:password:1}}")


NAMES = [
    "password",
    "accessToken",
    "API-KEY",
    "user_credentials",
    "pin",
    "x_jwt",
    "db secret",
    "AuthToken",
    "Otp",
    "cvv",
]
AROUND = [
    '{"%s":"%s"}', '{"%s" :\n"%s"}', r'{\"%s\":\"%s\"}', r'{\\\"%s\\\" : \\\"%s\\\"}', r'{\"%s\"\n:\"%s\"}',
    "&%s=%s&", "?a=1#%s=%s",
]  # fmt: skip
WORDS = st.sampled_from(
    [*NAMES, TOKEN, "1234", '"', '":"', '\\"', ":", "=", "&", "?", " ", "\\n", "text", "eyJ", "sk-", "://", "@"]
)


@given(st.lists(WORDS, max_size=12).map("".join) | st.text(max_size=60))
@example(r'"\u0070assword":"abcdef12"')
@example("sk-a1B2c3D4e5F6g7H8i9J0k1L2")
@example("https://a:bcdefgh@x")
@example("ya29.a1B2c3D4e5F6g7H8i9J0k1L2")
def test_what_the_first_look_passes_holds_nothing_for_the_closer_ones(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    if suspicious(data):
        return
    vault = Vault({}, RedactionRules())
    assert redact_members(data, vault) == data
    assert redact_parameters(data, vault, Within.TEXT) == data
    assert redact_shapes(data, data.lower(), vault) == data


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("around", AROUND)
def test_the_first_look_sees_every_name(name: str, around: str) -> None:
    assert suspicious((around % (name, TOKEN)).encode())


def test_the_first_look_passes_common_messages() -> None:
    for text in (
        '{"type":"agent_delta","thread_id":"0b0f7d1e-8b1f-4c8e-9d3c-1f2e3d4c5b6a","delta":"the key, pin it: a code"}',
        '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"version":1,"session":"s","direction":"up","action":"x"}}',
        '42["message",{"user":"alice","at":"2026-01-31T12:00:00Z","text":"passwords? tokens? a secret!"}]',
    ):
        assert not suspicious(text.encode())
        assert Redactor().harmless(text.encode())


@given(st.lists(st.lists(WORDS, max_size=6).map("".join), max_size=6))
def test_a_harmless_batch_holds_harmless_messages(texts: list[str]) -> None:
    redactor = Redactor(known={"a": "abcdef12", "b": "1234\\n"})
    if redactor.harmless("\n".join(texts).encode()):
        for text in texts:
            record = message(text)
            assert Redactor(known={"a": "abcdef12", "b": "1234\\n"}).record(record) == record


def test_a_header_tells_the_rules_and_no_value() -> None:
    rules = RedactionRules(keys=("ssn",), pii=True, environment={"A_TOKEN": "tok-12345678"})
    redactor = Redactor(rules=rules)
    header = Header(target="ws://h/?token=tok-12345678", created="", wstape="", redaction=redactor.rules)
    record = redactor.record(header)
    assert "tok-12345678" not in repr(record)
    assert {"environment", "pii", "key ssn"} <= set(redactor.rules)


MIB = 1 << 20
OWN = RedactionRules(keys=("ssn",), paths=(JsonPath.parse("$..ssn"),), pii=True)
HOSTILE = [
    b"[" * MIB,
    b'{"a":' * (MIB // 5),
    b'"' * MIB,
    b'"\\' * (MIB // 2),
    b"4111 " * (MIB // 5),
    b"4" * MIB,
    b"a@" * (MIB // 2),
    b"a." * (MIB // 2),
    b"x@a." * (MIB // 4),
    b"DE89" * (MIB // 4),
    b"aHVudGVyMjItc2VjcmV0" * (MIB // 20),
    b"Content-Disposition: form-data; name=" * (MIB // 37),
    b"{{secret:" * (MIB // 9),
]


@pytest.mark.parametrize("payload", HOSTILE, ids=lambda payload: repr(payload[:12]))
def test_hostile_bytes_take_linear_time(payload: bytes) -> None:
    redactor = Redactor(rules=OWN, known={"password:1": "hunter22-secret"})
    began = time.process_time()
    redactor.record(message(payload))
    redact_multipart(payload, b"b", Vault({}, RedactionRules()))
    assert time.process_time() - began < 10  # linear: seconds on a slow machine; quadratic: hours
