"""``wstape check``."""

from __future__ import annotations

from pathlib import Path

import click

from .reporting import EXIT_STATUS, Delivery, deliver, report_options, warn_incomplete


@click.command(epilog=EXIT_STATUS)
@click.argument("cassettes", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CASSETTE...")
@click.option("--contract", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The contract.")
@report_options
def command(cassettes: tuple[Path, ...], contract: Path, delivery: Delivery) -> int:
    """Hold recordings against a contract.

    \b
    Example:
      wstape check cassettes/*.cassette --contract chat.contract.json
    """
    from ..cassettes import Message, Opened, open_cassette
    from ..contracts import Checker, Contract, Finding, fold
    from ..replayer import exhibited, traces_near, worth_showing
    from ..reports import Case, Report

    loaded = Contract.load(contract)
    cases: list[Case] = []
    findings: list[Finding] = []
    connections = messages = 0
    complete = True
    for path in cassettes:
        reader = open_cassette(path)
        checker = Checker(loaded)
        for record in reader:
            checker.record(record)
            connections += isinstance(record, Opened)
            messages += isinstance(record, Message)
        if reader.problem:
            complete = False
            warn_incomplete(reader)
        found = checker.finish()
        worth = worth_showing(found)
        if worth:
            found = exhibited(found, traces_near(open_cassette(path), worth, loaded), {}, loaded)
        findings.extend(found)
        cases.append(Case(name=str(path), file=str(path), findings=found))
    named = str(cassettes[0]) if len(cassettes) == 1 else f"{len(cassettes)} cassettes"
    report = Report(
        title=f"{named} against {contract}",
        findings=fold(findings),
        cases=tuple(cases),
        connections=connections,
        messages=messages,
        file=str(cassettes[0]) if len(cassettes) == 1 else None,
        complete=complete,
        extra={"cassettes": len(cassettes)},
    )
    return deliver(report, delivery)
