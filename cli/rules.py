"""``wstape rules``: what ``wstape compat`` looks for."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..contracts.compatibility import Rule


@click.command(
    epilog="""\b
Example:
  wstape rules
  wstape rules server/enum-value-added

Exit status: 0 done, 2 bad usage or bad input.
"""
)
@click.argument("rule", required=False, metavar="[ID]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the page docs/rules.md.")
def command(rule: str | None, *, as_json: bool, as_markdown: bool) -> None:
    """List the rules of 'wstape compat', or tell all about one.

    The columns are its severities under the profiles strict, default and lenient.
    """
    import json

    from ..contracts.compatibility import RULES

    if rule is not None and rule not in RULES:
        near = difflib.get_close_matches(rule, RULES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise click.BadParameter(f"{rule!r} is no rule{hint}", param_hint="ID")
    chosen = [RULES[rule]] if rule is not None else [RULES[id_] for id_ in sorted(RULES)]
    if as_json:
        click.echo(json.dumps({"rules": [_document(one) for one in chosen]}, indent=2, ensure_ascii=False))
    elif as_markdown:
        click.echo(_page(chosen), nl=False)
    elif rule is not None:
        click.echo(_whole(chosen[0]))
    else:
        width = max(len(one.id) for one in chosen)
        for one in chosen:
            click.echo("  ".join((one.id.ljust(width), *(level.ljust(8) for level in _levels(one).values()))).rstrip())


def _levels(rule: Rule) -> dict[str, str]:
    from ..contracts.compatibility import Profile

    return {profile.value: str(rule.levels.of(profile) or "off") for profile in Profile}


def _document(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "direction": str(rule.direction),
        "effect": str(rule.effect),
        "severities": _levels(rule),
        "reason": rule.reason,
        "example": {"old": rule.example[0], "new": rule.example[1]},
        "mirror": rule.mirror,
        "alone": rule.alone or None,
    }


def _whole(rule: Rule) -> str:
    severities = ", ".join(f"{level} ({profile})" for profile, level in _levels(rule).items())
    old, new = rule.example
    lines = [
        f"{rule.id}",
        f"  {rule.reason}",
        f"  severity  {severities}",
        f"  effect    {rule.effect}",
        f"  old       {old}",
        f"  new       {new}",
        f"  mirror    {rule.mirror or f'none: {rule.alone}'}",
    ]
    return "\n".join(lines)


_HEAD = """# The rules of `wstape compat`

`wstape rules --markdown` writes this page. [compatibility.md](compatibility.md) says how the rules are used.

`server/…` rules judge what the service sends, `client/…` rules what it accepts. The severities are those of the
profiles `strict`, `default` and `lenient`. An example shows the parts of the old and of the new contract that differ.
"""


def _page(rules: Sequence[Rule]) -> str:
    rows = ["| rule | strict | default | lenient | effect |", "|---|---|---|---|---|"]
    parts: list[str] = []
    for rule in rules:
        levels = " | ".join(_levels(rule).values())
        rows.append(f"| [`{rule.id}`](#{rule.id.replace('/', '')}) | {levels} | {rule.effect} |")
        mirror = f"Mirror: `{rule.mirror}`." if rule.mirror else f"No mirror: {rule.alone}."
        old, new = rule.example
        parts.append(f"### `{rule.id}`\n\n{rule.reason} {mirror}\n\n```json\n{old}\n{new}\n```\n")
    return "\n".join((_HEAD, *rows, "", *parts))
