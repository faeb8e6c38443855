"""Sequence rules held against a recording: streaming monitors, and the judgement of each scope instance at its end.

An event costs the rules that name it, in each of its scopes. What is kept of an instance is one integer a
rule and one count a symbol. Instances are judged and forgotten when their connection ends, and on a connection that
goes on and on when `MAX_OPEN` of their scope had events after their last. In a scope that spans connections they rest
then, so that another connection may take them up again, until the recording ends or as many others rest; the finer
work in them goes with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..cassettes import Direction
from .claims import ScopeClaim
from .contract import Contract
from .event import CONNECTION, Event, ScopeKey
from .evidence import rule_is_firm
from .finding import Cause, Severity
from .rules import TEMPLATES, Instance, Rule
from .rules.rule import role

MAX_OPEN = 10_000
"""Instances of one scope that are kept on one connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An obligation that is open: after an event, another one is still to come in a scope."""

    scope: ScopeKey
    after: str  # symbol
    awaited: tuple[str, ...]  # symbols of which any one will do


@dataclass(slots=True, kw_only=True)
class Violation:
    """A rule broken by a cause: how often, and where first."""

    rule: Rule
    grain: int  # index of the scope, 0 the finest
    scope: ScopeKey
    connection: int
    position: int
    cause: Cause
    severity: Severity
    what: str  # "`b` never came after `a`"
    held: str  # "it did"
    trace: frozenset[str]  # symbols that the scope instance had
    count: int = 1


class _Compiled:
    """The rules of one scope, dispatched by symbol."""

    def __init__(self, grain: int, claim: ScopeClaim, symbols: set[str]) -> None:
        self.grain = grain
        self.name = claim.name
        self.spans = claim.scope.spans
        self.within: frozenset[str] = frozenset()  # coarser scopes that span connections
        self.rules = claim.rules
        self.templates = [TEMPLATES[rule.template] for rule in claim.rules]
        self.hearers: dict[str, list[tuple[int, int]]] = {}
        for symbol in symbols:
            hearers: list[tuple[int, int]] = []
            for number, rule in enumerate(claim.rules):
                template = self.templates[number]
                if symbol in rule.events or template.hears_all:
                    hearers.append((number, role(template, rule.events, symbol)))
            self.hearers[symbol] = hearers
        partners: dict[str, set[str]] = {}
        for rule in claim.rules:
            if rule.template == "alternate_succession" and len(rule.targets) == 1:
                a, b = rule.events
                partners.setdefault(a, set()).add(b)
                partners.setdefault(b, set()).add(a)
        self.partners = {symbol: frozenset(others) for symbol, others in partners.items()}


class _Open:
    """One open scope instance."""

    __slots__ = (
        "broken",
        "complete",
        "counts",
        "elsewhere",
        "first",
        "last",
        "last_at",
        "spared",
        "states",
        "taken_up",
    )

    def __init__(self, rules: int) -> None:
        self.states = [0] * rules
        self.counts: dict[str, int] = {}
        self.first = ""
        self.last = ""
        self.last_at = 0  # position
        self.spared = False  # whether it was kept for what it owes, when its turn to be forgotten came
        # rule -> connection, position and symbol of the first time
        self.broken: dict[int, tuple[int, int, str | None]] = {}
        # Of an instance that another connection took up again:
        self.taken_up = False
        self.complete = True  # whether the connection before saw its end
        self.elsewhere: dict[int, int] = {}  # rule -> connection, where its state is a position on an earlier one


class Causes:
    """Causes that are one: a union-find over them, filled where an instance shows it."""

    def __init__(self) -> None:
        self._parents: dict[Cause, Cause] = {}

    def find(self, cause: Cause) -> Cause:
        """Return the one that stands for all causes joined with this one."""
        root = cause
        while (parent := self._parents.get(root, root)) != root:
            root = parent
        while (parent := self._parents.get(cause, cause)) != root:
            self._parents[cause] = root
            cause = parent
        return root

    def join(self, one: Cause, two: Cause) -> None:
        """Make two causes one."""
        one, two = self.find(one), self.find(two)
        if one != two:
            self._parents[one] = two


class SequenceChecker:
    """Runs the monitors of all scopes of a contract and collects violations by cause."""

    def __init__(self, contract: Contract) -> None:
        symbols = set(contract.events)
        for claim in contract.scopes:
            symbols |= {symbol for rule in claim.rules for symbol in rule.events}
        self._symbols = symbols
        self._compiled = {claim.name: _Compiled(grain, claim, symbols) for grain, claim in enumerate(contract.scopes)}
        for grain, claim in enumerate(contract.scopes):
            self._compiled[claim.name].within = frozenset(
                coarser.name
                for coarser in contract.scopes[grain + 1 :]
                if coarser.scope.spans and claim.scope.paths.keys() & coarser.scope.paths.keys()
            )
        self._open: dict[int, dict[str, dict[ScopeKey, _Open]]] = {}  # connection -> scope -> instances
        self._resting: dict[str, dict[str, tuple[ScopeKey, _Open]]] = {}  # scope -> value -> instance
        self._pending: dict[int, dict[tuple[ScopeKey, int], Pending]] = {}
        self._violations: dict[tuple[int, int, Cause], Violation] = {}
        self.causes = Causes()
        self.links: dict[tuple[int, int], tuple[Violation, Violation]] = {}  # (grain, rule) -> never came, came unasked

    def event(self, event: Event, keys: tuple[ScopeKey, ...]) -> None:
        """Step the monitors of all scopes of an event. An event that the contract does not know changes nothing."""
        symbol = event.symbol
        if symbol not in self._symbols:
            return
        scopes = self._open.setdefault(event.connection, {})
        for key in keys:
            compiled = self._compiled[key.name]
            instances = scopes.setdefault(key.name, {})
            instance = instances.pop(key, None)
            if instance is None and (compiled.spans or _came_over(scopes, compiled, keys)):
                instance = self._take_up(key, compiled)
                if instance is None and symbol in compiled.spans:
                    instance = _Open(0)  # its beginning was not seen: nothing is known of it
            if instance is None:
                if len(instances) >= MAX_OPEN:
                    self._forget_one(instances)
                instance = _Open(len(compiled.rules))
                instance.first = symbol
            instances[key] = instance  # the last one now
            instance.last = symbol
            instance.last_at = event.position
            instance.counts[symbol] = instance.counts.get(symbol, 0) + 1
            for number, place in compiled.hearers[symbol] if instance.states else ():
                before = instance.states[number]
                template = compiled.templates[number]
                after, broken = template.step(compiled.rules[number], before, place, event.position)
                if after != before:
                    instance.states[number] = after
                    instance.elsewhere.pop(number, None)
                    if template.awaits and key.name != CONNECTION:
                        self._await(key, number, compiled.rules[number], after)
                if broken and number not in instance.broken:
                    instance.broken[number] = (event.connection, event.position, symbol)

    def _take_up(self, key: ScopeKey, compiled: _Compiled) -> _Open | None:
        """Return the instance that another connection, which has ended, left under a value."""
        resting = self._resting.get(key.name, {}).pop(key.value, None)
        if resting is None:
            return None
        left, instance = resting
        instance.taken_up = True
        for number, (template, state) in enumerate(zip(compiled.templates, instance.states, strict=False)):
            if template.points and state > 0:
                instance.elsewhere.setdefault(number, left.connection)
                if template.awaits:
                    self._await(key, number, compiled.rules[number], state)
        return instance

    def _rest(self, key: ScopeKey, instance: _Open, complete: bool) -> Iterator[Violation]:
        """Keep an instance for another connection to take up; yield what is broken in those that must give way."""
        resting = self._resting.setdefault(key.name, {})
        instance.complete = complete
        before = resting.pop(key.value, None)
        if before is None and len(resting) >= MAX_OPEN:
            before = resting.pop(next(iter(resting)))
        resting[key.value] = (key, instance)
        if before is not None:
            yield from self._judge(*before, before[1].complete)

    def _await(self, key: ScopeKey, number: int, rule: Rule, state: int) -> None:
        pending = self._pending.setdefault(key.connection, {})
        if state > 0:
            pending[key, number] = Pending(scope=key, after=rule.events[0], awaited=rule.targets)
        else:
            pending.pop((key, number), None)

    def pending(self, connection: int) -> tuple[Pending, ...]:
        """Return what is still to come in the identifier scopes of a connection, oldest first."""
        return tuple(dict.fromkeys(self._pending.get(connection, {}).values()))

    def close(self, connection: int, *, complete: bool, lost: bool = False) -> None:
        """Judge the scopes of a connection and forget them; unless ``complete``, they owe nothing any more.

        When something of it was ``lost``, nothing is known of what another connection takes up.
        """
        self._pending.pop(connection, None)
        met: list[Violation] = []
        for instances in self._open.pop(connection, {}).values():
            for key, instance in instances.items():
                compiled = self._compiled[key.name]
                if (compiled.spans or compiled.within) and not lost:
                    met.extend(self._rest(key, instance, complete))
                else:
                    met.extend(self._judge(key, instance, complete))
        self._join_answers(met)
        self._join_links(met)

    def _forget_one(self, instances: dict[ScopeKey, _Open]) -> None:
        """Judge the instance that had no event for longest; one that still owes something is spared once."""
        while True:
            key = next(iter(instances))
            instance = instances.pop(key)
            compiled = self._compiled[key.name]
            owes = any(
                template.broken_at_end(rule, state)
                for template, rule, state in zip(compiled.templates, compiled.rules, instance.states, strict=False)
            )
            if not owes or instance.spared:
                break
            instance.spared = True
            instances[key] = instance
        pending = self._pending.get(key.connection, {})
        for number in range(len(compiled.rules)):
            pending.pop((key, number), None)
        met = self._judge(key, instance, True)
        self._join_answers(met)

    def _judge(self, key: ScopeKey, open_: _Open, complete: bool) -> list[Violation]:
        compiled = self._compiled[key.name]
        broken = dict(open_.broken)
        if complete and open_.states:
            for number, state in enumerate(open_.states):
                if number not in broken and compiled.templates[number].broken_at_end(compiled.rules[number], state):
                    points = compiled.templates[number].points
                    connection = open_.elsewhere.get(number, key.connection) if points else key.connection
                    broken[number] = (connection, state if points else open_.last_at, None)
        if not broken:
            return []
        instance = Instance(first=open_.first, last=open_.last, counts=open_.counts, partners=compiled.partners)
        met: list[Violation] = []
        for number, (connection, position, trigger) in sorted(broken.items()):
            rule, template = compiled.rules[number], compiled.templates[number]
            cause = template.cause(rule, instance)
            if not complete and cause.kind == "missing" and trigger is None:
                continue
            what, held = template.words(rule, cause, instance)
            violation = Violation(
                rule=rule,
                grain=compiled.grain,
                scope=key,
                connection=connection,
                position=max(position, 1),
                cause=cause,
                severity=_severity(rule, cause, template.offender(rule, cause, trigger, instance)),
                what=what,
                held=held,
                trace=frozenset(open_.counts),
            )
            met.append(violation)
            self._keep(number, violation)
        # Where the beginning is missing, the whole instance stands under an identifier that nothing announced.
        strays = [one for one in met if one.rule.template == "init" and one.cause.kind == "missing"]
        for stray in strays:
            for violation in met:
                self.causes.join(stray.cause, violation.cause)
        return met

    def _keep(self, number: int, violation: Violation) -> None:
        known = self._violations.get((violation.grain, number, violation.cause))
        if known is None:
            self._violations[violation.grain, number, violation.cause] = violation
        else:
            known.count += 1
            if violation.severity.rank < known.severity.rank:
                known.severity = violation.severity

    def _join_answers(self, met: list[Violation]) -> None:
        """One event that got none of its answers: the first answer to be missing explains the others."""
        by_position: dict[int, Cause] = {}
        for violation in met:
            if violation.cause.kind == "missing" and TEMPLATES[violation.rule.template].awaits:
                known = by_position.setdefault(violation.position, violation.cause)
                self.causes.join(violation.cause, known)

    def _join_links(self, met: list[Violation]) -> None:
        """An event that one instance lacks and another has unasked came under the wrong identifier."""
        lacking: dict[tuple[int, Rule], list[Violation]] = {}
        unasked: dict[tuple[int, Rule], list[Violation]] = {}
        for one in met:
            if one.scope.name == CONNECTION or len(one.rule.events) < 2:
                continue
            targets, symbols = frozenset(one.rule.targets), one.cause.symbols
            if one.cause.kind == "missing" and targets & symbols:
                _keep_few(lacking.setdefault((one.grain, one.rule), []), one)
            elif (one.cause.kind == "missing" and one.rule.a in symbols) or (
                one.cause.kind == "extra" and targets & symbols
            ):
                _keep_few(unasked.setdefault((one.grain, one.rule), []), one)
        for place, those in lacking.items():
            for lack in those:
                for other in unasked.get(place, ()):
                    if other.scope != lack.scope:
                        self.causes.join(lack.cause, other.cause)
                        number = self._compiled[lack.scope.name].rules.index(lack.rule)
                        self.links.setdefault((lack.grain, number), (lack, other))

    def finish(self) -> None:
        """Judge what is still open, without holding against it what never came."""
        for connection in list(self._open):
            self.close(connection, complete=False)
        for resting in self._resting.values():
            met = [one for key, instance in resting.values() for one in self._judge(key, instance, instance.complete)]
            self._join_answers(met)
            self._join_links(met)
        self._resting.clear()

    def violations(self) -> Iterator[Violation]:
        """Return what was broken, by rule and cause."""
        yield from self._violations.values()


def _came_over(scopes: Mapping[str, Mapping[ScopeKey, _Open]], compiled: _Compiled, keys: Iterable[ScopeKey]) -> bool:
    """Tell whether an event belongs to coarser work that its connection has taken up from another one."""
    around = (scopes[key.name].get(key) for key in keys if key.name in compiled.within and key.name in scopes)
    return any(instance is not None and instance.taken_up for instance in around)


def _keep_few(kept: list[Violation], one: Violation) -> None:
    """Keep one violation of each cause, and one of another instance: more say nothing more."""
    alike = [other for other in kept if other.cause == one.cause]
    if len(alike) < 2 and all(other.scope != one.scope for other in alike):
        kept.append(one)


def _severity(rule: Rule, cause: Cause, offender: Direction) -> Severity:
    if rule.pinned:
        return Severity.BREAKING
    if offender is Direction.CLIENT:
        return Severity.WARNING
    firm = rule_is_firm(rule.seen, rule.scopes, rule.surprise, cause.kind, broken=rule.broken)
    return Severity.BREAKING if firm else Severity.WARNING
