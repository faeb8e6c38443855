"""The error of contracts; its place in the tree is drawn in ``cassettes.errors``."""

from __future__ import annotations

from pathlib import Path

from ..cassettes import WstapeError


class ContractError(WstapeError):
    """A contract that cannot be used: not JSON, of another version, or with a part that makes no sense.

    ``where`` is the file, or "contract" for a document that came from no file; ``place`` is a JSON pointer or a
    line; ``problem`` and ``advice`` are words.
    """

    def __init__(self, where: Path | str, place: str, problem: str, advice: str) -> None:
        self.where = where
        self.place = place
        self.problem = problem
        self.advice = advice
        said = f"{f'{place}: ' if place else ''}{problem}"
        # Places and problems quote the document, which may hold anything: the message stays one line.
        said = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in said)
        super().__init__(f"{where}: {said}; {advice}")
