"""``wstape record``: record what passes between clients and a service."""

from __future__ import annotations

import contextlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from .redacting import RedactionOptions, redaction_options

if TYPE_CHECKING:
    from ..cassettes import Record


@click.command(
    epilog="""\b
Example:
  wstape record wss://staging.example.com/ws -o login.cassette
  wstape record ws://127.0.0.1:8000/ws -o chat.cassette -- python client.py

\b
Exit status: 0 recorded, 2 bad usage, a file that cannot be written or a secret left in the cassette,
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
@redaction_options
@click.option("--allow-unsafe", is_flag=True, help="Keep a cassette in which a known secret is found at the end.")
@click.option("--note", "notes", multiple=True, metavar="KEY=VALUE", help="Put a note in the header; repeatable.")
@click.option("--only", multiple=True, metavar="PATH-GLOB", help="Record only paths like this; repeatable.")
@click.option("--skip-http", is_flag=True, help="Record WebSockets only.")
@click.option("--max-message", metavar="SIZE", help="Store the head of larger messages, with size and hash.")
@click.option("--max-connections", type=click.IntRange(min=1), metavar="N", help="End after N WebSocket connections.")
@click.option("--max-duration", metavar="TIME", help="End after TIME, such as 90s, 15m or 1h30m.")
@click.option("--rotate-size", metavar="SIZE", help="Begin a new cassette when one is this large, such as 100M.")
@click.option("--rotate-time", metavar="TIME", help="Begin a new cassette when one is this old.")
@click.option(
    "--fault", "faults", multiple=True, metavar="SPEC", help="Inject a fault, such as drop:after=20; repeatable."
)
@click.option(
    "--fault-seed",
    type=int,
    default=0,
    show_default=True,
    metavar="N",
    help="Chooses where a fault with a chance strikes.",
)
@click.option(
    "--loop",
    type=click.Choice(["auto", "asyncio", "uvloop"]),
    default="auto",
    show_default=True,
    help="The event loop; auto is uvloop where it is installed.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say only what goes wrong.")
@click.option("-v", "--verbose", is_flag=True, help="Say what happens: connections, HTTP exchanges, notes.")
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
    only: tuple[str, ...],
    skip_http: bool,
    max_message: str | None,
    max_connections: int | None,
    max_duration: str | None,
    rotate_size: str | None,
    rotate_time: str | None,
    faults: tuple[str, ...],
    fault_seed: int,
    loop: str,
    quiet: bool,
    verbose: bool,
    allow_unsafe: bool,
    **redaction: Unpack[RedactionOptions],
) -> None:
    """Record what passes between clients and TARGET (ws://, wss://, http:// or https://).

    Clients connect to the address that is printed; with CMD, it is run with WSTAPE_URL and
    WSTAPE_HTTP_URL set, and the recording ends with it. Otherwise Ctrl-C ends it. A limit ends
    either. Everything passes, whatever is recorded of it.
    """
    import asyncio
    from datetime import UTC, datetime

    from ..cassettes import CassetteError, Certificate, Fault, FileError, Target, UsageError
    from ..recorder import (
        Address,
        Recorder,
        Rotation,
        Selection,
        Settings,
        default_output,
        loop_factory,
        parse_duration,
        parse_note,
        parse_size,
        run,
    )
    from .redacting import redaction_rules, suspect_lines

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
    if quiet and verbose:
        raise UsageError("--quiet and --verbose do not go together; leave one out")
    rotation = Rotation(
        size=parse_size("--rotate-size", rotate_size) if rotate_size is not None else None,
        seconds=parse_duration("--rotate-time", rotate_time) if rotate_time is not None else None,
    )
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
        rules=redaction_rules(context, redaction),
        allow_unsafe=allow_unsafe,
        keep_secrets=keep_secrets,
        notes=dict(map(parse_note, notes)),
        selection=Selection(only=only, http=not skip_http, connections=max_connections),
        rotation=rotation if rotation != Rotation() else None,
        max_message=parse_size("--max-message", max_message) if max_message is not None else None,
        faults=tuple(map(Fault.parse, faults)),
        fault_seed=fault_seed,
        max_duration=parse_duration("--max-duration", max_duration) if max_duration is not None else None,
    )
    talk = _Talk(quiet=quiet, verbose=verbose, status=not cmd)
    if no_redact:
        talk.warn("redaction is off: passwords and tokens are written to the cassette as they are; do not commit it")
    if insecure and parsed.tls:
        talk.warn("--insecure: the target's certificate is not checked; anyone on the way can change the traffic")
    if not address.loopback:
        talk.warn(f"{address} is not a loopback address: other machines can reach the target through it")

    def listening(recorder: Recorder) -> None:
        talk.say(f"listening on {'ws' if tls_cert is None else 'wss'}://{recorder.address}")
        if recorder.route.proxy is not None:
            talk.say(f"reaching {parsed.origin} through the proxy {recorder.route.proxy}")

    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        summary = runner.run(
            run(
                settings,
                command=cmd,
                report=talk.warn,
                listening=listening,
                watch=talk.watch,
                tick=talk.tick,
                say=talk.say,
            )
        )
    if allow_unsafe or not summary.unsafe:
        talk.say(str(summary))
    for problem in summary.problems:
        talk.warn(f"incomplete: {problem}")
    for line in suspect_lines(summary.suspects):
        talk.warn(line)
    for place in summary.unsafe:
        talk.warn(f"a secret is left: {place}")
    if summary.unsafe and not allow_unsafe:
        raise CassetteError(
            f"{summary.path} is not kept: a known secret is left in it, see above;"
            " add a rule for its place, or keep it with --allow-unsafe"
        )
    if not summary.complete:
        context.exit(3)


class _Talk:
    """What is said on standard error: lines, and on a terminal a last line that changes."""

    def __init__(self, *, quiet: bool, verbose: bool, status: bool) -> None:
        """``status`` False leaves the terminal to the command that is run."""
        from ..recorder import Status

        self._quiet = quiet
        self._verbose = verbose
        self._status = Status() if status and not quiet and sys.stderr.isatty() else None
        self._shown = ""
        # Without somebody to tell, records are not looked at.
        self.watch = self._watch if verbose or self._status is not None else None
        self.tick = self._tick if self._status is not None else None

    def say(self, line: str) -> None:
        if not self._quiet:
            self._write(line)

    def warn(self, line: str) -> None:
        self._write(f"wstape: warning: {line}")

    def _watch(self, record: Record) -> None:
        from ..cassettes import Closed, HttpExchange, Note, Opened
        from ..recorder import describe

        if self._status is not None:
            self._status.add(record)
        if self._verbose and isinstance(record, Opened | Closed | HttpExchange | Note):
            self._write(describe(record))

    def _tick(self) -> None:
        if self._status is None:
            return
        width = shutil.get_terminal_size().columns
        line = self._status.line()[: width - 1]
        if line != self._shown:
            self._shown = line
            self._put(f"\r{line}\x1b[K")

    def _write(self, line: str) -> None:
        # The next tick shows the status again, below.
        self._put(f"\r\x1b[K{line}\n" if self._shown else f"{line}\n")
        self._shown = ""

    def _put(self, text: str) -> None:
        # A terminal that has gone away must not end the traffic.
        with contextlib.suppress(OSError):
            click.echo(text, nl=False, err=True)
