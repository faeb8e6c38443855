"""What ``record`` and ``scrub`` share: a project's own redaction rules, from options and from ``[tool.wstape.redact]``.

::

    [tool.wstape.redact]
    keys = ["customer_ssn"]
    paths = ["$.user.pin"]
    patterns = ["member-(?P<member>[0-9]{8})"]
    functions = ["our_redaction:find"]
    pii = true
    environment = false
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, TypeVar, cast

import click

if TYPE_CHECKING:
    from ..cassettes import RedactionRules

_F = TypeVar("_F", bound=Callable[..., object])
_TABLE = ("keys", "paths", "patterns", "functions")
_MOST_SUSPECTS = 5


class RedactionOptions(TypedDict):
    """The values of the options, as click hands them over."""

    redact: tuple[str, ...]
    redact_key: tuple[str, ...]
    redact_path: tuple[str, ...]
    redact_pattern: tuple[str, ...]
    redact_with: tuple[str, ...]


def redaction_options(command: _F) -> _F:
    """Add ``--redact`` and the options for own rules."""
    for option in (
        click.option(
            "--redact-with",
            multiple=True,
            metavar="MODULE:FUNC",
            help="A function: text in, its secrets out; repeatable.",
        ),
        click.option(
            "--redact-pattern",
            multiple=True,
            metavar="REGEX",
            help="Redact what matches (its first group); (?P<kind>…) names it; repeatable.",
        ),
        click.option(
            "--redact-path",
            multiple=True,
            metavar="PATH",
            help="Redact a place in JSON: $.user.pin, $..pin; repeatable.",
        ),
        click.option(
            "--redact-key",
            multiple=True,
            metavar="NAME",
            help="Redact the values of a key, parameter or field; repeatable.",
        ),
        click.option(
            "--redact",
            multiple=True,
            type=click.Choice(["pii"]),
            help="pii: card numbers, e-mail addresses, IBANs, too.",
        ),
    ):
        command = option(command)
    return command


def redaction_rules(ctx: click.Context, options: RedactionOptions) -> RedactionRules:
    """Put the options and the project's settings together. Raises UsageError for a rule that cannot be used."""
    from ..cassettes import JsonPath, RedactionRules, load_finder, pattern_rule, secret_variables

    lists, pii, environment = _settings(ctx)
    functions = (*lists["functions"], *options["redact_with"])
    if functions and "" not in sys.path:
        sys.path.insert(0, "")  # where the project is, as with python -m
    return RedactionRules(
        keys=(*lists["keys"], *options["redact_key"]),
        paths=tuple(JsonPath.parse(path) for path in (*lists["paths"], *options["redact_path"])),
        patterns=tuple(pattern_rule(pattern) for pattern in (*lists["patterns"], *options["redact_pattern"])),
        finders=tuple(load_finder(function) for function in functions),
        pii=pii or "pii" in options["redact"],
        environment=secret_variables(os.environ) if environment else {},
    )


def refuse_secrets_file(path: Path) -> None:
    """Raise FileError or UsageError for a file that values must not be written to."""
    from ..cassettes import FileError, refuse_tracked

    if path.exists():
        raise FileError(path, "the file exists already", "choose another name")
    refuse_tracked(path)


def project_rules(ctx: click.Context) -> RedactionRules:
    """Return the rules of the project's settings and the environment's secrets. Raises UsageError."""
    return redaction_rules(
        ctx, RedactionOptions(redact=(), redact_key=(), redact_path=(), redact_pattern=(), redact_with=())
    )


def _settings(ctx: click.Context) -> tuple[dict[str, tuple[str, ...]], bool, bool]:
    from ..cassettes import UsageError

    table = (ctx.find_root().default_map or {}).get("redact", {})
    if not isinstance(table, dict):
        raise UsageError("the setting 'redact' is not a table; write [tool.wstape.redact]")
    settings = cast("dict[str, object]", table)
    lists: dict[str, tuple[str, ...]] = {}
    for key in _TABLE:
        values = settings.get(key, [])
        match values:
            case list() if all(isinstance(value, str) for value in cast("list[object]", values)):
                lists[key] = tuple(cast("list[str]", values))
            case _:
                raise UsageError(f"the setting {key!r} of [tool.wstape.redact] is not a list of texts")
    unknown = sorted(settings.keys() - {*_TABLE, "pii", "environment"})
    if unknown:
        known = ", ".join((*_TABLE, "pii", "environment"))
        raise UsageError(f"[tool.wstape.redact] has no setting {unknown[0]!r}; it has {known}")
    return lists, settings.get("pii", False) is True, settings.get("environment", True) is True


def suspect_lines(suspects: Mapping[str, int]) -> list[str]:
    """Say which keys stand before strings that look like secrets and that no rule knows; a few lines at most."""
    from ..cassettes import counted

    ranked = sorted(suspects.items(), key=lambda item: (-item[1], item[0]))
    lines = [
        f"{counted(count, 'string')} behind {key!r} may be a secret that no rule knows;"
        f" if so, scrub with --redact-key {key}"
        for key, count in ranked[:_MOST_SUSPECTS]
    ]
    if len(ranked) > _MOST_SUSPECTS:
        lines.append(f"{len(ranked) - _MOST_SUSPECTS} more keys stand before strings that may be secrets")
    return lines
