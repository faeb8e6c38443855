"""``wstape replay``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .placeholders import secret_options
from .redacting import project_rules
from .reporting import EXIT_STATUS, Delivery, allow_option, deliver, report_options, warn

if TYPE_CHECKING:
    from ..replayer import Outcome, Plan, Take
    from ..reports import Report

_SKIP = 125  # what git bisect run takes for "this commit cannot be tested"
_DYING = 2.0  # seconds between a build's last connection and its end, on a machine that has much else to do


@click.command(epilog=EXIT_STATUS)
@click.argument("cassettes", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CASSETTE...")
@click.option(
    "--target", "--candidate", required=True, metavar="URL", help="The build: ws://, wss://, http:// or https://."
)
@click.option(
    "--baseline",
    metavar="URL",
    help="Play against this build as well: what it shows against itself is noise, and counts for nothing.",
)
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
@click.option(
    "--latency",
    type=click.FloatRange(min=1, min_open=True),
    metavar="RATIO",
    help="Warn of labels that take so many times as long as in the recording, or on the baseline.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Play so many cassettes at a time."
)
@click.option("--fail-fast", is_flag=True, help="Leave out the cassettes that follow a breaking one.")
@click.option(
    "--mark-volatile",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the contract with what was learned to be volatile marked in it.",
)
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Write what came as a cassette.")
@secret_options
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
    baseline: str | None,
    contract: Path | None,
    mode: str,
    build_command: str | None,
    repeat: int,
    latency: float | None,
    jobs: int,
    fail_fast: bool,
    mark_volatile: Path | None,
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
    delivery: Delivery,
) -> int:
    """Play a cassette against a build and judge it.

    Client messages are sent when the server has ended its turn, with the identifiers and tokens that this build issues
    in place of the recorded ones.

    \b
    Example:
      wstape replay chat.cassette --contract chat.contract.json --target ws://127.0.0.1:8000
      wstape replay chat.cassette --target ws://127.0.0.1:8000 --secret password=env:ALICE_PASSWORD
      wstape replay chat.cassette --target ws://127.0.0.1:8000 --exec 'make serve'
      wstape replay chat.cassette --mode exact --baseline ws://main:8000 --candidate ws://branch:8000
    """
    from importlib.metadata import version

    from ..cassettes import (
        FileError,
        Secrets,
        Target,
        UnreachableError,
        UsageError,
        read_session,
        write_records,
        write_text,
    )
    from ..contracts import Contract, infer
    from ..replayer import (
        BuildDiedError,
        Noise,
        Options,
        Overrides,
        Plan,
        Reading,
        attempt_all,
        gap,
        log_in,
        marked,
        noise_of,
        prepare,
        running_build,
    )

    if save is not None and (len(cassettes) > 1 or repeat > 1):
        raise UsageError("--save takes one cassette played once; leave --repeat and the other cassettes out")
    for path in (save, mark_volatile):
        if path is not None and path.exists() and not force:
            raise FileError(path, "the file exists already", "choose another name, or overwrite it with --force")
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
        rules=project_rules(click.get_current_context()),
    )
    right = None if baseline is None else Target.parse(baseline)
    recordings = [(str(path), read_session(path)) for path in cassettes]
    for name, session in recordings:
        if gap(session):
            warn(f"{name} is incomplete: {gap(session)}; what it holds is played")
    loaded = Contract.load(contract) if contract is not None else infer([s.records() for _, s in recordings])
    plan = Plan(
        contract=loaded,
        options=options,
        version=version("wstape"),
        mode="exact" if mode == "exact" else "contract",
        repeat=repeat,
        baseline=right,
        baseline_tls=None if right is None else right.tls_context(ca=ca, insecure=insecure),
        latency=latency,
        noise=noise_of([session for _, session in recordings], loaded),
    )

    def ready() -> tuple[Take, ...]:
        return prepare(recordings, loaded, Secrets.load(secrets, secret_files, os.environ), reading)

    if login is None:
        ready()  # what is missing is told before anything is started
    try:
        with running_build(build_command, aim) if build_command is not None else nullcontext() as build:
            if login is not None:
                fields, printed = log_in(login, aim)
                # What is given by hand wins over what the login says.
                secrets = (*printed, *secrets)
                names = {name.lower() for name, _ in options.headers}
                kept = (one for one in fields if one[0].lower() not in names)
                plan = replace(plan, options=replace(options, headers=(*options.headers, *kept)))

            def done(take: Take, outcome: Outcome) -> None:
                if build is not None:
                    ended = any(finding.id == "close/abnormal" for finding in outcome.findings)
                    build.check(f"while {take.name} was replayed", patience=_DYING if ended else 0.0)

            takes = ready()
            try:
                outcomes = attempt_all(takes, plan, jobs=jobs, fail_fast=fail_fast, done=done)
            except BuildDiedError:
                raise
            except UnreachableError:
                if build is not None:
                    build.check("while it was replayed against", patience=_DYING)
                raise
    except UnreachableError as error:
        if isinstance(error, BuildDiedError):
            click.echo(error.output, err=True, nl=not error.output.endswith("\n"))
        if not bisect:
            raise
        warn(f"skipped: {error}")
        return _SKIP
    if save is not None and outcomes[0] is not None:
        write_records(save, outcomes[0].sessions[0].records(), force=force)
    report = _report([name for name, _ in recordings], outcomes, plan)
    if mark_volatile is not None:
        learned = Noise().union(*(outcome.noise for outcome in outcomes if outcome is not None))
        written, added = marked(loaded, learned)
        write_text(mark_volatile, written.dumps(), force=force)
        click.echo(f"{added} places marked as volatile in {mark_volatile}", err=True)
    played = [session for outcome in outcomes if outcome is not None for session in outcome.sessions]
    # What was given up because the server dropped a connection, as it is known to do, is no result either.
    complete = not any(gap(session) for _, session in recordings) and all(session.complete for session in played)
    report = replace(report, complete=complete)
    status = deliver(report, delivery)
    return _SKIP if bisect and status == UnreachableError.exit_status else status


def _report(names: Sequence[str], outcomes: Sequence[Outcome | None], plan: Plan) -> Report:
    from ..contracts import fold
    from ..replayer import first_divergence
    from ..reports import Case, Report

    played = [outcome for outcome in outcomes if outcome is not None]
    connections = [one for outcome in played for session in outcome.sessions for one in session.connections]
    noise = sorted({line for outcome in played for line in outcome.noise.lines()})
    told = (first_divergence(one.sessions[0], plan.contract, one.findings) for one in played)
    divergence = next((lines for lines in told if lines), ())
    return Report(
        title=f"{names[0] if len(names) == 1 else f'{len(names)} cassettes'} against {plan.options.target.url}",
        findings=fold(finding for outcome in played for finding in outcome.findings),
        cases=tuple(
            Case(name=name, file=name, findings=() if outcome is None else outcome.findings, played=outcome is not None)
            for name, outcome in zip(names, outcomes, strict=True)
        ),
        file=names[0] if len(names) == 1 else None,
        connections=len(connections),
        messages=sum(len(connection.messages) for connection in connections),
        divergence=divergence,
        notes=tuple(noise) if plan.mode == "exact" or plan.baseline is not None else (),
        extra={
            "cassettes": len(names),
            "played": len(played),
            "repeats": plan.repeat,
            "noise": noise,
            "divergence": divergence,
        },
    )


def _header(text: str) -> tuple[str, str]:
    from ..cassettes import UsageError

    name, colon, value = text.partition(":")
    if not colon or not name.strip() or "\n" in text or "\r" in text:
        raise UsageError("--header: write NAME:VALUE, as in --header 'X-Build: 42'")
    return name.strip(), value.strip()
