"""An exhibit as lines of text: both sides beside each other where there is room, else one below the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, set_cell_size

from ..contracts import Exhibit, Row

TWO_COLUMNS = 88
"""Width from which on two columns are read more easily than one."""

Tone = Literal["head", "same", "gone", "come"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line, and how it is to be coloured."""

    text: str
    tone: Tone


Line = tuple[Piece, ...]


def side_by_side(exhibit: Exhibit, width: int) -> Iterator[Line]:
    """Yield the lines of both sides, none of which takes more than ``width`` cells. Wide characters take two."""
    if not exhibit.rows:
        return
    if exhibit.recorded is None or width < TWO_COLUMNS:
        yield from _one_column(exhibit, width)
    else:
        yield from _two_columns(exhibit, width)


def unified(exhibit: Exhibit) -> Iterator[str]:
    """Yield all lines in one column, uncut: gone ones begin with "-", new ones with "+"."""
    for line in _one_column(exhibit, None) if exhibit.rows else ():
        yield "".join(piece.text for piece in line)
    yield from exhibit.led


def fitted(text: str, width: int | None) -> str:
    """Cut a text to so many cells; the end of one that was cut is "…"."""
    if width is None or cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)).rstrip() + "…"


def _one_column(exhibit: Exhibit, width: int | None) -> Iterator[Line]:
    alone = exhibit.recorded is None
    if not alone:
        yield (Piece(fitted(f"- recorded, {exhibit.recorded}", width), "head"),)
    yield (Piece(fitted(f"{'  in' if alone else '+ now,'} {exhibit.now}", width), "head"),)
    for row in exhibit.rows:
        if not row.marked:
            text = row.now if row.now is not None else row.recorded
            yield (Piece(fitted(f"  {text}", width), "same"),)
            continue
        if row.recorded is not None:
            yield (Piece(fitted(f"- {row.recorded}", width), "gone"),)
        if row.now is not None:
            yield (Piece(fitted(f"{'>' if alone else '+'} {row.now}", width), "come"),)


def _two_columns(exhibit: Exhibit, width: int) -> Iterator[Line]:
    longest = max(cell_len(row.recorded or "") for row in exhibit.rows)
    left = min(max(longest, cell_len(exhibit.recorded or "") + len("recorded, ")) + 4, width // 2)
    right = width - left
    yield (
        Piece(_column(f"  recorded, {exhibit.recorded}", left), "head"),
        Piece(fitted(f"  now, {exhibit.now}", right), "head"),
    )
    for row in exhibit.rows:
        yield (
            Piece(_column(_marked(row, row.recorded, "-"), left), "gone" if row.marked else "same"),
            Piece(fitted(_marked(row, row.now, "+"), right), "come" if row.marked else "same"),
        )


def _marked(row: Row, text: str | None, mark: str) -> str:
    if text is None:
        return ""
    return f"{mark if row.marked else ' '} {text}"


def _column(text: str, width: int) -> str:
    return set_cell_size(fitted(text, width - 2), width)
