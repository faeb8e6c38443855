"""``wstape repair``: a torn cassette without its damage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..cassettes import CassetteReader, Record


@click.command(
    epilog="""\b
Example:
  wstape repair chat.cassette
  wstape repair chat.cassette -o mended.cassette

Exit status: 0 repaired or nothing to repair, 2 bad usage or a file that holds no recording.
"""
)
@click.argument("cassette", metavar="FILE", type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="OUT", type=click.Path(path_type=Path), help="Write here and leave FILE alone.")
@click.option("--force", is_flag=True, help="Overwrite OUT when it exists.")
def command(cassette: Path, *, output: Path | None, force: bool) -> None:
    """Rewrite a torn or damaged recording from what can still be read, and say what is lost.

    The result ends with an end record that is marked as made by repair. A whole file is left as it is.
    """
    from ..cassettes import open_cassette, write_records

    reader = open_cassette(cassette)
    for _ in reader:  # what is damaged is known only at the end
        pass
    if reader.complete and output is None:
        click.echo(f"wstape: {cassette}: nothing to repair", err=True)
        return
    destination = cassette if output is None else output
    source = open_cassette(cassette)
    records = iter(source) if reader.complete else _mended(source)
    write_records(destination, records, force=force or output is None)
    if reader.complete:
        click.echo(f"wstape: {cassette}: nothing to repair; copied to {destination}", err=True)
        return
    for line in _losses(reader):
        click.echo(f"wstape: {cassette}: {line}", err=True)
    click.echo(f"wstape: {cassette}: repaired" + (f" as {output}" if output else ""), err=True)


def _mended(reader: CassetteReader) -> Iterator[Record]:
    from ..cassettes import End, Header, HttpExchange

    last_ns = 0
    for record in reader:
        match record:
            case Header():
                yield record
            case End():
                last_ns = max(last_ns, record.at_ns)
            case HttpExchange():
                last_ns = max(last_ns, record.at_ns + record.took_ns)
                yield record
            case _:
                last_ns = max(last_ns, record.at_ns)
                yield record
    # The counts are made true when the file is written.
    yield End(connections=0, messages=0, exchanges=0, at_ns=last_ns, repaired=True)


def _losses(reader: CassetteReader) -> Iterator[str]:
    for damage in reader.damage:
        lost = f", {damage.length} {reader.unit}s lost" if damage.length else ""
        yield f"{reader.unit} {damage.offset}: {damage.problem}{lost}"
    if not reader.damage:
        yield reader.problem
