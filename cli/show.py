"""``wstape show``: look inside a cassette."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, Unpack, cast

import click

from .choice import Choice, ChoiceOptions, choice_options
from .envelopes import envelope_option
from .reporting import warn_incomplete

if TYPE_CHECKING:
    from ..cassettes import Record, Recording
    from ..contracts import EventReader

_POLL_S = 0.1
_WIDTH = 120  # columns, where no terminal says otherwise


@click.command(
    epilog="""\b
Example:
  wstape show chat.cassette
  wstape show --events chat.cassette
  wstape show --script chat.cassette
  wstape show --jsonl chat.cassette | jq 'select(.record == "message")'
  wstape show --connection 2 --direction server --grep error --pretty chat.cassette
  wstape show --follow chat.cassette
  wstape show --contract chat.contract.json --diagram
  git config diff.wstape.textconv 'wstape show --textconv'

Exit status: 0 done, 2 bad usage or not a cassette, 3 the recording is incomplete (what there is was shown).
"""
)
@click.argument("cassette", required=False, type=click.Path(path_type=Path))
@click.option("--jsonl", is_flag=True, help="Print the .jsonl twin: every record as a line of JSON.")
@click.option("--textconv", is_flag=True, help="For git diff: no times, no colour, nothing cut, all header fields.")
@click.option("--events", is_flag=True, help="A line an event: its label and the identifiers of its scopes.")
@click.option("--bindings", is_flag=True, help="The client's values that the server issued, and where.")
@click.option(
    "--beside",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="CASSETTE",
    help="For --bindings: another recording of the same, with which they may agree; repeatable.",
)
@click.option("--script", is_flag=True, help="What a replay does, step by step, and what each step waits for.")
@click.option("--pretty", is_flag=True, help="Payloads over lines of their own: JSON indented, binary as a dump.")
@click.option("--follow", is_flag=True, help="Show a recording in progress as it grows, until its end or Ctrl-C.")
@click.option("--contract", type=click.Path(path_type=Path), metavar="FILE", help="Look inside a contract instead.")
@click.option("--diagram", is_flag=True, help="Of a contract: each scope as a Mermaid state diagram, in Markdown.")
@choice_options
@envelope_option
@click.pass_context
def command(
    ctx: click.Context,
    cassette: Path | None,
    *,
    contract: Path | None,
    diagram: bool,
    jsonl: bool,
    textconv: bool,
    events: bool,
    bindings: bool,
    beside: tuple[Path, ...],
    script: bool,
    pretty: bool,
    follow: bool,
    envelope: tuple[str, ...],
    **chosen: Unpack[ChoiceOptions],
) -> None:
    """Look inside a cassette: one line a message, cut to the terminal's width.

    '->' was sent by the client, '<-' by the server; '#1' is the connection. Characters that could drive the
    terminal are shown as escapes. What is chosen must be all that is asked for at once.
    """
    from ..cassettes import Recording, UsageError, printable

    if contract is not None or diagram:
        if cassette is not None or contract is None or not diagram:
            raise UsageError("--contract and --diagram go together, without a cassette")
        _draw(contract)
        return
    if cassette is None:
        raise UsageError("a cassette is missing; name one, or a contract with --contract FILE --diagram")
    views = [f"--{name}" for name, on in _views(jsonl, textconv, events, bindings, script) if on]
    if len(views) > 1:
        raise UsageError("--jsonl, --textconv, --events, --bindings and --script are five views; choose one")
    if beside and not bindings:
        raise UsageError("--beside names recordings to compare bindings with; add --bindings")
    choice = Choice.parse(**chosen)
    if (bindings or script) and (not choice.everything or choice.limit is not None):
        raise UsageError(f"{views[0]} is of the whole recording; leave out what chooses a part of it")
    if pretty and views and not textconv:
        raise UsageError(f"--pretty does not go with {views[0]}; leave one out")
    if follow and (events or bindings or script or textconv):
        raise UsageError(f"--follow does not go with {views[0]}, which takes a whole recording; leave one out")
    if envelope and not (events or bindings or script or choice.labels):
        raise UsageError("--envelope tells how to read events; add --events, --label, --bindings or --script")
    recording = Recording(cassette)
    out: TextIO = sys.stdout
    if isinstance(sys.stdout, io.TextIOWrapper):
        # JSON is UTF-8 (RFC 8259 section 8.1); the backslash escape of a lone surrogate is JSON's own.
        wrapper = cast("io.TextIOWrapper", sys.stdout)
        wrapper.reconfigure(encoding="utf-8" if jsonl else None, errors="backslashreplace")
    if events or bindings or script:
        lines = _inner_lines(recording, envelope, beside, choice, events=events, script=script)
    else:
        form = _jsonl_lines if jsonl else _listed_lines(out, textconv=textconv, pretty=pretty, colour=ctx.color)
        records = _growing(cassette, out) if follow else recording
        lines = _chosen_lines(records, choice, _reader(recording, envelope) if choice.labels else None, form)
    with contextlib.suppress(KeyboardInterrupt) if follow else contextlib.nullcontext():
        for line in lines:
            out.write(f"{line}\n")
    if textconv and recording.problem:
        # git takes any other exit status than 0 for a failure, and shows nothing then.
        out.write(f"!! incomplete: {printable(recording.problem)}\n")
        return
    out.flush()
    if recording.problem:
        warn_incomplete(recording)
        ctx.exit(3)


def _draw(path: Path) -> None:
    from ..contracts import Contract, diagram_lines

    for line in diagram_lines(Contract.load(path)):
        click.echo(line)


def _views(*on: bool) -> Iterator[tuple[str, bool]]:
    return zip(("jsonl", "textconv", "events", "bindings", "script"), on, strict=True)


def _growing(path: Path, out: TextIO) -> Iterator[Record]:
    from ..cassettes import follow

    def wait() -> None:
        out.flush()
        time.sleep(_POLL_S)

    return follow(path, wait)


def _reader(recording: Recording, envelope: tuple[str, ...]) -> EventReader:
    from ..contracts import EventReader, find_envelopes

    detection = find_envelopes([recording], envelope)
    recording.problem = ""  # of this pass over a part of it; the next one tells
    return EventReader(detection.envelope)


def _chosen_lines(
    records: Iterable[Record],
    choice: Choice,
    reader: EventReader | None,
    form: Callable[[Record], Iterator[str]],
) -> Iterator[str]:
    for record in choice.of(records, reader):
        yield from form(record)


def _inner_lines(
    recording: Recording,
    envelope: tuple[str, ...],
    beside: tuple[Path, ...],
    choice: Choice,
    *,
    events: bool,
    script: bool,
) -> Iterator[str]:
    from ..contracts import find_envelopes
    from .inside import binding_lines, event_lines, script_lines

    detection = find_envelopes([recording], envelope)
    for line in detection.lines():
        click.echo(line, err=True)
    if events:
        yield from event_lines(recording, detection.envelope, choice)
    else:
        from ..cassettes import Session, read_session

        session = Session.gather(recording)
        if script:
            yield from script_lines(session, detection.envelope)
        else:
            yield from binding_lines(session, detection.envelope, [read_session(path) for path in beside])


def _jsonl_lines(record: Record) -> Iterator[str]:
    from ..cassettes import encode_line

    yield encode_line(record)


def _listed_lines(
    out: TextIO, *, textconv: bool, pretty: bool, colour: bool | None
) -> Callable[[Record], Iterator[str]]:
    from .listing import Listing
    from .pretty import Pretty

    if textconv:
        spread = Pretty(colour=False) if pretty else None
        return Listing(width=None, times=False, fields=True, pretty=spread).lines
    terminal = out.isatty()
    width = shutil.get_terminal_size((_WIDTH, 24)).columns if terminal else _WIDTH
    coloured = terminal and colour is not False and not os.environ.get("NO_COLOR")
    return Listing(width=width, colour=coloured, pretty=Pretty(colour=coloured) if pretty else None).lines
