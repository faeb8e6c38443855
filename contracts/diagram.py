"""A contract's scopes as Mermaid state diagrams, in Markdown that code hosts draw.

An event is a state, drawn once; what is interleaved stands side by side in one state.
"""

from __future__ import annotations

from collections.abc import Iterator

from .contract import Contract
from .event import label_of, side
from .expression import Expression, parse


def diagram_lines(contract: Contract) -> Iterator[str]:
    """Yield the lines of a Markdown page with a diagram for each scope that has an expression, coarsest first."""
    first = True
    for claim in reversed(contract.scopes):
        if not claim.expression:
            continue
        if not first:
            yield ""
        first = False
        yield f"## {claim.name}"
        yield ""
        yield "```mermaid"
        yield "stateDiagram-v2"
        yield from _Drawing().lines(parse(claim.expression))
        yield "```"


class _Drawing:
    """Numbers states; draws an expression as states and the steps between them."""

    def __init__(self) -> None:
        self._states = 0

    def lines(self, expression: Expression, indent: str = "    ") -> Iterator[str]:
        lines: list[str] = []
        firsts, lasts, empty = self._draw(expression, lines, indent)
        yield from lines
        for state in firsts:
            yield f"{indent}[*] --> {state}"
        for state in lasts:
            yield f"{indent}{state} --> [*]"
        if empty:
            yield f"{indent}[*] --> [*]"

    def _draw(self, expression: Expression, lines: list[str], indent: str) -> tuple[list[str], list[str], bool]:
        """Draw what is inside; return the states it may begin with, those it may end with, and whether it may lack."""
        match expression.kind:
            case "event":
                firsts, lasts, empty = self._state(_words(expression.name), lines, indent), None, False
            case "work":
                firsts, lasts, empty = self._state(f"{_escaped(expression.name)} ...", lines, indent), None, False
            case "interleaved":
                firsts, lasts, empty = self._side_by_side(expression, lines, indent), None, False
            case "choice":
                drawn = [self._draw(part, lines, indent) for part in expression.parts]
                firsts = [state for first, _, _ in drawn for state in first]
                lasts = [state for _, last, _ in drawn for state in last]
                empty = any(lack for _, _, lack in drawn)
            case "sequence":
                firsts, lasts, empty = self._row(expression, lines, indent)
        lasts = list(firsts) if lasts is None else lasts
        if expression.many:
            lines += [f"{indent}{last} --> {first}" for last in lasts for first in firsts]
        return firsts, lasts, empty or expression.optional

    def _state(self, words: str, lines: list[str], indent: str) -> list[str]:
        self._states += 1
        name = f"s{self._states}"
        lines.append(f'{indent}state "{words}" as {name}')
        return [name]

    def _row(self, expression: Expression, lines: list[str], indent: str) -> tuple[list[str], list[str], bool]:
        firsts: list[str] = []
        lasts: list[str] = []
        empty = True
        for part in expression.parts:
            first, last, lack = self._draw(part, lines, indent)
            lines += [f"{indent}{before} --> {state}" for before in lasts for state in first]
            firsts += first if empty else []
            lasts = [*lasts, *last] if lack else last
            empty = empty and lack
        return firsts, lasts, empty

    def _side_by_side(self, expression: Expression, lines: list[str], indent: str) -> list[str]:
        self._states += 1
        name = f"s{self._states}"
        lines.append(f"{indent}state {name} {{")
        for number, part in enumerate(expression.parts):
            if number:
                lines.append(f"{indent}    --")
            lines += self.lines(part, indent + "    ")
        lines.append(f"{indent}}}")
        return [name]


def _words(symbol: str) -> str:
    return _escaped(f"{label_of(symbol)} ({side(symbol)})")


def _escaped(text: str) -> str:
    # A quote ends the words, and a line break the statement; Mermaid's own escape is #code;
    return "".join(
        character if character.isprintable() and character not in '"#;' else f"#{ord(character)};" for character in text
    )
