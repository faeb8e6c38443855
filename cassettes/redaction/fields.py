"""Secrets in header fields: credentials, cookies, API keys and subprotocols that carry a token."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from ..secrets import PLACEHOLDER_BYTES
from .names import Place, is_secret, looks_secret, snake
from .vault import Vault

_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9\-]*+[ \t]++(?=[^ \t])")
_SUBPROTOCOL = re.compile(rb"[^,\s]++")
_BEARING = re.compile(
    rb"(?:base64url\.bearer\.authorization\.[A-Za-z0-9\-]+(?:\.[a-z]{2,6})?\."  # Kubernetes: ….k8s.io.TOKEN
    rb"|(?:[A-Za-z0-9]+[.\-_])?(?:bearer|token|access_token|accesstoken|auth|authorization|jwt|api-?key)[.\-_:|])"
    rb"(?=[^.])",
    re.IGNORECASE,
)
_MAX_SUBPROTOCOL_NAME = 128  # bytes; what comes before a token is not longer


def redact_field(name: str, value: bytes, vault: Vault) -> bytes:
    """Replace the secrets that a header field holds because of its name."""
    match name.lower():
        case "authorization" | "proxy-authorization":
            return _credentials(snake(name), value, vault)
        case "cookie":
            return b";".join(_cookie(pair, vault) for pair in value.split(b";"))
        case "set-cookie":  # what follows are attributes (RFC 6265 section 4.1.1)
            pair, semicolon, attributes = value.partition(b";")
            return _cookie(pair, vault) + semicolon + attributes
        case "sec-websocket-protocol":
            return _subprotocols(value, vault)
        case _:
            known = vault.name(name, Place.FIELD)
            if known is None or PLACEHOLDER_BYTES.search(value) is not None or not is_secret(known, value):
                return value
            return vault.learn(known.kind, value)


def _credentials(kind: str, value: bytes, vault: Vault) -> bytes:
    """Keep the scheme (RFC 9110 section 11.4), replace all that follows."""
    scheme = _SCHEME.match(value)
    kept = b"" if scheme is None else scheme[0]
    secret = value[len(kept) :]
    if not secret or PLACEHOLDER_BYTES.fullmatch(secret):
        return value
    if kept.strip().lower() == b"basic":
        try:
            _, _, password = base64.b64decode(secret, validate=True).partition(b":")
        except binascii.Error:
            password = b""
        placeholder = vault.learn(kind, secret)
        if password:
            vault.learn("password", password)  # it may stand plainly elsewhere
        return kept + placeholder
    return kept + vault.learn(kind, secret)


def _cookie(pair: bytes, vault: Vault) -> bytes:
    """Replace the value of one ``name=value``, inside its quotes if it has some (RFC 6265 section 4.1.1)."""
    name, equals, padded = pair.partition(b"=")
    value = padded.strip(b' \t"')
    if not value or PLACEHOLDER_BYTES.fullmatch(value):
        return pair
    text = name.strip().decode("latin-1")
    # "theme=darkmode" is hidden in the cookie, but the word is not hunted through the session.
    everywhere = looks_secret(value) or vault.name(text) is not None
    label = re.sub(r"[^A-Za-z0-9_.\-]", "_", text)[:60]
    start = padded.index(value)
    placeholder = vault.learn(f"cookie.{label}", value, everywhere=everywhere)
    if everywhere and b"%" in value:
        vault.also(placeholder, unquote_to_bytes(value))
    return name + equals + padded[:start] + placeholder + padded[start + len(value) :]


def _subprotocols(value: bytes, vault: Vault) -> bytes:
    """Replace tokens in a list of subprotocols: ``bearer.TOKEN`` in one item, or ``bearer, TOKEN`` in two."""
    previous = b""

    def item(match: re.Match[bytes]) -> bytes:
        nonlocal previous
        before, previous = previous, match[0]
        if PLACEHOLDER_BYTES.search(match[0]) is not None:
            return match[0]
        bearing = _BEARING.match(match[0][:_MAX_SUBPROTOCOL_NAME])
        if bearing is not None and looks_secret(match[0][bearing.end() :]):
            return bearing[0] + vault.learn("subprotocol", match[0][bearing.end() :])
        named = vault.name(before.decode("latin-1"), Place.FIELD)
        if named is not None and looks_secret(match[0]):
            return vault.learn(named.kind, match[0])
        return match[0]

    return _SUBPROTOCOL.sub(item, value)
