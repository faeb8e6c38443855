"""``wstape record``: record what passes between clients and a service."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click


@click.command(
    epilog="""\b
Example:
  wstape record wss://staging.example.com/ws -o login.cassette
  wstape record ws://127.0.0.1:8000/ws -o chat.cassette -- python client.py

\b
Exit status: 0 recorded, 2 bad usage or a file that cannot be written,
3 the target could not be reached or the recording is incomplete.
"""
)
@click.argument("target")
@click.argument("cmd", nargs=-1, type=click.UNPROCESSED, metavar="[-- CMD ...]")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The cassette to write; cassettes/HOST-TIME.cassette if left out.",
)
@click.option("--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Where clients connect.")
@click.option("--force", is_flag=True, help="Overwrite an existing cassette.")
@click.option("--preserve-host", is_flag=True, help="Leave Host, Origin and Referer as the client sent them.")
@click.option("--no-rewrite", is_flag=True, help="Leave redirects and cookie domains that name the target as they are.")
@click.option("--ca", type=click.Path(path_type=Path), metavar="FILE", help="Trust these PEM certificates as well.")
@click.option("--insecure", is_flag=True, help="Do not check the target's certificate.")
@click.option("--no-redact", is_flag=True, help="Write secrets into the cassette as they are.")
@click.option(
    "--keep-secrets",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the redacted values to FILE, for replays on this machine.",
)
@click.option("--note", "notes", multiple=True, metavar="KEY=VALUE", help="Put a note in the header; repeatable.")
@click.pass_context
def command(
    context: click.Context,
    target: str,
    cmd: tuple[str, ...],
    output: Path | None,
    listen: str,
    force: bool,
    preserve_host: bool,
    no_rewrite: bool,
    ca: Path | None,
    insecure: bool,
    no_redact: bool,
    keep_secrets: Path | None,
    notes: tuple[str, ...],
) -> None:
    """Record what passes between clients and TARGET (ws://, wss://, http:// or https://).

    Clients connect to the address that is printed; with CMD, it is run with WSTAPE_URL and
    WSTAPE_HTTP_URL set, and the recording ends with it. Otherwise Ctrl-C ends it.
    """
    import asyncio
    from datetime import UTC, datetime

    from ..cassettes import FileError, Target, UsageError
    from ..recorder import Address, Recorder, Settings, default_output, parse_note, run

    parsed = Target.parse(target)
    address = Address.parse(listen)
    if output is not None and output.suffix.lower() == ".jsonl":
        raise UsageError(f"-o {output}: a recording is a .cassette; turn it into .jsonl with 'wstape convert'")
    if keep_secrets is not None and no_redact:
        raise UsageError("--keep-secrets has nothing to keep with --no-redact; leave one out")
    path = output or default_output(parsed, datetime.now(UTC))
    if output is None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError.from_os_error(path.parent, error, writing=True) from error

    settings = Settings(
        target=parsed,
        output=path,
        listen=address,
        force=force,
        preserve_host=preserve_host,
        rewrite=not no_rewrite,
        ca=ca,
        insecure=insecure,
        redact=not no_redact,
        keep_secrets=keep_secrets,
        notes=dict(map(parse_note, notes)),
    )
    if no_redact:
        _warn("redaction is off: passwords and tokens are written to the cassette as they are; do not commit it")
    if insecure:
        _warn("--insecure: the target's certificate is not checked; anyone on the way can read and change the traffic")
    if not address.loopback:
        _warn(f"{address} is not a loopback address: other machines can reach the target through it")

    def listening(recorder: Recorder) -> None:
        _say(f"listening on ws://{recorder.address}")

    summary = asyncio.run(run(settings, command=cmd, report=_warn, listening=listening))
    _say(str(summary))
    for problem in summary.problems:
        _warn(f"incomplete: {problem}")
    if not summary.complete:
        context.exit(3)


def _say(line: str) -> None:
    # A terminal that has gone away must not end the traffic.
    with contextlib.suppress(OSError):
        click.echo(line, err=True)


def _warn(line: str) -> None:
    _say(f"wstape: warning: {line}")
