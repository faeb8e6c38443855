"""A recording at a glance: what it holds, and whether a contract still holds for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..cassettes import End, Header, HttpExchange, Message, Opened, Recording, WstapeError
from .checking import Checker
from .contract import Contract
from .detection import find_envelopes
from .errors import ContractError
from .finding import Severity, fold
from .reading import EventReader

_MAX_LABELS = 1000  # that are counted; in more, data was taken for labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a recording stands to a contract."""

    contract: Path
    breaking: int  # findings
    warnings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What a recording holds. ``problem`` says what it lacks, or why it cannot be read at all."""

    path: Path
    header: Header | None = None  # None: it cannot be read
    length_ns: int = 0  # to its last record
    connections: int = 0
    messages: int = 0
    exchanges: int = 0
    labels: Counter[str]
    standing: Standing | None = None  # to the contract that fits best; None: there is none
    problem: str = ""


def overview(path: Path, contracts: Sequence[tuple[Path, Contract]]) -> Overview:
    """Look a recording through; of several contracts the one that it breaks least counts.

    It is streamed, its beginning twice.
    """
    labels: Counter[str] = Counter()
    recording = Recording(path)
    try:
        reader = _reader(recording)
        checkers = [(where, Checker(contract)) for where, contract in contracts]
        header: Header | None = None
        connections = messages = exchanges = length_ns = 0
        for record in recording:
            for _, checker in checkers:
                checker.record(record)
            match record:
                case Header():
                    header = record
                    continue
                case Message():
                    messages += 1
                    for event in reader.read(record) if reader is not None else ():
                        if event.label in labels or len(labels) < _MAX_LABELS:
                            labels[event.label] += 1
                case Opened():
                    connections += 1
                    if reader is not None:
                        reader.opened(record)
                case HttpExchange():
                    exchanges += 1
                    length_ns = max(length_ns, record.at_ns + record.took_ns)
                case End():
                    continue
                case _:
                    pass
            length_ns = max(length_ns, record.at_ns)
    except WstapeError as error:
        return Overview(path=path, labels=Counter(), problem=str(error))
    standings = [_standing(where, checker) for where, checker in checkers]
    return Overview(
        path=path,
        header=header,
        length_ns=length_ns,
        connections=connections,
        messages=messages,
        exchanges=exchanges,
        labels=labels,
        standing=min(standings, key=lambda one: (one.breaking, one.warnings), default=None),
        problem=recording.problem,
    )


def _reader(recording: Recording) -> EventReader | None:
    """What reads the recording's events; None when it has none."""
    try:
        return EventReader(find_envelopes([recording]).envelope)
    except ContractError:
        return None


def _standing(where: Path, checker: Checker) -> Standing:
    severities = Counter(finding.severity for finding in fold(checker.finish()))
    return Standing(contract=where, breaking=severities[Severity.BREAKING], warnings=severities[Severity.WARNING])
