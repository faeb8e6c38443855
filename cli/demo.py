"""``wstape demo``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    epilog="""\b
Example:
  wstape demo
  wstape demo --dir wstape-demo

\b
Exit status: 0 the story went as told, 1 it did not, 2 bad usage or a folder that cannot be used,
3 interrupted.
"""
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the files go. Default: a fresh folder for temporary files.",
)
@click.option("--force", is_flag=True, help="Overwrite the files of an earlier demo in DIR.")
def command(folder: Path | None, force: bool) -> int:
    """See the main job end to end on a sample service: record it, learn its contract, catch a broken build.

    Needs no network and nothing but this package; takes a few seconds. Every command is printed before it runs.
    """
    from ..demo.story import Story, prepare

    differences = Story(prepare(folder, force=force), click.echo).tell()
    return 1 if differences else 0
