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
@click.option("--client-cert", metavar="FILE[:KEY]", help="Show this PEM certificate to a target that asks for one.")
@click.option("--insecure", is_flag=True, help="Do not check the target's certificate.")
@click.option(
    "--target-socket",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Reach TARGET by this Unix socket.",
)
@click.option(
    "--tls-cert",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Listen with TLS (wss://, https://) and this PEM certificate.",
)
@click.option("--tls-key", type=click.Path(path_type=Path), metavar="FILE", help="The key of --tls-cert, if elsewhere.")
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
    client_cert: str | None,
    insecure: bool,
    target_socket: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
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

    from ..cassettes import Certificate, FileError, Target, UsageError
    from ..recorder import Address, Recorder, Settings, default_output, parse_note, run

    parsed = Target.parse(target)
    address = Address.parse(listen)
    if output is not None and output.suffix.lower() == ".jsonl":
        raise UsageError(f"-o {output}: a recording is a .cassette; turn it into .jsonl with 'wstape convert'")
    if keep_secrets is not None and no_redact:
        raise UsageError("--keep-secrets has nothing to keep with --no-redact; leave one out")
    if tls_key is not None and tls_cert is None:
        raise UsageError("--tls-key belongs to a certificate; name that with --tls-cert")
    if client_cert is not None and not parsed.tls:
        raise UsageError(f"--client-cert has no use with {target}; the target must be wss:// or https://")
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
        client_cert=Certificate.parse(client_cert) if client_cert is not None else None,
        insecure=insecure,
        target_socket=target_socket,
        tls=Certificate(file=tls_cert, key=tls_key) if tls_cert is not None else None,
        redact=not no_redact,
        keep_secrets=keep_secrets,
        notes=dict(map(parse_note, notes)),
    )
    if no_redact:
        _warn("redaction is off: passwords and tokens are written to the cassette as they are; do not commit it")
    if insecure and parsed.tls:
        _warn("--insecure: the target's certificate is not checked; anyone on the way can read and change the traffic")
    if not address.loopback:
        _warn(f"{address} is not a loopback address: other machines can reach the target through it")

    def listening(recorder: Recorder) -> None:
        _say(f"listening on {'ws' if tls_cert is None else 'wss'}://{recorder.address}")
        if recorder.route.proxy is not None:
            _say(f"reaching {parsed.origin} through the proxy {recorder.route.proxy}")

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
