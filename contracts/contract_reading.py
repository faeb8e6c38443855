"""Reading a contract document: strictly, and with the place at which it makes no sense."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

from ..cassettes import Direction
from .claims import EventClaim, Learned, ScopeClaim
from .envelopes import envelope_from
from .errors import ContractError
from .event import CONNECTION, SYMBOL
from .expression import parse as parse_expression
from .handshake import HandshakeClaim
from .isolation import Privacy
from .json_text import join_pointer, split_pointer
from .meta_schema import problem_of, targets_in
from .rules import TEMPLATES, Rule
from .scopes import Scope
from .stream import Stream
from .stream_document import stream_from

MAX_NESTING = 200
"""Objects and arrays inside one another in a payload's schema."""

FORMAT = "contract"
VERSION = 1

_Object = dict[str, object]


class ContractReader:
    """Reads a document strictly, and says where it makes no sense."""

    def __init__(self, where: Path | str) -> None:
        self._where = where

    def contract(self, document: object) -> dict[str, object]:
        if not isinstance(document, dict) or cast("_Object", document).get("wstape") != FORMAT:
            raise ContractError(
                self._where, "", "not a wstape contract", "name a .contract.json file as 'wstape infer' writes it"
            )
        top = cast("_Object", document)
        version = top.get("version")
        if isinstance(version, bool) or not isinstance(version, int) or version < 1:
            raise self._wrong("/version", f"{version!r} is not a version", "learn the contract again")
        if version > VERSION:
            raise self._wrong("/version", f"version {version} is newer than {VERSION}", "update wstape")
        try:
            envelope = envelope_from(self._object(top.get("envelope"), "/envelope"))
        except ValueError as error:
            raise self._wrong("/envelope", str(error)) from error
        learned = self._object(top.get("learned", {}), "/learned")
        events = self._object(top.get("events"), "/events")
        scopes = [
            self._scope(entry, f"/scopes/{number}")
            for number, entry in enumerate(self._array(top.get("scopes", []), "/scopes"))
        ]
        names = [claim.name for claim in scopes]
        if len(set(names)) < len(names):
            raise self._wrong("/scopes", "two scopes have one name")
        inner = [claim for claim in scopes if claim.name != CONNECTION]
        outer = [claim for claim in scopes if claim.name == CONNECTION] or [
            ScopeClaim(scope=Scope(name=CONNECTION, paths={}), rules=())
        ]
        streams = self._array(top.get("streams", []), "/streams")
        private = self._array(top.get("private", []), "/private")
        closings = self._object(top.get("closings", {}), "/closings")
        return {
            "envelope": envelope,
            "learned": Learned(
                **{
                    name: self._count(learned.get(name, 0), f"/learned/{name}") or 0
                    for name in ("cassettes", "connections", "messages")
                }
            ),
            "events": {symbol: self._event(symbol, entry) for symbol, entry in events.items()},
            "scopes": (*inner, *outer),
            "streams": tuple(self._stream(entry, f"/streams/{number}") for number, entry in enumerate(streams)),
            "private": tuple(self._privacy(entry, f"/private/{number}") for number, entry in enumerate(private)),
            "closings": {direction: self._closings(closings, direction) for direction in Direction},
            "handshake": self._handshake(top.get("handshake")),
        }

    def _handshake(self, value: object) -> HandshakeClaim | None:
        if value is None:
            return None
        try:
            return HandshakeClaim.from_document(self._object(value, "/handshake"))
        except ValueError as error:
            raise self._wrong("/handshake", str(error)) from error

    def _stream(self, entry: object, place: str) -> Stream:
        try:
            return stream_from(self._object(entry, place))
        except ValueError as error:
            raise self._wrong(place, str(error)) from error

    def _closings(self, closings: _Object, direction: Direction) -> dict[str, int]:
        place = f"/closings/{direction.value}"
        codes = self._object(closings.get(direction.value, {}), place)
        return {code: self._count(count, place + join_pointer((code,))) or 0 for code, count in codes.items()}

    def _event(self, symbol: str, entry: object) -> EventClaim:
        place = "/events" + join_pointer((symbol,))
        self._symbol(symbol, place)
        event = self._object(entry, place)
        kind = event.get("kind", "any")
        if kind not in ("text", "binary", "any"):
            raise self._wrong(f"{place}/kind", f"{kind!r} is not one of text, binary, any")
        payload = event.get("payload")
        if payload is not None:
            schema = self._object(payload, f"{place}/payload")
            problem = problem_of(schema)
            if problem is not None:
                raise self._wrong(f"{place}/payload{problem[0]}", f"not a JSON Schema: {problem[1]}")
            self._annotations(schema, f"{place}/payload", targets_in(schema), MAX_NESTING)
            payload = schema
        return EventClaim(
            kind=cast("str", kind),
            seen=self._count(event.get("seen"), f"{place}/seen"),
            scopes=self._count(event.get("scopes", 0), f"{place}/scopes") or 0,
            payload=payload,
        )

    def _annotations(self, value: object, place: str, targets: Callable[[str], bool], nesting: int) -> None:
        """Check what the meta-schema does not: our own keywords, patterns, references that lead away, and nesting."""
        if not nesting:
            raise RecursionError
        if isinstance(value, list):
            for number, item in enumerate(cast("list[object]", value)):
                self._annotations(item, f"{place}/{number}", targets, nesting - 1)
        if not isinstance(value, dict):
            return
        schema = cast("_Object", value)
        seen = schema.get("x-wstape-seen")
        if "x-wstape-seen" in schema and not isinstance(seen, dict):
            self._count(seen, f"{place}/x-wstape-seen")
        keys = schema.get("patternProperties")
        for pattern in (schema.get("pattern"), *(cast("_Object", keys) if isinstance(keys, dict) else ())):
            if isinstance(pattern, str):
                try:
                    re.compile(pattern)
                except re.error as error:
                    where = f"{place}/pattern" if pattern == schema.get("pattern") else f"{place}/patternProperties"
                    raise self._wrong(where, f"not a regular expression: {error}") from error
        reference = schema.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#"):
            raise self._wrong(f"{place}/$ref", "a reference out of the schema is never followed")
        if isinstance(reference, str) and not targets(reference):
            raise self._wrong(f"{place}/$ref", f"{reference!r} leads nowhere")
        for key, item in schema.items():
            if key not in ("enum", "const", "default", "examples"):
                self._annotations(item, place + join_pointer((key,)), targets, nesting - 1)

    def _scope(self, entry: object, place: str) -> ScopeClaim:
        document = self._object(entry, place)
        name = document.get("name")
        if not isinstance(name, str) or not name:
            raise self._wrong(f"{place}/name", "a scope needs a name")
        paths: dict[str, tuple[str, ...]] = {}
        for symbol, value in self._object(document.get("paths", {}), f"{place}/paths").items():
            where = f"{place}/paths" + join_pointer((symbol,))
            self._symbol(symbol, where)
            pointers = [value] if isinstance(value, str) else self._array(value, where)
            for pointer in pointers:
                try:
                    split_pointer(pointer if isinstance(pointer, str) else "?")
                except ValueError as error:
                    raise self._wrong(where, f"{pointer!r} is not a JSON pointer") from error
            paths[symbol] = tuple(cast("list[str]", pointers))
        spans = self._array(document.get("spans", []), f"{place}/spans")
        for symbol in spans:
            self._symbol(symbol, f"{place}/spans")
        expression = document.get("expression", "")
        try:
            if expression:
                parse_expression(expression if isinstance(expression, str) else "?")
        except ValueError as error:
            raise self._wrong(f"{place}/expression", f"not an expression: {error}") from error
        rules = self._array(document.get("rules", []), f"{place}/rules")
        return ScopeClaim(
            scope=Scope(
                name=name,
                paths=paths,
                instances=self._count(document.get("instances", 0), f"{place}/instances") or 0,
                events=self._count(document.get("events", 0), f"{place}/events") or 0,
                named=self._flag(document, "named", place),
                spans=tuple(cast("list[str]", spans)),
            ),
            expression=cast("str", expression),
            rules=tuple(self._rule(rule, f"{place}/rules/{number}") for number, rule in enumerate(rules)),
        )

    def _privacy(self, entry: object, place: str) -> Privacy:
        document = self._object(entry, place)
        name = document.get("name")
        if not isinstance(name, str) or not name:
            raise self._wrong(f"{place}/name", "a private identifier needs a name")
        return Privacy(
            name=name,
            values=self._count(document.get("values"), f"{place}/values"),
            connections=self._count(document.get("connections", 0), f"{place}/connections") or 0,
            pinned=self._flag(document, "pinned", place),
        )

    def _flag(self, document: _Object, name: str, place: str) -> bool:
        flag = document.get(name, False)
        if not isinstance(flag, bool):
            raise self._wrong(f"{place}/{name}", "neither true nor false")
        return flag

    def _rule(self, entry: object, place: str) -> Rule:
        document = self._object(entry, place)
        template = TEMPLATES.get(str(document.get("rule")))
        if template is None:
            known = ", ".join(TEMPLATES)
            raise self._wrong(f"{place}/rule", f"{document.get('rule')!r} is not a rule (known: {known})")
        places = self._array(document.get("of"), f"{place}/of")
        events = list(places)
        if events and isinstance(events[-1], list) and template.takes_alternatives:
            events[-1:] = self._array(cast("object", events[-1]), f"{place}/of/{len(events) - 1}")
        distinct = len({str(event) for event in events}) == len(events)
        if len(places) != template.arity or len(events) < len(places) or not distinct:
            raise self._wrong(f"{place}/of", f"{template.id} takes {template.arity} different event(s)")
        for event in events:
            self._symbol(event, f"{place}/of")
        times = self._count(document.get("times"), f"{place}/times")
        if times is not None and (not template.counts or not times):
            raise self._wrong(f"{place}/times", f"{template.id} takes no such number of times")
        return Rule(
            template=template.id,
            events=tuple(cast("list[str]", events)),
            times=times,
            broken=self._count(document.get("broken", 0), f"{place}/broken") or 0,
            seen=self._count(document.get("seen"), f"{place}/seen"),
            scopes=self._count(document.get("scopes", 0), f"{place}/scopes") or 0,
            surprise=self._count(document.get("surprise"), f"{place}/surprise"),
            pinned=self._flag(document, "pinned", place),
        )

    def _symbol(self, value: object, place: str) -> None:
        if not isinstance(value, str) or not SYMBOL.fullmatch(value):
            raise self._wrong(place, f"{value!r} is not an event", "write it as client:LABEL or server:LABEL")

    def _object(self, value: object, place: str) -> _Object:
        if not isinstance(value, dict):
            raise self._wrong(place, "not an object" if value is not None else "missing")
        return cast("_Object", value)

    def _array(self, value: object, place: str) -> list[object]:
        if not isinstance(value, list):
            raise self._wrong(place, "not an array" if value is not None else "missing")
        return cast("list[object]", value)

    def _count(self, value: object, place: str) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._wrong(place, f"{value!r} is not a count")
        return value

    def _wrong(
        self, place: str, problem: str, advice: str = "correct it, or learn the contract again"
    ) -> ContractError:
        return ContractError(self._where, place, problem, advice)
