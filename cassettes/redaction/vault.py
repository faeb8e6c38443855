"""The secrets that a session has shown, their placeholders, and where they stand in later bytes.

The search has to cost little when there is one secret and when there are a hundred thousand (a service that
sends a fresh token with every message). Few values are looked for one by one. Many are looked for by
their grams: if a value of at least ``2 * size - 1`` bytes stands in some data, one of the data's pieces at multiples of
``size`` lies wholly inside it and is one of the value's first ``size`` grams; so a dictionary of those, asked once
for every piece, names all candidates.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from ..secrets import PLACEHOLDER_BYTES
from .names import VOCABULARY, Place, SecretName, secret_name, snake
from .rules import RedactionRules

MINIMUM_LENGTH = 6
"""Bytes from which a value is looked for everywhere; shorter ones are hidden at their key only."""

_FEW = 32  # up to here, asking for each value is cheaper than cutting the data into pieces
_SHORT_GRAM, _LONG_GRAM = 3, 6
_WORD_LIMIT = 12  # a shorter value of letters only may be part of a longer word
_BASE64_SECRETS = 1000  # of more, base64 is not looked for: each would need three to six more needles
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_\-]*+={0,2}+")
_BASE64 = bytes(code for code in range(128) if chr(code).isalnum()) + b"+/_-"
_BASE64_ENDS = tuple(bytes([code]) for code in (*_BASE64[:-2], ord("=")))  # of the standard alphabet
_LONGEST_RUN = 1024  # bytes of base64 that are one value; of a longer one the secret's own part is cut out
_ENCODED = (".base64", ".encoded")  # kinds of values that are base64 themselves
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Needle:
    """One written form of a secret."""

    wire: bytes
    placeholder: bytes
    boundary: re.Pattern[bytes] | None  # where the form counts only between other characters
    value: bytes | None = None  # of a needle that is a part of the value's base64; None for all others

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
        grams = self._pieces.findall(data) if self._needles else ()
        if self._needles.keys().isdisjoint(grams):
            return ()
        met = self._needles.keys() & set(grams)
        return {needle.wire: needle for gram in met for needle in self._needles[gram]}.values()


class Vault:
    """Secrets and placeholders of one session: the same value always has the same placeholder."""

    def __init__(self, known: Mapping[str, str], rules: RedactionRules) -> None:
        self.rules = rules
        self._names: dict[bytes, str] = {}
        self._values: dict[str, bytes] = {}
        self._met: dict[str, bytes] = {}
        self._counts: dict[str, int] = {}
        self._needles: dict[bytes, _Needle] = {}
        self._short = _GramIndex(_SHORT_GRAM)
        self._long = _GramIndex(_LONG_GRAM)
        outside = {f"env.{variable}:1": value for variable, value in rules.environment.items()}
        # A name that is given wins: a recording that is played again must be redacted as it was.
        for name, value in (*known.items(), *(item for item in outside.items() if item[0] not in known)):
            kind, _, number = name.rpartition(":")
            if not kind or not number.isdigit():
                kind, number = name, "1"
            self._reserve(kind, int(number))
            if encode(value) not in self._names:
                self._keep(f"{kind}:{number}", encode(value), encode(value), everywhere=True)

    @property
    def secrets(self) -> dict[str, str]:
        """Names and values of what was replaced, in the order in which it was met."""
        return {name: value.decode("utf-8", "surrogateescape") for name, value in self._met.items()}

    @property
    def size(self) -> int:
        """How many values are known, met or not."""
        return len(self._names)

    def name(self, name: str, place: Place = Place.TEXT) -> SecretName | None:
        """Tell whether a secret stands behind a name, by the rules of all projects or by this one's own."""
        return (self.rules.key(name) if self.rules.keys else None) or secret_name(name, place)

    def kind(self, name: str) -> str:
        """What placeholders call the values behind a name."""
        known = self.name(name)
        return (known.kind if known is not None else snake(name)) or "custom"

    def learn(self, kind: str, value: bytes, wire: bytes | None = None, *, everywhere: bool = True) -> bytes:
        """Return the placeholder of a value, a new one when it was never met.

        ``wire`` is the value as it was written, escapes and all. ``everywhere`` says whether later data is searched
        for the value. A value with a form that contracts know has it at the end of its kind: ``session_token.uuid``.
        """
        name = self._names.get(value)
        plain = self._plain_name(value) if name is None else None
        if plain is not None:
            return self._base64_placeholder(plain, self._values[plain], value)
        if name is None:
            if _UUID.fullmatch(value):
                kind = f"{kind}.uuid"
            number = self._counts.get(kind, 0) + 1
            self._reserve(kind, number)
            name = f"{kind}:{number}"
        self._met[name] = value
        self._keep(name, value, value if wire is None else wire, everywhere=everywhere)
        return _placeholder(name)

    def _plain_name(self, value: bytes) -> str | None:
        """Return the name of the known value that another is the base64 of, None when it is of none."""
        plain = _decoded(value) if len(value) >= MINIMUM_LENGTH and value.endswith(_BASE64_ENDS) else b""
        name = self._names.get(plain) if plain and base64.b64encode(plain) == value else None
        return None if name is None or name.partition(":")[0].endswith(_ENCODED) else name

    def also(self, placeholder: bytes, value: bytes) -> None:
        """Replace another value by a placeholder that was learned already: a cookie, say, without its escapes."""
        name = placeholder[9:-2].decode()
        if value not in self._names and len(value) >= MINIMUM_LENGTH:
            behind = self._values[name]
            self._keep(name, value, value, everywhere=True)
            self._values[name] = behind

    def replace(self, data: bytes) -> bytes:
        """Put placeholders where known values stand. Placeholders that are there already stay as they are."""
        met = self._candidates(data)
        if not met:
            return data
        pieces = split_at_placeholders(data)
        for needle in sorted(met, key=lambda needle: (needle.value is None, len(needle.wire)), reverse=True):
            if needle.value is None:
                count = len(pieces)
                pieces = _split_at(needle, pieces)
                if len(pieces) > count:
                    name = needle.placeholder[9:-2].decode()
                    self._met[name] = self._values[name]
            else:
                pieces = self._split_at_base64(needle, needle.value, pieces)
        return b"".join(pieces)

    def find(self, data: bytes) -> str | None:
        """Return the name of a known value that stands in the data outside of placeholders, None when none does."""
        met = self._candidates(data)
        if not met:
            return None
        for piece in split_at_placeholders(data)[::2]:
            for needle in met:
                if needle.wire in piece and len(needle.split(piece)) > 1:
                    return needle.placeholder[9:-2].decode()
        return None

    def holds_none(self, data: bytes) -> bool:
        """Whether no known value can stand in the data."""
        return not self._candidates(data)

    def _candidates(self, data: bytes) -> list[_Needle]:
        if len(self._needles) <= _FEW:
            return [needle for needle in self._needles.values() if needle.wire in data]
        candidates = (*self._short.candidates(data), *self._long.candidates(data))
        return [needle for needle in candidates if needle.wire in data]

    def _split_at_base64(self, needle: _Needle, value: bytes, pieces: list[bytes]) -> list[bytes]:
        """Replace the whole base64 text around a needle, so that replay can put the whole back."""
        cut: list[bytes] = []
        for index, piece in enumerate(pieces):
            end = 0
            found = -1 if index % 2 else piece.find(needle.wire)
            while found >= 0:
                before = piece[max(end, found - _LONGEST_RUN) : found]
                start = found - len(before) + len(before.rstrip(_BASE64))
                stop = _stop(piece, found)
                whole = piece[start:stop]
                if stop - start > _LONGEST_RUN or value not in _decoded(whole):
                    start, stop = found, found + len(needle.wire)
                    whole = needle.wire
                name = needle.placeholder[9:-2].decode()
                cut += (piece[end:start], self._base64_placeholder(name, value, whole))
                end = stop
                found = piece.find(needle.wire, end)
            cut.append(piece[end:])
        return cut

    def _base64_placeholder(self, plain: str, value: bytes, whole: bytes) -> bytes:
        kind, _, number = plain.rpartition(":")
        name = f"{kind}.base64:{number}"
        # Named after its value, so that it can be made from the value at replay; anything else is a value of its own.
        if whole == base64.b64encode(value) and whole not in self._names and name not in self._values:
            self._reserve(f"{kind}.base64", int(number))
            self._met[name] = whole
            self._keep(name, whole, whole, everywhere=True)
        return self.learn(f"{kind}.encoded", whole)

    def reserve_placeholders(self, data: bytes) -> None:
        """Never give the names of the placeholders in ``data`` to other values."""
        for match in PLACEHOLDER_BYTES.finditer(data):
            kind, _, number = match[1].decode().rpartition(":")
            self._reserve(kind, int(number))

    def _reserve(self, kind: str, number: int) -> None:
        self._counts[kind] = max(number, self._counts.get(kind, 0))

    def _keep(self, name: str, value: bytes, wire: bytes, *, everywhere: bool) -> None:
        self._names[value] = name
        self._values[name] = value
        if not everywhere or len(value) < MINIMUM_LENGTH or value.lower().decode("latin-1") in VOCABULARY:
            return
        known = value in self._needles
        for form in {wire} if known else {wire, *_forms(value)}:
            if len(form) < MINIMUM_LENGTH or form in self._needles:
                continue
            self._add(_Needle(wire=form, placeholder=_placeholder(name), boundary=_boundary(form)))
        if not known and len(self._names) <= _BASE64_SECRETS and not name.partition(":")[0].endswith(_ENCODED):
            for core in _base64_cores(value):
                if core not in self._needles:
                    self._add(_Needle(wire=core, placeholder=_placeholder(name), boundary=None, value=value))

    def _add(self, needle: _Needle) -> None:
        self._needles[needle.wire] = needle
        (self._long if len(needle.wire) >= 2 * _LONG_GRAM - 1 else self._short).add(needle)


