"""From what was found to the verdict: one finding a cause, with the severity that all the evidence gives it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..cassettes import Direction, Session, counted
from ..contracts import RENAMED, Checker, Contract, Event, Finding, Severity, Shape, fold, label_of, shape_similarity
from .breaking import breaking
from .comparison import Pair, compare, compare_exchanges, pair_up
from .digest import digest
from .exact import exact_differences
from .leftovers import unmatched, unplayed, without_allowed
from .links import lost_links
from .noise import Noise, contract_noise
from .reactions import reactive_traces
from .timeline import Trace, traces

Mode = Literal["contract", "exact"]

# Which finding speaks for a cause, the most telling first.
_SPEAKERS = ("isolation/leak", "event/renamed", "close/abnormal", "replay/timeout", "event/missing")
_ENDINGS = frozenset(("close/code", "close/abnormal"))
# What a thin claim about every sample says, and the baseline confirms, when not one sample of the candidate keeps it.
_CONFIRMED_BY_BASELINE = frozenset(
    ("payload/field-missing", "payload/field-renamed", "payload/type-changed", "message/kind-changed")
)


def judge_replay(
    baseline: Session,
    candidate: Session,
    contract: Contract,
    *,
    checker: Checker,
    found: Sequence[Finding] = (),
    stopped: Mapping[int, int] | None = None,
    mode: Mode = "contract",
    allowed: Collection[str] = (),
    noise: Noise | None = None,
) -> tuple[Finding, ...]:
    """Judge what a build answered to a recording; connections of both carry the same numbers.

    ``checker`` has seen the candidate's records. ``found`` are the findings of the play itself and ``stopped`` the
    connections whose play was given up, with the turn. Events with an ``allowed`` label may come or be left over. In
    exact mode the places that ``noise`` covers are not compared.
    """
    known, reactions = reactive_traces(baseline, contract)
    old = {trace.connection.number: trace for trace in known}
    new = traces(candidate, contract.envelope, {reaction.effect for reaction in reactions})
    pairs = [(old[trace.connection.number], trace) for trace in new if trace.connection.number in old]
    found = [*found, *compare_exchanges(baseline.exchanges, candidate.exchanges)]
    found += compare(pairs, contract, stopped or {})
    found += unplayed(baseline.exchanges, candidate.exchanges, known, new, found)
    return _judge(pairs, new, contract, checker, found, stopped or {}, mode, allowed, noise or Noise())


def judge_recordings(
    baseline: Session,
    candidate: Session,
    contract: Contract,
    *,
    mode: Mode = "contract",
    allowed: Collection[str] = (),
    noise: Noise | None = None,
) -> tuple[Finding, ...]:
    """Judge one recording against another that a client of its own made; connections are paired by path and order."""
    checker = Checker(contract)
    for record in candidate.records():
        checker.record(record)
    known, reactions = reactive_traces(baseline, contract)
    new = traces(candidate, contract.envelope, {reaction.effect for reaction in reactions})
    pairs, alone, extra = pair_up(known, new)
    found = [_unpaired(trace, "event/missing", "has no counterpart in the candidate") for trace in alone]
    found += [_unpaired(trace, "event/unexpected", "has no counterpart in the baseline") for trace in extra]
    found += compare(pairs, contract, {})
    return _judge(pairs, new, contract, checker, found, {}, mode, allowed, noise or contract_noise(contract))


def _unpaired(trace: Trace, id: str, what: str) -> Finding:
    number = trace.connection.number
    target = trace.connection.handshake.target
    gone = id == "event/missing"
    return Finding(
        id=id,
        severity=Severity.BREAKING if gone else Severity.INFO,
        direction=None,
        label=None,
        path=None,
        connection=number,
        position=None,
        message=f"connection {number} ({target}) {what}",
        baseline=target if gone else None,
        candidate=None if gone else target,
    )


def _judge(
    pairs: Sequence[Pair],
    candidate: Sequence[Trace],
    contract: Contract,
    checker: Checker,
    found: Sequence[Finding],
    stopped: Mapping[int, int],
    mode: Mode,
    allowed: Collection[str],
    noise: Noise,
) -> tuple[Finding, ...]:
    findings = list(found)
    if mode == "exact":
        findings += exact_differences(pairs, noise, contract)
        return fold(without_allowed(findings, allowed))
    came: Counter[str] = Counter()
    for trace in candidate:
        came.update(digest(trace, contract).came)
    # How a connection ended is told beside the recording's; that it never did so in others says the same once more.
    ended = Counter(finding.connection for finding in findings if finding.id in _ENDINGS)
    checked = [
        finding
        for finding in checker.finish()
        if not (finding.id in _ENDINGS and finding.connection in ended and finding.count <= ended.total())
    ]
    findings += [_confirmed(finding, came) for finding in checked]
    findings += unmatched(pairs, contract, stopped)
    # What another connection should have got carries its identifiers.
    told = {finding.label for finding in findings if finding.id in ("link/lost", "isolation/leak")}
    findings += (finding for finding in lost_links(pairs) if finding.label not in told)
    return fold(one_a_cause(_renamed(without_allowed(findings, allowed), candidate, contract)))


def _renamed(findings: Sequence[Finding], candidate: Sequence[Trace], contract: Contract) -> list[Finding]:
    """Take an event that never came together with a new one of nearly the same payload.

    The contract's own check looks for renames among the rules that were broken; here the baseline and the wait for an
    event say as well that it never came.
    """
    came = {symbol for trace in candidate for symbol in digest(trace, contract).first}
    gone = {
        symbol
        for finding in findings
        if finding.cause is not None and finding.cause.kind == "missing"
        for symbol in finding.cause.symbols
        if symbol in contract.events and symbol not in came
    }
    if not gone:
        return list(findings)
    first: dict[str, Event] = {}
    times: Counter[str] = Counter()
    shapes: dict[str, Shape] = {}
    for trace in candidate:
        for event in trace.each(Direction.SERVER):
            if event.symbol not in contract.events:
                first.setdefault(event.symbol, event)
                times[event.symbol] += 1
                shapes.setdefault(event.symbol, Shape()).observe(event.payload)
    pairs = sorted(
        (-shape_similarity(contract.events[old].payload or {}, shapes[new]), old, new) for old in gone for new in shapes
    )
    renamed: dict[str, str] = {}  # new -> old
    for unlikeness, old, new in pairs:
        if -unlikeness >= RENAMED and new not in renamed and old not in renamed.values():
            renamed[new] = old
    kept = [
        finding
        for finding in findings
        if not (finding.id == "event/unknown-label" and f"{finding.direction}:{finding.label}" in renamed)
        and not (finding.id == "event/renamed" and f"{finding.direction}:{finding.label}" in renamed.values())
    ]
    for new, old in renamed.items():
        seen = contract.events[old].seen
        finding = breaking(
            "event/renamed",
            f"`{label_of(old)}` never came; `{label_of(new)}`, which is new, came with nearly the same payload"
            + (f" (recorded {counted(seen, 'time')})" if seen else ""),
            first[new].connection,
            position=first[new].position,
            baseline=label_of(old),
            candidate=label_of(new),
            missing=old,
        )
        kept.append(replace(finding, count=times[new]))
    return kept


def _confirmed(finding: Finding, came: Mapping[str, int]) -> Finding:
    """Raise a warning that the baseline turns into certainty: not one event of the candidate keeps the claim."""
    if (
        finding.severity is Severity.WARNING
        and finding.direction is Direction.SERVER
        and finding.id in _CONFIRMED_BY_BASELINE
        # That a place was null says only that nothing stood there in those recordings.
        and finding.baseline != "null"
        and finding.count >= came[f"server:{finding.label}"]
    ):
        return replace(finding, severity=Severity.BREAKING)
    return finding


@dataclass(slots=True)
class _Case:
    """All findings with one cause."""

    findings: list[Finding]

    def speaker(self) -> Finding:
        """The finding that tells it best, with the worst severity of all."""
        best = min(self.findings, key=lambda finding: _rank(finding.id))
        worst = min((finding.severity for finding in self.findings), key=lambda severity: severity.rank)
        count = sum(finding.count for finding in self.findings if finding.id == best.id)
        return replace(best, severity=worst, count=count)


def _rank(id: str) -> int:
    return _SPEAKERS.index(id) if id in _SPEAKERS else len(_SPEAKERS)


def one_a_cause(findings: Iterable[Finding]) -> list[Finding]:
    """Join findings that blame the same missing event: a broken rule, its absence, and the wait for it."""
    cases: dict[frozenset[str], _Case] = {}
    rest: list[Finding | _Case] = []
    for finding in findings:
        if finding.cause is None or finding.cause.kind != "missing":
            rest.append(finding)
            continue
        case = cases.get(finding.cause.symbols)
        if case is None:
            case = cases[finding.cause.symbols] = _Case([])
            rest.append(case)
        case.findings.append(finding)
    return [item.speaker() if isinstance(item, _Case) else item for item in rest]
