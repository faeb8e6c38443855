"""Payloads held against a contract: fast while they fit, in words when they do not.

jsonschema-rs answers yes or no; only after a no does `jsonschema`, the reference, say what is wrong. The fast
schema is closed, so that one call also tells whether there are fields that the contract does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from ..cassettes import Direction
from .added_fields import Path, added_fields, closed_schema
from .claims import EventClaim
from .contract import Contract
from .definitions import expanded, name_of, places
from .event import Event
from .evidence import FIRM_INTEGER_SEEN, is_firm
from .finding import Finding, Severity
from .formats import may_hide
from .json_text import JsonObject, Pointer, clip, excerpt, join_pointer, type_name
from .payload_words import always, broken_words
from .renaming import Parent, renames
from .schema import PINNED, SEEN, Schema
from .similarity import types_of
from .unions import told_apart
from .validation import compiled, errors_of, fits, place_of

MAX_TALLIES = 2_000
"""Different findings that are kept; a build that breaks more than that is broken enough."""

_HIDDEN = frozenset(("format", "pattern", "enum", "const"))  # keywords that ask what redaction hides


@dataclass(slots=True)
class _Tally:
    """One finding in the making."""

    finding: Finding
    count: int = 1


class _Label:
    """The compiled schema of one event."""

    def __init__(self, claim: EventClaim, schema: Schema) -> None:
        self.claim = claim
        if any(_is_pinned(one) for _, one in places(schema) if name_of(one) is not None):
            schema = expanded(schema)  # one place is pinned, not all that share its definition
        self.schema = schema
        self.closed = compiled(closed_schema(schema))
        self.open = compiled(schema)
        self.reference = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


class PayloadChecker:
    """Collects what is wrong with the payloads of a recording."""

    def __init__(self, contract: Contract) -> None:
        self._events = contract.events
        self._labels: dict[str, _Label | None] = {}
        self._tallies: dict[tuple[str, str, str], _Tally] = {}  # (id, symbol, path)
        self._parents: dict[tuple[str, Pointer], Parent] = {}
        self._scope_places = {
            (symbol, pointer)
            for claim in contract.scopes
            for symbol, pointers in claim.scope.paths.items()
            for pointer in pointers
        }

    def check(self, event: Event) -> None:
        """Hold one event's payload against the schema of its label, if there is one."""
        symbol = event.symbol
        if symbol not in self._labels:
            claim = self._events.get(symbol)
            compilable = claim is not None and claim.payload is not None
            self._labels[symbol] = _Label(claim, claim.payload) if compilable and claim and claim.payload else None
        label = self._labels[symbol]
        if label is None or fits(label.closed, event.payload):
            return
        missing: dict[Path, list[str]] = {}
        found: dict[Path, Pointer] = {}
        if not fits(label.open, event.payload):
            errors = list(told_apart(errors_of(label.reference, event.payload)))
            mistyped = {tuple(error.absolute_path) for error in errors if error.validator == "type"}
            for error in errors:
                path: Path = tuple(error.absolute_path)
                place = place_of(error)
                if error.validator in ("const", "enum") and path in mistyped:
                    continue  # of another type, so another value: that is told already
                if error.validator == "required":
                    if path not in missing:
                        missing[path] = self._missing(event, label, error, place)
                        found[path] = place
                else:
                    self._broken(event, label, error, place)
        added: dict[Path, JsonObject] = {}
        for path, place, fields in added_fields(label.schema, event.payload):
            added[path] = fields
            found[path] = place
            for key, value in fields.items():
                self._tally(
                    event,
                    "payload/field-added",
                    (*place, key),
                    Severity.INFO,
                    f"`{join_pointer((*place, key))}` is new: {excerpt(value)}",
                    None,
                    value,
                )
        for path, place in found.items():
            self._remember(event.symbol, place, missing.get(path, []), added.get(path, {}))

    def _missing(self, event: Event, label: _Label, error: ValidationError, place: Pointer) -> list[str]:
        instance = cast("JsonObject", error.instance)
        schema = cast("Schema", error.schema)
        properties = cast("Mapping[str, object]", schema.get("properties") or {})
        missing = [key for key in cast("list[str]", error.validator_value) if key not in instance]
        for key in missing:
            of = properties.get(key)
            own: Mapping[str, object] = cast("Schema", of) if isinstance(of, dict) else Schema()
            pointer = join_pointer((*place, key))
            parent = self._parents.setdefault((event.symbol, place), Parent())
            parent.required[key] = own
            self._tally(
                event,
                "payload/field-missing",
                (*place, key),
                _severity(event, label, schema.get(SEEN), pinned=_is_pinned(schema) or _is_pinned(own)),
                f"`{pointer}` {always('was present', schema)}, now missing",
                own.get("type"),
                None,
            )
        return missing

    def _broken(self, event: Event, label: _Label, error: ValidationError, place: Pointer) -> None:
        schema = cast("Schema", error.schema) if isinstance(error.schema, dict) else {}
        keyword, expected = str(error.validator), cast("object", error.validator_value)
        value = cast("object", error.instance)
        pointer = join_pointer(place)
        seen = schema.get(SEEN)
        if keyword in _HIDDEN and isinstance(value, str):
            format_ = str(expected) if keyword == "format" else None
            if may_hide(value, format_):
                return  # a secret's placeholder: what it was is not known to be wrong
        pinned = _is_pinned(schema)
        severity = _severity(event, label, seen, pinned=pinned)
        learned = SEEN in schema and not pinned
        id_, said = broken_words(error, schema, pointer, pinned=pinned)
        if learned and keyword == "type" and "number" in types_of(schema) and type_name(value) == "number":
            firm = isinstance(seen, int) and seen >= FIRM_INTEGER_SEEN
            severity = severity if firm else _at_most_warning(severity)
        if learned and keyword in ("enum", "pattern", "const"):
            severity = _at_most_warning(severity)
        if learned and keyword == "format" and (event.symbol, pointer) in self._scope_places:
            severity = _at_most_warning(severity)  # an identifier may change its form while it is still echoed
        self._tally(event, id_, place, severity, said, expected, value)

    def _tally(
        self,
        event: Event,
        id_: str,
        place: Pointer,
        severity: Severity,
        message: str,
        baseline: object,
        candidate: object,
    ) -> None:
        path = join_pointer(place)
        key = (id_, event.symbol, path)
        known = self._tallies.get(key)
        if known is not None:
            known.count += 1
            if severity.rank < known.finding.severity.rank:
                count = known.count
                known = None
            else:
                return
        else:
            count = 1
        if len(self._tallies) >= MAX_TALLIES and key not in self._tallies:
            return
        finding = Finding(
            id=id_,
            severity=severity,
            direction=event.direction,
            label=event.label,
            path=path,
            connection=event.connection,
            position=event.position,
            message=message,
            baseline=clip(baseline),
            candidate=clip(candidate),
        )
        self._tallies[key] = _Tally(finding, count)

    def _remember(self, symbol: str, place: Pointer, missing: Sequence[str], added: JsonObject) -> None:
        if not missing and not added:
            return
        self._parents.setdefault((symbol, place), Parent()).remember(missing, added)

    def lost_places(self) -> frozenset[tuple[str, str]]:
        """Return the places (symbol, pointer) that should hold an identifier of a scope and no longer do."""
        return frozenset(
            (symbol, path)
            for id_, symbol, path in self._tallies
            if id_ in ("payload/field-missing", "payload/type-changed")
            for place in self._scope_places
            if place[0] == symbol and (place[1] == path or place[1].startswith(path + "/"))
        )

    def findings(self) -> Iterator[Finding]:
        """Return what was found, a missing field and the new one that took its place as one rename."""
        renamed: dict[tuple[str, str], tuple[str, Parent]] = {}
        taken: set[tuple[str, str]] = set()
        for (symbol, place), parent in self._parents.items():
            for gone, new in renames(parent):
                old_path, new_path = join_pointer((*place, gone)), join_pointer((*place, new))
                renamed[symbol, old_path] = (new_path, parent)
                taken.add((symbol, new_path))
        for (id_, symbol, path), tally in self._tallies.items():
            finding = tally.finding
            count = tally.count
            if id_ == "payload/field-added" and (symbol, path) in taken:
                continue
            if id_ == "payload/field-missing" and (symbol, path) in renamed:
                new_path, _ = renamed[symbol, path]
                message = finding.message.removesuffix(", now missing") + f", now it is called `{new_path}`"
                yield _counted(finding, count, "payload/field-renamed", message, path, new_path)
            else:
                yield _counted(finding, count, id_, finding.message, finding.baseline, finding.candidate)


def _counted(finding: Finding, count: int, id_: str, message: str, baseline: object, candidate: object) -> Finding:
    return Finding(
        id=id_,
        severity=finding.severity,
        direction=finding.direction,
        label=finding.label,
        path=finding.path,
        connection=finding.connection,
        position=finding.position,
        count=count,
        message=message,
        baseline=baseline,
        candidate=candidate,
    )


def _severity(event: Event, label: _Label, seen: object, *, pinned: bool) -> Severity:
    if pinned:
        return Severity.BREAKING
    # What clients send is the recording's own doing: a check of a recording judges the service.
    if event.direction is Direction.CLIENT:
        return Severity.WARNING
    return (
        Severity.BREAKING if is_firm(seen if isinstance(seen, int) else None, label.claim.scopes) else Severity.WARNING
    )


def _at_most_warning(severity: Severity) -> Severity:
    return max(severity, Severity.WARNING, key=lambda one: one.rank)


def _is_pinned(schema: Mapping[str, object]) -> bool:
    return schema.get(PINNED) is True
