"""More than 200 planted secrets, none of which may be found in what is written; more than 200 look-alikes that stay."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from wstape.cassettes import (
    CassetteWriter,
    Direction,
    Handshake,
    Header,
    Headers,
    HttpExchange,
    JsonPath,
    Kind,
    Message,
    Opened,
    Record,
    RedactionRules,
    Redactor,
    encode_line,
    pattern_rule,
    write_records,
)
from wstape.cassettes.block import PREAMBLE_SIZE, decode_preamble, read_block
from wstape.cli import run

HEADER = Header(target="wss://staging.example/ws", created="2026-01-31T12:00:00Z", wstape="0")
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"


def message(payload: str | bytes, kind: Kind = Kind.TEXT) -> Message:
    raw = payload.encode() if isinstance(payload, str) else payload
    return Message(connection=1, direction=Direction.SERVER, kind=kind, payload=raw, at_ns=5)


def handshake(target: str = "/ws", request: Headers = (), response: Headers = ()) -> Opened:
    shake = Handshake(
        target=target, request_headers=request, status=101, reason="Switching Protocols", response_headers=response
    )
    return Opened(connection=2, handshake=shake, at_ns=4)


def exchange(body: str | bytes, content_type: str, target: str = "/login", answer: bytes = b"") -> HttpExchange:
    return HttpExchange(
        number=1,
        method="POST",
        target=target,
        request_headers=(("Content-Type", content_type),),
        request_body=body.encode() if isinstance(body, str) else body,
        status=200,
        reason="OK",
        response_headers=(("Content-Type", "application/json"),),
        response_body=answer,
        at_ns=1,
        took_ns=2,
    )


def multipart(name: str, value: str) -> str:
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="room"\r\n\r\nlobby\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--{BOUNDARY}--\r\n'
    )


FIRST = replace(handshake(), connection=1)
VALUES = {
    "token": "tk9-Zq4Lw7Rb2Xn8Vd5",
    "uuid": "6f1c2e9a-4b7d-4e0f-9a3c-5d8e7f601b2c",
    "hex": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "base64": "q83vEjRWeJ/+q83vEjRWeA==",
    "passphrase": "Corr3ct horse & battery=staple?",
}

# Where a value is known to be a secret without having been met before.
SHOWN: dict[str, Callable[[str], Record]] = {
    "authorization": lambda v: handshake(request=(("Authorization", f"Bearer {v}"),)),
    "basic": lambda v: handshake(
        request=(("Authorization", "Basic " + base64.b64encode(f"alice:{v}".encode()).decode()),)
    ),
    "cookie": lambda v: handshake(request=(("Cookie", f"lang=en; sid={quote(v)}"),)),
    "set-cookie": lambda v: handshake(response=(("Set-Cookie", f"sid={quote(v)}; HttpOnly"),)),
    "api key field": lambda v: handshake(request=(("X-Api-Key", v),)),
    "query": lambda v: handshake(target=f"/ws?room=1&access_token={quote_plus(v)}"),
    "query, lower hex": lambda v: handshake(target="/ws?token=" + quote(v, safe="").replace("%2F", "%2f")),
    "json": lambda v: message(json.dumps({"type": "login", "user": {"password": v}})),
    "json, compact": lambda v: message(json.dumps({"accessToken": v}, separators=(",", ":"))),
    "json in json": lambda v: message(json.dumps({"data": json.dumps({"clientSecret": v})})),
    "json in json in json": lambda v: message(json.dumps([json.dumps([json.dumps({"api_key": v})])])),
    "socket.io": lambda v: message("42" + json.dumps(["login", {"refresh_token": v}])),
    "json body": lambda v: exchange(json.dumps({"password": v}), "application/json"),
    "json answer": lambda v: exchange("", "text/plain", answer=json.dumps({"id_token": v}).encode()),
    "form body": lambda v: exchange(f"user=a&password={quote_plus(v)}", "application/x-www-form-urlencoded"),
    "multipart body": lambda v: exchange(multipart("password", v), f"multipart/form-data; boundary={BOUNDARY}"),
    "multipart, quoted": lambda v: exchange(multipart("api_key", v), f'multipart/form-data; boundary="{BOUNDARY}"'),
    "http target": lambda v: exchange("", "text/plain", target=f"/x?client_secret={quote(v, safe='')}"),
    "own key": lambda v: message(json.dumps({"memberNumber": v})),
    "own path": lambda v: message(json.dumps({"user": {"notes": [{"k": v}]}})),
    "own pattern": lambda v: message(f"MEMBER<{v}>"),
    "own function": lambda v: message(f"@@{v}@@ hello"),
}
# How a value that is known already may be written again.
RETURNING: dict[str, Callable[[str], Record]] = {
    "plain": lambda v: message(f"you said {v} to me"),
    "json string": lambda v: message(json.dumps({"echo": [v]})),
    "percent-encoded": lambda v: handshake(target=f"/r/{quote(v, safe='')}/x"),
    "form-encoded": lambda v: exchange(f"a={quote_plus(v)}", "application/x-www-form-urlencoded"),
    "binary": lambda v: message(b"\x82\xa1k\xd9\x13" + v.encode() + b"\x00\xff", Kind.BINARY),
    "ping": lambda v: message(v, Kind.PING),
    "close reason": lambda v: message(b"\x03\xe8" + v.encode(), Kind.CLOSE),
    "base64": lambda v: message(json.dumps({"blob": base64.b64encode(v.encode()).decode()})),
    "base64, later": lambda v: message(base64.b64encode(b"u:" + v.encode() + b";end").decode()),
    "base64, last third": lambda v: message(base64.b64encode(b"x" + v.encode()).decode()),
    "base64url": lambda v: handshake(target="/ws?blob=" + base64.urlsafe_b64encode(b"\xff\xfe" + v.encode()).decode()),
    "base64 in binary": lambda v: message(b"\x00" + base64.b64encode(v.encode()) + b"\x00", Kind.BINARY),
    "header field": lambda v: handshake(request=(("X-Echo", v),)),
    "other body": lambda v: exchange(f"<x>{v}</x>".encode(), "text/xml"),
}
SHAPED = {
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.4pcPyMD09olPSyXnrXCjTwXyr4BsezdI",
    "openai": "sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2",
    "stripe": "sk_live_a1B2c3D4e5F6g7H8",
    "github": "ghp_a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8",
    "github pat": "github_pat_11ABCDEFG0a1B2c3D4e5F6_x",
    "gitlab": "glpat-a1B2c3D4e5F6g7H8i9J0",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "slack": "xoxb-123456789012-abcdefABCDEF",
    "google": "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "hugging face": "hf_aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH",
    "npm": "npm_aB3dEfGhIjKlMnOpQrStUvWxYz0123456789",
}
CARDS = ["4111 1111 1111 1111", "5555555555554444", "378282246310005", "6011-1111-1111-1117", "3530111333300000"]
IBANS = ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "FR1420041010050500013M02606", "NL91ABNA0417164300"]
EMAILS = ["alice.liddell@wonderland.co.uk", "bob+work@mail.example.com", "x_y%z@sub.domain.io"]
VARIABLES = {
    "ALICE_PASSWORD": "wonderland",
    "OPENAI_API_KEY": "q7-fake-Value-0001",
    "DB_SECRET": "s3cr3t/with+odd=chars",
}


def find_marked(text: str) -> Iterator[str]:
    parts = text.split("@@")
    yield from parts[1::2]


RULES = RedactionRules(
    keys=("member_number",),
    paths=(JsonPath.parse("$.user.notes[*].k"),),
    patterns=(pattern_rule(r"MEMBER<(?P<member>[^>]+)>"),),
    finders=(("marked", find_marked),),
    pii=True,
    environment=VARIABLES,
)


def planted() -> Iterator[tuple[str, str, list[Record]]]:
    """Name, secret and the records that hold it."""
    for kind, value in VALUES.items():
        for place, make in SHOWN.items():
            yield f"{place}: {kind}", value, [make(value)]
        login = message(json.dumps({"password": value}))
        for place, make in RETURNING.items():
            yield f"{place}, known: {kind}", value, [login, make(value)]
    for kind, value in SHAPED.items():
        for place, record in {
            "text": message(f"see {value}!"),
            "json": message(json.dumps({"text": f"\n{value} there"})),
            "target": handshake(target=f"/x?y={value}"),
            "field": handshake(request=(("X-Custom", value),)),
        }.items():
            yield f"{place}: {kind}", value, [record]
    for kind, values in {"card": CARDS, "iban": IBANS, "email": EMAILS}.items():
        for value in values:
            yield f"text: {kind}", value, [message(f"pay with {value}, please")]
            yield f"json: {kind}", value, [message(json.dumps({"v": value}))]
    for name, value in VARIABLES.items():
        for place, make in RETURNING.items():
            yield f"{place}: {name}", value, [make(value)]


def written_forms(value: str) -> set[bytes]:
    """What grep is asked for: the value as it is and in the encodings in which it could be written."""
    raw = value.encode()
    forms = {raw, quote(raw, safe="").encode(), quote_plus(raw).encode(), json.dumps(value)[1:-1].encode()}
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        core = encoded[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
        forms |= {core, core.replace(b"+", b"-").replace(b"/", b"_")}
    return forms


def contents(path: Path) -> bytes:
    """The bytes of a cassette, raw and with every block inflated."""
    data = path.read_bytes()
    with path.open("rb") as file:
        _, salt = decode_preamble(file.read(PREAMBLE_SIZE))
        offset = PREAMBLE_SIZE
        while (block := read_block(file, offset, salt)) is not None:
            data += block.raw
            offset += block.size
    return data


def test_no_planted_secret_is_found_in_anything_that_is_written(tmp_path: Path) -> None:
    total = 0
    leaks: list[str] = []
    cassette = tmp_path / "a.cassette"
    for name, secret, records in planted():
        total += 1
        redactor = Redactor(rules=RULES)
        ordered = [redactor.record(record) for record in (HEADER, FIRST, *records)]
        header, *others = ordered
        assert isinstance(header, Header)
        writer = CassetteWriter.create(cassette, header, force=True)
        for record in others:
            writer.append(record, 0)
        writer.abandon()
        twin = "\n".join(map(encode_line, ordered))
        line = redactor.text(f"cannot send {secret} to the service")
        everything = contents(cassette) + twin.encode() + line.encode() + repr(redactor).encode()
        if any(form in everything for form in written_forms(secret)):
            leaks.append(name)
        fresh = Redactor(rules=RULES)
        if [fresh.record(record) for record in ordered] != ordered:
            leaks.append(f"{name}: redacting twice changes it")
    print(f"planted secrets found again: {len(leaks)} of {total}")
    assert total >= 200
    assert leaks == []


def _ids() -> Iterator[str]:
    for index in range(24):
        digest = hashlib.sha256(b"%d" % index).hexdigest()
        yield json.dumps({"sha256": digest, "etag": f'W/"{digest[:32]}"'})
        yield json.dumps({"commit": digest[:40], "parents": [digest[:40][::-1]], "md5": digest[:32]})
        yield json.dumps({"id": str(uuid.UUID(digest[:32])), "thread_id": f"thread_{digest[:24]}"})
        yield json.dumps(
            {"trace": f"00-{digest[:32]}-{digest[32:48]}-01", "cursor": base64.b64encode(digest[:20].encode()).decode()}
        )
        yield json.dumps(
            {"request_id": f"req_{digest[:18]}", "session_id": digest[:22].upper(), "color": f"#{digest[:6]}"}
        )


_KEYS = re.findall(
    r"\w+",
    """
