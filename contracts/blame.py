"""From broken rules to findings: one cause gives one finding, told by the rule that says it best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .contract import Contract
from .event import CONNECTION, label_of, side
from .finding import Cause, Finding
from .json_text import split_pointer
from .sequences import SequenceChecker, Violation

_TEMPLATE_RANK = (
    *("alternate_succession", "init", "end", "response", "precedence", "succession", "not_succession"),
    *("exactly", "absence", "existence", "responded_existence", "chain_response"),
)
_KIND_RANK = ("missing", "extra", "order")


class Blame:
    """Groups what a check broke by its cause.

    ``lost`` are the places, symbol and JSON pointer, at which payloads lost what always stood there.
    """

    def __init__(self, contract: Contract, sequences: SequenceChecker, lost: Iterable[tuple[str, str]]) -> None:
        self._contract = contract
        self._sequences = sequences
        self._lost = lost

    def groups(self) -> list[list[Violation]]:
        """Return the violations by cause, the one that says it best first in each group."""
        lost = {(symbol, split_pointer(path)) for symbol, path in self._lost}
        violations = [one for one in self._sequences.violations() if not self._is_explained(one, lost)]
        causes = self._sequences.causes
        distinct = list(dict.fromkeys(violation.cause for violation in violations))
        for number, one in enumerate(distinct):
            for two in distinct[:number]:
                if one.symbols & two.symbols and {one.kind, two.kind} != {"missing", "extra"}:
                    causes.join(one, two)
        groups: dict[Cause, list[Violation]] = {}
        for violation in violations:
            groups.setdefault(causes.find(violation.cause), []).append(violation)
        return [sorted(group, key=_rank) for group in groups.values()]

    def _is_explained(self, violation: Violation, lost: set[tuple[str, tuple[str, ...]]]) -> bool:
        """Tell whether an event left its scope because its payload lost the identifier, which is said there."""
        if not lost or violation.scope.name == CONNECTION:
            return False
        scope = self._contract.scopes[violation.grain].scope
        for symbol in {*violation.rule.events, *violation.cause.symbols}:
            for pointer in scope.paths.get(symbol, ()):
                keys = split_pointer(pointer)
                if any((symbol, keys[:length]) in lost for length in range(1, len(keys) + 1)):
                    return True
        return False

    def finding(self, group: Sequence[Violation]) -> Finding:
        best = group[0]
        link = self._link(group)
        if link is not None:
            return link
        blamed = best.cause.symbols if best.cause.kind != "order" else set(best.rule.events[-1:])
        symbol = sorted(blamed)[0]
        symbols = frozenset(
            name for violation in group if violation.cause.kind == best.cause.kind for name in violation.cause.symbols
        )
        return Finding(
            id=f"sequence/{best.rule.template}",
            severity=min((one.severity for one in group), key=lambda severity: severity.rank),
            direction=side(symbol),
            label=label_of(symbol),
            path=None,
            connection=best.connection,
            position=best.position,
            count=best.count,
            message=f"{best.what} ({best.scope}); {evidence_words(best)}",
            baseline=f"{best.rule.template}({', '.join(best.rule.events)})",
            candidate=str(best.scope),
            rule=rule_words(best),
            scope=best.scope,
            cause=Cause(kind=best.cause.kind, symbols=symbols),
        )

    def _link(self, group: Sequence[Violation]) -> Finding | None:
        best = group[0]
        for lacking, unasked in self._sequences.links.values():
            if lacking.cause != best.cause and unasked.cause != best.cause:
                continue
            if lacking.grain != best.grain:
                continue
            a = lacking.rule.a
            b = next((symbol for symbol in lacking.rule.targets if symbol in unasked.trace), lacking.rule.targets[0])
            scope = self._contract.scopes[lacking.grain].scope
            path = scope.paths.get(b, (None,))[0]
            return Finding(
                id="link/lost",
                severity=min((one.severity for one in group), key=lambda severity: severity.rank),
                direction=side(b),
                label=label_of(b),
                path=path,
                connection=unasked.connection,
                position=unasked.position,
                count=max(lacking.count, unasked.count),
                message=f"`{label_of(b)}` came with {unasked.scope}, which no `{label_of(a)}` asked for, "
                f"and never with {lacking.scope.value}; {evidence_words(lacking)}",
                baseline=lacking.scope.value,
                candidate=unasked.scope.value,
                rule=rule_words(lacking),
                scope=unasked.scope,
                cause=Cause(kind="link", symbols=frozenset((a, b))),
            )
        return None


def _rank(violation: Violation) -> tuple[int, int, int, int, tuple[str, ...]]:
    return (
        violation.severity.rank,
        violation.grain,
        _KIND_RANK.index(violation.cause.kind),
        _TEMPLATE_RANK.index(violation.rule.template),
        violation.rule.events,
    )


def rule_words(violation: Violation) -> str:
    """The rule with its labels, and where it holds: ``init(agent_started) in run_id``."""
    rule = violation.rule
    places = [label_of(symbol) for symbol in rule.events[:1]]
    if rule.targets:
        targets = ", ".join(map(label_of, rule.targets))
        places.append(targets if len(rule.targets) == 1 else f"[{targets}]")
    if rule.times is not None:
        places.append(str(rule.times))
    return f"{rule.template}({', '.join(places)}) in {violation.scope.name}"


def evidence_words(violation: Violation) -> str:
    rule = violation.rule
    if rule.seen is None:
        return "the contract asks for it"
    if violation.scope.name == CONNECTION and not rule.broken:
        connections = "the one recorded connection" if rule.scopes == 1 else f"{rule.scopes} connections"
        cases = "the one recorded case" if rule.seen == 1 else f"all {rule.seen} recorded cases"
        return f"{violation.held} in {cases} on {connections}"
    if rule.scopes == 1:
        return f"{violation.held} in the one recorded scope"
    return f"{violation.held} in {rule.scopes - rule.broken} of {rule.scopes} recorded scopes"
