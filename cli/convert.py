"""``wstape convert``: a cassette into its twin, or back."""

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
  wstape convert chat.cassette chat.jsonl
  wstape convert chat.jsonl chat.cassette --force

Exit status: 0 done, 2 bad usage or bad input, 3 the recording is incomplete (what there is was converted).
"""
)
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("destination", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite OUT when it exists.")
@click.pass_context
def command(ctx: click.Context, source: Path, destination: Path, *, force: bool) -> None:
    """Write the recording IN as OUT, in the format that OUT's suffix names: .cassette or .jsonl.

    Nothing is lost either way. OUT appears whole or not at all.
    """
    from ..cassettes import open_cassette, write_records
    from .reporting import warn_incomplete

    reader = open_cassette(source)
    write_records(destination, _honest(reader), force=force)
    if not reader.complete:
        warn_incomplete(reader)
        ctx.exit(3)


def _honest(reader: CassetteReader) -> Iterator[Record]:
    """Yield all records, the end record only when nothing is missing: a copy must not hide what its source lacks."""
    from ..cassettes import End

    end: Record | None = None
    for record in reader:
        if isinstance(record, End):
            end = record
        else:
            yield record
    if end is not None and reader.complete:
        yield end
