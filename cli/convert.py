"""``wstape convert``: a recording into another format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from .contracting import CONTRACT_SUFFIXES, convert_contract
from .redacting import RedactionOptions, redaction_options
from .reporting import warn, warn_incomplete

if TYPE_CHECKING:
    from ..cassettes import CassetteReader, Foreign, Record
    from ..cassettes.formats.importing import Imported

_MOST_KINDS = 8  # of what is left out that are told


@click.command(
    epilog="""\b
Example:
  wstape convert chat.cassette chat.jsonl
  wstape convert chat.jsonl chat.cassette --force
  wstape convert browser.har chat.cassette
  wstape convert chat.cassette chat.har
  wstape convert chat.contract.json chat.asyncapi.yaml

Exit status: 0 done, 2 bad usage or bad input, 3 the recording is incomplete (what there is was converted).
"""
)
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("destination", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite OUT when it exists.")
@click.option("--origin", metavar="URL", help="Which service to take from another tool's IN; default: the busiest.")
@click.option("--no-redact", is_flag=True, help="Leave the secrets of another tool's IN where they are.")
@click.option(
    "--keep-secrets",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the values that were taken out to FILE, for replays on this machine.",
)
@redaction_options
@click.pass_context
def command(
    ctx: click.Context,
    source: Path,
    destination: Path,
    *,
    force: bool,
    origin: str | None,
    no_redact: bool,
    keep_secrets: Path | None,
    **options: Unpack[RedactionOptions],
) -> None:
    """Write the recording IN as OUT, in the format that OUT's suffix names: .cassette, .jsonl or .har.

    A contract becomes an AsyncAPI 3 document when OUT ends with .asyncapi.yaml or .asyncapi.json, and an
    AsyncAPI document a contract when OUT ends with .contract.json.

    IN is one of these, a mitmproxy flow file or a cassetter cassette, told by what is in it. Between
    .cassette and .jsonl nothing is lost; what another format cannot hold is told. Other tools keep
    passwords and tokens: they are taken out as by record. OUT appears whole or not at all.
    """
    from ..cassettes import UsageError, foreign_format, open_cassette, read_session, write_records

    if destination.name.endswith(CONTRACT_SUFFIXES):
        if origin is not None or no_redact or keep_secrets is not None or any(options.values()):
            raise UsageError("--origin and redaction are for recordings; a contract holds no secrets to take out")
        convert_contract(source, destination, force=force)
        return
    if source.name.endswith(CONTRACT_SUFFIXES):
        raise UsageError(
            f"{source} is a contract; let OUT end with .asyncapi.yaml, .asyncapi.json or .contract.json: {destination}"
        )
    foreign = foreign_format(source)
    if foreign is not None:
        _import(ctx, source, foreign, destination, origin, force, no_redact, keep_secrets, options)
        return
    if origin is not None or no_redact or keep_secrets is not None or any(options.values()):
        raise UsageError(f"{source} is wstape's own; --origin and redaction are for other tools' (see 'wstape scrub')")
    if destination.suffix == ".har":
        from ..cassettes.formats.har_writing import unseen

        _tell("in a HAR other tools do not see", unseen(read_session(source)))
    reader = open_cassette(source)
    write_records(destination, _honest(reader), force=force)
    if not reader.complete:
        warn_incomplete(reader)
        ctx.exit(3)


def _import(
    ctx: click.Context,
    source: Path,
    foreign: Foreign,
    destination: Path,
    origin: str | None,
    force: bool,
    no_redact: bool,
    keep_secrets: Path | None,
    options: RedactionOptions,
) -> None:
    from ..cassettes import (
        CassetteError,
        Redactor,
        UsageError,
        counted,
        leaks_in,
        redact_all,
        write_records,
        write_secrets,
    )
    from .redacting import redaction_rules, refuse_secrets_file

    if no_redact and (keep_secrets is not None or any(options.values())):
        raise UsageError("--no-redact goes with no other option about secrets; leave one out")
    imported = _read(source, foreign, origin)
    records = imported.session.records()
    if no_redact:
        warn(f"redaction is off: {destination} holds the passwords and tokens of {source}; do not commit it")
        write_records(destination, records, force=force)
    else:
        if keep_secrets is not None:
            refuse_secrets_file(keep_secrets)
        redactor = Redactor(rules=redaction_rules(ctx, options))
        records = redact_all(records, redactor)
        leaks = leaks_in(records, redactor)
        if leaks:
            raise CassetteError(f"{source}: {leaks[0]} and cannot be taken out; convert to .jsonl with --no-redact")
        write_records(destination, records, force=force)
        if keep_secrets is not None and redactor.secrets:
            write_secrets(keep_secrets, redactor.secrets)
        count = len(redactor.secrets)
        click.echo(f"wstape: {foreign} read, {counted(count, 'secret')} taken out", err=True)
    _tell("left out", imported.left_out)
    if imported.problem:
        warn(f"{source} is incomplete: {imported.problem}")
        ctx.exit(3)


def _read(source: Path, foreign: Foreign, origin: str | None) -> Imported:
    from ..cassettes import FileError
    from ..cassettes.formats.importing import import_recording

    try:
        with source.open("rb") as file:
            return import_recording(source, file, foreign, origin)
    except OSError as error:
        raise FileError.from_os_error(source, error) from error


def _tell(what: str, found: Counter[str]) -> None:
    parts = [f"{count} x {name}" for name, count in found.most_common(_MOST_KINDS)]
    if len(found) > _MOST_KINDS:
        parts.append(f"{len(found) - _MOST_KINDS} more kinds")
    if parts:
        click.echo(f"wstape: {what}: {', '.join(parts)}", err=True)


def _honest(reader: CassetteReader) -> Iterator[Record]:
    """Yield all records, the end record only when nothing is missing: a copy must not hide what its source lacks."""
    from ..cassettes import End

    end: Record | None = None
    for record in reader:
        if isinstance(record, End):
            end = record
        else:
            yield record
    if end is not None and reader.complete:
        yield end
