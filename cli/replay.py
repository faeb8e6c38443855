"""``wstape replay``."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .reporting import EXIT_STATUS, allow_option, deliver, report_options, warn

if TYPE_CHECKING:
    from ..replayer import Take

_SKIP = 125  # what git bisect run takes for "this commit cannot be tested"
_DYING = 0.5  # seconds between a build's last connection and its end


@click.command(epilog=EXIT_STATUS)
@click.argument("cassettes", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CASSETTE...")
@click.option("--target", required=True, metavar="URL", help="The build: ws://, wss://, http:// or https://.")
@click.option(
    "--contract", type=click.Path(path_type=Path), metavar="FILE", help="Default: learned from the cassettes."
)
@click.option(
    "--mode",
    type=click.Choice(["contract", "exact"]),
    default="contract",
    show_default=True,
    help="contract: is it still compatible? exact: is anything but volatile values different?",
)
@click.option(
    "--exec",
    "build_command",
    metavar="CMD",
    help="Start the build with CMD, wait until it accepts connections at the target, stop it in the end.",
)
@click.option("--repeat", type=click.IntRange(min=1), default=1, show_default=True, help="Play so many times.")
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Write what came as a cassette.")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value for {{secret:NAME}}; also NAME=env:VAR or NAME=file:PATH. NAME may be a kind: password.",
)
@click.option(
    "--secrets",
    "secret_files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Values that 'record --keep-secrets' wrote.",
)
@click.option(
    "--login",
    metavar="CMD",
    help="Run CMD before the replay; it prints secrets as NAME=VALUE and header fields as 'Name: value', a line each.",
)
@click.option(
    "--bindings",
    "bindings_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="JSON that says which values are bound to what, and which never.",
)
@click.option("--fresh-ids", is_flag=True, help="Renew the identifiers that the recorded client made up itself.")
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="Put into handshakes and requests.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long the server may take for a turn. Default: three times the recorded time, at least 5 s.",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    metavar="FACTOR",
    help="Keep the recorded pauses: 1 as recorded, 2 twice as fast. Default: as fast as the server answers.",
)
@allow_option
@click.option("--ca", type=click.Path(path_type=Path), metavar="FILE", help="Trust these certificates.")
@click.option("--insecure", is_flag=True, help="Do not verify the target's certificate.")
@click.option("--force", is_flag=True, help="Let --save overwrite.")
@click.option("--bisect", is_flag=True, help="For git bisect run: exit status 125, skip, where it would be 3.")
@report_options
def command(
    cassettes: tuple[Path, ...],
    target: str,
    contract: Path | None,
    mode: str,
    build_command: str | None,
    repeat: int,
    save: Path | None,
    secrets: tuple[str, ...],
    secret_files: tuple[Path, ...],
    login: str | None,
    bindings_file: Path | None,
    fresh_ids: bool,
    headers: tuple[str, ...],
    timeout: float | None,
    speed: float | None,
    allow_extra: tuple[str, ...],
    ca: Path | None,
    insecure: bool,
    force: bool,
    bisect: bool,
    as_json: bool,
    junit: Path | None,
    fail_on: str,
) -> int:
    """Play a cassette against a build and judge it.

    Client messages are sent when the server has ended its turn, with the identifiers and tokens that this build issues
    in place of the recorded ones.

    \b
    Example:
      wstape replay chat.cassette --contract chat.contract.json --target ws://127.0.0.1:8000
      wstape replay chat.cassette --target ws://127.0.0.1:8000 --secret password=env:ALICE_PASSWORD
      wstape replay chat.cassette --target ws://127.0.0.1:8000 --exec 'make serve'
    """
    from importlib.metadata import version

    from ..cassettes import FileError, Secrets, Target, UnreachableError, UsageError, read_session, write_records
    from ..contracts import Contract, Finding, fold, infer, verdict
    from ..replayer import BuildDiedError, Options, Overrides, Reading, gap, log_in, prepare, replay, running_build
    from ..reports import Case, Report

    if save is not None and (len(cassettes) > 1 or repeat > 1):
        raise UsageError("--save takes one cassette played once; leave --repeat and the other cassettes out")
    if save is not None and save.exists() and not force:
        raise FileError(save, "the file exists already", "choose another name, or overwrite it with --force")
    reading = Reading(
        allowed=frozenset(allow_extra),
        overrides=Overrides() if bindings_file is None else Overrides.load(bindings_file),
        fresh=fresh_ids,
    )
    aim = Target.parse(target)
    if insecure:
        warn(f"--insecure: the certificate of {aim.url} is not verified")
    options = Options(
        target=aim,
        tls=aim.tls_context(ca=ca, insecure=insecure),
        headers=tuple(_header(text) for text in headers),
        timeout_ns=None if timeout is None else int(timeout * 1e9),
        speed=speed,
        allowed=reading.allowed,
    )
    recordings = [(str(path), read_session(path)) for path in cassettes]
    for name, session in recordings:
        if gap(session):
            warn(f"{name} is incomplete: {gap(session)}; what it holds is played")
    loaded = Contract.load(contract) if contract is not None else infer([s.records() for _, s in recordings])

    def ready() -> tuple[Take, ...]:
        return prepare(recordings, loaded, Secrets.load(secrets, secret_files, os.environ), reading)

    if login is None:
        ready()  # what is missing is told before anything is started
    cases: list[Case] = []
    connections = messages = 0
    try:
        with running_build(build_command, aim) if build_command is not None else nullcontext() as build:
            if login is not None:
                fields, printed = log_in(login, aim)
                # What is given by hand wins over what the login says.
                secrets = (*printed, *secrets)
                names = {name.lower() for name, _ in options.headers}
                kept = (one for one in fields if one[0].lower() not in names)
                options = replace(options, headers=(*options.headers, *kept))
            takes = ready()
            for take in takes:
                found: list[Finding] = []
                for _ in range(repeat):
                    try:
                        came, findings = replay(
                            take,
                            loaded,
                            options,
                            version=version("wstape"),
                            mode="exact" if mode == "exact" else "contract",
                        )
                    except UnreachableError:
                        if build is not None:
                            build.check(f"while {take.name} was replayed", patience=_DYING)
                        raise
                    if build is not None:
                        broken = verdict(findings) == "breaking"
                        build.check(f"while {take.name} was replayed", patience=_DYING if broken else 0.0)
                    connections += len(came.connections)
                    messages += sum(len(connection.messages) for connection in came.connections)
                    found += findings
                    if save is not None:
                        write_records(save, came.records(), force=force)
                cases.append(Case(name=take.name, findings=fold(found)))
    except UnreachableError as error:
        if isinstance(error, BuildDiedError):
            click.echo(error.output, err=True, nl=not error.output.endswith("\n"))
        if not bisect:
            raise
        warn(f"skipped: {error}")
        return _SKIP
    named = recordings[0][0] if len(recordings) == 1 else f"{len(recordings)} cassettes"
    report = Report(
        title=f"{named} against {aim.url}",
        findings=fold(finding for case in cases for finding in case.findings),
        cases=tuple(cases),
        connections=connections,
        messages=messages,
        complete=not any(gap(session) for _, session in recordings),
        extra={"cassettes": len(cassettes), "repeats": repeat},
    )
    status = deliver(report, as_json=as_json, junit=junit, fail_on=fail_on)
    return _SKIP if bisect and status == UnreachableError.exit_status else status


def _header(text: str) -> tuple[str, str]:
    from ..cassettes import UsageError

    name, colon, value = text.partition(":")
    if not colon or not name.strip() or "\n" in text or "\r" in text:
        raise UsageError("--header: write NAME:VALUE, as in --header 'X-Build: 42'")
    return name.strip(), value.strip()
