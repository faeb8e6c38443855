"""The secrets that a session has shown, their placeholders, and where they stand in later bytes.

The search has to cost little when there is one secret and when there are a hundred thousand (a service that
sends a fresh token with every message). Few values are looked for one by one. Many are looked for by
their grams: if a value of at least ``2 * size - 1`` bytes stands in some data, one of the data's pieces at multiples of
``size`` lies wholly inside it and is one of the value's first ``size`` grams; so a dictionary of those, asked once
for every piece, names all candidates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from ..secrets import PLACEHOLDER_BYTES
from .names import VOCABULARY

MINIMUM_LENGTH = 6
"""Bytes from which a value is looked for everywhere; shorter ones are hidden at their key only."""

_FEW = 24  # up to here, asking for each value is cheaper than cutting the data into pieces
_SHORT_GRAM, _LONG_GRAM = 3, 6
_WORD_LIMIT = 12  # a shorter value of letters only may be part of a longer word


@dataclass(frozen=True, slots=True, kw_only=True)
class _Needle:
    """One written form of a secret."""

    wire: bytes
    placeholder: bytes
    boundary: re.Pattern[bytes] | None  # where the form counts only between other characters

    def split(self, data: bytes) -> list[bytes]:
        return data.split(self.wire) if self.boundary is None else self.boundary.split(data)


class _GramIndex:
    """Needles by their first grams of ``size`` bytes."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._pieces = re.compile(rb".{%d}" % size, re.DOTALL)
        self._needles: dict[bytes, list[_Needle]] = {}

    def add(self, needle: _Needle) -> None:
        for start in range(self._size):
            self._needles.setdefault(needle.wire[start : start + self._size], []).append(needle)

    def candidates(self, data: bytes) -> Iterable[_Needle]:
        met = self._needles.keys() & set(self._pieces.findall(data))
        return {needle.wire: needle for gram in met for needle in self._needles[gram]}.values()


class Vault:
    """Secrets and placeholders of one session: the same value always has the same placeholder."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._names: dict[bytes, str] = {}
        self._counts: dict[str, int] = {}
        self._needles: dict[bytes, _Needle] = {}
        self._short = _GramIndex(_SHORT_GRAM)
        self._long = _GramIndex(_LONG_GRAM)
        for name, value in known.items():
            kind, _, number = name.rpartition(":")
            if not kind or not number.isdigit():
                kind, number = name, "1"
            self._reserve(kind, int(number))
            self._keep(f"{kind}:{number}", encode(value), encode(value), everywhere=True)

    @property
    def secrets(self) -> dict[str, str]:
        """Names and values, in the order in which they were met."""
        return {name: value.decode("utf-8", "surrogateescape") for value, name in self._names.items()}

    def learn(self, kind: str, value: bytes, wire: bytes | None = None, *, everywhere: bool = True) -> bytes:
        """Return the placeholder of a value, a new one when it was never met.

        ``wire`` is the value as it was written, escapes and all. ``everywhere`` says whether later data is searched
        for the value.
        """
        name = self._names.get(value)
        if name is None:
            number = self._counts.get(kind, 0) + 1
            self._reserve(kind, number)
            name = f"{kind}:{number}"
        self._keep(name, value, value if wire is None else wire, everywhere=everywhere)
        return _placeholder(name)

    def replace(self, data: bytes) -> bytes:
        """Put placeholders where known values stand. Placeholders that are there already stay as they are."""
        if len(self._needles) <= _FEW:
            met = [needle for needle in self._needles.values() if needle.wire in data]
        else:
            candidates = (*self._short.candidates(data), *self._long.candidates(data))
            met = [needle for needle in candidates if needle.wire in data]
        if not met:
            return data
        pieces = _split_at_placeholders(data)
        for needle in sorted(met, key=lambda needle: len(needle.wire), reverse=True):
            pieces = _split_at(needle, pieces)
        return b"".join(pieces)

    def reserve_placeholders(self, data: bytes) -> None:
        """Never give the names of the placeholders in ``data`` to other values."""
        for match in PLACEHOLDER_BYTES.finditer(data):
            kind, _, number = match[1].decode().rpartition(":")
            self._reserve(kind, int(number))

    def _reserve(self, kind: str, number: int) -> None:
        self._counts[kind] = max(number, self._counts.get(kind, 0))

    def _keep(self, name: str, value: bytes, wire: bytes, *, everywhere: bool) -> None:
        self._names[value] = name
        if not everywhere or len(value) < MINIMUM_LENGTH or value.lower().decode("latin-1") in VOCABULARY:
            return
        for form in {wire} if value in self._needles else {wire, *_forms(value)}:
            if len(form) < MINIMUM_LENGTH or form in self._needles:
                continue
            needle = _Needle(wire=form, placeholder=_placeholder(name), boundary=_boundary(form))
            self._needles[form] = needle
            (self._long if len(form) >= 2 * _LONG_GRAM - 1 else self._short).add(needle)


def encode(text: str) -> bytes:
    """Text as UTF-8 whatever it holds: bytes that came in undecodable go out as they came, lone surrogates too."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _placeholder(name: str) -> bytes:
    return b"{{secret:%s}}" % name.encode()


def _forms(value: bytes) -> set[bytes]:
    """The ways in which a value is commonly written: plain, percent-encoded, escaped for JSON."""
    quoted = {quote(value, safe="").encode(), quote(value).encode(), quote_plus(value).encode()}
    lowered = {re.sub(rb"%..", lambda escape: escape[0].lower(), form) for form in quoted}
    text = value.decode("utf-8", "surrogateescape")
    escaped = {json.dumps(text)[1:-1].encode(), encode(json.dumps(text, ensure_ascii=False)[1:-1])}
    slashed = {form.replace(b"/", b"\\/") for form in escaped}
    return {value} | quoted | lowered | escaped | slashed


def _boundary(form: bytes) -> re.Pattern[bytes] | None:
    """A pattern for values that could be part of a longer word or number, None for all others."""
    escape = rb"(?<=\\[bfnrt])|(?<=%[0-9A-Fa-f][0-9A-Fa-f])"  # what stands before belongs to an escape
    if form.isdigit():
        return re.compile(rb"(?:(?<![0-9])|%s)%s(?![0-9])" % (escape, form))
    if form.isalpha() and len(form) < _WORD_LIMIT:
        return re.compile(rb"(?:(?<![A-Za-z])|%s)%s(?![A-Za-z])" % (escape, re.escape(form)))
    return None


def _split_at_placeholders(data: bytes) -> list[bytes]:
    """Cut data so that odd pieces are placeholders and even ones are what lies between."""
    pieces: list[bytes] = []
    end = 0
    for match in PLACEHOLDER_BYTES.finditer(data):
        pieces += (data[end : match.start()], match[0])
        end = match.end()
    pieces.append(data[end:])
    return pieces


def _split_at(needle: _Needle, pieces: list[bytes]) -> list[bytes]:
    cut: list[bytes] = []
    for index, piece in enumerate(pieces):
        if index % 2:
            cut.append(piece)
            continue
        first, *others = needle.split(piece)
        cut.append(first)
        for other in others:
            cut += (needle.placeholder, other)
    return cut
