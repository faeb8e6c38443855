"""Credentials from a command."""

from __future__ import annotations

import shlex
import sys

import pytest

from wstape.cassettes import Target, UsageError
from wstape.replayer import log_in

TARGET = Target.parse("ws://127.0.0.1:8000")


def printing(text: str, then: str = "") -> str:
    return shlex.join([sys.executable, "-c", f"import os, sys; print({text}); {then}"])


def test_what_is_printed_becomes_secrets_and_fields() -> None:
    text = "'# logged in', '', 'password:1=a: b=c', 'Authorization: Bearer x=y', 'at=' + os.environ['WSTAPE_TARGET']"
    fields, secrets = log_in(printing(text + ", sep=chr(10)"), TARGET)
    assert fields == (("Authorization", "Bearer x=y"),)
    assert secrets == ("password:1=a: b=c", "at=ws://127.0.0.1:8000")


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("", "the command is empty"),
        ("'", "quote it as for a shell"),
        ("/no/such/program", "cannot be run"),
        (printing("'token=s3cret'", "sys.exit(3)"), "exit status 3"),
        (printing("'s3cret'"), "line 1 of its output is neither"),
    ],
)
def test_a_login_that_fails_shows_nothing_that_it_printed(command: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as caught:
        log_in(command, TARGET)
    assert "token=" not in str(caught.value).replace(repr(command), "")
