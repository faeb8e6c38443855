"""Secrets behind JSON keys, replaced in place: every other byte of the text stays as it was.

The text is not parsed. It is searched for ``"key":``, so JSON inside other text (``42["login",{…}]``), JSON that is
cut short and text with stray quotes are searched as well, and JSON inside JSON strings is, too: there a
quote is written with ``2**depth - 1`` backslashes before it. Every pattern is bounded or possessive and
no byte is looked at more than a few times, so hostile text costs linear time.
"""

from __future__ import annotations

import json
import re

from ..secrets import PLACEHOLDER_BYTES
from .names import SecretName, is_secret
from .vault import Vault, encode

_KEY = re.compile(
    rb'"((?:[^"\\\x00-\x1f]{1,64}+|\\{1,15}u[0-9a-fA-F]{4}){1,8}+)(\\{0,15}+)"'
    rb"(?:[ \t\r\n]|\\{1,15}[nrt]){0,64}+:(?:[ \t\r\n]|\\{1,15}[nrt]){0,64}+"
)
_STRETCH = re.compile(rb'[^"\\]*+(\\*+)("?)')
_NUMBER = re.compile(rb"[0-9]{3,20}+(?![0-9.eE])")
_SCHEME = re.compile(rb"(?:Bearer|Basic|Token|Digest|ApiKey|Negotiate) +(?=[^ ])", re.IGNORECASE)
_DEPTHS = {0: 0, 1: 1, 3: 2, 7: 3, 15: 4}  # backslashes before a quote -> depth of the string


def redact_members(data: bytes, vault: Vault) -> bytes:
    """Replace the values of secret keys at any depth, strings and (for PINs and passwords) whole numbers.

    A number becomes a string: its placeholder has to stand in valid JSON.
    """
    pieces: list[bytes] = []
    end = 0
    match = _KEY.search(data)
    while match is not None:
        position = match.end()
        depth = _DEPTHS.get(len(match[2]))
        name = None if depth is None else vault.name(_unescape(match[1], depth + 1).decode("utf-8", "replace"))
        if name is not None and depth is not None:
            quote = match[2] + b'"'
            if data.startswith(quote, position):
                start = position + len(quote)
                position = _string_end(data, start, depth)
                replacement = _string(data[start:position], depth, name, vault)
            else:
                start = position
                replacement = None
                number = _NUMBER.match(data, start) if name.numeric else None
                if number is not None and is_secret(name, number[0]) and len(number[0]) >= 3:
                    position = number.end()
                    replacement = quote + vault.learn(name.kind, number[0]) + quote
            if replacement is not None:
                pieces += (data[end:start], replacement)
                end = position
        match = _KEY.search(data, position)
    if not pieces:
        return data
    pieces.append(data[end:])
    return b"".join(pieces)


def _string(raw: bytes, depth: int, name: SecretName, vault: Vault) -> bytes | None:
    scheme = _SCHEME.match(raw)
    kept = b"" if scheme is None else scheme[0]
    raw = raw[len(kept) :]
    value = _unescape(raw, depth + 1)
    if PLACEHOLDER_BYTES.fullmatch(value) or not is_secret(name, value):
        return None
    return kept + vault.learn(name.kind, value, raw)


def _string_end(data: bytes, start: int, depth: int) -> int:
    """Find the end of the string that begins at ``start``; the end of the data when it is cut short."""
    own = 2**depth - 1
    position = start
    while (match := _STRETCH.match(data, position)) is not None and match.end() > position:
        position = match.end()
        if match[2]:
            backslashes = len(match[1])
            if backslashes < own:  # the end of the string around
                return match.start(1)
            if (backslashes - own) % 2 ** (depth + 1) == 0:
                return position - 1 - own
    return len(data)


def _unescape(raw: bytes, times: int) -> bytes:
    if b"\\" not in raw:
        return raw
    text = raw.decode("utf-8", "surrogateescape")
    for _ in range(times):
        try:
            decoded: object = json.loads(f'"{text}"', strict=False)
        except ValueError:
            break
        text = str(decoded)
    return encode(text)
