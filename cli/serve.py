"""``wstape serve``: be the server of a cassette."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .placeholders import secret_options
from .reporting import Delivery, deliver, report_options, warn

if TYPE_CHECKING:
    import asyncio
    import ssl

    from ..recorder import Address
    from ..replayer.serving import Outcome, Service


@click.command(
    epilog="""\b
Example:
  wstape serve chat.cassette --listen 127.0.0.1:8765
  wstape serve chat.cassette -- pytest tests/client

\b
Exit status: 0 served as recorded, 1 a client did something else or CMD failed, 2 bad usage or bad input,
3 the recording is incomplete.
"""
)
@click.argument("cassette", type=click.Path(path_type=Path))
@click.argument("cmd", nargs=-1, type=click.UNPROCESSED, metavar="[-- CMD ...]")
@click.option("--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Where clients connect.")
@click.option("--contract", type=click.Path(path_type=Path), metavar="FILE", help="Read envelope and scopes from it.")
@click.option(
    "--mode",
    type=click.Choice(("strict", "lenient", "loop")),
    default="strict",
    show_default=True,
    help="strict: clients do what was recorded; lenient: labels are enough, and what is unknown is not answered; "
    "loop: the same, from any place, again and again.",
)
@click.option("--allow-extra", multiple=True, metavar="LABEL", help="Clients may send or leave out LABEL; repeatable.")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    metavar="FACTOR",
    help="Keep the recorded pauses: 1 as recorded, 2 twice as fast. Default: answer at once.",
)
@click.option(
    "--latency", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS", help="Wait so long before each answer."
)
@click.option("--fresh-ids", is_flag=True, help="Make up anew the identifiers that the server issues.")
@click.option("--fault", "faults", multiple=True, metavar="SPEC", help="Inject a fault: drop:after=20; repeatable.")
@click.option("--seed", type=int, metavar="N", help="Make --fresh-ids and --fault repeatable.")
@click.option("--now", is_flag=True, help="Move the server's times to today.")
@secret_options
@click.option("--tls-cert", type=click.Path(path_type=Path), metavar="FILE", help="Listen with TLS and this PEM file.")
@click.option("--tls-key", type=click.Path(path_type=Path), metavar="FILE", help="The key of --tls-cert, if elsewhere.")
@report_options
def command(
    cassette: Path,
    cmd: tuple[str, ...],
    listen: str,
    contract: Path | None,
    mode: str,
    allow_extra: tuple[str, ...],
    speed: float | None,
    latency: float,
    fresh_ids: bool,
    faults: tuple[str, ...],
    seed: int | None,
    now: bool,
    secrets: tuple[str, ...],
    secret_files: tuple[Path, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
    delivery: Delivery,
) -> int:
    """Answer real clients from CASSETTE, as the recorded service did.

    Every client is served from the start of the recording. Its own identifiers stand where the recorded
    service echoed them. With CMD, it is run with WSTAPE_URL and WSTAPE_HTTP_URL set, and serving ends with
    it; otherwise Ctrl-C ends it.
    """
    import asyncio
    import ssl
    from datetime import UTC, datetime

    from ..cassettes import Certificate, Fault, Faults, Redactor, Secrets, read_session
    from ..contracts import Contract, fold
    from ..recorder import Address
    from ..replayer.serving import Desk, Manner, Service, contract_of, freshness, placeholders
    from ..reports import Report

    address = Address.parse(listen)
    given = Secrets.load(secrets, secret_files, os.environ)
    tls = None
    if tls_cert is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        Certificate(file=tls_cert, key=tls_key).load(tls, "--tls-cert")
    session = read_session(cassette)
    if not session.complete:
        warn(f"{cassette} is incomplete: its recording was cut off; what it holds is served")
    loaded = Contract.load(contract) if contract is not None else contract_of(session)
    values = {name: value for name in placeholders(session) if (value := given.get(name)) is not None}
    desk = Desk(
        session,
        loaded,
        lambda issued: Manner(
            contract=loaded,
            issued=issued,
            mode="lenient" if mode == "lenient" else "loop" if mode == "loop" else "strict",
            allowed=frozenset(allow_extra),
            speed=speed,
            latency_ns=int(latency * 1e9),
            freshness=freshness(
                identifiers=fresh_ids,
                seed=seed,
                recorded=session.header.created,
                now=datetime.now(UTC) if now else None,
            ),
            redactor=Redactor(known=values),
        ),
        secrets={f"{{{{secret:{name}}}}}": value for name, value in values.items()},
        faults=Faults([Fault.parse(text) for text in faults], seed or 0),
        tell=lambda line: click.echo(line, err=True),
    )
    if not address.loopback:
        warn(f"{address} is not a loopback address: other machines can reach it")
    failed, outcome = asyncio.run(_serve(Service(desk), address, tls, cmd))
    for what in outcome.never_asked:
        warn(f"never asked for: {what}")
    if failed is not None:
        warn(f"the command ended with {failed}")
    report = Report(
        title=f"clients of {cassette}",
        findings=fold(outcome.findings),
        file=str(cassette),
        connections=outcome.connections,
        messages=outcome.messages,
        complete=session.complete,
        extra={"exchanges": outcome.exchanges, "never_asked": list(outcome.never_asked)},
    )
    status = deliver(report, delivery)
    return 1 if failed is not None else status


async def _serve(
    service: Service, address: Address, tls: ssl.SSLContext | None, cmd: tuple[str, ...]
) -> tuple[str | None, Outcome]:
    """Serve until a signal comes or the command ends; return how it failed, if it did, and the outcome."""
    import asyncio
    import signal
    from dataclasses import replace

    from ..recorder import find_command, run_command, signals_to, status_in_words

    find_command(cmd)
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    status = 0
    with signals_to(signals):
        at = replace(address, port=await service.start(address.host, address.port, tls=tls))
        secure = "" if tls is None else "s"
        click.echo(f"listening on ws{secure}://{at}", err=True)
        if cmd:
            never = asyncio.Event()
            limit = asyncio.create_task(_wait(never))
            environment = {"WSTAPE_URL": f"ws{secure}://{at}", "WSTAPE_HTTP_URL": f"http{secure}://{at}"}
            try:
                status = await run_command(cmd, environment, signals, limit, never)
            finally:
                limit.cancel()
        else:
            await signals.get()
        outcome = await service.stop()
    return status_in_words(status) if status else None, outcome


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
