"""What ``replay`` and ``serve`` share: values from outside for the placeholders of secrets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., object])


def secret_options(command: _F) -> _F:
    """Add ``--secret`` (``secrets``) and ``--secrets`` (``secret_files``)."""
    for option in (
        click.option(
            "--secrets",
            "secret_files",
            multiple=True,
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Values that 'record --keep-secrets' wrote.",
        ),
        click.option(
            "--secret",
            "secrets",
            multiple=True,
            metavar="NAME=VALUE",
            help="A value for {{secret:NAME}}; also NAME=env:VAR or NAME=file:PATH. NAME may be a kind: password.",
        ),
    ):
        command = option(command)
    return command
