"""Which files of a project name a recording: its tests, settings and scripts."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

RECORDING_SUFFIXES = (".cassette", ".jsonl", ".har")
"""Names that recordings have when they are looked for in folders."""

_NO_PROJECT = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})
_SAYS_NOTHING = frozenset({".md", ".rst", *RECORDING_SUFFIXES})  # a page that mentions a file does not use it
_MAX_SIZE = 1 << 20  # bytes of a file that is searched; no test is larger
_MAX_FILES = 50_000
_NAME = re.compile(rb"[\w./*?\[\]{}~+-]*[\w*?\]}](?:\.cassette|\.jsonl|\.har)\b")


def walk(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, sorted; hidden folders and those of other people's code are left out."""
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _NO_PROJECT)
        yield from (Path(here) / name for name in sorted(files))


def project_of(folder: Path) -> Path:
    """Return the nearest folder upwards that is a project's root, ``folder`` itself when there is none."""
    here = folder.absolute()
    for place in (here, *here.parents):
        if any((place / mark).exists() for mark in (".git", "pyproject.toml", "wstape.toml")):
            return place
    return here


def references(project: Path, recordings: Collection[Path]) -> dict[Path, tuple[Path, ...]]:
    """Return which files of a project name each recording: by file name, by a pattern, or by a test of its name.

    Pages of documentation do not count. Files that cannot be read are passed over.
    """
    named = {recording: list(_called_after(recording)) for recording in recordings}
    for count, path in enumerate(walk(project)):
        if count >= _MAX_FILES:
            break
        if path.suffix in _SAYS_NOTHING:
            continue
        names = _names(path)
        for recording, places in named.items() if names else ():
            if any(fnmatchcase(recording.name, name) for name in names):
                places.append(path)
    return {recording: tuple(places) for recording, places in named.items()}


def _called_after(recording: Path) -> Iterator[Path]:
    """Yield the file of the test that a recording belongs to: ``cassettes/FILE/Class.test[parameters].cassette``.

    That is how the pytest plugin calls them, beside the test's file.
    """
    folder = recording.parent
    if folder.parent.name != "cassettes":
        return
    file = folder.parent.parent / f"{folder.name}.py"
    test = recording.stem.partition("[")[0].rpartition(".")[2]
    if test and re.search(rb"\bdef %s\(" % re.escape(test.encode()), _content(file)):
        yield file


def _content(path: Path) -> bytes:
    """What a file holds; nothing when it is too large to be a test, or cannot be read."""
    try:
        return path.read_bytes() if path.is_file() and path.stat().st_size <= _MAX_SIZE else b""
    except OSError:
        return b""


def _names(path: Path) -> set[str]:
    """The file names of recordings that stand in a file, patterns too."""
    found = _NAME.findall(_content(path))
    return {name.decode("utf-8", "replace").rpartition("/")[2] for name in found}
