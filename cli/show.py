"""``wstape show``: look inside a cassette."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

import click

from .envelopes import envelope_option
from .reporting import warn_incomplete

if TYPE_CHECKING:
    from ..cassettes import Record, Recording

_WIDTH = 120  # columns, where no terminal says otherwise


@click.command(
    epilog="""\b
Example:
  wstape show chat.cassette
  wstape show --events chat.cassette
  wstape show --script chat.cassette
  wstape show --jsonl chat.cassette | jq 'select(.record == "message")'
  git config diff.wstape.textconv 'wstape show --textconv'

Exit status: 0 done, 2 bad usage or not a cassette, 3 the recording is incomplete (what there is was shown).
"""
)
@click.argument("cassette", type=click.Path(path_type=Path))
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
@envelope_option
@click.pass_context
def command(
    ctx: click.Context,
    cassette: Path,
    *,
    jsonl: bool,
    textconv: bool,
    events: bool,
    bindings: bool,
    beside: tuple[Path, ...],
    script: bool,
    envelope: tuple[str, ...],
) -> None:
    """Look inside a cassette: one line a message, cut to the terminal's width.

    '->' was sent by the client, '<-' by the server; '#1' is the connection. Characters that could drive the
    terminal are shown as escapes.
    """
    from ..cassettes import Recording, UsageError

    if jsonl + textconv + events + bindings + script > 1:
        raise UsageError("--jsonl, --textconv, --events, --bindings and --script are five views; choose one")
    if beside and not bindings:
        raise UsageError("--beside names recordings to compare bindings with; add --bindings")
    recording = Recording(cassette)
    out: TextIO = sys.stdout
    if isinstance(sys.stdout, io.TextIOWrapper):
        # JSON is UTF-8 (RFC 8259 section 8.1); the backslash escape of a lone surrogate is JSON's own.
        wrapper = cast("io.TextIOWrapper", sys.stdout)
        wrapper.reconfigure(encoding="utf-8" if jsonl else None, errors="backslashreplace")
    if envelope and not (events or bindings or script):
        raise UsageError("--envelope tells how to read events; add --events, --bindings or --script")
    lines = (
        _inner_lines(recording, envelope, beside, events=events, script=script)
        if events or bindings or script
        else _lines(recording, out, ctx, jsonl=jsonl, textconv=textconv)
    )
    for line in lines:
        out.write(f"{line}\n")
    out.flush()
    if recording.problem:
        warn_incomplete(recording)
        ctx.exit(3)


def _inner_lines(
    recording: Recording, envelope: tuple[str, ...], beside: tuple[Path, ...], *, events: bool, script: bool
) -> Iterator[str]:
    from ..contracts import find_envelopes
    from .inside import binding_lines, event_lines, script_lines

    detection = find_envelopes([recording], envelope)
    for line in detection.lines():
        click.echo(line, err=True)
    if events:
        yield from event_lines(recording, detection.envelope)
    else:
        from ..cassettes import Session, read_session

        session = Session.gather(recording)
        if script:
            yield from script_lines(session, detection.envelope)
        else:
            yield from binding_lines(session, detection.envelope, [read_session(path) for path in beside])


def _lines(recording: Recording, out: TextIO, ctx: click.Context, *, jsonl: bool, textconv: bool) -> Iterator[str]:
    lines = _jsonl_lines if jsonl else _listed_lines(out, textconv=textconv, colour=ctx.color)
    for record in recording:
        yield from lines(record)


def _jsonl_lines(record: Record) -> Iterator[str]:
    from ..cassettes import encode_line

    yield encode_line(record)


def _listed_lines(out: TextIO, *, textconv: bool, colour: bool | None) -> Callable[[Record], Iterator[str]]:
    from .listing import Listing

    if textconv:
        return Listing(width=None, times=False, fields=True).lines
    terminal = out.isatty()
    width = shutil.get_terminal_size((_WIDTH, 24)).columns if terminal else _WIDTH
    coloured = terminal and colour is not False and not os.environ.get("NO_COLOR")
    return Listing(width=width, colour=coloured).lines
