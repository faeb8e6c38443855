"""One readable expression for all that may come in a scope, such as ``started thinking* (executing completed)+ done?``.

A process tree in which no event stands twice (S. Leemans, D. Fahland, W. van der Aalst, "Discovering Block-Structured
Process Models from Event Logs", 2013; single occurrence as in G. Bex, F. Neven, T. Schwentick, S. Vansummeren,
"Inference of Concise Regular Expressions and DTDs", ACM TODS 35(2), 2010).

========================  ==============================================================
``a b``                   a, then b
``a | b``                 one of both
``a & b``                 both, their events in any order
``a?`` ``a*`` ``a+``      perhaps, any times, once or more
``call_id[a b]``          a piece of finer work; with ``*`` or ``+`` several, that may overlap
========================  ==============================================================

A server's event stands as its label, a client's as ``client:label``; what is no plain word stands in quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["event", "sequence", "choice", "interleaved", "work"]

MAX_DEPTH = 40

_PLAIN = re.compile(r"[\w./:$#@-]+")
_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[\w./:$#@-]+|[][()|&?*+])')
_JOINTS = {"sequence": " ", "choice": " | ", "interleaved": " & "}
_QUANTIFIERS = {(False, False): "", (True, False): "?", (True, True): "*", (False, True): "+"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A node of the tree."""

    kind: Kind
    name: str = ""  # an event's symbol, a work's scope
    parts: tuple[Expression, ...] = ()
    optional: bool = False
    many: bool = False

    def __str__(self) -> str:
        """The text from which `parse` makes the expression again."""
        return self._text(outermost=True)

    def _text(self, *, outermost: bool = False) -> str:
        quantifier = _QUANTIFIERS[self.optional, self.many]
        if self.kind == "event":
            return _word(self.name) + quantifier
        if self.kind == "work":
            return f"{_quoted(self.name)}[{self.parts[0]}]{quantifier}"
        inner = _JOINTS[self.kind].join(part._text() for part in self.parts)
        return inner if outermost and not quantifier else f"({inner}){quantifier}"

    def symbols(self) -> Iterator[str]:
        """Yield the events in it, from left to right."""
        if self.kind == "event":
            yield self.name
        for part in self.parts:
            yield from part.symbols()


def _word(symbol: str) -> str:
    side, _, label = symbol.partition(":")
    plain = label if side == "server" and not label.startswith(("client:", "server:")) else symbol
    return plain if _PLAIN.fullmatch(plain) else json.dumps(symbol, ensure_ascii=False)


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def parse(text: str) -> Expression:
    """Return the expression that a text stands for. Raises ValueError with the reason when it is none."""
    tokens: list[str] = []
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"{text[at : at + 20]!r} is not understood")
        tokens.append(match.group(1))
        at = match.end()
    parser = _Parser(tokens)
    expression = parser.alternatives(0)
    if parser.rest:
        raise ValueError(f"{parser.rest[-1]!r} is out of place")
    names = list(expression.symbols())
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice!r} stands in it twice")
    return expression


class _Parser:
    """Recursive descent: one joint a level, since ``a | b & c`` has no order of its own."""

    def __init__(self, tokens: list[str]) -> None:
        self.rest = tokens[::-1]

    def alternatives(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
        parts = [self._quantified(depth)]
        kind: Kind | None = None
        while self.rest and self.rest[-1] not in ")]":
            joint: Kind = {"|": "choice", "&": "interleaved"}.get(self.rest[-1], "sequence")  # type: ignore[assignment]
            if joint != "sequence":
                self.rest.pop()
            if kind not in (None, joint):
                raise ValueError("different joints need parentheses")
            kind = joint
            parts.append(self._quantified(depth))
        return parts[0] if kind is None else Expression(kind=kind, parts=tuple(parts))

    def _quantified(self, depth: int) -> Expression:
        expression = self._single(depth)
        if self.rest and self.rest[-1] in "?*+":
            quantifier = self.rest.pop()
            optional, many = next(key for key, value in _QUANTIFIERS.items() if value == quantifier)
            if expression.optional or expression.many:
                expression = Expression(kind="sequence", parts=(expression,))
            expression = replace(expression, optional=optional, many=many)
        return expression

    def _single(self, depth: int) -> Expression:
        if not self.rest:
            raise ValueError("it ends too early")
        token = self.rest.pop()
        if token == "(":
            inner = self.alternatives(depth + 1)
            self._close(")")
            return inner
        if token[0] in "[]()|&?*+":
            raise ValueError(f"{token!r} is out of place")
        name = json.loads(token) if token[0] == '"' else token
        if not isinstance(name, str):
            raise ValueError(f"{token!r} is no name")
        if self.rest and self.rest[-1] == "[":
            self.rest.pop()
            inner = self.alternatives(depth + 1)
            self._close("]")
            return Expression(kind="work", name=name, parts=(inner,))
        return Expression(kind="event", name=name if name.startswith(("client:", "server:")) else f"server:{name}")

    def _close(self, bracket: str) -> None:
        if not self.rest or self.rest.pop() != bracket:
            raise ValueError(f"a {bracket!r} is missing")
