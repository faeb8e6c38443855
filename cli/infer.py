"""``wstape infer``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .envelopes import envelope_option
from .reporting import warn_incomplete

if TYPE_CHECKING:
    from ..contracts import Contract


@click.command(
    epilog="""\b
Example:
  wstape infer chat.cassette -o chat.contract.json
  wstape infer cassettes/*.cassette > chat.contract.json

Exit status: 0 done, 2 bad usage or bad input, 3 a recording is incomplete (what it holds was learned from).
"""
)
@click.argument("cassettes", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CASSETTE...")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Default: standard output, as is '-'."
)
@envelope_option
@click.option("--force", is_flag=True, help="Overwrite FILE when it exists.")
@click.pass_context
def command(
    ctx: click.Context, cassettes: tuple[Path, ...], *, output: Path | None, envelope: tuple[str, ...], force: bool
) -> None:
    """Learn a contract from cassettes.

    The same recordings give the same bytes, in whatever order they are named.
    """
    from ..cassettes import FileError, Recording, open_cassette, write_text
    from ..contracts import find_envelopes, infer

    if output == Path("-"):
        output = None
    if output is not None and output.exists() and not force:
        raise FileError(output, "the file exists already", "choose another name, or overwrite it with --force")
    for path in cassettes:
        open_cassette(path)  # every file is looked at before the work on the first one begins
    recordings = [Recording(path) for path in cassettes]
    detection = find_envelopes(recordings, envelope)
    contract = infer(recordings, envelope=detection.envelope)
    text = contract.dumps()
    if output is None:
        click.echo(text, nl=False)
    else:
        write_text(output, text, force=force)
    _summarise(contract, output, detection.lines())
    incomplete = [recording for recording in recordings if recording.problem]
    for recording in incomplete:
        warn_incomplete(recording)
    if incomplete:
        ctx.exit(3)


def _summarise(contract: Contract, output: Path | None, envelopes: list[str]) -> None:
    """Say on standard error what was learned, on one screen."""
    from ..contracts import side
    from ..contracts.evidence import rule_is_firm

    learned = contract.learned
    wrote = f" to {output}" if output is not None else ""
    click.echo(
        f"learned from {learned.connections} connections and {learned.messages} messages{wrote}",
        err=True,
    )
    for line in envelopes:
        click.echo(f"  {line}", err=True)
    for direction in ("client", "server"):
        count = sum(side(symbol) == direction for symbol in contract.events)
        click.echo(f"  {count} labels sent by the {direction}", err=True)
    for claim in contract.scopes:
        firm = sum(
            rule.pinned or rule_is_firm(rule.seen, rule.scopes, rule.surprise, "missing") for rule in claim.rules
        )
        tentative = len(claim.rules) - firm
        click.echo(f"  scope {claim.name}: {firm} firm rules, {tentative} tentative", err=True)