token_count token_type tokens tokens_used max_tokens completion_tokens next_page_token page_token sync_token
continuation_token input_token_count prompt_tokens password_hint password_length has_password password_changed_at
passwordless secretary secret_santa secrets_count keyboard keyframe key_count primary_key foreign_key sort_key keys
monkey author authority author_id authenticated auth_method oauth_provider ticket_count ticket_price ticketing
credentials_required pinned pins_count spinning opinion code status_code country_code error_code zip_code codec
""",
)
_SENTENCES = [
    "the bearer of bad news arrived at 12:30",
    "what is your password: tell me? secret=maybe",
    "risk-averse and task-oriented, sk-learn-like",
    "eyJ is how a JWT begins, and eyJ.x.y is none",
    "mailto:alice@localhost http://localhost:8080/a@b",
    "akia asia AKIA AIza xoxb- ghp_short npm_run hf_hub glpat- sk-",
    "set ?page=12345678abc&code=200&state=a1b2c3d4e5 in the query",
    "Basic training and Digest of news, Token ring",
    "the API key is kept elsewhere; the token: too",
    "order 1234567812345678 of 2026-01-31T12:00:00Z",
    "card 4111 1111 1111 1112 is mistyped and 1234-5678-9012-3456 is made up",
    "DE00 3704 0044 0532 0130 00 is no account, GB82WEST is short",
    "call +49 30 901820 or 0171-1234567 at 08:15",
    "serial 4111-1111-1111-11111 part 37-828224-631-0006",
    "1700000000000 1700000000001 1700000000002",
    "user@host without a domain, @alice and a@b",
    "0x4111111111111111 and a4111111111111111",
    "3.141592653589793 2.718281828459045 4.111111111111111",
    "MEMBER and <MEMBER>",
    "git@github: no",
]


def harmless() -> Iterator[str]:
    """Texts that hold no secret although they look like it."""
    yield from _ids()
    for key in _KEYS:
        yield json.dumps({key: 12})
        yield json.dumps({key: "yes"})
    yield from _SENTENCES
    for sentence in _SENTENCES:
        yield json.dumps({"type": "token", "text": sentence, "n": 4111111111111112})
    for word in ("Hel", "lo", " wor", "ld!", "ization", "JavaScript", "internationalization", "été", "12", "\n\n"):
        yield json.dumps({"type": "token", "token": word})
    for value in ("", None, False, "********", "[REDACTED]", "true", "null"):
        yield json.dumps({"password": value})


def test_no_lookalike_is_redacted() -> None:
    cases = list(dict.fromkeys(harmless()))
    wrong: list[str] = []
    for text in cases:
        redactor = Redactor(rules=RULES)
        record = message(text)
        redacted = redactor.record(record)
        target = handshake(target="/ws?q=" + quote(text)[:200])
        if redacted != record or redactor.record(target) != target:
            wrong.append(f"{text} -> {redacted}")
    print(f"look-alikes redacted: {len(wrong)} of {len(cases)}")
    assert len(cases) >= 200
    assert wrong == []


def test_the_bytes_are_really_inflated(tmp_path: Path) -> None:
    path = tmp_path / "a.cassette"
    write_records(path, [HEADER, FIRST, message("findme" * 20)])
    assert b"findme" in contents(path)


def test_no_planted_secret_is_found_in_what_commands_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Listings, reports, contracts, warnings and errors about a recording that held all of them."""
    redactor = Redactor(rules=RULES)
    forms: set[bytes] = set()
    records: list[Record] = [HEADER, FIRST]
    for _, secret, planted_records in planted():
        forms |= written_forms(secret)
        for record in planted_records:
            number = len(records)
            records.append(
                replace(record, connection=number)
                if isinstance(record, Opened)
                else replace(record, number=number)
                if isinstance(record, HttpExchange)
                else record
            )
    cassette, other, torn = (str(tmp_path / f"{name}.cassette") for name in ("a", "b", "torn"))
    redacted = [redactor.record(record) for record in records]
    write_records(Path(cassette), redacted)
    write_records(Path(other), [record for number, record in enumerate(redacted) if number < 2 or number % 3])
    Path(torn).write_bytes(Path(cassette).read_bytes()[:-50])
    contract, junit, markdown, html = (
        str(tmp_path / f"a.{suffix}") for suffix in ("contract.json", "xml", "md", "html")
    )
    statuses = [
        run(arguments)
        for arguments in (
            ["show", cassette],
            ["show", "--textconv", cassette],
            ["show", "--jsonl", cassette],
            ["show", "--events", cassette],
            ["show", "--bindings", cassette],
            ["infer", cassette, "-o", contract],
            ["check", other, "--contract", contract, "--json", "--junit", junit, "--markdown", markdown],
            ["diff", cassette, other],
            ["diff", cassette, other, "--json"],
            ["diff", cassette, other, "--github", "--html", html],
            ["replay", cassette, "--target", "ws://127.0.0.1:9"],
            ["scrub", cassette],
            ["repair", torn],
            ["convert", torn, str(tmp_path / "a.jsonl")],
        )
    ]
    captured = capsys.readouterr()
    said = (captured.out + captured.err).encode() + b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert len(said) > 100_000
    assert {2, 3} <= set(statuses)  # some had to complain
    assert [form for form in forms if form in said] == []