def encode(text: str) -> bytes:
    """Text as UTF-8 whatever it holds: bytes that came in undecodable go out as they came, lone surrogates too."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def plain_string(raw: bytes) -> bytes:
    """What stands between the quotes of a JSON string, without its escapes."""
    try:
        decoded: object = json.loads(b'"%s"' % raw, strict=False) if b"\\" in raw else None
    except ValueError:
        return raw
    return raw if decoded is None else encode(str(decoded))


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


def _base64_cores(value: bytes) -> set[bytes]:
    """The parts of base64 texts that are the same whatever stands before and after the value in what was encoded."""
    cores: set[bytes] = set()
    for before in range(3):  # bytes before the value in its first group of three (RFC 4648 section 4)
        encoded = base64.b64encode(b"\0" * before + value)
        core = encoded[(0, 2, 3)[before] : (before + len(value)) * 8 // 6]
        cores |= {core, core.translate(bytes.maketrans(b"+/", b"-_"))}
    return {core for core in cores if len(core) > MINIMUM_LENGTH}


def _stop(data: bytes, start: int) -> int:
    run = _BASE64_RUN.match(data, start, start + _LONGEST_RUN + 1)  # a longer one is not used, and not measured
    return start if run is None else run.end()


def _decoded(text: bytes) -> bytes:
    plain = text.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4))
    except binascii.Error:
        return b""


def _boundary(form: bytes) -> re.Pattern[bytes] | None:
    """A pattern for values that could be part of a longer word or number, None for all others."""
    escape = rb"(?<=\\[bfnrt])|(?<=%[0-9A-Fa-f][0-9A-Fa-f])"  # what stands before belongs to an escape
    if form.isdigit():
        return re.compile(rb"(?:(?<![0-9])|%s)%s(?![0-9])" % (escape, form))
    if form.isalpha() and len(form) < _WORD_LIMIT:
        return re.compile(rb"(?:(?<![A-Za-z])|%s)%s(?![A-Za-z])" % (escape, re.escape(form)))
    return None


def split_at_placeholders(data: bytes) -> list[bytes]:
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
