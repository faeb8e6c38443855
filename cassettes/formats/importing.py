"""Files of other tools, read within bounds."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ..errors import ForeignFormatError
from ..model import Session
from .cassetter import CassetterError, read_cassetter
from .har import HarError, load_har, read_har
from .har_own import is_own, own_session
from .mitmproxy import FlowError, read_flows
from .plain_yaml import YamlError
from .recognition import Foreign
from .talk import OriginError, Talk

MAX_SIZE = 256 << 20
"""Bytes of a file of another tool; such files are read whole."""

_ROOM, _RATIO = 4 << 20, 20  # bytes that an archive of any size may inflate to, and how many for each of its own
_VALUES, _SPARSE = 1_500_000, 16  # JSON values that any archive's HAR may have, and bytes of the archive for one more
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others can ask for gigabytes to inflate at all
# What zipfile says of members that are encrypted, damaged, cut short or lie about themselves.
_ZIP_ERRORS = (
    NotImplementedError,
    RuntimeError,
    EOFError,
    KeyError,
    OverflowError,
    ValueError,
    struct.error,
    zlib.error,
)
_ADVICE = "record it again, or check that this is the file you mean"
_SIDE_FILE = re.compile(r"[0-9a-f]{32,40}\.[a-z0-9]{1,10}")  # as Playwright names them; no other file is looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A recording of another tool. ``problem`` says what its end lacks, empty when nothing."""

    session: Session
    left_out: Counter[str]  # what a cassette has no place for
    problem: str = ""


def import_recording(path: Path, file: BinaryIO, foreign: Foreign, origin: str | None = None) -> Imported:
    """Read a file of another tool, of what it holds the part with ``origin`` (default: where most messages went).

    Raises ForeignFormatError, OSError.
    """
    unit = {Foreign.FLOWS: "flow", Foreign.CASSETTER: "interaction"}.get(foreign, "entry")
    try:
        match foreign:
            case Foreign.HAR:
                return _har(_bounded(path, file), _Beside(path.parent), origin)
            case Foreign.ZIPPED_HAR:
                with zipfile.ZipFile(file) as archive:
                    sides = _Zipped(archive, path.stat().st_size)
                    return _har(sides.har(), sides, origin)
            case Foreign.FLOWS:
                talk, problem = read_flows(file, _check_size(path))
                return _imported(talk, origin, problem)
            case Foreign.CASSETTER:
                return _imported(read_cassetter(_bounded(path, file)), origin)
    except HarError as error:
        raise ForeignFormatError(path, unit, error.entry, error.problem, _ADVICE) from error
    except FlowError as error:
        raise ForeignFormatError(path, unit, error.flow, error.problem, error.advice or _ADVICE) from error
    except CassetterError as error:
        raise ForeignFormatError(path, unit, error.interaction, error.problem, _ADVICE) from error
    except YamlError as error:
        raise ForeignFormatError(path, "line", error.line, error.problem, _ADVICE) from error
    except zipfile.BadZipFile as error:
        raise ForeignFormatError(path, unit, 0, f"not a zip archive ({error})"[:200], _ADVICE) from error
    except OriginError as error:
        raise ForeignFormatError(path, unit, 0, str(error), "name another one with --origin") from error
    except _ZIP_ERRORS as error:
        raise ForeignFormatError(path, unit, 0, f"the archive cannot be read ({error})"[:200], _ADVICE) from error


def _har(data: bytes, side_file: Callable[[str], bytes | None], origin: str | None) -> Imported:
    document = load_har(data)
    if is_own(document) and origin is None:
        session = own_session(document)
        problem = "" if session.complete else "it was made from a recording without an end"
        return Imported(session=session, left_out=Counter(), problem=problem)
    return _imported(read_har(document, side_file), origin)


def _imported(talk: Talk, origin: str | None, problem: str = "") -> Imported:
    if not talk.exchanges:
        raise HarError(0, "nothing in it is a request to the web")
    session = talk.session(origin)
    return Imported(session=session, left_out=talk.left_out, problem=problem)


def _check_size(path: Path) -> int:
    size = path.stat().st_size
    if size > MAX_SIZE:
        raise HarError(0, f"the file has {size} bytes; at most {MAX_SIZE} of another tool's file are read")
    return size


def _bounded(path: Path, file: BinaryIO) -> bytes:
    _check_size(path)
    return file.read(MAX_SIZE)


@dataclass(slots=True)
class _Beside:
    """Files in the folder of the HAR, `MAX_SIZE` bytes of them in all."""

    folder: Path
    _left: int = MAX_SIZE

    def __call__(self, name: str) -> bytes | None:
        path = self.folder / name
        if not _SIDE_FILE.fullmatch(name) or path.is_symlink() or not path.is_file():
            return None
        with path.open("rb") as file:
            data = file.read(self._left + 1)
        if len(data) > self._left:
            raise HarError(0, f"the files beside it have more than {MAX_SIZE} bytes")
        self._left -= len(data)
        return data


@dataclass(slots=True)
class _Zipped:
    """Members of an archive. All that is inflated is bounded by the archive's own size."""

    archive: zipfile.ZipFile
    size: int
    _left: int = field(init=False)

    def __post_init__(self) -> None:
        self._left = min(_ROOM + _RATIO * self.size, MAX_SIZE)

    def har(self) -> bytes:
        names = [name for name in self.archive.namelist() if name.endswith(".har")]
        if len(names) != 1:
            raise HarError(0, f"the archive holds {len(names)} .har files, not one")
        data = self._read(names[0])
        if sum(data.count(mark) for mark in (b",", b"[", b"{")) > _VALUES + self.size // _SPARSE:
            raise HarError(0, "the archive's HAR has too many values for its size; unpack it, and name what comes out")
        return data

    def __call__(self, name: str) -> bytes | None:
        return self._read(name) if name in self.archive.NameToInfo else None

    def _read(self, name: str) -> bytes:
        if self.archive.getinfo(name).compress_type not in _METHODS:
            raise HarError(0, f"the archive's {name[:80]!r} is compressed in a way that is not read")
        with self.archive.open(name) as member:
            data = member.read(self._left + 1)
        if len(data) > self._left:
            raise HarError(0, "the archive inflates to too many times its size")
        self._left -= len(data)
        return data
