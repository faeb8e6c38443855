"""The command line: one module a command, imported when it is called.

``wstape --help`` must stay light, so the group knows each command's name and one-line help by this table.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

COMMANDS = {
    "record": "Record a service's sessions through a proxy.",
    "show": "Look inside a cassette.",
    "ls": "List recordings, their contracts, and orphans.",
    "infer": "Learn a contract from cassettes.",
    "check": "Hold recordings against a contract.",
    "coverage": "Tell which parts of a contract recordings exercise.",
    "replay": "Play a cassette against a build and judge it.",
    "serve": "Answer real clients from a cassette.",
    "diff": "Compare two recordings.",
    "compat": "Tell whether a contract still serves the clients of another.",
    "rules": "List the rules of compat.",
    "convert": "Turn a recording into another format, or back.",
    "scrub": "Take secrets out of old cassettes.",
    "repair": "Rewrite a torn cassette without its damage.",
    "demo": "See the main job end to end on a sample service.",
}


class _Commands(click.Group):
    """A group that imports a command's module only when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f".{cmd_name}", __name__).command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    click.echo(f"wstape {version('wstape')}")
    ctx.exit()


@click.group(
    cls=_Commands,
    context_settings={"auto_envvar_prefix": "WSTAPE", "help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 compatible or done, 1 breaking findings, 2 bad usage or bad input, "
    "3 the target could not be reached or the recording is incomplete.",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show it.")
@click.pass_context
def wstape(ctx: click.Context) -> None:
    """Record-replay contract testing for WebSockets.

    \b
    Example:
      wstape record ws://staging.example/chat -o chat.cassette
      wstape infer chat.cassette -o chat.contract.json
      wstape replay chat.cassette --contract chat.contract.json --target ws://127.0.0.1:8000
    """
    from .settings import load_settings

    if os.environ.get("NO_COLOR"):
        ctx.color = False
    ctx.default_map = load_settings()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit status. No traceback reaches a user."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    if "_WSTAPE_COMPLETE" in os.environ:
        wstape.main(prog_name="wstape")  # click's shell completion, which leaves by itself
    try:
        # Not wstape.main(): it would turn a reader of our output that left into exit status 1, "breaking".
        with wstape.make_context("wstape", list(sys.argv[1:] if arguments is None else arguments)) as ctx:
            status: object = wstape.invoke(ctx)
        sys.stdout.flush()
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.UsageError as error:
        return _fail(f"{error.format_message().rstrip('.')}; see '{_path(error)} --help'", 2)
    except click.ClickException as error:
        return _fail(error.format_message(), 2)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted; nothing was decided", 3)
    except BrokenPipeError:
        # The reader has seen enough, as ``| head`` does. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        # Imported here because it brings the rest of the house with it, which --help does without.
        from ..cassettes import WstapeError

        if isinstance(error, WstapeError):
            return _fail(str(error), error.exit_status)
        raise
    return status if isinstance(status, int) else 0


def _path(error: click.UsageError) -> str:
    return error.ctx.command_path if error.ctx else "wstape"


def _fail(message: str, status: int) -> int:
    line = " ".join(message.splitlines())
    click.echo(f"wstape: error: {line}", err=True)
    return status
