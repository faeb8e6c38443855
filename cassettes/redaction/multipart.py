"""Secrets in ``multipart/form-data`` bodies (RFC 7578), by the names of their parts."""

from __future__ import annotations

import re

from ..secrets import PLACEHOLDER_BYTES
from .names import Place, is_secret
from .vault import Vault

_PART = re.compile(
    rb"(?:\A|\n)content-disposition:[ \t]*+form-data;([^\r\n]{1,1024}+)\r?\n(?:[^\r\n]{1,1024}+\r?\n){0,8}\r?\n",
    re.IGNORECASE,
)
_NAME = re.compile(rb"(?:\A|;)[ \t]*+name=(?:\"([^\"]{1,128}+)\"|([^\";\s]{1,128}+))", re.IGNORECASE)
_LONGEST = 1 << 16  # bytes of a field that is taken for a secret as a whole


def redact_multipart(data: bytes, boundary: bytes, vault: Vault) -> bytes:
    """Replace the values of parts whose names stand before a secret; all other bytes stay."""
    ending = re.compile(rb"\r?\n--" + re.escape(boundary))
    pieces: list[bytes] = []
    end = 0
    match = _PART.search(data)
    while match is not None:
        start = match.end()
        after = ending.search(data, max(start - 2, 0))
        stop = len(data) if after is None else max(after.start(), start)
        named = _NAME.search(match[1])
        name = vault.name((named[1] or named[2]).decode("utf-8", "replace"), Place.FIELD) if named else None
        value = data[start:stop]
        if (
            name is not None
            and len(value) <= _LONGEST
            and PLACEHOLDER_BYTES.search(value) is None
            and is_secret(name, value)
        ):
            pieces += (data[end:start], vault.learn(name.kind, value))
            end = stop
        match = _PART.search(data, stop)
    if not pieces:
        return data
    pieces.append(data[end:])
    return b"".join(pieces)


def boundary(content_type: str) -> bytes | None:
    """Return the boundary that a ``Content-Type`` names, None for other types (RFC 2046 section 5.1.1)."""
    media_type, _, parameters = content_type.partition(";")
    if media_type.strip().lower() != "multipart/form-data":
        return None
    found = re.search(r'boundary=(?:"([^"]{1,200})"|([^;\s]{1,200}))', parameters, re.IGNORECASE)
    return (found[1] or found[2]).encode("latin-1", "replace") if found else None
