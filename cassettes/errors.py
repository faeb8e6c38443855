"""The errors of wstape, from the root down.

::

    WstapeError                   one line for the user, with an exit status
    ├── UsageError                a flag, a setting or a value that cannot be used
    ├── FileError                 a file that cannot be opened, read or written
    ├── CassetteError             a recording that cannot be used
    │   └── CassetteFormatError   bytes that are not a cassette, at an offset
    │       ├── JsonlFormatError    a line of a twin that is no record
    │       └── ForeignFormatError  a file of another tool that cannot be read
    ├── ContractError             a contract that cannot be used (raised in ``contracts``)
    └── UnreachableError          nobody answers at an address

``str(error)`` names the thing, the place and the remedy in one line, lower case, without a full stop.
``error.exit_status`` is what the command line ends with (docs/design.md, "Exit status").
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import ClassVar


class WstapeError(Exception):
    """Root of everything that wstape raises on bad input or a failing world."""

    exit_status: ClassVar[int] = 2


class UsageError(WstapeError):
    """A flag, a setting or a value that cannot be used."""


class FileError(WstapeError):
    """A file that cannot be opened, read or written.

    ``path`` is the file, ``problem`` the reason in words and ``advice`` the remedy.
    """

    def __init__(self, path: Path | str, problem: str, advice: str) -> None:
        self.path = path
        self.problem = problem
        self.advice = advice
        super().__init__(f"{path}: {problem}; {advice}")

    @classmethod
    def from_os_error(cls, path: Path | str, error: OSError, *, writing: bool = False) -> FileError:
        """Put an ``OSError`` into words; ``writing`` chooses the remedy."""
        problem = _OS_PROBLEMS.get(error.errno or 0) or (error.strerror or str(error)).lower()
        remedies = _WRITE_REMEDIES if writing else _READ_REMEDIES
        fallback = "choose another place with -o" if writing else "check the path"
        return cls(path, problem, remedies.get(error.errno or 0, fallback))


_OS_PROBLEMS = {
    errno.ENOENT: "no such file or folder",
    errno.EACCES: "permission denied",
    errno.EPERM: "operation not permitted",
    errno.EISDIR: "is a folder, not a file",
    errno.ENOTDIR: "a part of the path is not a folder",
    errno.ENOSPC: "no space left on the disk",
    errno.EFBIG: "the file is at the size limit",
    errno.EROFS: "the file system is read-only",
    errno.EEXIST: "the file exists already",
    errno.ENAMETOOLONG: "the file name is too long",
}
_READ_REMEDIES = {
    errno.ENOENT: "check the path, or record it with 'wstape record'",
    errno.EACCES: "make it readable for this user",
    errno.EISDIR: "name a file in it",
}
_WRITE_REMEDIES = {
    errno.ENOENT: "make the folder first, or choose another place with -o",
    errno.EACCES: "make the folder writable, or choose another place with -o",
    errno.ENOSPC: "free some space, or choose another place with -o",
    errno.EEXIST: "choose another name, or overwrite it with --force",
}


class CassetteError(WstapeError):
    """A recording that can be read but not used as asked."""


class CassetteFormatError(CassetteError):
    """Bytes that are not a cassette, or not one of a version that is known.

    ``offset`` counts bytes from the start of the file (in a ``.jsonl`` twin: lines, from 1).
    """

    unit = "byte"

    def __init__(self, path: Path | str, offset: int, problem: str, advice: str) -> None:
        self.path = path
        self.offset = offset
        self.problem = problem
        self.advice = advice
        super().__init__(f"{path}: {self.unit} {offset}: {problem}; {advice}")


class JsonlFormatError(CassetteFormatError):
    """A line of a ``.jsonl`` twin that is not a record; ``offset`` is the line's number."""

    unit = "line"


class ForeignFormatError(CassetteFormatError):
    """A recording of another tool that cannot be read; ``offset`` counts what ``unit`` says, 0 for the whole file."""

    def __init__(self, path: Path | str, unit: str, offset: int, problem: str, advice: str) -> None:
        self.unit = unit
        super().__init__(path, offset, problem, advice)
        if offset == 0:
            self.args = (f"{path}: {problem}; {advice}",)


class UnreachableError(WstapeError):
    """Nobody answers at an address, or the answer never became a connection."""

    exit_status: ClassVar[int] = 3
