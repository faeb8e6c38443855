"""A stream: delta events whose pieces join into one value.

Where a service cuts a text, a JSON document or an audio clip into pieces is its own business and changes from run to
run; that the pieces join into what was said is not.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal, cast

from .json_text import parse

Form = Literal["text", "json", "base64"]
FORMS: tuple[Form, ...] = ("text", "json", "base64")
MAX_JOINED = 1 << 20
"""Characters of one stream that are kept where it is learned; of a longer one nothing is learned."""
_PIECE = 16  # characters that a piece counts for at least


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """Where the service says the whole value itself, at the stream's end."""

    event: str  # symbol: "server:agent_completed"
    path: str  # JSON pointer


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A claim: the pieces at ``path`` in the events ``of`` a scope instance join into one value.

    With ``final`` they join into what stands there; with ``index`` they are numbered one by one, from ``start``.
    """

    of: str  # symbol: "server:agent_delta"
    path: str  # JSON pointer of a text
    scope: str  # name of the scope in whose instances the pieces belong together
    form: Form = "text"
    final: Final | None = None
    index: str | None = None  # JSON pointer of an integer
    start: int = 0
    seen: int | None = None  # streams that kept it; None: written by a person
    scopes: int = 0  # scope instances with such a stream
    pinned: bool = False


class Joined:
    """The pieces of one stream so far: the first ones as they are, all of them as a digest of the joined value.

    ``form`` is None where it is not known yet; then there is no digest.
    """

    __slots__ = ("_digest", "_form", "_most", "last", "numbers", "pieces", "size", "told", "whole")

    def __init__(self, form: Form | None = None, most: int = MAX_JOINED) -> None:
        self.pieces: list[str] = []
        self.whole = True  # all pieces are kept
        self.size = 0  # characters, of those that are not kept as well
        self.last: str | None = None
        self.numbers: dict[tuple[str, ...], tuple[int, int, bool]] = {}  # by place: first, last, one by one so far
        self.told = False  # what is wrong with it was said already
        self._form: Form | None = form
        self._most = most
        self._digest = None if form is None else blake2b(digest_size=16)

    def add(self, piece: str) -> None:
        """Take the next piece."""
        self.size += len(piece)
        self.last = piece
        self.whole = self.whole and self.size <= self._most and len(self.pieces) < self._most // _PIECE
        if self.whole:
            self.pieces.append(piece)
        if self._digest is not None:
            data = base64_bytes(piece) if self._form == "base64" else piece.encode("utf-8", "surrogatepass")
            # What is no base64 makes the digest another one, too.
            self._digest.update(b"?" if data is None else data)

    def agrees(self, final: object) -> bool:
        """Tell whether the pieces join into a value. Of a long stream that ends in parsed JSON it is not known: yes."""
        if self.whole:
            return joins_into(self.pieces, final, self._form or "text")
        if self._digest is None or not isinstance(final, str):
            return True
        data = base64_bytes(final) if self._form == "base64" else final.encode("utf-8", "surrogatepass")
        return data is not None and blake2b(data, digest_size=16).digest() == self._digest.digest()


def base64_bytes(text: str) -> bytes | None:
    """Return what a base64 text (RFC 4648 section 4) encodes, None for another text."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def joins_into(pieces: Sequence[str], final: object, form: Form) -> bool:
    """Tell whether pieces join into a value, which in the form "json" may stand there parsed."""
    text = "".join(pieces)
    match form:
        case "text":
            return text == final
        case "json":
            return text == final or (not isinstance(final, str) and parse(text) == final)
        case "base64":
            parts = [base64_bytes(piece) for piece in pieces]
            if not isinstance(final, str) or None in parts:
                return False
            return b"".join(cast("list[bytes]", parts)) == base64_bytes(final)


def form_of(pieces: Sequence[str], final: object) -> Form | None:
    """Return the form in which pieces join into a value, None when they do not."""
    if joins_into(pieces, final, "text"):
        return "json" if isinstance(parse("".join(pieces)), (dict, list)) else "text"
    if isinstance(final, (dict, list)):
        return "json" if joins_into(pieces, cast("object", final), "json") else None
    return "base64" if joins_into(pieces, final, "base64") else None


def what_is_wrong(pieces: Sequence[str], final: object, form: Form) -> str:
    """Return in words how pieces that do not join into a value differ from it."""
    if form == "base64" and any(base64_bytes(piece) is None for piece in pieces):
        return "a piece is no base64"
    if form == "json" and not isinstance(parse("".join(pieces)), (dict, list)):
        broken = "they do not even make a JSON document"
    else:
        broken = "they differ from it"
    if not isinstance(final, str):
        return broken
    joined = "".join(pieces)
    if joined and final.startswith(joined):
        return f"the end is lost, {len(joined)} of {len(final)} characters came"
    doubled = _doubled(pieces, joined, final)
    if doubled is not None:
        return f"piece {doubled} of {len(pieces)} came twice"
    if len(joined) == len(final) and sorted(joined) == sorted(final):
        return "the pieces came in another order"
    at = 0
    for piece in pieces:
        at = final.find(piece, at)
        if at < 0:
            return broken
        at += len(piece)
    return f"pieces are lost, {len(joined)} of {len(final)} characters came"


def _doubled(pieces: Sequence[str], joined: str, final: str) -> int | None:
    """Return the number of the piece without which the others join into the value, None when there is none."""
    surplus = len(joined) - len(final)
    if surplus <= 0:
        return None
    alike, alike_behind = _common(joined, final), _common(joined[::-1], final[::-1])
    found, at = None, 0
    for number, piece in enumerate(pieces, 1):
        if len(piece) == surplus and len(final) - alike_behind <= at <= alike:
            found = number  # of two equal ones the second is the one too many
        at += len(piece)
    return found


def _common(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginnings."""
    differ = (number for number, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differ, min(len(one), len(other)))
