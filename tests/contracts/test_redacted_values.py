"""What redaction has hidden is learned and checked as what it was, as far as its placeholder tells."""

from __future__ import annotations

import pytest
from sessions import connection, session

from wstape.cassettes import Redactor
from wstape.contracts import Checker, Contract, Finding, infer
from wstape.contracts.formats import formats_of, looks_like_id, may_hide

UUIDS = [f"9b2f6c1e-5d3a-4c8b-9f70-{number:012x}" for number in range(12)]


def learned(values: list[str]) -> Contract:
    return infer(
        [session(connection(*(("<", {"type": "opened", "session_token": value}) for value in values))).records()]
    )


def checked(contract: Contract, value: str) -> list[Finding]:
    checker = Checker(contract)
    for record in session(connection(("<", {"type": "opened", "session_token": value}))).records():
        checker.record(record)
    return [finding for finding in checker.finish() if finding.id.startswith("payload/")]


def placeholders(values: list[str]) -> list[str]:
    redactor = Redactor()
    records = session(connection(*(("<", {"type": "opened", "session_token": value}) for value in values))).records()
    redacted = [redactor.record(record) for record in records]
    assert redacted != records
    return list(redactor.secrets)


def test_a_redacted_uuid_reads_as_a_uuid() -> None:
    hidden = [f"{{{{secret:{name}}}}}" for name in placeholders(UUIDS)]
    assert hidden[0] == "{{secret:session_token.uuid:1}}"
    assert formats_of(hidden[0]) == {"uuid"}
    assert looks_like_id(hidden[0])
    plain, redacted = learned(UUIDS), learned(hidden)
    assert redacted.dumps() == plain.dumps()
    for contract in (plain, redacted):
        assert checked(contract, hidden[0]) == []
        assert checked(contract, UUIDS[0]) == []
        assert [finding.id for finding in checked(contract, "42")] == ["payload/format-changed"]


def test_a_secret_that_was_no_uuid_is_told() -> None:
    (finding,) = checked(learned(UUIDS), "{{secret:session_token:1}}")
    assert finding.id == "payload/format-changed"


@pytest.mark.parametrize(
    ("text", "format_", "may"),
    [
        ("{{secret:password:1}}", None, True),
        ("{{secret:password:1}}", "uri", True),
        ("{{secret:password:1}}", "uuid", False),
        ("{{secret:email:7}}", "email", True),
        ("{{secret:session.uuid:7}}", "email", False),
        ("{{secret:password}}", None, False),
        ("plain", None, False),
    ],
)
def test_what_a_placeholder_may_hide(text: str, format_: str | None, may: bool) -> None:
    assert may_hide(text, format_) is may


def test_the_words_behind_placeholders_are_no_enum() -> None:
    contract = learned([f"{{{{secret:pin:{number % 2 + 1}}}}}" for number in range(40)])
    assert checked(contract, "{{secret:pin:9}}") == []
    assert checked(contract, "anything") == []
