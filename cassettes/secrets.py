"""Placeholders for secrets, and the values that are put back in their place at replay.

A placeholder reads ``{{secret:NAME}}``; NAME is a kind and a number, ``access_token:1``. Values never enter a
cassette: they come from ``--secret``, from a secrets file, or from the environment, and no error message shows one.
"""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from .errors import FileError, UsageError

PLACEHOLDER = re.compile(r"\{\{secret:([A-Za-z0-9_.\-]{1,80}:[0-9]{1,9})\}\}")
"""A placeholder in text; group 1 is its NAME, such as ``access_token:1`` or ``env.ALICE_PASSWORD:1``."""

PLACEHOLDER_BYTES = re.compile(PLACEHOLDER.pattern.encode())
"""The same in bytes."""

_FORMS = ("base64", "uuid")  # what a kind may say of its value after its last dot
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,80}(?::[0-9]{1,9})?")
_MAX_FILE_SIZE = 16 * 1024 * 1024  # bytes; a secrets file is read whole


def encoded_value(name: str, plain: str) -> str:
    """Return the value of a placeholder, ``password.base64:1``, that is made from the value of its plain one."""
    if not name.rpartition(":")[0].endswith(".base64"):
        return plain
    return base64.b64encode(plain.encode("utf-8", "surrogateescape")).decode()


def plain_name(name: str) -> str | None:
    """Return the name of the placeholder that another is made from, ``password:1``, or None when it stands alone."""
    kind, colon, number = name.rpartition(":")
    plain = kind.removesuffix(".base64")
    return f"{plain}{colon}{number}" if colon and plain and plain != kind else None


class Secrets:
    """Values for placeholders, by full name (``password:1``) or by kind (``password``)."""

    def __init__(self, values: Mapping[str, str], environ: Mapping[str, str] | None = None) -> None:
        self._values = dict(values)
        self._environ: Mapping[str, str] = {} if environ is None else environ

    @classmethod
    def load(cls, options: Sequence[str], files: Sequence[Path], environ: Mapping[str, str]) -> Secrets:
        """Gather the values of ``--secret`` options and secrets files; an option wins over a file.

        An option is ``NAME=VALUE``, ``NAME=env:VARIABLE`` or ``NAME=file:PATH`` (the file's text without its last
        line end). Raises UsageError for an option that cannot be used and FileError for a secrets file that
        cannot be read; neither shows a value.
        """
        values: dict[str, str] = {}
        for path in files:
            values.update(_read_secrets(path))
        for option in options:
            name, value = _parse_option(option, environ)
            values[name] = value
        return cls(values, environ)

    def get(self, name: str) -> str | None:
        """Return the value for a placeholder's full name, or None when nobody gave one.

        Looked up by full name, then by kind; ``env.VARIABLE:1`` is taken from the environment at last. The
        base64 of a value, ``password.base64:1``, is made from the value.
        """
        if name in self._values:
            return self._values[name]
        kind, _, number = name.rpartition(":") if ":" in name else (name, "", "")
        if kind in self._values:
            return self._values[kind]
        if kind.startswith("env.") and (variable := kind.removeprefix("env.")) in self._environ:
            return self._environ[variable]
        kind, dot, form = kind.rpartition(".")
        plain = self.get(f"{kind}:{number}" if number else kind) if dot and form in _FORMS else None
        return None if plain is None else encoded_value(f"{name}:{number}" if not number else name, plain)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(sorted(self._values))})"  # values must not reach a log


def _parse_option(option: str, environ: Mapping[str, str]) -> tuple[str, str]:
    name, equals, source = option.partition("=")
    if not equals:
        # The whole option may be a value typed without its name, so it is not repeated.
        raise UsageError("--secret: no '=' in the option; write NAME=VALUE, NAME=env:VARIABLE or NAME=file:PATH")
    if not _NAME.fullmatch(name):
        raise UsageError(
            "--secret: the name before '=' is not a placeholder's name; write it as in {{secret:NAME}}, 'password:1',"
            " or its kind, 'password'"
        )
    if source.startswith("env:"):
        variable = source.removeprefix("env:")
        if variable not in environ:
            raise UsageError(
                f"--secret {name}: the environment variable {variable!r} is not set; set it, or give the value"
                " in another way"
            )
        return name, environ[variable]
    if source.startswith("file:"):
        path = Path(source.removeprefix("file:"))
        return name, _read_text(path, f"--secret {name}").removesuffix("\n").removesuffix("\r")
    return name, source


def _read_text(path: Path, option: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_SIZE + 1)
    except OSError as exc:
        problem = FileError.from_os_error(path, exc).problem
        raise UsageError(f"{option}: {path}: {problem}; name a readable file") from exc
    if len(content) > _MAX_FILE_SIZE:
        raise UsageError(f"{option}: {path}: is larger than {_MAX_FILE_SIZE} bytes; name a file with one secret")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{option}: {path}: is not UTF-8 text; store the secret as text") from None


def _read_secrets(path: Path) -> dict[str, str]:
    # The causes are dropped (from None): a decoder's error quotes the document, and the document is secrets.
    advice = 'write it as {"password:1": "the value"}, or let record --keep-secrets write it'
    text = _read_text(path, "--secrets")
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        raise FileError(path, "is not a JSON document", advice) from None
    if not isinstance(document, dict):
        raise FileError(path, "is not a JSON object of names and values", advice)
    values: dict[str, str] = {}
    for name, value in cast("dict[str, object]", document).items():
        if not _NAME.fullmatch(name) or not isinstance(value, str):
            number = len(values) + 1
            raise FileError(path, f"entry {number} is not a placeholder's name with a text value", advice)
        values[name] = value
    return values


def write_secrets(path: Path, secrets: Mapping[str, str]) -> None:
    """Write names and values as a JSON object that only its owner may read (mode 0600), atomically.

    Raises UsageError when the file would lie inside a git work tree that does not ignore it, and FileError
    when it cannot be written.
    """
    refuse_tracked(path)
    text = json.dumps(dict(secrets), indent=2, sort_keys=True) + "\n"  # ASCII: lone surrogates survive as escapes
    try:
        # mkstemp makes the file with mode 0600; the values are never readable by others, not even for a moment.
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(temporary).chmod(stat.S_IRUSR | stat.S_IWUSR)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as exc:
        raise FileError.from_os_error(path, exc, writing=True) from exc


def refuse_tracked(path: Path) -> None:
    """Raise UsageError when ``path`` lies inside a git work tree that does not ignore it.

    To be asked before a recording begins, so that its secrets are not lost at the end.
    """
    folder = path.parent.resolve()
    tree = next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)
    if tree is None:
        return
    target = folder / path.name
    try:
        # Exit status 0: ignored; 1: not ignored, which includes every tracked file (git-check-ignore(1)).
        answer = subprocess.run(
            ["git", "-C", str(tree), "check-ignore", "-q", "--", str(target)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        raise UsageError(
            f"{path}: is inside the git work tree {tree} and there is no git to ask whether it is ignored;"
            " choose a place outside"
        ) from None
    if answer.returncode != 0:
        raise UsageError(
            f"{path}: secrets would lie unignored in the git work tree {tree}; add the file to .gitignore"
            " or choose a place outside"
        )
