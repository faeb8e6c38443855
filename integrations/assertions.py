"""A contract check in the form of an assertion."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..cassettes import Message, Opened, Record, Session, open_cassette
from ..contracts import Checker, Contract
from ..reports import Report


def assert_compatible(cassette: Path | str | Session, contract: Path | str | Contract) -> None:
    """Hold a recording against a contract. Raises AssertionError with the terminal's report when it is breaking.

    Raises what reading a cassette and a contract raises.
    """
    __tracebackhide__ = True
    loaded = contract if isinstance(contract, Contract) else Contract.load(Path(contract))
    name = "the session" if isinstance(cassette, Session) else str(cassette)
    against = "the contract" if isinstance(contract, Contract) else str(contract)
    records = cassette.records() if isinstance(cassette, Session) else open_cassette(Path(cassette))
    hold(check(records, loaded, title=f"{name} against {against}"))


def check(records: Iterable[Record], contract: Contract, *, title: str) -> Report:
    """Hold records against a contract."""
    checker = Checker(contract)
    connections = messages = 0
    for record in records:
        connections += isinstance(record, Opened)
        messages += isinstance(record, Message)
        checker.record(record)
    return Report(title=title, findings=checker.finish(), connections=connections, messages=messages)


def hold(report: Report) -> None:
    """Raise AssertionError with the terminal's report when it is breaking."""
    __tracebackhide__ = True
    if report.verdict == "breaking":
        raise AssertionError("\n" + words(report))


def words(report: Report) -> str:
    """Return the terminal's report."""
    from ..reports.terminal import render_terminal

    return render_terminal(report, width=100)
