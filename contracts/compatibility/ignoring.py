"""The ignore file: findings that a project has accepted, each with a reason and the last day on which it holds."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, cast

from ...cassettes import FileError
from ..errors import ContractError
from ..finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """One entry."""

    fingerprint: str
    reason: str
    expires: datetime.date  # the last day on which it holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """What is left of findings, what was taken out, and the entries that fit nothing."""

    findings: tuple[Finding, ...]
    ignored: tuple[tuple[Finding, Accepted], ...] = ()
    unused: tuple[Accepted, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreFile:
    """All entries of a file::

    [[ignore]]
    fingerprint = "5f0c1a2b3c4d"
    reason = "no client reads it since 4.2"
    expires = 2027-01-31
    """

    entries: tuple[Accepted, ...] = ()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file. Raises FileError, or ContractError with the entry that makes no sense."""
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise FileError.from_os_error(path, error) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ContractError(path, "", f"not TOML ({error})", "mend it") from error
        listed: object = document.get("ignore")
        if set(document) - {"ignore"} or not isinstance(listed, list):
            raise ContractError(path, "", "no list of [[ignore]] tables", "write one table for each finding")
        entries = cast("list[object]", listed)
        return cls(entries=tuple(_entry(path, number, entry) for number, entry in enumerate(entries, 1)))

    def sift(self, findings: Sequence[Finding], today: datetime.date) -> Sifted:
        """Take out what is accepted; what has expired counts again and says so."""
        known = {entry.fingerprint: entry for entry in self.entries}
        left: list[Finding] = []
        ignored: list[tuple[Finding, Accepted]] = []
        for finding in findings:
            entry = known.get(finding.fingerprint or "")
            if entry is None:
                left.append(finding)
            elif today > entry.expires:
                left.append(
                    replace(finding, message=f"{finding.message}; ignored until {entry.expires}: {entry.reason}")
                )
            else:
                ignored.append((finding, entry))
        met = {finding.fingerprint for finding in findings}
        unused = tuple(entry for entry in self.entries if entry.fingerprint not in met)
        return Sifted(findings=tuple(left), ignored=tuple(ignored), unused=unused)


def _entry(path: Path, number: int, entry: object) -> Accepted:
    place = f"entry {number}"
    table = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
    missing = [name for name in ("fingerprint", "reason", "expires") if not table.get(name)]
    if missing:
        raise ContractError(path, place, f"{' and '.join(missing)} missing", "every entry has all three")
    strange = sorted(table.keys() - {"fingerprint", "reason", "expires"})
    if strange:
        raise ContractError(path, place, f"{strange[0]!r} is not known", "every entry has fingerprint, reason, expires")
    fingerprint, reason, expires = table["fingerprint"], table["reason"], table["expires"]
    if not isinstance(fingerprint, str) or not isinstance(reason, str):
        raise ContractError(path, place, "fingerprint and reason are not both text", "put them between quotes")
    if isinstance(expires, datetime.datetime) or not isinstance(expires, datetime.date):
        raise ContractError(path, place, f"expires is {expires}, not a date", "write it as 2027-01-31, without quotes")
    return Accepted(fingerprint=fingerprint, reason=reason, expires=expires)
