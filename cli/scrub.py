"""``wstape scrub``: the rules of today applied to cassettes of yesterday."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Unpack

import click

from .redacting import RedactionOptions, redaction_options


@click.command(
    epilog="""\b
Example:
  wstape scrub chat.cassette
  wstape scrub --redact pii --redact-key customer_ssn cassettes/*.cassette

\b
Exit status: 0 done or nothing to do, 2 bad usage, bad input or a secret that could not be taken out,
3 a recording is incomplete (what there is was scrubbed).
"""
)
@click.argument("cassettes", metavar="CASSETTE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--keep-secrets",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the values that were taken out to FILE, for replays on this machine.",
)
@redaction_options
@click.pass_context
def command(
    ctx: click.Context, cassettes: tuple[Path, ...], keep_secrets: Path | None, **options: Unpack[RedactionOptions]
) -> None:
    """Take the secrets out of recordings that were made without today's rules, in place.

    Values that look like secrets in this environment's variables are taken out as well. A file is
    replaced at once or not at all; scrubbing twice changes nothing.
    """
    from ..cassettes import (
        CassetteError,
        Redactor,
        UsageError,
        counted,
        find_leaks,
        scrub,
        unknown_secrets,
        write_secrets,
    )
    from .progress import Progress
    from .redacting import redaction_rules, refuse_secrets_file, suspect_lines
    from .reporting import warn

    if keep_secrets is not None:
        if len(cassettes) > 1:
            raise UsageError("--keep-secrets: names are a cassette's own; scrub one cassette at a time")
        refuse_secrets_file(keep_secrets)
    rules = redaction_rules(ctx, options)
    incomplete = False
    for path in cassettes:
        redactor = Redactor(rules=rules)
        with Progress(f"wstape: {path}: {{:,}} records looked at", sys.stderr) as progress:
            changed = scrub(path, redactor, progress.step)
        leaks = find_leaks(path, redactor)
        if leaks:
            raise CassetteError(f"{path}: {leaks[0]} and cannot be taken out; record it again, or edit its .jsonl twin")
        if keep_secrets is not None and redactor.secrets:
            write_secrets(keep_secrets, redactor.secrets)
        count = len(redactor.secrets)
        found = f"scrubbed, {counted(count, 'secret')} taken out" if changed else "nothing to scrub"
        if changed and not count:  # what has no value to put back: personal data, say
            found = "scrubbed"
        click.echo(f"wstape: {path}: {found}", err=True)
        for line in suspect_lines(unknown_secrets(path)):
            warn(f"{path}: {line}")
        problem = _problem(path)
        if problem:
            warn(f"{path} is incomplete: {problem}")
            incomplete = True
    if incomplete:
        ctx.exit(3)


def _problem(path: Path) -> str:
    from ..cassettes import open_cassette

    reader = open_cassette(path)
    for _ in reader:
        pass
    return "" if reader.complete else reader.problem
