"""``wstape compat``."""

from __future__ import annotations

from pathlib import Path

import click

from .reporting import Delivery, deliver, report_options, warn


@click.command(
    epilog="""\b
Example:
  wstape compat main.contract.json branch.contract.json
  wstape compat HEAD~1:chat.contract.json chat.contract.json --profile strict
  wstape compat old.json new.json --level 'server/enum-value-added@status/state=info'

Exit status: 0 compatible, 1 breaking findings, 2 bad usage or bad input.
"""
)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--profile",
    type=click.Choice(["strict", "default", "lenient"]),
    default="default",
    show_default=True,
    help="How much is taken for breaking.",
)
@click.option(
    "--level",
    multiple=True,
    metavar="RULE[@LABEL[/POINTER]]=LEVEL",
    help="Another level for a rule, everywhere or at one place: breaking, warning, info or off. * stands for anything.",
)
@click.option(
    "--ignore",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Findings that are accepted: TOML, [[ignore]] with fingerprint, reason, expires.",
)
@report_options
def command(
    old: str,
    new: str,
    *,
    profile: str,
    level: tuple[str, ...],
    ignore: Path | None,
    delivery: Delivery,
) -> int:
    """Tell whether the service of the contract NEW still serves the clients of OLD.

    OLD and NEW are contracts or AsyncAPI documents, or a git revision of one, REVISION:PATH. 'wstape rules'
    lists what is looked for.
    """
    from datetime import date

    from ..contracts.compatibility import IgnoreFile, Profile, Relevel, compare, load
    from ..reports import Case, Report

    try:
        own = [Relevel.parse(text) for text in level]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--level") from error
    # Whoever changes a contract lives by the local calendar, as does the day in the ignore file.
    today = date.today()  # noqa: DTZ011
    accepted = IgnoreFile() if ignore is None else IgnoreFile.load(ignore)
    found = compare(load(old), load(new), profile=Profile(profile), levels=own, today=today)
    sifted = accepted.sift(found, today)
    for entry in sifted.unused:
        warn(f"{ignore}: {entry.fingerprint} fits no finding any more ({entry.reason}); take it out")
    report = Report(
        title=f"{new} against {old}",
        findings=sifted.findings,
        cases=(Case(name=f"{new} against {old}", findings=sifted.findings),),
        file=new if Path(new).exists() else new.rpartition(":")[2],  # REVISION:PATH
        connections=None,
        messages=None,
        extra={"profile": profile, "ignored": len(sifted.ignored)},
    )
    return deliver(report, delivery)
