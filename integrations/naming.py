"""Which cassette belongs to which test, and which to none. No pytest here, and no I/O but listing a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

FOLDER = "cassettes"
FAILED = ".failed.cassette"
"""Ending of a recording that a failing test has left."""


def cassette_path(test_file: Path, names: Iterable[str]) -> Path:
    """Return the cassette of a test: ``cassettes/<file>/<Class.test[parameters]>.cassette`` beside the test's file."""
    name = re.sub(r"[^A-Za-z0-9_.,=\[\]-]+", "-", ".".join(names)).strip("-")
    return test_file.parent / FOLDER / test_file.stem / f"{name[:120]}.cassette"


def failed_path(path: Path) -> Path:
    """Return where the recording of a failing test is kept."""
    return path.with_name(path.stem + FAILED)


def orphans(test_files: Iterable[Path], named: Iterable[Path]) -> list[Path]:
    """Return the cassettes in the folders of these test files that no test is named after."""
    known = {path.resolve() for path in named}
    folders = {(file.parent / FOLDER / file.stem).resolve() for file in test_files}
    found = (path for folder in folders if folder.is_dir() for path in folder.glob("*.cassette"))
    return sorted(path for path in found if path not in known and not path.name.endswith(FAILED))
