"""``wstape infer``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .envelopes import envelope_option
from .learning import summaries
from .reporting import warn

if TYPE_CHECKING:
    from ..contracts import Contract


@click.command(
    epilog="""\b
Example:
  wstape infer chat.cassette -o chat.contract.json
  wstape infer cassettes/*.cassette --jobs 4 > chat.contract.json
  wstape infer new.cassette -o chat.contract.json --update

Exit status: 0 done, 2 bad usage or bad input, 3 a recording is incomplete (what it holds was learned from).
"""
)
@click.argument("cassettes", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CASSETTE...")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Default: standard output, as is '-'."
)
@click.option(
    "--update", is_flag=True, help="Learn more into FILE. What a person pinned, relaxed, added or deleted there stays."
)
@envelope_option
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="NAME[=POINTER]",
    help="Take an identifier for a scope that is not found by itself: by its key, or by a JSON pointer. Repeatable.",
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes to read with.")
@click.option("--no-state", is_flag=True, help="Leave out what a later --update needs.")
@click.option("--force", is_flag=True, help="Overwrite FILE when it exists.")
@click.pass_context
def command(
    ctx: click.Context,
    cassettes: tuple[Path, ...],
    *,
    output: Path | None,
    update: bool,
    envelope: tuple[str, ...],
    scopes: tuple[str, ...],
    jobs: int,
    no_state: bool,
    force: bool,
) -> None:
    """Learn a contract from cassettes.

    The same recordings give the same bytes: in whatever order they are named, in one go, with --update in parts, or by
    several processes.
    """
    from ..cassettes import FileError, Recording, UsageError, foreign_format, open_cassette, write_text
    from ..contracts import Contract, find_envelopes
    from ..contracts.document import dumps
    from ..contracts.sampling import TrafficSample
    from ..contracts.summary import Summary
    from ..contracts.updating import Previous, carried_document, learned_document

    if output == Path("-"):
        output = None
    named = _named_scopes(scopes)
    if update and output is None:
        raise UsageError("--update needs the contract to learn more into; name it with -o FILE")
    previous = Previous.read(output) if update and output is not None and output.exists() else None
    if output is not None and output.exists() and not (force or update):
        raise FileError(
            output,
            "the file exists already",
            "choose another name, learn more into it with --update, or overwrite it with --force",
        )
    for path in cassettes:
        # Every file is looked at before the work on the first one begins.
        if not open_cassette(path).header.redaction and foreign_format(path) is not None:
            warn(f"{path} is not redacted, and a contract quotes values; 'wstape convert' it first")
    traffic = TrafficSample()
    for path in cassettes:
        traffic.merge(TrafficSample.of(Recording(path)))
    remembered = previous.summary if previous is not None else None
    if previous is not None and remembered is not None:
        traffic.merge(remembered.traffic)
        envelope = envelope or previous.named
    detection = find_envelopes([list(traffic.records())], envelope)
    if previous is not None and remembered is None:
        detection = previous.reading(detection, named=bool(envelope))
    summary = Summary(detection.envelope, named)
    if remembered is not None:
        summary.merge(remembered)
    summary.traffic = traffic
    incomplete: list[tuple[Path, str]] = []
    for part, path, problem in summaries(cassettes, detection.envelope, jobs, summary.named):
        summary.merge(part)
        if problem:
            incomplete.append((path, problem))
    if previous is not None and remembered is None:
        warn(f"{output} remembers nothing of its recordings: its own counts go on, and no new order is learned")
        document = carried_document(previous, summary, map(Recording, cassettes))
    else:
        document = learned_document(summary, previous=previous, named=envelope, keep_state=not no_state)
    contract = Contract.from_document(document, where=output or "contract")
    if output is None:
        click.echo(dumps(document), nl=False)
    else:
        write_text(output, dumps(document), force=force or update)
    _summarise(contract, output, detection.lines())
    _warn_of_exceptions(contract, cassettes)
    for name in sorted(named.keys() - {claim.name for claim in contract.scopes}):
        warn(f"--scope {name}: no two events of a connection share a value of it")
    for path, problem in incomplete:
        warn(f"{path} is incomplete: {problem}")
    if incomplete:
        ctx.exit(3)


def _named_scopes(given: tuple[str, ...]) -> dict[str, str]:
    """Return the pointers of the scopes that are named, by name; "" for the key of that name. Raises UsageError."""
    from ..cassettes import UsageError
    from ..contracts.json_text import split_pointer

    named: dict[str, str] = {}
    for one in given:
        name, equals, pointer = one.partition("=")
        try:
            split_pointer(pointer)
        except ValueError as error:
            raise UsageError(f"--scope {one}: {pointer!r} is not a JSON pointer; write it as NAME=/key/key") from error
        if not name or name == "connection" or bool(equals) != bool(pointer):
            raise UsageError(f"--scope {one!r} names no scope; write a key, or NAME=/key/key")
        named[name] = pointer
    return named


def _summarise(contract: Contract, output: Path | None, envelopes: list[str]) -> None:
    """Say on standard error what was learned, on one screen."""
    from ..cassettes import counted
    from ..contracts import side
    from ..contracts.evidence import rule_is_firm

    learned = contract.learned
    wrote = f" to {output}" if output is not None else ""
    click.echo(
        f"learned from {counted(learned.connections, 'connection')} and {counted(learned.messages, 'message')}{wrote}",
        err=True,
    )
    for line in envelopes:
        click.echo(f"  {line}", err=True)
    for direction in ("client", "server"):
        count = sum(side(symbol) == direction for symbol in contract.events)
        click.echo(f"  {counted(count, 'label')} sent by the {direction}", err=True)
    for claim in contract.scopes:
        firm = sum(
            rule.pinned or rule_is_firm(rule.seen, rule.scopes, rule.surprise, "missing", broken=rule.broken)
            for rule in claim.rules
        )
        tentative = len(claim.rules) - firm
        scope = claim.scope
        reason = f" ({scope.instances} values join {scope.events} events)" if scope.instances else ""
        click.echo(f"  scope {claim.name}{reason}: {counted(firm, 'firm rule')}, {tentative} tentative", err=True)


def _warn_of_exceptions(contract: Contract, cassettes: tuple[Path, ...]) -> None:
    """Say on standard error where rules were broken that are kept all the same."""
    from ..cassettes import Recording
    from ..contracts import Checker

    if not any(rule.broken for claim in contract.scopes for rule in claim.rules):
        return
    for path in cassettes:
        checker = Checker(contract)
        for record in Recording(path):
            checker.record(record)
        checker.finish()
        for line in checker.exceptions():
            warn(f"an exception in {path}: {line}")
