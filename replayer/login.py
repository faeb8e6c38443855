"""Credentials from a command of the user's: ``replay --login CMD``.

What the command prints is read line by line: ``NAME=VALUE`` is a secret as ``--secret`` takes it, ``Name: value`` a
header field as ``--header`` takes it; empty lines and lines that begin with "#" say nothing.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess

from ..cassettes import Headers, Target, UsageError

PATIENCE = 60.0
"""Seconds that a login may take."""

_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): +(\S.*)")  # a field name is a token (RFC 9110 section 5.1)


def log_in(command: str, target: Target) -> tuple[Headers, tuple[str, ...]]:
    """Run a command and return the header fields and the ``NAME=VALUE`` secrets that it prints.

    ``command`` is split like a shell's words; it is not run by a shell. It finds the target's URL in ``WSTAPE_TARGET``;
    what it prints on standard error is the user's. Raises UsageError, which shows nothing of what was printed.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--login {command!r}: {str(error).lower()}; quote it as for a shell") from error
    if not words:
        raise UsageError("--login: the command is empty; name the program that logs in")
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env={**os.environ, "WSTAPE_TARGET": target.url},
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"--login {words[0]}: cannot be run ({reason}); check the command") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"--login {words[0]}: not done after {PATIENCE:.0f} s; run it by itself to see why") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--login {words[0]}: what it prints is not text; print NAME=VALUE lines") from error
    if done.returncode:
        raise UsageError(
            f"--login {words[0]}: ended with exit status {done.returncode}; run it by itself to see why it fails"
        )
    return _read(done.stdout, words[0])


def _read(text: str, program: str) -> tuple[Headers, tuple[str, ...]]:
    headers: list[tuple[str, str]] = []
    secrets: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        said = line.strip()
        if not said or said.startswith("#"):
            continue
        if field := _FIELD.fullmatch(said):
            headers.append((field[1], field[2]))
        elif "=" in said:
            secrets.append(said)
        else:
            raise UsageError(
                f"--login {program}: line {number} of its output is neither NAME=VALUE nor 'Name: value'; "
                "print nothing else on standard output"
            )
    return tuple(headers), tuple(secrets)
