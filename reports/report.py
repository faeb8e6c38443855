"""What every report is made from."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..contracts import Finding, Severity, verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that was judged, a cassette or a connection of it, for reports that list what passed too."""

    name: str
    findings: tuple[Finding, ...] = ()
    file: str | None = None  # the recording or contract that was judged
    played: bool = True  # False: left out, after another one had failed

    @property
    def verdict(self) -> str:
        """ "compatible", "breaking" or "not played"."""
        return verdict(self.findings) if self.played else "not played"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of ``check``, ``replay``, ``diff`` or ``compat``."""

    title: str  # "chat.cassette against ws://127.0.0.1:8000"
    findings: tuple[Finding, ...]
    cases: tuple[Case, ...] = ()
    file: str | None = None  # what was judged, when it is one file
    connections: int | None = 0  # None: nothing was recorded, two contracts were compared
    messages: int | None = 0
    complete: bool = True  # False: a recording lacked its end
    divergence: tuple[str, ...] = ()  # the first place at which things went wrong, and what led to it, a line each
    notes: tuple[str, ...] = ()  # what else a person should know, a line each
    extra: dict[str, object] = field(default_factory=dict[str, object])  # more figures for the summary

    @property
    def verdict(self) -> str:
        """ "compatible" or "breaking"."""
        return verdict(self.findings)

    def count(self, severity: Severity) -> int:
        """How many findings have a severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def file_of(self, finding: Finding) -> str | None:
        """The file in which one of the report's findings was met first."""
        known = finding.identity
        met = (case.file for case in self.cases if any(one.identity == known for one in case.findings))
        return next(met, None) or self.file

    @property
    def summary(self) -> dict[str, object]:
        """The figures of the run, by name."""
        recorded = {"connections": self.connections, "messages": self.messages, "complete": self.complete}
        return {
            **{str(severity): self.count(severity) for severity in Severity},
            **(recorded if self.connections is not None else {}),
            **self.extra,
        }
