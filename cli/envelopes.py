"""The option that says how events are wrapped in messages."""

from __future__ import annotations

import click

envelope_option = click.option(
    "--envelope",
    multiple=True,
    metavar="[PATH=]NAME",
    help="How events are wrapped in messages, where the path matches PATH or everywhere. Default: found by looking.",
)
