"""``wstape diff``."""

from __future__ import annotations

from pathlib import Path

import click

from .reporting import EXIT_STATUS, Delivery, allow_option, deliver, report_options, warn


@click.command(epilog=EXIT_STATUS)
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("candidate", type=click.Path(path_type=Path))
@click.option("--contract", type=click.Path(path_type=Path), metavar="FILE", help="Default: learned from BASE.")
@click.option(
    "--mode",
    type=click.Choice(["contract", "exact"]),
    default="contract",
    show_default=True,
    help="contract: is it still compatible? exact: is anything but volatile values different?",
)
@allow_option
@report_options
def command(
    base: Path,
    candidate: Path,
    contract: Path | None,
    mode: str,
    allow_extra: tuple[str, ...],
    delivery: Delivery,
) -> int:
    """Compare two recordings.

    \b
    Example:
      wstape diff main.cassette branch.cassette
    """
    from ..cassettes import read_session
    from ..contracts import Contract, infer
    from ..replayer import exhibited_recordings, first_divergence, gap, judge_recordings
    from ..reports import Report

    old, new = read_session(base), read_session(candidate)
    for path, session in ((base, old), (candidate, new)):
        if gap(session):
            warn(f"{path} is incomplete: {gap(session)}; what it holds is compared")
    loaded = Contract.load(contract) if contract is not None else infer([old.records()])
    findings = judge_recordings(old, new, loaded, mode="exact" if mode == "exact" else "contract", allowed=allow_extra)
    findings = exhibited_recordings(findings, old, new, loaded)
    report = Report(
        title=f"{candidate} against {base}",
        findings=findings,
        file=str(candidate),
        connections=len(new.connections),
        messages=sum(len(connection.messages) for connection in new.connections),
        divergence=first_divergence(new, loaded, findings),
        complete=not (gap(old) or gap(new)),
    )
    return deliver(report, delivery)
