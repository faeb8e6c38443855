"""A contract as it stood in a git revision: ``HEAD~1:contracts/chat.contract.json``."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ..contract import Contract
from ..errors import ContractError

_TIMEOUT_S = 30
_ADVICE = "name a contract file, or REVISION:PATH inside a git work tree"


def load(name: str) -> Contract:
    """Return the contract in a file, or in a git revision when there is no such file and the name holds a colon.

    As for git itself, PATH counts from the top of the work tree, or from the current folder when it begins with ``./``.
    Raises FileError, or ContractError.
    """
    revision, colon, path = name.partition(":")
    if not colon or len(revision) < 2 or not path or Path(name).exists():
        return Contract.load(Path(name))
    if name.startswith("-"):
        raise ContractError(name, "", "no revision begins with a dash", _ADVICE)
    try:
        shown = subprocess.run(
            ["git", "cat-file", "blob", name],
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise ContractError(name, "", "git is not installed", _ADVICE) from error
    except subprocess.TimeoutExpired as error:
        raise ContractError(name, "", f"git gave no answer in {_TIMEOUT_S} s", _ADVICE) from error
    if shown.returncode != 0:
        said = shown.stderr.decode("utf-8", "replace").strip().splitlines() or ["no such file"]
        problem = said[0].removeprefix("fatal: ")
        raise ContractError(name, "", f"git says: {problem}", _ADVICE)
    return Contract.parse(shown.stdout, where=name)
