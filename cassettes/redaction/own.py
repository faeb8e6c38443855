"""Secrets by a project's own rules: places in JSON, patterns, functions; and personal data when asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..errors import UsageError
from ..secrets import PLACEHOLDER_BYTES
from .paths import scalars
from .pii import personal
from .vault import Vault, encode, plain_string, split_at_placeholders

_NUMBER = re.compile(rb"-?[0-9][0-9.eE+\-]*")
_WORDS = (b"null", b"true", b"false")

Span = tuple[str, int, int, bytes]
"""Kind, start and end of the bytes to replace, and the value behind them."""


def redact_own(data: bytes, vault: Vault) -> bytes:
    """Replace what the project's own rules find."""
    rules = vault.rules
    if rules.paths:
        data = _replaced(data, _at_paths(data, vault), vault)
    for kind, pattern in rules.patterns:
        group = 1 if pattern.groups else 0
        found = ((kind, *match.span(group), match[group]) for match in pattern.finditer(data) if match[group])
        data = _replaced(data, found, vault)
    for kind, finder in rules.finders:
        try:
            values = list(dict.fromkeys(finder(data.decode("utf-8", "surrogateescape"))))
        except Exception as error:  # whatever a project's own code raises
            raise UsageError(f"redaction function {kind!r} failed ({type(error).__name__}); mend it") from error
        for value in values:
            if value and not PLACEHOLDER_BYTES.search(encode(value)):
                data = _everywhere(data, encode(value), vault.learn(kind, encode(value)))
    if rules.pii:
        found = ((kind, start, end, data[start:end]) for kind, start, end in personal(data))
        data = _replaced(data, found, vault)
    return data


def _everywhere(data: bytes, value: bytes, placeholder: bytes) -> bytes:
    """Replace the value between placeholders; short ones, too, which are not looked for later."""
    pieces = split_at_placeholders(data)
    pieces[::2] = [piece.replace(value, placeholder) for piece in pieces[::2]]
    return b"".join(pieces)


def _at_paths(data: bytes, vault: Vault) -> Iterator[Span]:
    for place, start, end in scalars(data):
        path = next((path for path in vault.rules.paths if path.holds(place)), None)
        token = data[start:end]
        if path is None or token in _WORDS or token == b'""':
            continue
        names = [str(key) for key in place if isinstance(key, str)]
        kind = vault.kind(names[-1] if names else "custom")
        if token.startswith(b'"'):
            yield kind, start + 1, end - 1, plain_string(token[1:-1])
        else:
            yield kind, start, end, token


def _replaced(data: bytes, found: Iterable[Span], vault: Vault) -> bytes:
    pieces: list[bytes] = []
    end = 0
    numbers: set[int] | None = None
    for kind, start, stop, value in sorted(found, key=lambda span: span[1]):
        wire = data[start:stop]
        if start < end or PLACEHOLDER_BYTES.search(wire) is not None:
            continue
        placeholder = vault.learn(kind, value, wire)
        if _NUMBER.fullmatch(wire):
            if numbers is None:
                numbers = _bare_numbers(data)
            if start in numbers:
                placeholder = b'"%s"' % placeholder  # it has to stand in valid JSON
        pieces += (data[end:start], placeholder)
        end = stop
    if not pieces:
        return data
    pieces.append(data[end:])
    return b"".join(pieces)


def _bare_numbers(data: bytes) -> set[int]:
    """Where in a JSON text the numbers begin that stand outside of strings; empty for other text."""
    return {start for _, start, _ in scalars(data) if data[start : start + 1] != b'"'}
